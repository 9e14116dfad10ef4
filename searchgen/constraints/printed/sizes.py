"""How large a printed text is: its words as people count them, its characters, the letters of each word."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from searchgen.automata import DEAD, START, Automaton, Ids
from searchgen.constraints.flags import Flag
from searchgen.constraints.length import MOST_WORDS
from searchgen.constraints.printed.condition import Printed, explored
from searchgen.constraints.printed.ranges import Range
from searchgen.errors import RequestError, TooLarge
from searchgen.text import TextForm
from searchgen.text.printed_words import Sort, printed_words, sort_of
from searchgen.text.printing import Alphabet
from searchgen.vocabulary import Vocabulary

__all__ = ["LONGEST_TEXT", "Characters", "PrintedWords", "WordLength"]

#: Characters of a word and of a printed text beyond which a request is a mistake.
LONGEST_WORD, LONGEST_TEXT = 50, 1000

#: Characters that a word takes with its space: few and many, which decide the window of words.
LETTERS_EACH = {"en": (4, 8), "zh": (1, 1), "raw": (2, 8)}


@dataclass(frozen=True)
class _Sized(Printed):
    """What all share: a range."""

    most: ClassVar[int]
    size: Range

    @classmethod
    def of(cls, value: str, form: TextForm) -> Self:
        """Return the constraint that a range asks for."""
        del form
        return cls(Range.of(cls.name, value, cls.most))

    def validate(self) -> None:
        """Refuse a range that is none."""
        self.size.within(self.name, self.most)

    def describe(self) -> str:
        """The range."""
        return f"{self.name} {self.size}"

    @abstractmethod
    def sizes(self, text: str, form: str) -> Sequence[int]:
        """What must lie in the range.

        Args:
            text: as it is printed.
            form: name of its text form.
        """

    def held_by(self, text: str, form: str) -> bool:
        """Whether all sizes lie in the range."""
        return all(size in self.size for size in self.sizes(text, form))

    def violations(self, ids: Ids, vocabulary: Vocabulary) -> int:
        """How many words or characters are missing or too many.

        Args:
            ids: a text.
            vocabulary: its tokens.

        Returns:
            0 inside the range.
        """
        printed = vocabulary.form.detokenise(vocabulary.decode(ids))
        return sum(map(self.size.distance, self.sizes(printed, vocabulary.form.name)))


@dataclass(frozen=True)
class PrintedWords(_Sized):
    """The number of words lies in a range; `well-known`, `24/7` and `R&D` are one each. In Chinese characters count.

    >>> PrintedWords(Range(3, 3)).held_by("A well-known dog.", "en"), PrintedWords(Range(2, 3)).held_by("天气好。", "zh")
    (True, True)
    """

    name: ClassVar[str] = "words"
    most: ClassVar[int] = MOST_WORDS

    def word_range(self, form: TextForm) -> tuple[int, int | None]:
        """The range."""
        del form
        return max(1, self.size.low), self.size.high

    def characters(self, alphabet: Alphabet, form: str, limit: int) -> Automaton:
        """The state is how many words have begun, and whether one is being read."""
        cap = self.size.cap

        def step(state: tuple[int, bool], sort: int) -> tuple[int, bool] | None:
            words, within = state
            if sort == Sort.MARK:
                return state
            if sort == Sort.SPACE:
                return words, False
            fresh = sort == Sort.ALONE or not within
            words = min(cap, words + fresh)
            return (words, sort == Sort.PLAIN) if words in self.size or words < self.size.low else None

        sorts = [sort_of(character, form) for character in alphabet]
        return explored(sorts, (0, False), step, lambda state: state[0] in self.size, limit)

    def sizes(self, text: str, form: str) -> Sequence[int]:
        """The number of words."""
        return (len(printed_words(text, form)),)


@dataclass(frozen=True)
class Characters(_Sized):
    """The number of characters of the printed text lies in a range, spaces and marks included.

    >>> Characters(Range(6, 6)).held_by("A dog.", "en")
    True
    """

    name: ClassVar[str] = "characters"
    flags: ClassVar[tuple[Flag, ...]] = (
        Flag("characters", str, "Characters of the printed text, spaces and marks included.", "A..B", "", ""),
    )
    most: ClassVar[int] = LONGEST_TEXT

    @classmethod
    def wording(cls, demands: Mapping[str, Any]) -> str:
        """Return nothing that has a language, but something where there is a range."""
        value = demands["characters"]
        return "0" if value else ""

    def word_range(self, form: TextForm) -> tuple[int, int | None]:
        """As many words as so many characters usually hold."""
        few, many = LETTERS_EACH[form.name] if form.name in LETTERS_EACH else LETTERS_EACH["raw"]
        high = self.size.high
        return max(1, self.size.low // many - 1), None if high is None else max(1, high // few)

    def characters(self, alphabet: Alphabet, form: str, limit: int) -> Automaton:
        """The state is the number of characters."""
        cap = self.size.low if self.size.high is None else self.size.high
        last = DEAD if self.size.high is not None else START + cap
        table = [[DEAD], *([START + count] for count in range(1, cap + 1)), [last]]
        if len(table) > limit:
            raise TooLarge(f"{self.describe()} needs an automaton of more than {limit:,} entries; ask for less")
        accept = [False, *(count in self.size for count in range(cap + 1))]
        return Automaton.of([0] * len(alphabet), table, accept)

    def sizes(self, text: str, form: str) -> Sequence[int]:
        """The number of characters."""
        del form
        return (len(text),)


@dataclass(frozen=True)
class WordLength(_Sized):
    """The characters of every word lie in a range, the outer marks off.

    >>> WordLength(Range(1, 4)).held_by("“Dogs ran.”", "en"), WordLength(Range(1, 4)).held_by("A well-made box.", "en")
    (True, False)
    """

    name: ClassVar[str] = "word-length"
    flags: ClassVar[tuple[Flag, ...]] = (
        Flag("word-length", str, "Characters of every word, its outer marks off.", "A..B", "", ""),
    )
    most: ClassVar[int] = LONGEST_WORD

    @classmethod
    def wording(cls, demands: Mapping[str, Any]) -> str:
        """Return nothing that has a language, but something where there is a range."""
        value = demands["word_length"]
        return "0" if value else ""

    @classmethod
    def of(cls, value: str, form: TextForm) -> Self:
        """Return the constraint that the flag asks for."""
        if form.name == "zh":
            raise RequestError("word-length is for words with letters; in Chinese each character is a word")
        return super().of(value, form)

    def characters(self, alphabet: Alphabet, form: str, limit: int) -> Automaton:
        """The state is how long the word is, and how many marks were read since, which count only if the word goes on."""
        cap = self.size.cap

        def step(state: tuple[int, int], sort: int) -> tuple[int, int] | None:
            length, marks = state
            if sort == Sort.SPACE:
                return (0, 0) if not length or length in self.size else None
            if sort == Sort.MARK:
                return (length, min(cap, marks + 1)) if length else state
            length = min(cap, length + marks + 1)
            return (length, 0) if self.size.high is None or length <= self.size.high else None

        sorts = [Sort.PLAIN if (sort := sort_of(sign, form)) == Sort.ALONE else sort for sign in alphabet]
        return explored(sorts, (0, 0), step, lambda state: not state[0] or state[0] in self.size, limit)

    def sizes(self, text: str, form: str) -> Sequence[int]:
        """The characters of each word."""
        return [len(word) for word in printed_words(text, form)]
