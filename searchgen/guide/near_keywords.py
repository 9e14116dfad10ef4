"""Long contexts where they matter for a look-ahead: those that lead to a demanded word within a few words.

Any set of contexts that is closed under dropping the first or the last word makes a guide that is exact for a law of its own, so which
ones are kept costs variance only, never exactness. All contexts of order 2 stay; longer ones are kept if they store a demanded word or
end with one, or lead to such a context of at least three words by a stored word, and so on backwards.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from searchgen.guide.state_layout import StateLayout
from searchgen.lm.ngram.tables import BEGIN, END, NGramTables
from searchgen.problem import Problem

__all__ = ["near_nodes"]

Array = npt.NDArray[np.int64]

#: Tokens of classes of words at most so large are demanded ones.
RARE = 20

#: Shorter contexts lead everywhere, so nothing is gained by what leads to them.
SHORTEST = 3

#: No step back begins with more contexts than this.
MOST = 400_000

#: Demanded words are looked for in so many places at most, the rare ones first: common words are in sight of order 2.
MOST_PLACES = 30_000


def near_nodes(
    problem: Problem, layout: StateLayout, base: Array, starts: Sequence[int], steps: int, most_contexts: float = np.inf
) -> Array:
    """Return the contexts of a guide: those of order 2, and longer ones near demanded words.

    Args:
        problem: the target.
        layout: its classes.
        base: nodes of the contexts of order 2.
        starts: first node of each depth short enough for a context, and the first one that is too deep.
        steps: how many words ahead a demanded word is looked for: 1 takes the contexts that store it.
        most_contexts: how many contexts there is memory for beside those of order 2.
    """
    tables, classes = problem.ngram, layout.classes
    cls = classes.cls[: len(tables.alias_p)].astype(np.int64)
    live = cls >= 0
    live[: END + 1] = False
    demanded = live & classes.word[cls] & (classes.count[cls] <= RARE)
    limit, last = starts[-1], int(tables.node["first"][starts[-1]])
    hit = _rarest(tables, demanded, last, min(MOST_PLACES, most_contexts / 2))
    chosen = np.union1d(_parents(tables, starts, hit), hit[hit < limit])
    long = starts[min(SHORTEST, len(starts) - 2)]
    marked = chosen[chosen >= long]
    for _ in range(steps - 1):
        if len(marked) == 0 or (chosen >= long).sum() > min(MOST, most_contexts):
            break
        near = np.zeros(limit + 1, np.bool_)  # the last stands for all that are too deep
        near[marked] = True
        before = np.flatnonzero(near[np.minimum(tables.node["suffix"][:last], limit)])
        before = np.append(_parents(tables, starts, before), _parents(tables, starts, marked))
        marked = np.setdiff1d(before[before >= long], chosen)
        chosen = np.union1d(chosen, marked)
    return _closed(tables, base, chosen, starts, live)


def _rarest(tables: NGramTables, demanded: npt.NDArray[np.bool_], last: int, most: float) -> Array:
    """Return the nodes before `last` that end with demanded words: all nodes of a word or none, and at most `most` of all."""
    hit = np.flatnonzero(demanded[tables.word[:last]])
    count = np.bincount(tables.word[hit], minlength=len(demanded))
    rare = np.argsort(count, kind="stable")
    kept = np.zeros(len(demanded), np.bool_)
    kept[rare] = np.cumsum(count[rare]) <= most
    return np.asarray(hit[kept[tables.word[hit]]])


def _parents(tables: NGramTables, starts: Sequence[int], nodes: Array) -> Array:
    """Return the node of which each node is a child, found by bisection: few records of a large model are read."""
    low, high = np.zeros(len(nodes), np.int64), np.full(len(nodes), starts[-1], np.int64)
    while (high - low > 1).any():
        middle = (low + high) // 2
        after = tables.node["first"][middle] <= nodes
        low, high = np.where(after, middle, low), np.where(after, high, middle)
    return low


def _closed(
    tables: NGramTables, base: Array, nodes: Array, starts: Sequence[int], live: npt.NDArray[np.bool_]
) -> Array:
    """Return base and nodes without those that hold dead words, with all that dropping a first or last word leaves of them."""
    reached = good = np.union1d(base, [0])
    while len(nodes):
        nodes = np.setdiff1d(nodes, reached)
        reached = np.union1d(reached, nodes)
        nodes = np.union1d(_parents(tables, starts, nodes), tables.node["suffix"][nodes])
    first = tables.node["first"]
    new = np.setdiff1d(reached, good)
    fits = (live[tables.word[new]] | (new == 1 + BEGIN)) & (first[new + 1] > first[new])
    new = new[fits]
    for low, high in pairwise(starts[1:]):
        here = new[(low <= new) & (new < high)]
        closed = np.isin(_parents(tables, starts, here), good) & np.isin(tables.node["suffix"][here], good)
        good = np.union1d(good, here[closed])
    return good[1:]
