"""Which contexts a guide has, and their entries, as arrays: the numpy part of building one."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from searchgen.lm.ngram.tables import END, NGramTables
from searchgen.problem import Problem

__all__ = ["Contexts", "Entries", "choose_contexts", "context_of_nodes", "entries_of", "levels"]

Array = npt.NDArray[Any]


class Contexts(NamedTuple):
    """The contexts of a guide, shorter ones first; context 0 is the root."""

    node: Array  # (n,) int32 trie node
    token: Array  # (n,) int32 last token, -1 for the root
    lower: Array  # (n,) int32
    of_node: Array  # (N,) int32 context of each trie node, -1 if it is none
    backoff: Array  # (n,) float64, bo^b


class Entries(NamedTuple):
    """Outgoing masses of all contexts, one row of the trie's children after the other."""

    owner: Array  # (E,) int32 context
    token: Array  # (E,) int32
    following: Array  # (E,) int32 context after the token
    mass: Array  # (E,) float64


def levels(tables: NGramTables) -> list[int]:
    """Return the first node of each order: [0, 1, V + 1, ...] and the number of nodes at the end.

    Example:
        >>> from searchgen.lm.ngram.model import NGram
        >>> levels(NGram.from_sentences([["a"]], order=2).tables)
        [0, 1, 5, 7]
    """
    edges = [0, 1]
    while len(edges) <= int(tables.order[0]):
        edges.append(int(tables.node["first"][edges[-1]]))
    return [*edges, len(tables.word)]


def choose_contexts(problem: Problem, order: int, keep: Array | None = None) -> Contexts:
    """Return the stored n-grams shorter than `order` that have children.

    Args:
        problem: the target.
        order: k; contexts have at most k - 1 tokens.
        keep: (V,) bool, for order 2: which tokens are contexts; None: all.
    """
    tables = problem.ngram
    edges = levels(tables)
    stop = edges[min(order, len(edges) - 1)]
    first = tables.node["first"]
    nodes = np.flatnonzero(first[:stop] < first[1 : stop + 1])
    if keep is not None:
        nodes = nodes[(nodes == 0) | keep[np.maximum(nodes - 1, 0)]]
    if len(nodes) == 0 or nodes[0] != 0:
        nodes = np.append([0], nodes)
    of_node = np.full(len(tables.word), -1, np.int32)
    of_node[nodes] = np.arange(len(nodes))
    token = tables.word[nodes].astype(np.int32)
    token[0] = -1
    lower = context_of_nodes(of_node, tables, tables.node["suffix"][nodes].astype(np.int64))
    backoff = np.exp(problem.beta[0] * tables.node["log_backoff"][nodes].astype(np.float64))
    backoff[0] = 0.0
    return Contexts(nodes.astype(np.int32), token, lower, of_node, backoff)


def context_of_nodes(of_node: Array, tables: NGramTables, node: Array) -> Array:
    """Return the context of each trie node: itself or its longest suffix that is a context."""
    node = np.maximum(node, 0)
    context = of_node[node]
    while (missing := context < 0).any():
        node = np.where(missing, np.maximum(tables.node["suffix"][node], 0), node)
        context = of_node[node]
    return context


def entries_of(problem: Problem, contexts: Contexts) -> tuple[Entries, Entries, Array]:
    """Return the entries of the recursion, every stored child by itself, and each context's end mass.

    The recursion's entries carry p^b - bo^b p'^b where the context after the token is the same with and without the first word, and
    are two signed ones where it differs; the others carry p^b. Token weights are not in them.
    """
    tables, beta = problem.ngram, float(problem.beta[0])
    start = tables.node["first"][contexts.node].astype(np.int64)
    count = tables.node["first"][contexts.node.astype(np.int64) + 1].astype(np.int64) - start
    owner = np.repeat(np.arange(len(count), dtype=np.int32), count)
    node = np.repeat(start - np.append(0, np.cumsum(count)[:-1]), count) + np.arange(count.sum())
    token = tables.word[node].astype(np.int32)
    p = np.exp(beta * tables.node["log_p"][node].astype(np.float64))
    lower_p, lower_next = _in_lower(problem, contexts, owner, token)
    following = context_of_nodes(contexts.of_node, tables, tables.node["state"][node].astype(np.int64))
    full = Entries(owner, token, following, p)
    taken = contexts.backoff[owner] * lower_p
    signed = following != lower_next
    mass = p - np.where(signed, 0.0, taken)
    main = Entries(owner, token, following, mass)
    other = Entries(owner[signed], token[signed], lower_next[signed], -taken[signed])
    both = Entries(*(np.concatenate(pair) for pair in zip(main, other, strict=True))) if signed.any() else main
    end = np.zeros(len(count))
    ends = token == END
    end[owner[ends]] = p[ends] - taken[ends]
    return both, full, end


def _in_lower(problem: Problem, contexts: Contexts, owner: Array, token: Array) -> tuple[Array, Array]:
    """Return p(w|h')^b of each child w of h, and the context after h'w."""
    tables, beta = problem.ngram, float(problem.beta[0])
    unigram = np.exp(beta * tables.node["log_p"][1 : 1 + len(tables.alias_p)].astype(np.float64))
    after_unigram = context_of_nodes(
        contexts.of_node, tables, tables.node["state"][1 : 1 + len(unigram)].astype(np.int64)
    )
    p, following = unigram[token], after_unigram[token]
    deep = np.flatnonzero(contexts.lower[owner] != 0)
    if len(deep):
        log_p, state = _query(tables, contexts.node[contexts.lower[owner[deep]]].astype(np.int64), token[deep])
        p[deep] = np.exp(beta * log_p)
        following[deep] = context_of_nodes(contexts.of_node, tables, state)
    return p, following


def _query(tables: NGramTables, context: Array, token: Array) -> tuple[Array, Array]:
    """Return log p(token | context) and the state after it, for many pairs."""
    from searchgen.guide.draws import score_pairs

    log_p, state = np.empty(len(token)), np.empty(len(token), np.int64)
    score_pairs(tables, context, token.astype(np.int64), log_p, state)
    return log_p, state


