"""Which contexts a guide looks back on: all of order < k, or as many as a budget of work and memory allows.

A context is kept when every word of it is kept, so the kept ones are closed under taking suffixes: what the guide then follows is
a law of its own, exact in itself, that falls back to the unigrams after rarer words.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from searchgen.guide.lengths import Lengths
from searchgen.guide.near_keywords import near_nodes
from searchgen.guide.state_layout import StateLayout
from searchgen.guide.tables import ROW
from searchgen.lm.ngram.bigrams import Bigrams
from searchgen.lm.ngram.tables import BEGIN, UNKNOWN
from searchgen.problem import Problem

__all__ = ["Budget", "Contexts"]

Array = npt.NDArray[np.int64]


class Budget(NamedTuple):
    """What a guide may cost.

    Attributes:
        memory: bytes of its values.
        work: multiplications that are always worth while: about 0.1 s of two cores.
        words: most frequent words to keep even if that takes more work ...
        most_work: ... than `work`, but never more than this.
    """

    memory: float = 8e8
    work: float = 4.5e8
    words: int = 1000
    most_work: float = 1.5e10


#: Reading an edge costs as much as so many columns of it.
EDGE_COST = 16

#: The share of work and memory that rows of other classes than the aligned ones may take.
PLAIN_SHARE = 0.25

#: The share of memory that contexts near demanded words may take.
NEAR_SHARE = 0.25

#: Following a state through a class costs as much as so many multiplications.
STEP_COST = 15

#: Tokens of smaller classes are demanded words or punctuation: they are kept before others that are not aligned.
RARE = 20


class Contexts(NamedTuple):
    """The rows of a guide: those with their own list of states first, then the aligned ones."""

    row: npt.NDArray[np.void]  # (N,) ROW, edges not yet there
    special: int  # number of rows that are not aligned
    stride: int  # values in a layer
    pitch: int  # values from one aligned row to the next
    begin: int  # row of the start of a text
    depth: Array  # (N,) depth of each row's context, 0 for root rows
    row_of_node: npt.NDArray[np.int32]
    extra_row: npt.NDArray[np.int32]

    @staticmethod
    def of(
        problem: Problem,
        layout: StateLayout,
        order: int,
        kept: npt.NDArray[np.bool_],
        near: int = 0,
        budget: Budget | None = None,
    ) -> "Contexts":
        """Lay out the rows of all contexts shorter than `order` whose words are kept.

        Args:
            problem: the target.
            layout: its classes and states.
            order: order of the guide.
            kept: (V',) tokens that may stand in a context.
            near: if above 0, contexts beyond order 2 are those that lead to a demanded word within so many words.
            budget: limits the latter; None: nothing does.
        """
        starts = _starts(problem, order)
        limit = starts[-1]
        if near and order > 2:
            width, item = _size(problem, layout, order)
            layers = Lengths.of(problem).layers
            max_tokens = np.inf if budget is None else NEAR_SHARE * budget.memory / (layers * item * width)
            nodes = near_nodes(problem, layout, _nodes(problem, _starts(problem, 2), kept), starts, near, max_tokens)
        else:
            nodes = _nodes(problem, starts, kept)
        node, token = _ends(problem, nodes, kept)
        cls = np.where(token >= 0, layout.classes.cls[token], len(layout.kind) - 2)
        roots = np.arange(len(layout.kind) - (2 if (node == problem.begin[0]).any() else 1))
        rows = np.zeros(1 + len(roots) + len(node), ROW)
        rows["node"][1 + len(roots) :] = node
        rows["token"] = np.concatenate([np.full(1 + len(roots), -1), token])
        rows["cls"] = np.concatenate([[len(layout.kind) - 1], roots, cls])
        rows["backoff"] = 1.0
        depths = np.concatenate([[-1], np.full(len(roots), 0), _depth(starts, node)])
        plain = rows["cls"] >= layout.aligned
        word = layout.kind["word"][rows["cls"]]
        group = ((2 - plain) * 2 + (depths > 0)) * 2 + (word > 0)  # as 16 bits a radix sort takes no time
        order_of_rows = np.argsort((group * 16 + np.maximum(depths, 0)).astype(np.int16), kind="stable")
        special = int(plain.sum())
        return _placed(problem, layout, rows[order_of_rows], special, limit, np.maximum(depths, 0)[order_of_rows])


def _size(problem: Problem, layout: StateLayout, order: int) -> tuple[int, int]:
    """Return the number of values of a context in a layer, and the bytes of each: beyond order 2 sums may cancel."""
    width = int(layout.kind["size"][0]) if layout.aligned else int(layout.kind["size"][:-2].max(initial=1))
    return width, 8 if order > 2 else int(problem.ngram.node["log_p"].dtype.itemsize)


def _starts(problem: Problem, order: int) -> list[int]:
    """Return the first node of each depth below an order, and the first one that is too deep for a context."""
    tables = problem.ngram
    starts = [0, 1, len(tables.alias_p) + 1]
    while len(starts) <= order and starts[-1] < len(tables.word):
        starts.append(int(tables.node["first"][starts[-1]]))
    return starts[: order + 1]


def _depth(starts: list[int], nodes: Array) -> Array:
    """Return how many words each node's context has."""
    return np.asarray(np.searchsorted(starts, nodes, side="right") - 1)


def _nodes(problem: Problem, starts: list[int], kept: npt.NDArray[np.bool_]) -> Array:
    """Return the contexts of kept words that are not too deep."""
    tables = problem.ngram
    size = len(tables.alias_p)
    word_kept = kept[:size].copy()
    word_kept[UNKNOWN] = kept[size:].any()
    good = np.zeros(starts[-1], np.bool_)
    good[0] = True
    for above, low, high in zip(starts[:-2], starts[1:-1], starts[2:], strict=True):
        parent = np.repeat(np.arange(above, low), np.diff(tables.node["first"][above : low + 1]))
        good[low:high] = good[parent] & word_kept[tables.word[low:high]]
        if above == 0:
            good[1 + BEGIN] = True
    first = tables.node["first"][: len(good) + 1]
    return np.flatnonzero(good & (first[1:] > first[:-1]))[1:]


def _ends(problem: Problem, nodes: Array, kept: npt.NDArray[np.bool_]) -> tuple[Array, Array]:
    """Return (node, last token) of every row: a context that ends with <unk> has one for each unknown word."""
    last = problem.ngram.word[nodes].astype(np.int64)
    stored = nodes[last != UNKNOWN]
    unknown = nodes[last == UNKNOWN]
    extra = problem.extra[kept[problem.extra]]
    token = np.where(last == BEGIN, -1, last)[last != UNKNOWN]
    return (
        np.concatenate([stored, np.repeat(unknown, len(extra))]),
        np.concatenate([token, np.tile(extra, len(unknown))]),
    )


def _placed(
    problem: Problem, layout: StateLayout, rows: npt.NDArray[np.void], special: int, limit: int, depth: Array
) -> Contexts:
    """Give every row its place in a layer, its parent and its back-off."""
    size = len(problem.ngram.alias_p)
    root = (rows["token"] < 0) & (rows["node"] == 0)
    root[0] = False
    layout.kind["row"] = -1
    layout.kind["row"][rows["cls"][root]] = np.flatnonzero(root)
    unknown = np.unique(rows["node"][rows["token"] >= size])
    row_of_node = np.full(limit, -1, np.int32)
    ordinary = (rows["node"] > 0) & (rows["token"] < size)
    row_of_node[rows["node"][ordinary]] = np.flatnonzero(ordinary)
    row_of_node[unknown] = -2 - np.arange(len(unknown))
    extra_row = np.full((len(unknown), len(problem.token) - size), -1, np.int32)
    extras = np.flatnonzero(rows["token"] >= size)
    extra_row[np.searchsorted(unknown, rows["node"][extras]), rows["token"][extras] - size] = extras

    contexts = rows["node"] > 0
    node, token = rows["node"][contexts], rows["token"][contexts]
    suffix = problem.ngram.node["suffix"][node]
    parent = np.where(suffix > 0, row_of_node[suffix], layout.kind["row"][rows["cls"][contexts]])
    through = np.flatnonzero(parent < -1)
    parent[through] = extra_row[-2 - parent[through], token[through] - size]
    rows["parent"][contexts] = np.where(parent < 0, 0, parent)
    rows["parent"][0] = -1
    log_backoff = problem.ngram.node["log_backoff"][node].astype(np.float64)
    rows["backoff"][contexts] = np.exp(problem.beta[0] * log_backoff)

    width = int(layout.kind["size"][0]) if layout.aligned else 0
    pitch = (
        width if width <= 64 else 16 * ((width + 15) // 16 | 1)
    )  # an odd number of cache lines, to use all of the cache
    sizes = np.where(np.arange(len(rows)) < special, layout.kind["size"][rows["cls"]], pitch)
    rows["offset"] = np.cumsum(sizes) - sizes
    begin = int(row_of_node[problem.begin[0]]) if problem.begin[0] and limit > 1 else -1
    begin = begin if begin >= 0 else int(layout.kind["row"][len(layout.kind) - 2])
    return Contexts(rows, special, int(sizes.sum()), pitch, begin, depth, row_of_node, extra_row)


def kept_tokens(
    problem: Problem, layout: StateLayout, bigrams: Bigrams, order: int, budget: Budget | None, near: int = 0
) -> npt.NDArray[np.bool_]:
    """Return which tokens may stand in contexts, with `near` in those of order 2: without a budget all, else the most frequent ones."""
    cls = layout.classes.cls
    if budget is None:
        return np.asarray(cls >= 0)
    layers = Lengths.of(problem).layers
    size = len(problem.ngram.alias_p)
    width, item = _size(problem, layout, order)
    work = bigrams.inside * (1.0 if near else order - 1.0) * layers * (width + EDGE_COST)
    limit = min(max(budget.work, work[min(budget.words, size)]), budget.most_work)
    most = int(np.searchsorted(work, (1 - PLAIN_SHARE) * limit, side="right")) - 1
    most = min(most, int((1 - PLAIN_SHARE) * budget.memory / (layers * item * width)))
    kept = (cls >= 0) & (np.arange(len(cls)) < most)
    plain = np.flatnonzero(cls >= layout.aligned)
    plain = plain[np.lexsort((plain, layout.classes.count[cls[plain]] > RARE))]
    values = np.cumsum(layout.kind["size"][cls[plain]]) * float(layers)
    steps = values * (len(layout.kind) * STEP_COST)
    kept[plain] = (values * item <= PLAIN_SHARE * budget.memory) & (steps <= PLAIN_SHARE * limit)
    return np.asarray(kept)
