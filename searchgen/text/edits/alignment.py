"""How a text came out of another: the fewest insertions, deletions and replacements of tokens (Levenshtein 1966), and which.

>>> [(step.source, step.place) for step in alignment(["the", "lazy", "dog", "ran"], ["the", "dog", "ran", "home"])]
[(0, 0), (1, None), (2, 1), (3, 2), (None, 3)]
>>> distance(["the", "lazy", "dog"], ["the", "dog", "ran"])
2
"""

from collections.abc import Sequence
from typing import NamedTuple

__all__ = ["NO_EDITS", "Held", "Step", "alignment", "distance"]

#: Spans of a source that stay untouched: the first token of each, and the token after its last.
Held = Sequence[tuple[int, int]]

#: More edits than any text has: it cannot be reached.
NO_EDITS = 1 << 30


class Step(NamedTuple):
    """One token of the source, of the text, or of both.

    Attributes:
        source: its place in the source; None: it is inserted.
        place: its place in the text; None: it is deleted.
        same: whether it is kept.
    """

    source: int | None
    place: int | None
    same: bool


def distance(source: Sequence[str], text: Sequence[str], held: Held = ()) -> int:
    """Return the fewest edits from a source to a text.

    Args:
        source: tokens, case folded.
        text: tokens, case folded.
        held: spans of the source that stay untouched.

    Returns:
        The number; `NO_EDITS` where a span is touched in any case.
    """
    return _table(source, text, held)[len(source)][len(text)]


def alignment(source: Sequence[str], text: Sequence[str], held: Held = ()) -> list[Step]:
    """Return the tokens of both texts, aligned by the fewest edits; of several ways the one that edits later.

    Args:
        source: tokens, case folded.
        text: tokens, case folded.
        held: spans of the source that stay untouched.

    Returns:
        The steps from left to right.

    Raises:
        ValueError: no edits lead to the text.
    """
    table = _table(source, text, held)
    if table[-1][-1] >= NO_EDITS:
        raise ValueError("no edits lead to the text: a held span is touched")
    bound, sealed = _bound(held)
    steps: list[Step] = []
    i, j = len(source), len(text)
    while i or j:
        here = table[i][j]
        if i and j and source[i - 1] == text[j - 1] and table[i - 1][j - 1] == here:
            i, j = i - 1, j - 1
            steps.append(Step(i, j, True))
        elif i and j and i - 1 not in bound and table[i - 1][j - 1] + 1 == here:
            i, j = i - 1, j - 1
            steps.append(Step(i, j, False))
        elif j and i not in sealed and table[i][j - 1] + 1 == here:
            j -= 1
            steps.append(Step(None, j, False))
        else:
            i -= 1
            steps.append(Step(i, None, False))
    return steps[::-1]


def _bound(held: Held) -> tuple[set[int], set[int]]:
    """The tokens of held spans, and the places before which nothing may be inserted."""
    bound = {place for begin, end in held for place in range(begin, end)}
    return bound, {place for begin, end in held for place in range(begin + 1, end)}


def _table(source: Sequence[str], text: Sequence[str], held: Held) -> list[list[int]]:
    """The fewest edits between all beginnings of both."""
    bound, sealed = _bound(held)
    table = [[0] * (len(text) + 1) for _ in range(len(source) + 1)]
    for i, row in enumerate(table):
        for j in range(len(text) + 1):
            ways = [0] if i == j == 0 else []
            if i and j and source[i - 1] == text[j - 1]:
                ways.append(table[i - 1][j - 1])
            if i and i - 1 not in bound:
                ways.append(table[i - 1][j] + 1)
                if j:
                    ways.append(table[i - 1][j - 1] + 1)
            if j and i not in sealed:
                ways.append(row[j - 1] + 1)
            row[j] = min(ways, default=NO_EDITS)
    return table
