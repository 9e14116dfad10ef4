"""Plain prose: no quotation marks and no brackets."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from searchgen.automata import ENTRY_LIMIT, Automaton, Ids
from searchgen.constraints.base import Constraint
from searchgen.vocabulary import Vocabulary

__all__ = ["Plain"]


@dataclass(frozen=True)
class Plain(Constraint):
    """The text holds no quotation mark and no bracket."""

    name: ClassVar[str] = "plain"
    repeated: ClassVar[bool] = True

    def validate(self) -> None:
        """There is nothing to refuse."""

    def describe(self) -> str:
        """Its name."""
        return "no quotation marks or brackets"

    def automaton(self, vocabulary: Vocabulary, limit: int = ENTRY_LIMIT) -> Automaton:
        """The texts without such marks.

        Args:
            vocabulary: the tokens; its form knows the marks.
            limit: not needed: there is one state.

        Returns:
            A minimal automaton.
        """
        classes = np.zeros(len(vocabulary), np.int16)
        classes[self._marks(vocabulary)] = 1
        return Automaton.of(classes, [[0, 0], [1, 0]], [False, True])

    def parts(self, ids: Ids, vocabulary: Vocabulary) -> dict[str, bool]:
        """Whether the text is plain.

        Args:
            ids: a text.
            vocabulary: its tokens.

        Returns:
            One part.
        """
        return {self.name: not np.isin(ids, self._marks(vocabulary)).any()}

    @staticmethod
    def _marks(vocabulary: Vocabulary) -> list[int]:
        pairs = vocabulary.form.brackets.items()
        found = (vocabulary.find(mark) for pair in pairs for mark in pair)
        return [token for token in found if token >= 0]
