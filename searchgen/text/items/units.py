"""Units: the words with signs of one request (`C++`, `R&D`, `No. 7`), each one token of its texts, printed as it is written.

A unit is found in a text before all else, the longest first, where it stands between borders: the edge of the text, a space, or a
sign. So texts that hold units come back from their printed form as other texts do.

    >>> from searchgen.text import text_form
    >>> form = text_form("en").with_units(Units(("C++", "node.js")))
    >>> form.tokenise_as_printed('He wrote "C++", not node.js.')
    ['He', 'wrote', '“', 'C++', '”', ',', 'not', 'node.js', '.']
    >>> form.tokenise_as_printed("C++11 and C+")
    ['C', '+', '+', '11', 'and', 'C', '+']
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from typing import Protocol
from unicodedata import category, normalize

__all__ = ["NO_UNITS", "Units", "extends"]

#: Letters of an ancient script: two of one stand for a unit while the rest of its text is read.
STAND_INS = range(0x12000, 0x12380)

JOINER = "\u200d"


class Reads(Protocol):
    """What a text form does with the rest of a text."""

    def normalise(self, text: str) -> str:
        """The text with unambiguous marks."""

    def split(self, normal: str) -> list[str]:
        """The tokens of a normalised text."""

    def bordered(self, text: str, begin: int, end: int) -> bool:
        """Whether a place of a text can be a unit's."""


@dataclass(frozen=True)
class Units:
    """What one request adds to a text form.

    Attributes:
        signs: words with signs, each found whole in a text.
        cased: other words that keep their case at the beginning of a text.
    """

    signs: tuple[str, ...] = ()
    cased: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.signs or self.cased)

    def __contains__(self, token: str) -> bool:
        """Whether a token is one of them, words with signs in any case."""
        return token in self.cased or token.casefold() in self._names

    @cached_property
    def _names(self) -> dict[str, str]:
        return {_folded(unit): unit for unit in self.signs}

    @cached_property
    def _patterns(self) -> list[re.Pattern[str]]:
        """One pattern a unit, the longest first; accents may be composed or not."""
        spelled = sorted(
            dict.fromkeys(
                spelling for unit in self.signs for spelling in (unit, *(normalize(f, unit) for f in ("NFC", "NFD")))
            ),
            key=len,
            reverse=True,
        )
        return [re.compile(r"\s+".join(map(re.escape, unit.split())), re.IGNORECASE) for unit in spelled]

    @cached_property
    def _any(self) -> re.Pattern[str]:
        return re.compile("|".join(pattern.pattern for pattern in self._patterns) or "(?!)", re.IGNORECASE)

    def occurrences(self, text: str, form: Reads) -> Iterator[tuple[int, int]]:
        """Where units stand in a text, from left to right.

        Args:
            text: any text.
            form: knows what a letter is.

        Yields:
            The begin and the end of each.
        """
        place = 0
        while match := self._any.search(text, place):
            begin = match.start()
            ends = (unit_match.end() for pattern in self._patterns if (unit_match := pattern.match(text, begin)))
            end = next((end for end in ends if form.bordered(text, begin, end)), 0)
            if end:
                yield begin, end
            place = end or begin + 1

    def read(self, text: str, form: Reads) -> list[str]:
        """The tokens of a text, units whole.

        Args:
            text: any text.
            form: reads the rest.

        Returns:
            The tokens, the first word as printed; a unit in another case than its own is spelled as in the text.
        """
        spans = list(self.occurrences(text, form)) if self.signs else []
        if not spans:
            return form.split(form.normalise(text))
        stand_in = 2 * next(letter for letter in map(chr, STAND_INS) if letter not in text)
        ends = [0, *(end for _, end in spans)]
        between = [text[end:begin] for end, (begin, _) in zip(ends, spans, strict=False)]
        tokens = form.split(form.normalise(stand_in.join([*between, text[ends[-1] :]])))
        return list(_restored(tokens, stand_in, [self._named(text[begin:end]) for begin, end in spans]))

    def _named(self, written: str) -> str:
        written = " ".join(written.split())
        unit = self._names.get(_folded(written), written)
        return unit if normalize("NFC", unit) == normalize("NFC", written) else written


NO_UNITS = Units()


def _folded(text: str) -> str:
    return normalize("NFC", text).casefold()


def _restored(tokens: Iterable[str], stand_in: str, units: list[str]) -> Iterator[str]:
    """The tokens with units for what stands in for them; one that holds more than units is one word."""
    place = count()
    for token in tokens:
        parts = token.split(stand_in)
        named = [units[next(place)] for _ in parts[1:]]
        if not any(parts):
            yield from named
        else:
            yield "".join(part + unit for part, unit in zip(parts, [*named, ""], strict=True))


def extends(character: str) -> bool:
    r"""Whether a character goes on with the sign before it: an accent, a joiner, the colour of a skin.

    Args:
        character: one.

    Returns:
        True when the two are printed as one.

    >>> extends("\u0301"), extends("\U0001f3fd"), extends("a")
    (True, True, False)
    """
    return (
        category(character)[0] == "M"
        or character in "\u200c\u200d"
        or "\U0001f3fb" <= character <= "\U0001f3ff"
        or "\U000e0020" <= character <= "\U000e007f"
    )
