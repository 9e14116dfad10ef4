"""Where the tokens of a text stand in it, however it spells quotation marks, dashes, dots, accents and wide signs."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple
from unicodedata import category, normalize

__all__ = ["TokenPlace", "token_places"]

#: How far before a token may stand what its text form drops: a mark on no letter, a hyphen that joins nothing.
MOST_DROPPED = 12

_ALIKE = str.maketrans(
    {
        **dict.fromkeys("“”«»„‟「」＂〝〞", '"'),
        **dict.fromkeys("‘’‚‛‹›『』＇`´", "'"),
        **dict.fromkeys("—―⸺–‐‑−－", "-"),
        **dict.fromkeys("。．", "."),
        "、": ",",
        "〈": "《",
        "〉": "》",
    }
)
_RUN = re.compile(r"\.{3,}|-{2,}")


class TokenPlace(NamedTuple):
    """The characters of a token."""

    begin: int
    end: int


class _Flat(NamedTuple):
    """The signs of a text that two spellings of it have in common, each with the place of its character."""

    signs: str
    places: list[int]


@lru_cache(maxsize=4096)
def _bare(character: str) -> str:
    """What is left of a character once width, accents, case and style of marks are gone; nothing of a space."""
    spelled = normalize("NFKD", character.translate(_ALIKE)).translate(_ALIKE).casefold()
    return "".join(sign for sign in spelled if not sign.isspace() and category(sign)[0] not in "MC")


def token_places(tokens: Sequence[str], text: str) -> list[TokenPlace] | None:
    """Return where each token stands in a text, from left to right.

    Args:
        tokens: as a text form read them.
        text: as somebody wrote it.

    Returns:
        Begin and end of each in characters; None where one of them is not found.

    Example:
        >>> text = 'Wait…  the "door" —closed'
        >>> places = token_places(["wait", "...", "the", "“", "door", "”", "--", "closed"], text)
        >>> [text[place.begin : place.end] for place in places]
        ['Wait', '…', 'the', '"', 'door', '"', '—', 'closed']
    """
    flat = _Flat("".join(map(_bare, text)), [at for at, sign in enumerate(text) for _ in _bare(sign)])
    result, at = [], 0
    for token in tokens:
        signs = "".join(map(_bare, token))
        found = _found(signs, flat.signs, at)
        if found is None:
            return None
        begin, at = found
        end = flat.places[at - 1] + 1
        while end < len(text) and not text[end].isspace() and not _bare(text[end]):
            end += 1  # accents, joiners
        result.append(TokenPlace(flat.places[begin], end))
    return result


def _found(signs: str, text: str, at: int) -> tuple[int, int] | None:
    """Where a token begins and ends; dots and dashes of any number are one."""
    if not signs:
        return None
    if _RUN.fullmatch(signs):
        begin = text.find(signs[0], at, at + MOST_DROPPED)
        end = begin
        while begin >= 0 and text[end : end + 1] == signs[0]:
            end += 1
    else:
        begin = text.find(signs, at, at + MOST_DROPPED + len(signs))
        end = begin + len(signs)
    return None if begin < 0 else (begin, end)
