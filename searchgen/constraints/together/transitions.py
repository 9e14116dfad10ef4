"""A transition table of the user's own."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from searchgen.automata import DEAD, ENTRY_LIMIT, START, Automaton, Ids, trim
from searchgen.constraints.base import Constraint
from searchgen.errors import RequestError, TooLarge
from searchgen.vocabulary import Vocabulary

__all__ = ["Transitions"]


@dataclass(frozen=True)
class Transitions(Constraint):
    """Texts that lead a finite automaton from its start to acceptance.

    Attributes:
        label: name in the output.
        token_class: the class of each token string, 0 ... K - 1.
        table: S rows of K next states; row 0 is the dead state and all 0, row 1 the start.
        accept: S truth values; the first is False.

    >>> even = Transitions("even number of a", lambda t: int(t == "a"), ((0, 0), (1, 2), (2, 1)), (False, True, False))
    >>> even.describe()
    'even number of a'
    """

    name: ClassVar[str] = "transitions"
    label: str
    token_class: Callable[[str], int]
    table: tuple[tuple[int, ...], ...]
    accept: tuple[bool, ...]

    def validate(self) -> None:
        """Refuse a table that is no automaton.

        Raises:
            RequestError: sizes do not fit, a state does not exist, or the dead state lives.
        """
        widths = {len(row) for row in self.table}
        states = len(self.table)
        if states < 2 or len(widths) != 1 or len(self.accept) != states:
            raise RequestError(
                f"table {self.label!r}: {states} rows and {len(self.accept)} truth values; give at least 2 rows of equal length"
            )
        if any(self.table[DEAD]) or self.accept[DEAD]:
            raise RequestError(f"table {self.label!r}: state 0 is dead: its row is all 0, and it does not accept")
        wrong = [state for row in self.table for state in row if not 0 <= state < states]
        if wrong:
            raise RequestError(f"table {self.label!r}: state {wrong[0]} does not exist; there are 0 to {states - 1}")

    def describe(self) -> str:
        """Its label."""
        return self.label

    def automaton(self, vocabulary: Vocabulary, limit: int = ENTRY_LIMIT) -> Automaton:
        """The table over a vocabulary.

        Args:
            vocabulary: the tokens.
            limit: the most entries.

        Returns:
            A trimmed automaton.

        Raises:
            RequestError: a class does not exist.
            TooLarge: the table passes the limit.
        """
        if len(self.table) * len(self.table[0]) > limit:
            raise TooLarge(f"table {self.label!r} has more than {limit:,} entries; give a smaller one")
        return trim(Automaton.of(self._classes([*vocabulary]), self.table, self.accept))

    def _classes(self, tokens: Sequence[str]) -> list[int]:
        classes = [int(self.token_class(token)) for token in tokens]
        for token, number in zip(tokens, classes, strict=True):
            if not 0 <= number < len(self.table[0]):
                raise RequestError(f"table {self.label!r}: token {token!r} has class {number}, which has no column")
        return classes

    def parts(self, ids: Ids, vocabulary: Vocabulary) -> dict[str, bool]:
        """Whether the text is accepted.

        Args:
            ids: a text.
            vocabulary: its tokens.
        """
        state = START
        for label in self._classes(vocabulary.decode(ids)):
            state = self.table[state][label]
        return {self.label: self.accept[state]}
