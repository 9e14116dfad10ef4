"""Long contexts where they matter for a look-ahead: those that lead to a demanded word within a few words.

Any set of contexts that is closed under dropping the first or the last word makes a guide that is exact for a law of its own, so which
ones are kept costs variance only, never exactness. All contexts of order 2 stay; longer ones are kept if they store a demanded word or
end with one, or lead to such a context of at least three words by a stored word, and so on backwards.
"""

import numpy as np
import numpy.typing as npt

from searchgen.guide.frame import Frame
from searchgen.lm.ngram.tables import BEGIN, END
from searchgen.problem import Problem

__all__ = ["near_nodes"]

Array = npt.NDArray[np.int64]

#: Tokens of classes of words at most so large are demanded ones.
RARE = 20

#: Shorter contexts lead everywhere, so nothing is gained by what leads to them.
SHORTEST = 3

#: No step back begins with more contexts than this.
MOST = 400_000


def near_nodes(problem: Problem, frame: Frame, base: Array, depth: npt.NDArray[np.int8], steps: int) -> Array:
    """Return the contexts of a guide: those of order 2, and longer ones near demanded words.

    Args:
        problem: the target.
        frame: its classes.
        base: nodes of the contexts of order 2.
        depth: (n,) depth of the nodes short enough to be contexts.
        steps: how many words ahead a demanded word is looked for: 1 takes the contexts that store it.
    """
    tables, classes = problem.ngram, frame.classes
    count, limit, size = len(tables.word), len(depth), len(tables.alias_p)
    first = tables.node["first"][: count + 1].astype(np.int64)
    children: Array = first[1:] - first[:-1]
    parent = np.append(0, np.repeat(np.arange(count), children))[:count]
    suffix = tables.node["suffix"][:count].astype(np.int64)
    cls = classes.cls[:size].astype(np.int64)
    live = cls >= 0
    live[: END + 1] = False
    demanded = live & classes.word[cls] & (classes.count[cls] <= RARE)
    hit = np.flatnonzero(demanded[tables.word])
    chosen = np.zeros(limit, np.bool_)
    chosen[parent[hit]] = True
    chosen[hit[hit < limit]] = True
    long = depth >= min(SHORTEST, int(depth.max()))
    marked = chosen & long
    for _ in range(steps - 1):
        if (chosen & long).sum() > MOST:
            break
        before = np.zeros(limit, np.bool_)
        before[parent[(suffix < limit) & marked[np.minimum(suffix, limit - 1)]]] = True
        before[parent[:limit][marked]] = True
        marked = before & long & ~chosen
        chosen |= marked
    return _closed(base, np.flatnonzero(chosen), depth, parent, suffix, tables.word, live, children)


def _closed(
    base: Array,
    nodes: Array,
    depth: npt.NDArray[np.int8],
    parent: Array,
    suffix: Array,
    word: npt.NDArray[np.integer],
    live: npt.NDArray[np.bool_],
    children: Array,
) -> Array:
    """Return base and nodes without those that hold dead words, with all that dropping a first or last word leaves of them."""
    good = np.zeros(len(depth), np.bool_)
    good[0] = True
    good[base] = True
    while len(nodes):
        nodes = nodes[~good[nodes]]
        good[nodes] = True
        nodes = np.unique(np.concatenate([parent[nodes], suffix[nodes]]))
        nodes = nodes[~good[nodes]]
    fits = live[word[: len(depth)]]
    fits[base] = True
    fits[[0, 1 + BEGIN]] = True
    for d in range(1, int(depth.max()) + 1):
        at = np.flatnonzero(depth == d)
        good[at] &= fits[at] & good[parent[at]] & good[suffix[at]] & (children[at] > 0)
    return np.flatnonzero(good & (depth > 0))
