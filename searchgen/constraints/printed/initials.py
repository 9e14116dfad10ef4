"""The first and last letters of words: acrostics by word, and alliteration. Case and accents do not count."""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple, Self

from searchgen.automata import Automaton
from searchgen.constraints.flags import Flag
from searchgen.constraints.length import MOST_WORDS
from searchgen.constraints.printed.condition import Printed, explored
from searchgen.constraints.printed.letters import ANY, letters_given
from searchgen.errors import RequestError
from searchgen.text import TextForm
from searchgen.text.printed_words import Sort, letters, printed_words, sort_of
from searchgen.text.printing import Alphabet

__all__ = ["AcrosticWords", "Alliteration", "LastLetters"]

#: Sorts of characters beside the letters: a space, what is no part of a word at its edge, and the rest.
SPACE, MARK, SIGN = range(3)

#: Stands for all letters that are not asked for.
OTHER = "*"


class _Read(NamedTuple):
    """What was read of a text whose words are looked at one by one."""

    words: int  # that are complete
    within: bool  # a word
    letter: str  # of the word that counts, so far


def _sorts(alphabet: Alphabet, form: str, wanted: str = "") -> tuple[list[int], list[str]]:
    """The sort of each character, and the letters that the sorts from `SIGN` on stand for; all that are not wanted are one."""
    spelled = {"": SIGN}
    others = OTHER if wanted else ""
    sorts = []
    for character in alphabet:
        sort = sort_of(character, form)
        if sort in (Sort.SPACE, Sort.MARK):
            sorts.append(SPACE if sort == Sort.SPACE else MARK)
        else:
            read = letters(character)
            read = read if not others or {*read} & {*wanted} or not read else others
            sorts.append(spelled.setdefault(read, SIGN + len(spelled)))
    return sorts, ["", "", *spelled]


@dataclass(frozen=True)
class _Spelled(Printed):
    """What both share: one letter of each word, in the order of the words, spells a word."""

    last: ClassVar[bool]
    spelled: str

    @classmethod
    def of(cls, value: str, form: TextForm) -> Self:
        """Return the constraint that a flag's value asks for."""
        if form.name == "zh":
            raise RequestError(f"--{cls.name} is for words with letters; in Chinese each character is a word")
        return cls(letters_given(cls.name, value))

    def validate(self) -> None:
        """Refuse nothing, and more letters than a text has words."""
        if not 1 <= len(self.spelled) <= MOST_WORDS:
            raise RequestError(f"--{self.name}: give 1 to {MOST_WORDS} letters, one for each word")

    def describe(self) -> str:
        """The word that is spelled."""
        return f"{self.name.replace('-', ' ')} {self.spelled}"

    def word_range(self, form: TextForm) -> tuple[int, int | None]:
        """A word for each letter."""
        del form
        return len(self.spelled), len(self.spelled)

    def characters(self, alphabet: Alphabet, form: str, limit: int) -> Automaton:
        """The state is how many words were read, and the letter of the one being read."""
        sorts, spelled = _sorts(alphabet, form, self.spelled)

        def after_word(read: _Read) -> _Read | None:
            fits = read.words < len(self.spelled) and read.letter == self.spelled[read.words]
            return _Read(read.words + 1, within=False, letter="") if fits else None

        def step(read: _Read, sort: int) -> _Read | None:
            if sort == SPACE:
                return after_word(read) if read.within else read
            if sort == MARK or not spelled[sort]:
                return read if sort == MARK else read._replace(within=True)
            if self.last:
                return read._replace(within=True, letter=spelled[sort][-1])
            letter = read.letter or spelled[sort][0]
            fits = read.words < len(self.spelled) and letter == self.spelled[read.words]
            return read._replace(within=True, letter=letter) if fits else None

        def accepts(read: _Read) -> bool:
            end = after_word(read) if read.within else read
            return end is not None and end.words == len(self.spelled)

        return explored(sorts, _Read(0, within=False, letter=""), step, accepts, limit)

    def held_by(self, text: str, form: str) -> bool:
        """Whether the letters are those, each word having one."""
        place = -1 if self.last else 0
        found = ["".join(map(letters, word)) for word in printed_words(text, form)]
        return all(found) and [word[place] for word in found] == [*self.spelled]


@dataclass(frozen=True)
class AcrosticWords(_Spelled):
    """The first letters of the words spell a word, one word for each letter.

    >>> AcrosticWords("moon").held_by("My old “open” night.", "en"), AcrosticWords("moon").held_by("My old owl.", "en")
    (True, False)
    """

    name: ClassVar[str] = "acrostic-words"
    flags: ClassVar[tuple[Flag, ...]] = (
        Flag("acrostic-words", str, "A word that the first letters of the words spell.", "WORD", "", ""),
    )
    last: ClassVar[bool] = False


@dataclass(frozen=True)
class LastLetters(_Spelled):
    """The last letters of the words spell a word, one word for each letter.

    >>> LastLetters("set").held_by("Cats are great!", "en"), LastLetters("set").held_by("Cats are big!", "en")
    (True, False)
    """

    name: ClassVar[str] = "last-letters"
    flags: ClassVar[tuple[Flag, ...]] = (
        Flag("last-letters", str, "A word that the last letters of the words spell.", "WORD", "", ""),
    )
    last: ClassVar[bool] = True


@dataclass(frozen=True)
class Alliteration(Printed):
    """Every word begins with the same letter: the given one, or with `any` some one.

    >>> Alliteration("any").held_by("Big bad bears!", "en"), Alliteration("s").held_by("She was sad.", "en")
    (True, False)
    """

    name: ClassVar[str] = "alliteration"
    flags: ClassVar[tuple[Flag, ...]] = (
        Flag(
            "alliteration", str, "The first letter of every word: a letter, or any for the same one.", "LETTER", "", ""
        ),
    )
    letter: str

    @classmethod
    def of(cls, value: str, form: TextForm) -> "Alliteration":
        """Return the constraint that the flag asks for."""
        if form.name == "zh":
            raise RequestError("--alliteration is for words with letters; in Chinese each character is a word")
        return cls(ANY if value.strip().lower() == ANY else letters_given(cls.name, value))

    def validate(self) -> None:
        """Refuse several letters."""
        if self.letter != ANY and len(self.letter) != 1:
            raise RequestError(f"--alliteration {self.letter!r}: give one letter, or any")

    def describe(self) -> str:
        """The letter."""
        return f"alliteration {self.letter}"

    def characters(self, alphabet: Alphabet, form: str, limit: int) -> Automaton:
        """The state is the letter of all words so far, whether a word is being read, and whether it had a letter."""
        sorts, spelled = _sorts(alphabet, form)
        wanted = "" if self.letter == ANY else self.letter

        def step(state: tuple[str, bool, bool], sort: int) -> tuple[str, bool, bool] | None:
            letter, within, begun = state
            if sort == SPACE:
                return (letter, False, False) if begun or not within else None
            if sort == MARK or begun:
                return state
            if not spelled[sort]:
                return letter, True, False
            fits = letter in ("", spelled[sort][0])
            return (spelled[sort][0], True, True) if fits else None

        return explored(sorts, (wanted, False, False), step, lambda state: state[2] or not state[1], limit)

    def held_by(self, text: str, form: str) -> bool:
        """Whether all words begin so."""
        found = ["".join(map(letters, word))[:1] for word in printed_words(text, form)]
        return all(found) and len({*found}) < 2 and (self.letter == ANY or {*found} <= {self.letter})
