"""How many words a text has. Not an automaton: the guide and the chains count words beside the state."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from searchgen.automata import ENTRY_LIMIT, Automaton, Ids, anything
from searchgen.constraints.base import Constraint
from searchgen.errors import RequestError
from searchgen.vocabulary import Vocabulary

__all__ = ["Length"]


@dataclass(frozen=True)
class Length(Constraint):
    """At least `min_words` and at most `max_words` words; punctuation does not count.

    >>> Length(4, 8).window
    (4, 8)
    """

    name: ClassVar[str] = "length"
    min_words: int
    max_words: int

    @property
    def window(self) -> tuple[int, int]:
        """The fewest and the most words."""
        return self.min_words, self.max_words

    def validate(self) -> None:
        """Refuse empty windows.

        Raises:
            RequestError: a number is negative, no word is allowed, or the fewest exceed the most.
        """
        if self.min_words < 0 or self.max_words < 1:
            raise RequestError(f"lengths of {self.min_words} to {self.max_words} words; a text has at least one word")
        if self.min_words > self.max_words:
            raise RequestError(
                f"at least {self.min_words} words but at most {self.max_words}; raise one or lower the other"
            )

    def describe(self) -> str:
        """The window.

        >>> Length(4, 8).describe(), Length(5, 5).describe()
        ('4 to 8 words', '5 words')
        """
        low, high = self.window
        return f"{low} words" if low == high else f"{low} to {high} words"

    def automaton(self, vocabulary: Vocabulary, limit: int = ENTRY_LIMIT) -> Automaton:
        """Every text: words are counted elsewhere.

        Args:
            vocabulary: the tokens.
            limit: not used.

        Returns:
            The automaton that accepts everything.
        """
        return anything(len(vocabulary))

    def parts(self, ids: Ids, vocabulary: Vocabulary) -> dict[str, bool]:
        """Whether the number of words lies in the window.

        Args:
            ids: a text.
            vocabulary: its tokens.

        Returns:
            One part.
        """
        return {f"length {self.describe()}": self.violations(ids, vocabulary) == 0}

    def violations(self, ids: Ids, vocabulary: Vocabulary) -> int:
        """How many words are missing or too many.

        Args:
            ids: a text.
            vocabulary: its tokens.

        Returns:
            0 inside the window.
        """
        words = int(vocabulary.is_word[np.asarray(ids, np.int64)].sum())
        return max(self.min_words - words, words - self.max_words, 0)
