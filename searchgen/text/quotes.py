"""Which way a straight quotation mark points, and which apostrophes belong to a word.

Straight marks are read by their surroundings. A text in which every quotation mark is curly is left as it is, so that
printed texts are never misread: in them a straight `'` is always part of a word.
"""

import re
from functools import cache
from unicodedata import category

__all__ = ["LEADING", "curled"]

# Words written with an apostrophe in front; elsewhere `'` before a word opens a quotation.
LEADING = (
    "tis twas twere twill twould twon't tisn't twasn't em til till cause cos bout neath gainst twixt tween round fraid "
    "spose ere im er ave ad e ow ouse orse ead eard eart elp ope ello ard arf un ud n"
)

_OPENING = re.compile(r"""
    "(?: (?<=^")                                   # at the very beginning
       | (?<=[\s(\[“‘]")(?=\S)                     # after a space or an opening mark
       | (?<=-")(?=\w)                             # --"so
       | (?<=^'")(?=\S) | (?<=[\s(\[]'")(?=\S)     # inside a single one
    )""", re.VERBOSE)  # fmt: skip
_EDGE = re.compile(r"'(?:(?![^\W_])|(?<![^\W_]'))")
_BEFORE_OPENING = frozenset(" ([“‘-")


@cache
def leading(apostrophe: str = "'") -> re.Pattern[str]:
    """The pattern of a word with an apostrophe in front (`'tis`, `'90s`).

    Args:
        apostrophe: how it is written.

    Returns:
        The compiled pattern.
    """
    words = "|".join(sorted(set(LEADING.split()), key=len, reverse=True))
    return re.compile(rf"{apostrophe}(?:{words}|\d\ds)(?![^\W_]|'[^\W_])", re.IGNORECASE)


def curled(text: str) -> str:
    """The text with curly quotation marks; every straight `'` left in it is part of a word.

    Args:
        text: a clean text, with `'` between letters wherever an apostrophe is meant.

    Returns:
        The text without straight quotation marks.

    >>> curled('''"Why," he said, "'tis the boys' 'secret'!"''')
    "“Why,” he said, “'tis the boys' ‘secret’!”"
    """
    if "''" in text:
        text = text.replace("''", '"')
    if '"' in text:
        text = _OPENING.sub("“", text).replace('"', "”")
    return _singles(text) if "'" in text and _EDGE.search(text) else text


def _singles(text: str) -> str:
    """Every `'` at the edge of a word as a quotation mark, or left as a part of the word."""
    pieces: list[str] = []
    end, opened = 0, 0
    edges = [match.start() for match in _EDGE.finditer(text)]
    for place in edges:
        mark = _single(text, place, opened > 0, place < edges[-1])
        opened += (mark == "‘") - (mark == "’" and opened > 0)
        pieces += (text[end:place], mark)
        end = place + 1
    return "".join(pieces) + text[end:]


def _single(text: str, place: int, inside: bool, edges_follow: bool) -> str:
    """One `'` at an edge, where a quotation begun with a straight mark is open (`inside`), and whether more edges follow."""
    before, after = text[place - 1 : place] or " ", text[place + 1 : place + 2] or " "
    if _in_word(before):
        # In 'the boys' hats are here' the first is no end: a small letter follows, and another candidate.
        goes_on = edges_follow and after == " " and text[place + 2 : place + 3].islower()
        return "’" if inside and not goes_on and not after.isalnum() else "'"
    if leading().match(text, place):
        return "'"
    if before in _BEFORE_OPENING:
        return " " if after == " " else "‘"
    return "’"


def _in_word(character: str) -> bool:
    return character.isalnum() or category(character)[0] == "M"
