"""Sentences packed into rows: each row begins anew with every sentence, which sees itself only.

A row holds, of each sentence, the begin and its pieces, and no end: that is read off the next sentence's begin. What is left of the row
is filled with ends. So nothing is computed but what predicts something, and what is left over.
"""

from bisect import bisect_left, insort
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from searchgen.kernels.randomness import key_of

__all__ = ["BEGIN", "END", "NOTHING", "pack", "rows_of_step", "targets", "visible"]

#: The ids of begin and end.
BEGIN, END = 0, 1

#: The target where there is nothing to predict.
NOTHING = -100

#: Sentences that are packed together, the longest first: enough to fill rows to the last position but one in a hundred.
TOGETHER = 4096


def pack(sentences: Sequence[Sequence[int]], length: int, seed: int) -> npt.NDArray[np.uint16]:
    """Return rows (R, length) of sentences, in an order drawn from the seed.

    Args:
        sentences: pieces, without begin and end; those that do not fit into a row are left out.
        length: positions of a row.
        seed: of the order.

    Example:
        >>> pack([[5, 6], [7], [8, 9, 9]], 5, 0).tolist()
        [[0, 8, 9, 9, 1], [0, 5, 6, 0, 7]]
    """
    fitting = [i for i, sentence in enumerate(sentences) if len(sentence) < length]
    order = torch.randperm(len(fitting), generator=_generator(seed, "packing")).tolist()
    rows: list[list[int]] = []
    for start in range(0, len(order), TOGETHER):
        window = sorted((fitting[i] for i in order[start : start + TOGETHER]), key=lambda i: -len(sentences[i]))
        rows += _packed([sentences[i] for i in window], length)
    filled = np.full((len(rows), length), END, np.uint16)
    for into, row in zip(filled, rows, strict=True):
        into[: len(row)] = row
    return filled


def _packed(sentences: Sequence[Sequence[int]], length: int) -> list[list[int]]:
    """Put each sentence into the fullest row that has room for it (best fit)."""
    rows: list[list[int]] = []
    room: list[tuple[int, int]] = []  # free positions and number of every row that has some, sorted
    for sentence in sentences:
        needed = len(sentence) + 1
        at = bisect_left(room, (needed, -1))
        if at == len(room):
            rows.append([])
            free, number = length, len(rows) - 1
        else:
            free, number = room.pop(at)
        rows[number] += [BEGIN, *sentence]
        if free > needed:
            insort(room, (free - needed, number))
    return rows


def rows_of_step(step: int, batch: int, rows: int, seed: int) -> npt.NDArray[np.int64]:
    """Return the numbers of the rows of a step: a function of step and seed, so that training can go on anywhere.

    Every pass through the text has an order of its own.

    Args:
        step: from 0.
        batch: rows of a step.
        rows: rows there are.
        seed: of the orders.
    """
    places = np.arange(step * batch, (step + 1) * batch)
    numbers = np.empty(batch, np.int64)
    for turn in np.unique(places // rows):
        here = places // rows == turn
        order = torch.randperm(rows, generator=_generator(seed, "pass", turn)).numpy()
        numbers[here] = order[places[here] % rows]
    return numbers


def targets(rows: Tensor) -> Tensor:
    """Return what each position of rows (B, L) predicts, int64: the next piece, an end after the last of a sentence, or NOTHING.

    Example:
        >>> targets(torch.tensor([[0, 8, 9, 9, 1], [0, 5, 6, 0, 7]])).tolist()
        [[8, 9, 9, 1, -100], [5, 6, 1, 7, 1]]
    """
    following = torch.cat([rows[:, 1:], torch.full_like(rows[:, :1], END)], dim=1)
    following = following.masked_fill(following == BEGIN, END)
    return following.masked_fill(rows == END, NOTHING)


def visible(rows: Tensor) -> Tensor:
    """Return what each position of rows (B, L) sees: what stands before it in its own sentence, and itself; (B, 1, L, L) bool."""
    sentence = (rows == BEGIN).cumsum(1)
    same = sentence[:, :, None] == sentence[:, None, :]
    return torch.tril(same)[:, None]


def _generator(seed: int, *purpose: object) -> torch.Generator:
    return torch.Generator().manual_seed(key_of(seed, "training", *map(str, purpose)))
