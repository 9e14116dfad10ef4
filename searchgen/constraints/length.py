"""How many words a text has. Not an automaton: the guide and the chains count words beside the state."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from searchgen.automata import ENTRY_LIMIT, Automaton, Ids, anything
from searchgen.constraints.base import Constraint, Setting
from searchgen.constraints.flags import Flag
from searchgen.errors import RequestError
from searchgen.kernels.shares import JOIN, WORD
from searchgen.plain_json import brief
from searchgen.vocabulary import Vocabulary

__all__ = ["MOST_WORDS", "Length", "default_window"]

#: The most words that a text may have; beyond it is a mistake, or work for several requests.
MOST_WORDS = 200

#: Default window of words: fewest, most; and to how many a demanded word widens the upper end, and how many on top.
DEFAULT_WINDOWS = {"en": (6, 14, 3, 4), "zh": (8, 24, 3, 4), "raw": (6, 14, 3, 4)}


@dataclass(frozen=True)
class Length(Constraint):
    """The number of words (in Chinese: characters) lies between `--min-words` and `--max-words`.

    A word is what spaces part, its outer marks off: `well-known` is one.

    >>> Length(4, 8).window
    (4, 8)
    """

    name: ClassVar[str] = "words"
    flags: ClassVar[tuple[Flag, ...]] = (
        Flag(
            "min-words",
            int | None,
            "Minimum number of words (in Chinese: characters).",
            "N",
            None,
            None,
            ("--min-chars",),
            "lengths",
        ),
        Flag(
            "max-words",
            int | None,
            "Maximum number of words (in Chinese: characters).",
            "N",
            None,
            None,
            ("--max-chars",),
            "lengths",
        ),
    )
    min_words: int
    max_words: int

    @classmethod
    def check(cls, demands: Mapping[str, Any]) -> None:
        """Refuse windows that are none.

        Raises:
            RequestError: a bound is below 1 or above 200, or the lower one is above the upper one.
        """
        low, high = demands["min_words"], demands["max_words"]
        for name, value in (("--min-words (--min-chars)", low), ("--max-words (--max-chars)", high)):
            if value is not None and value < 1:
                raise RequestError(f"{name} {brief(value)}: a text has at least one word")
            if value is not None and value > MOST_WORDS:
                raise RequestError(f"{name} {brief(value)}: a text may have at most {MOST_WORDS} words")
        if low is not None and high is not None and low > high:
            raise RequestError(
                f"--min-words (--min-chars) {low} is more than --max-words (--max-chars) {high}; swap or widen them"
            )

    @classmethod
    def of_demands(cls, demands: Mapping[str, Any], setting: Setting) -> Sequence[Constraint]:
        """Return the window, the usual one widened by the words of the other constraints."""
        form, fewest, most = setting.form, demands["min_words"], demands["max_words"]
        words = sum(constraint.least_words(form) for constraint in setting.made)
        stated = [span for constraint in setting.made if (span := constraint.word_range(form)) is not None]
        if fewest is None and most is None and stated:
            return (cls(*_stated_window(stated, default_window(form.name, None, None, words))),)
        return (cls(*default_window(form.name, fewest, most, words)),)

    @classmethod
    def apart(cls, demands: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
        """Yield nothing: every request has a window."""
        del demands
        return iter(())

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
        return {f"words {self.describe().removesuffix(' words')}": self.violations(ids, vocabulary) == 0}

    def violations(self, ids: Ids, vocabulary: Vocabulary) -> int:
        """How many words are missing or too many.

        Args:
            ids: a text.
            vocabulary: its tokens.

        Returns:
            0 inside the window.
        """
        counts = vocabulary.counts[np.asarray(ids, np.int64)]
        words = int((counts == WORD).sum()) - int((counts == JOIN).sum())
        return max(self.min_words - words, words - self.max_words, 0)


def _stated_window(stated: Sequence[tuple[int, int | None]], usual: tuple[int, int]) -> tuple[int, int]:
    """The window that all constraints allow which state one; where there is none, all that some of them allow.

    >>> _stated_window([(17, 20)], (6, 14)), _stated_window([(20, None)], (6, 14)), _stated_window([(3, 4), (6, 9)], (6, 14))
    ((17, 20), (20, 28), (3, 9))
    """
    highs = [high for _, high in stated if high is not None]
    low = max([low for low, _ in stated] if highs else [usual[0], *(low for low, _ in stated)])
    high = min(highs) if highs else max(usual[1], low + usual[1] - usual[0])
    if low > high:
        low, high = min(low for low, _ in stated), max(low, *highs)
    return min(max(low, 1), MOST_WORDS), min(high, MOST_WORDS)


def default_window(form: str, fewest: int | None, most: int | None, demanded: int) -> tuple[int, int]:
    """Return the window of words: what is given, else the form's default, its upper end widened by the demanded words.

    Example:
        >>> default_window("en", None, None, 3), default_window("en", None, 4, 1), default_window("en", None, None, 8)
        ((6, 14), (4, 4), (8, 28))
    """
    low, high, words_each, words_more = DEFAULT_WINDOWS[form]
    high = max(high, words_each * demanded + words_more)
    low = max(low, demanded)
    if fewest is not None:
        low, high = fewest, max(high, fewest + high - low)
    if most is not None:
        low, high = (low if fewest is not None else min(low, most)), most
    return min(low, MOST_WORDS), min(high, MOST_WORDS)
