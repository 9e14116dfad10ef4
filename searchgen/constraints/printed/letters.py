"""Which letters a text may have: lipograms, texts of a few letters, univocalic texts. Case and accents do not count."""

from dataclasses import dataclass
from typing import ClassVar, Self

from searchgen.automata import Automaton
from searchgen.constraints.flags import Flag
from searchgen.constraints.printed.condition import Printed, explored
from searchgen.errors import RequestError
from searchgen.text import TextForm
from searchgen.text.printed_words import letters
from searchgen.text.printing import Alphabet

__all__ = ["ANY", "OnlyLetters", "Univocalic", "WithoutLetters", "letters_given"]

#: Stands for some letter, whichever it is.
ANY = "any"

VOWELS = "aeiou"


def letters_given(flag: str, value: str) -> str:
    """Return the letters of a value, without case and accents, in their order.

    Args:
        flag: that has the value, for the message.
        value: letters, perhaps with spaces and commas between them.

    Raises:
        RequestError: there are none, or something else is among them.

    Example:
        >>> letters_given("without-letters", "E, a")
        'ea'
    """
    odd = next((sign for sign in value if not letters(sign) and sign not in " ,，、"), None)
    if odd is not None:
        raise RequestError(f"--{flag} {value!r}: {odd!r} is no letter; give letters only")
    found = "".join(map(letters, value))
    if not found:
        raise RequestError(f"--{flag} {value!r} has no letter; give at least one")
    return found


@dataclass(frozen=True)
class _Letters(Printed):
    """What both share: a set of letters."""

    letters: str

    @classmethod
    def of(cls, value: str, form: TextForm) -> Self:
        """Return the constraint that a flag's value asks for."""
        del form
        return cls("".join(dict.fromkeys(letters_given(cls.name, value))))

    def validate(self) -> None:
        """Refuse an empty set."""
        if not self.letters:
            raise RequestError(f"--{self.name} has no letter; give at least one")

    def describe(self) -> str:
        """The letters."""
        return f"{self.name.replace('-', ' ')} {self.letters}"

    def characters(self, alphabet: Alphabet, form: str, limit: int) -> Automaton:
        """One state: a character is allowed or not."""
        allowed = [int(self.held_by(character, form)) for character in alphabet]
        return explored(allowed, 0, lambda state, is_allowed: state if is_allowed else None, lambda state: True)


@dataclass(frozen=True)
class WithoutLetters(_Letters):
    """The text has none of these letters (a lipogram); case and accents do not count.

    >>> WithoutLetters("e").held_by("A Café.", "en"), WithoutLetters("e").held_by("A dog.", "en")
    (False, True)
    """

    name: ClassVar[str] = "without-letters"
    flags: ClassVar[tuple[Flag, ...]] = (
        Flag("without-letters", str, "Letters that must not occur (a lipogram).", "LETTERS", "", ""),
    )

    def held_by(self, text: str, form: str) -> bool:
        """Whether none occurs."""
        return not set(self.letters) & set("".join(map(letters, text)))


@dataclass(frozen=True)
class OnlyLetters(_Letters):
    """The text has no letters but these; digits and marks are free.

    >>> OnlyLetters("adgo").held_by("A dog, 7.", "en"), OnlyLetters("adgo").held_by("A cat.", "en")
    (True, False)
    """

    name: ClassVar[str] = "only-letters"
    flags: ClassVar[tuple[Flag, ...]] = (
        Flag("only-letters", str, "The only letters that may occur.", "LETTERS", "", ""),
    )

    def held_by(self, text: str, form: str) -> bool:
        """Whether no other letter occurs."""
        return set("".join(map(letters, text))) <= set(self.letters)


@dataclass(frozen=True)
class Univocalic(Printed):
    """The text has one vowel only: the given one, or with `any` some one. The vowels are a, e, i, o, u.

    >>> Univocalic("any").held_by("A man ran.", "en"), Univocalic("a").held_by("The man ran.", "en")
    (True, False)
    """

    name: ClassVar[str] = "univocalic"
    flags: ClassVar[tuple[Flag, ...]] = (
        Flag("univocalic", str, "The only vowel that may occur: a, e, i, o, u or any.", "VOWEL", "", ""),
    )
    vowel: str

    @classmethod
    def of(cls, value: str, form: TextForm) -> "Univocalic":
        """Return the constraint that the flag asks for."""
        del form
        return cls(value.strip().lower())

    def validate(self) -> None:
        """Refuse what is no vowel."""
        if self.vowel != ANY and (len(self.vowel) != 1 or self.vowel not in VOWELS):
            raise RequestError(f"--univocalic {self.vowel!r}: give a, e, i, o, u or any")

    def describe(self) -> str:
        """The vowel."""
        return f"univocalic {self.vowel}"

    def characters(self, alphabet: Alphabet, form: str, limit: int) -> Automaton:
        """The state is the vowel that was read."""
        groups = ["".join(vowel for vowel in VOWELS if vowel in letters(character)) for character in alphabet]
        kinds = list(dict.fromkeys(groups))

        def step(read: str, kind: int) -> str | None:
            vowels = {*read, *kinds[kind]}
            return "".join(vowels) if len(vowels) < 2 and (self.vowel == ANY or vowels <= {self.vowel}) else None

        return explored([kinds.index(group) for group in groups], "", step, lambda read: bool(read))

    def held_by(self, text: str, form: str) -> bool:
        """Whether one vowel occurs, and no other."""
        vowels = set("".join(map(letters, text))) & set(VOWELS)
        return len(vowels) == 1 and (self.vowel == ANY or vowels == {self.vowel})
