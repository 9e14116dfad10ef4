"""The beginnings that texts share, each of which a network reads once.

A node is a piece behind all pieces before it. Its hidden states depend on nothing else, so texts that begin alike have nodes in common.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["FEWEST", "PrefixTree", "common_beginning", "nodes_of"]

Places = npt.NDArray[np.int64]

#: Fewest places of a text and fewest nodes: products of a single row are computed in another order, and bits would depend on the batch.
FEWEST = 2

#: Stands behind the end of a text.
NOTHING = -1


@dataclass(frozen=True, eq=False)
class PrefixTree:
    """What texts have in common from their beginnings on.

    Attributes:
        pieces: (N,) the piece of each node.
        depth: (N,) the number of pieces before it.
        node: (B, L) the nodes of each text, then any.
        cell: (N,) one place of each node, flat in (B, L).
        lengths: (B,) nodes of each text.
        at: (S,) nodes that a piece comes after, each pair of them once.
        target: (S,) that piece.
        pair: (sum of lengths,) which pair each place of each text is, text after text.
    """

    pieces: Places
    depth: Places
    node: Places
    cell: Places
    lengths: Places
    at: Places
    target: Places
    pair: Places

    @staticmethod
    def of(rows: Sequence[Sequence[int]]) -> "PrefixTree":
        """Return the tree of rows of pieces, none of them negative; the last piece of a row comes after others only.

        Example:
            >>> tree = PrefixTree.of([[7, 3, 5], [7, 4, 5], [7, 3, 6]])
            >>> tree.pieces.tolist(), tree.node.tolist(), tree.depth.tolist()
            ([7, 3, 4], [[0, 1], [0, 2], [0, 1]], [0, 1, 1])
            >>> tree.at.tolist(), tree.target.tolist(), tree.pair.tolist()
            ([0, 0, 1, 1, 2], [3, 4, 5, 6, 5], [0, 2, 1, 4, 0, 3])
        """
        lengths = np.array([max(0, len(row) - 1) for row in rows], np.int64)
        width = max(FEWEST, int(lengths.max(initial=0)))
        padded = np.full((len(rows), width + 1), NOTHING, np.int64)
        for line, row in zip(padded, rows, strict=True):
            line[: len(row)] = row
        there = np.arange(width) < lengths[:, None]
        read = np.where(there, padded[:, :-1], NOTHING)
        order = np.lexsort(read.T[::-1])
        read = read[order]
        # A node begins where a text differs, there or before, from the one that stands before it in order.
        begins = there[order]
        begins[1:] &= np.logical_or.accumulate(read[1:] != read[:-1], axis=1)
        number = np.where(begins, np.cumsum(begins).reshape(begins.shape) - 1, 0)
        node = np.empty_like(number)
        node[order] = np.maximum.accumulate(number, axis=0)
        text, depth = np.nonzero(begins)
        base = int(padded.max(initial=0)) + 1
        pairs, pair = np.unique((node * base + padded[:, 1:])[there], return_inverse=True)
        fill = (0, max(0, FEWEST - len(depth)))
        return PrefixTree(
            np.pad(read[begins], fill),
            np.pad(depth, fill),
            node,
            np.pad(order[text] * width + depth, fill),
            lengths,
            pairs // base,
            pairs % base,
            pair.reshape(-1),
        )

    def inputs(self) -> dict[str, npt.NDArray[Any]]:
        """Return what a graph reads of it, by name."""
        return {"pieces": self.pieces, "depth": self.depth, "node": self.node, "cell": self.cell}


def common_beginning(first: Sequence[int], second: Sequence[int]) -> int:
    """Return how many pieces two rows have in common from their beginnings on.

    Example:
        >>> common_beginning([7, 3, 5], [7, 3, 6, 1])
        2
    """
    pairs = zip(first, second, strict=False)
    return next((place for place, (one, other) in enumerate(pairs) if one != other), min(len(first), len(second)))


def nodes_of(rows: Sequence[Sequence[int]]) -> int:
    """Return how many nodes the tree of rows has.

    Example:
        >>> nodes_of([[7, 3, 5], [7, 4, 5], [7, 3, 6]]), nodes_of([[7]])
        (3, 0)
    """
    read: list[list[int]] = [[], *sorted(list(row[:-1]) for row in rows)]
    return sum(len(row) - common_beginning(before, row) for before, row in pairwise(read))
