"""The edges of a guide: where each child of a context leads, and with which coefficient.

Where a context and its suffix lead to the same row, as always at order 2, a child is one edge with coefficient p^b - (bo p')^b >= 0.
Children that are no contexts lead to the root row of their class, one edge a class.
"""

from typing import Any

import numpy as np

from searchgen.guide.tables import ALIGNED, WORDS
from searchgen.kernels.compiled import inlined, inner, kernel
from searchgen.lm.ngram.query import find_child, score_word
from searchgen.lm.ngram.tables import END

__all__ = ["child_weights", "link", "next_row"]


@inlined
def _row_of(guide: Any, ngram: Any, node: Any, token: Any) -> Any:
    """Return the row of a node of the trie that ends with a token, -1 if it is no context of the guide."""
    row = np.int64(-1)
    if node < len(guide.row_of_node):
        row = np.int64(guide.row_of_node[node])
        if row < -1:
            row = np.int64(guide.extra_row[-2 - row, token - len(ngram.alias_p)])
    return row


@inner
def next_row(guide: Any, ngram: Any, context: Any, token: Any, word: Any) -> Any:
    """Return the row after reading a token (`word` to the model) in a context."""
    limit = len(guide.row_of_node)
    while True:
        if ngram.node[context].first < limit:
            node = find_child(ngram, context, word)
            if node > 0:
                row = _row_of(guide, ngram, node, token)
                if row >= 0:
                    return row
        if context == 0:
            return np.int64(guide.kind[guide.weight[token].cls].row)
        context = np.int64(ngram.node[context].suffix)


@kernel
def link(
    guide: Any,
    problem: Any,
    alpha: Any,
    low: Any,
    high: Any,
    edges: Any,
    edge_cls: Any,
    count: Any,
    spread: Any,
    used: Any,
) -> Any:
    """Write the edges of rows low ... high - 1, sorted by class; return the least of what adds a child to its shorter context.

    A child that goes on in a longer context than after the shorter context has two edges, and the one that takes the shorter
    context's share back is not counted. Below zero: draws cannot be a mixture.

    Args:
        guide: its tables, with rows and no edges yet.
        problem: the target.
        alpha: p - backoff * p_lower of every bigram, if that is what coefficients are; else empty.
        low: first row.
        high: last row + 1.
        edges: edges of one row before sorting, space for two a child and one a class.
        edge_cls: (the same,) int16, their classes.
        count: (K + 1,) int64, scratch.
        spread: (K,) float64, scratch: mass of the children that are no contexts, by class.
        used: (A, SPECIAL) bool, set where a row of an aligned class has an edge to a row that is not.
    """
    least = 0.0
    first_bigram = len(problem.ngram.alias_p) + 1
    for r in range(low, high):
        if r > 0 and guide.row[r].node == 0:
            continue  # after a token that is no context everything comes from the root
        context = np.int64(guide.row[r].node)
        spread[:] = 0.0
        n = 0
        for i in range(problem.ngram.node[context].first, problem.ngram.node[context + 1].first):
            word = np.int64(problem.ngram.word[i])
            if len(alpha) > 0 and context > 0:
                upper, lower = np.float64(alpha[i - first_bigram]), 0.0
            else:
                upper, lower = child_weights(problem, context, i, word)
            if word == END:
                guide.row[r].ending = upper - lower
                least = min(least, upper - lower)
            for extra in range(len(problem.extra) if word == 0 else 1):
                token = problem.extra[extra] if word == 0 else word
                if guide.weight[token].cls >= 0:
                    n, more = _add(guide, problem, context, i, token, word, upper, lower, edges, edge_cls, n, spread)
                    least = min(least, more)
        for c in range(len(spread)):
            if spread[c] != 0.0:
                edges[n].row, edges[n].coefficient, edge_cls[n] = guide.kind[c].row, spread[c], c
                n += 1
        _sort(guide, r, edges, edge_cls, n, count)
        _mark(guide, r, used)
    return least


@inlined
def _mark(guide: Any, r: Any, used: Any) -> None:
    """Mark the rows that a row of an aligned class has edges to and that are not aligned."""
    if guide.row[r].cls < len(used):
        for e in range(guide.row[r].middle, guide.row[r].end):
            used[guide.row[r].cls, guide.edge[e].row] = True


@inner
def child_weights(problem: Any, context: Any, node: Any, word: Any) -> Any:
    """Return p(w|h)^b of a child and (backoff p(w|h'))^b, which its shorter context gives already."""
    beta = problem.beta[0]
    upper = np.exp(beta * problem.ngram.node[node].log_p)
    if context == 0:
        return upper, 0.0
    log_lower, _ = score_word(problem.ngram, np.int64(problem.ngram.node[context].suffix), word)
    return upper, np.exp(beta * (problem.ngram.node[context].log_backoff + log_lower))


@inlined
def _add(
    guide: Any,
    problem: Any,
    context: Any,
    node: Any,
    token: Any,
    word: Any,
    upper: Any,
    lower: Any,
    edges: Any,
    edge_cls: Any,
    n: Any,
    spread: Any,
) -> Any:
    """Add the edges of one child to those of its row; return their number, and what the child adds to its shorter context."""
    c = guide.weight[token].cls
    scale = guide.weight[token].scale
    root = guide.kind[c].row
    row = other = _row_of(guide, problem.ngram, node, token)
    if context > 0:
        other = next_row(guide, problem.ngram, np.int64(problem.ngram.node[context].suffix), token, word)
    elif row < 0:
        other = root
    row = row if row >= 0 else other
    less, more = lower, (upper - lower) * scale  # what goes to the same row
    if lower > 0.0 and other != row:
        less, more = 0.0, upper * scale
        if other == root:
            spread[c] -= lower * scale
            more = -lower * scale
        else:
            edges[n].row, edges[n].coefficient, edge_cls[n] = other, -lower * scale, c
            n += 1
    if row == root:
        spread[c] += (upper - less) * scale
    else:
        edges[n].row, edges[n].coefficient, edge_cls[n] = row, (upper - less) * scale, c
        n += 1
    return n, more


@inlined
def _sort(guide: Any, r: Any, edges: Any, edge_cls: Any, n: Any, count: Any) -> None:
    """Write n edges at their row's place, by class and else in order."""
    count[:] = 0
    for e in range(n):
        count[edge_cls[e] + 1] += 1
    at = guide.row[r].start
    for c in range(len(count)):
        at += count[c]
        count[c] = at
    guide.row[r].end = at
    guide.row[r].middle = count[guide.size[ALIGNED]]
    guide.row[r].punctuation = count[guide.size[WORDS]]
    if r == 0:
        for c in range(len(count) - 1):
            guide.kind[c].edge = count[c + 1]
    for e in range(n):
        c = edge_cls[e]
        guide.edge[count[c]] = edges[e]
        count[c] += 1
