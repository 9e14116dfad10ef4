"""The words of a printed text, as people count them, and the letters of its characters.

A word is what spaces part, its outer marks off: `well-known`, `don't`, `24/7` and `R&D` are one each. In Chinese each ideograph is one,
and each run of other letters, digits and signs. A letter counts without case and accents.
"""

import re
from enum import IntEnum
from functools import cache
from unicodedata import combining, normalize

from searchgen.text.chinese import HAN

__all__ = ["MARKS", "Sort", "core", "letters", "printed_words", "sort_of"]

#: Signs that are no part of a word at its edges; in Chinese they part words.
MARKS = frozenset('.,;:!?…"“”‘’()[]-–—。，、；：！？（）《》「」『』【】〈〉·')

#: The same, as `str.strip` takes them.
_OUTER = "".join(sorted(MARKS))

#: In Chinese these part runs of letters and digits only where they are full-width.
_WIDE_MARKS = frozenset(mark for mark in MARKS if mark > "\x7f")


class Sort(IntEnum):
    """What a character is to the words of a text."""

    SPACE = 0
    MARK = 1
    PLAIN = 2  # of a word
    ALONE = 3  # a word of its own


def sort_of(character: str, form: str) -> Sort:
    """What a character is to the words of a text.

    Args:
        character: one.
        form: name of the text form.

    Example:
        >>> sort_of("-", "en"), sort_of("天", "zh")
        (<Sort.MARK: 1>, <Sort.ALONE: 3>)
    """
    if character == " ":
        return Sort.SPACE
    if form != "zh":
        return Sort.MARK if character in MARKS else Sort.PLAIN
    if _han().fullmatch(character):
        return Sort.ALONE
    return Sort.SPACE if character in _WIDE_MARKS else Sort.PLAIN


def printed_words(text: str, form: str = "en") -> list[str]:
    """The words of a printed text.

    Args:
        text: as it is printed.
        form: name of its text form.

    Example:
        >>> printed_words("“Well-known,” he said -- at 5 a.m.")
        ['Well-known', 'he', 'said', 'at', '5', 'a.m']
        >>> printed_words("我用iPhone 4。", "zh")
        ['我', '用', 'iPhone', '4']
    """
    if form == "zh":
        return _chinese().findall(text)
    return [word for word in map(core, text.split(" ")) if word]


def core(part: str) -> str:
    """What spaces part, its outer marks off.

    Example:
        >>> core("(don't,"), core("C++."), core("--")
        ("don't", 'C++', '')
    """
    return part.strip(_OUTER)


def letters(character: str) -> str:
    """The letters of a character, without case and accents; empty for what is no letter.

    Example:
        >>> letters("É"), letters("ß"), letters("7")
        ('e', 'ss', '')
    """
    if character.isascii():
        return character.lower() if character.isalpha() else ""
    plain = "".join(part for part in normalize("NFD", character) if not combining(part))
    return "".join(part for part in plain.casefold() if part.isalpha())


@cache
def _han() -> re.Pattern[str]:
    return re.compile(f"[{HAN}]")


@cache
def _chinese() -> re.Pattern[str]:
    return re.compile(f"[{HAN}]|[^{HAN} {re.escape(''.join(sorted(_WIDE_MARKS)))}]+")
