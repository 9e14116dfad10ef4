"""Terms of a target that forbid nothing: each unit of a measure of the text costs so many nats.

log density(x) = log density without the term(x) - weight * measure(x)
"""

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from searchgen.automata import ENTRY_LIMIT, Automaton, Ids, anything
from searchgen.constraints.base import Constraint
from searchgen.vocabulary import Vocabulary

__all__ = ["Soft"]


class Soft(Constraint):
    """A term that charges texts, and excludes none.

    Attributes:
        weight: nats for each unit of the measure.
    """

    black_box: ClassVar[bool] = True
    weight: float

    @abstractmethod
    def measure(self, ids: Ids, vocabulary: Vocabulary) -> float:
        """How far a text is from what is wanted.

        Args:
            ids: a text.
            vocabulary: its tokens.

        Returns:
            0 or more.
        """

    def measure_of(self, texts: Sequence[Ids], vocabulary: Vocabulary) -> Sequence[float]:
        """The measures of many texts, for terms that take those of many at less cost than one by one.

        Args:
            texts: any number.
            vocabulary: their tokens.

        Returns:
            What `measure` returns for each.
        """
        return [self.measure(ids, vocabulary) for ids in texts]

    @classmethod
    def apart(cls, demands: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
        """Yield nothing: it excludes no text."""
        del demands
        return iter(())

    def automaton(self, vocabulary: Vocabulary, limit: int = ENTRY_LIMIT) -> Automaton:
        """Every text.

        Args:
            vocabulary: the tokens.
            limit: not used.

        Returns:
            The automaton that accepts everything.
        """
        return anything(len(vocabulary))

    def parts(self, ids: Ids, vocabulary: Vocabulary) -> dict[str, bool]:
        """Nothing: there is nothing to satisfy.

        Args:
            ids: a text.
            vocabulary: its tokens.

        Returns:
            No part.
        """
        del ids, vocabulary
        return {}
