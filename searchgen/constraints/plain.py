"""Plain prose: no quotation marks and no brackets."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from searchgen.automata import ENTRY_LIMIT, Automaton, Ids
from searchgen.constraints.base import Constraint, Setting
from searchgen.constraints.flags import Flag
from searchgen.vocabulary import Vocabulary

__all__ = ["Plain"]


@dataclass(frozen=True)
class Plain(Constraint):
    """The text has no quotation marks and no brackets; `--quotes` allows them."""

    name: ClassVar[str] = "quotes"
    flags: ClassVar[tuple[Flag, ...]] = (Flag("quotes", bool, "Allow quotation marks and brackets.", "", False, True),)
    repeated: ClassVar[bool] = True

    @classmethod
    def of_demands(cls, demands: Mapping[str, Any], setting: Setting) -> Sequence[Constraint]:
        """Return the constraint, unless such marks are allowed, or one is demanded."""
        marks = {mark for pair in setting.form.brackets.items() for mark in pair}
        demanded = {token for constraint in setting.made for token in constraint.demanded()}
        return () if demands["quotes"] or marks & demanded else (cls(),)

    @classmethod
    def apart(cls, demands: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
        """Yield the one part, by what it demands."""
        if not demands["quotes"]:
            yield "no quotes", {"quotes": False}, {"quotes": True}

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
        return {"no quotes": not np.isin(ids, self._marks(vocabulary)).any()}

    @staticmethod
    def _marks(vocabulary: Vocabulary) -> list[int]:
        pairs = vocabulary.form.brackets.items()
        ids = (vocabulary.find(mark) for pair in pairs for mark in pair)
        return [token for token in ids if token >= 0]
