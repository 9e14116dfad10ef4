"""The shape of a model: which n-grams are stored, and which n-gram is whose suffix.

Nodes are numbered as in `NGramTables`: the root, the unigrams, then each order in turn, children of a node contiguous
and sorted by word. So the numbers of children alone say who is whose child.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["Trie", "first_children", "parents", "sums_over_children"]

Array = npt.NDArray[Any]


class Trie(NamedTuple):
    """All stored n-grams."""

    word: Array  # (N,) int32: last word of the n-gram (root: 0)
    children: Array  # (N,) int32: number of children
    suffix: Array  # (N,) int32: its longest proper suffix that is stored (root: -1)
    starts: tuple[int, ...]  # (order + 2,): nodes of order k are starts[k] .. starts[k + 1] - 1

    @property
    def order(self) -> int:
        """The length of the longest n-grams."""
        return len(self.starts) - 2


def first_children(children: Array) -> Array:
    """Return the first child of each node, and one entry more that closes the last range.

    Example:
        >>> first_children(np.array([2, 1, 0, 0])).tolist()
        [1, 3, 4, 4, 4]
    """
    first = np.ones(len(children) + 1, dtype=np.int64)
    np.cumsum(children, out=first[1:])
    first[1:] += 1
    return first


def parents(children: Array) -> Array:
    """Return the parent of each node but the root's (entry `i` belongs to node `i + 1`).

    Example:
        >>> parents(np.array([2, 1, 0, 0])).tolist()
        [0, 0, 1]
    """
    return np.repeat(np.arange(len(children), dtype=np.int32), children)


def sums_over_children(values: Array, children: Array) -> Array:
    """Sum each context's values, given for all children of those contexts in a row.

    Example:
        >>> sums_over_children(np.array([1, 2, 4]), np.array([2, 0, 1])).tolist()
        [3, 0, 4]
    """
    sums = np.zeros(len(children), dtype=values.dtype)
    some = np.flatnonzero(children)
    if len(some):
        # reduceat adds up each range on its own, so no rounding leaks from one context into the next
        sums[some] = np.add.reduceat(values, (np.cumsum(children) - children)[some])
    return sums
