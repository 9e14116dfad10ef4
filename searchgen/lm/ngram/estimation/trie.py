"""The shape of a model: which n-grams are stored, and which n-gram is whose suffix.

Nodes are numbered as in `NGramTables`: the root, the unigrams, then each order in turn, children of a node contiguous
and sorted by word. So the numbers of children alone say who is whose child.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["Siblings", "Trie", "first_children", "parents", "siblings"]

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


class Siblings(NamedTuple):
    """How the nodes of one order are grouped under those contexts of the order below that have children."""

    context: Array  # (m,): the contexts, numbered within their order
    size: Array  # (m,): number of children of each
    eldest: Array  # (m,): first child of each, numbered within its order

    def sums(self, values: Array) -> Array:
        """Add up the values of each context's children. No rounding leaks from one context into the next."""
        if not len(self.eldest):
            return np.zeros(0, dtype=values.dtype)
        wide = np.int64 if values.dtype.kind in "iu" else None
        sums: Array = np.add.reduceat(values, self.eldest, dtype=wide)
        return sums

    def spread(self, values: Array) -> Array:
        """Give each context's value to all its children."""
        return np.repeat(values, self.size)


def siblings(children: Array) -> Siblings:
    """Group nodes by the numbers of children of the contexts one order below.

    Example:
        >>> groups = siblings(np.array([2, 0, 1]))
        >>> groups.sums(np.array([1, 2, 4])).tolist(), groups.spread(np.array([7, 8])).tolist()
        ([3, 4], [7, 7, 8])
    """
    context = np.flatnonzero(children)
    size = children[context]
    return Siblings(context, size, np.cumsum(size) - size)
