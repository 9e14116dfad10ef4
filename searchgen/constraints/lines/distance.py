"""How many characters the lines of texts miss or have too many: what a search charges for lines of so many characters.

The lines from the last to the first, for all texts at once: `after[b, i]` is the least for the rest of text b from its piece i on.

    after_k[b, i] = min over j of  missing(line of the pieces i to j) + after_(k + 1)[b, j + 1]
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from searchgen.constraints.lines.shape import Piece, Shape, pieces_of
from searchgen.constraints.printed.ranges import Range

__all__ = ["distances"]

Numbers = npt.NDArray[np.int64]


def distances(shape: Shape, texts: Sequence[str], form: str) -> list[int]:
    """Return how many characters the lines of each text miss or have too many, in the division where these are fewest.

    A text that has no division into so many lines, whatever their characters, misses all that it has and one more.

    Args:
        shape: of the lines.
        texts: as they are printed in one line.
        form: name of the text form.

    Example:
        >>> distances(Shape(2, Range(1, None), characters=Range(5, 7)), ["The cat sat down.", "Oh!"], "en")
        [2, 4]
    """
    rows = [pieces_of(text, form) for text in texts]
    none = np.array([len(text) + 1 for text in texts])  # (B,)
    most = max(map(len, rows), default=0)
    if not most:
        return [*map(int, none)]
    short = _short(shape, rows, none)  # (B, n, n)
    after = np.repeat(none[:, None], most + 1, axis=1)  # (B, n + 1)
    after[np.arange(len(rows)), list(map(len, rows))] = 0
    for number in reversed(range(shape.count)):
        allowed = short
        if shape.letters or any(held.line == number for held in shape.held):
            allowed = np.where(_mask(shape, rows, number, form), short, none[:, None, None])
        after[:, :-1] = (allowed + after[:, None, 1:]).min(axis=2)
        after[:, -1] = none
    return [*map(int, np.where(list(map(bool, rows)), np.minimum(after[:, 0], none), none))]


def _short(shape: Shape, rows: Sequence[Sequence[Piece]], none: Numbers) -> Numbers:
    """Return (B, n, n) how many characters a line from a piece to another misses or has too many; `none`: its words are not allowed."""
    most = max(map(len, rows))
    starts, ends, words = np.zeros((3, len(rows), most), np.int64)
    sizes = np.array(list(map(len, rows)))
    there = np.arange(most) < sizes[:, None]
    flat = [piece for pieces in rows for piece in pieces]
    starts[there], ends[there], words[there] = np.array([piece[:3] for piece in flat]).T
    through = np.cumsum(words, axis=1)
    words, length = through[:, None, :] - (through - words)[:, :, None], ends[:, None, :] - starts[:, :, None]
    allowed = (words >= max(1, shape.words.low)) & (ends > 0)[:, None, :]
    if shape.words.high is not None:
        allowed &= words <= shape.words.high
    sized = shape.characters or Range(0, None)
    missing = np.maximum(sized.low - length, 0)
    if sized.high is not None:
        missing = np.maximum(missing, length - sized.high)
    return np.where(allowed, missing, none[:, None, None])


def _mask(shape: Shape, rows: Sequence[Sequence[Piece]], number: int, form: str) -> npt.NDArray[np.bool_]:
    """Return (B, n, n) whether a line, its characters aside, may go from a piece to another."""
    most, free = max(map(len, rows)), replace(shape, characters=None)
    mask = np.zeros((len(rows), most, most), np.bool_)
    for row, pieces in enumerate(rows):
        for at in range(len(pieces)):
            mask[row, at, [end - 1 for end in free.ends(pieces, number, at, form)]] = True
    return mask
