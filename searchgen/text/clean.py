"""Characters before tokens: one composition of accents, plain spaces, nothing that cannot be printed."""

import re
from functools import cache
from unicodedata import category, normalize

__all__ = ["clean", "marks"]

DIGIT_FORMS = 0xFF10  # full-width 0


class _Table(dict[int, "int | str | None"]):
    """What becomes of each character, looked up once: joiners go, other controls and spaces become a space.

    So do lone surrogates, private and unassigned characters. Combining marks outside the alphabets below U+1100 go too.
    """

    def __missing__(self, code: int) -> "int | str | None":
        kind, same = category(chr(code)), code
        result: int | str | None = same
        if kind == "Cf" or (kind[0] == "M" and chr(code) not in marks()):
            result = None
        elif kind[0] in "CZ":
            result = " "
        self[code] = result
        return result


_TABLE = _Table()


@cache
def marks() -> str:
    """All combining marks that may stand inside a word, in one string.

    Returns:
        The accents, vowel signs and points of the alphabets below U+1100, and the two voicing marks of kana.
    """
    return "".join(mark for mark in map(chr, range(0x300, 0x1100)) if category(mark)[0] == "M") + "\u3099\u309a"


@cache
def _orphan(letter: str) -> re.Pattern[str]:
    return re.compile(f"(?<!{letter})(?<![{marks()}])[{marks()}]+")


def clean(text: str, letter: str = r"[^\W_]") -> str:
    r"""The text in composed form (NFC), without characters that cannot be printed and marks that sit on no letter.

    Args:
        text: any text.
        letter: the pattern of a character that can carry combining marks.

    Returns:
        The clean text; its only white space is U+0020.

    >>> clean("cafe\u0301\tau\x00 lait")
    'café au  lait'
    """
    if text.isascii():
        return text if text.isprintable() else text.translate(_TABLE)
    # twice: some characters have no composed form and leave marks behind, and what goes may bring others together
    text = normalize("NFC", normalize("NFC", text).translate(_TABLE))
    return _orphan(letter).sub("", text)
