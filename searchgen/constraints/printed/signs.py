"""Sets of characters of an alphabet, as parts of expressions over the printed text."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from searchgen.automata.expressions import Alt, Chars, Expression, Many, Seq
from searchgen.text.printed_words import Sort, sort_of
from searchgen.text.printing import Alphabet

__all__ = ["Signs"]


@dataclass(frozen=True, eq=False)
class Signs:
    """The characters of an alphabet, by what they are to the words of a text form.

    Attributes:
        alphabet: the characters.
        form: name of the text form.
    """

    alphabet: Alphabet
    form: str

    def those(self, test: Callable[[str], bool]) -> Chars:
        """One character that passes a test."""
        return Chars(np.fromiter(map(test, self.alphabet), np.bool_, len(self.alphabet)))

    @cached_property
    def _sorts(self) -> list[Sort]:
        return [sort_of(character, self.form) for character in self.alphabet]

    def of(self, *sorts: Sort) -> Chars:
        """One character of some sorts."""
        return Chars(np.array([sort in sorts for sort in self._sorts]))

    def literal(self, text: str) -> Expression:
        """A text as it stands."""
        return Seq(tuple(self.those(character.__eq__) for character in text))

    def words(self, least: int, most: int | None) -> Expression:
        """Some words of a text whose words spaces part, at least one: marks may stand between them, and not around them."""
        space, mark = self.of(Sort.SPACE), self.of(Sort.MARK)
        plain = self.of(Sort.PLAIN, Sort.ALONE)
        solid = self.of(Sort.PLAIN, Sort.ALONE, Sort.MARK)
        word = Seq((plain, Many(Seq((Many(solid, 0, None), plain)), 0, 1)))
        marks = Many(mark, 0, None)
        between = Seq((marks, space, Many(Seq((mark, marks, space)), 0, None), marks))
        return Seq((word, Many(Seq((between, word)), max(least, 1) - 1, None if most is None else most - 1)))

    def ideographs(self, least: int, most: int | None) -> Expression:
        """Some characters of a Chinese text, at least one, none of them a mark or a space."""
        return Many(self.of(Sort.PLAIN, Sort.ALONE), max(least, 1), most)

    @staticmethod
    def maybe(part: Expression) -> Expression:
        """An expression, or nothing."""
        return Many(part, 0, 1)

    def any_of(self, texts: tuple[str, ...]) -> Expression:
        """One of some texts, as they stand."""
        return Alt(tuple(map(self.literal, texts)))
