"""Which contexts a guide has, and which automaton states each can be in."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from searchgen.lm.ngram.tables import BEGIN, UNKNOWN, NGramTables
from searchgen.problem import Problem

__all__ = ["Contexts", "StateLists", "choose_contexts", "levels"]

Array = npt.NDArray[Any]


class Contexts(NamedTuple):
    """The contexts of a guide, shorter ones first; context 0 is the root."""

    node: Array  # (n,) int32 trie node
    token: Array  # (n,) int32 last token, -1 for the root
    lower: Array  # (n,) int32
    of_node: Array  # (first node of order k,) int32 context of each shorter trie node, -1 if it is none


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
    first = tables.node["first"][: stop + 1]
    has_children = first[:-1] < first[1:]
    has_children[0] = True
    if keep is not None:
        has_children[1:] &= keep
    nodes = np.flatnonzero(has_children)
    of_node = np.full(stop, -1, np.int32)
    of_node[nodes] = np.arange(len(nodes))
    token = tables.word[nodes].astype(np.int32)
    token[0] = -1
    suffix = np.maximum(tables.node["suffix"][nodes], 0)
    while (missing := of_node[suffix] < 0).any():  # a suffix is shorter, so it lies before `stop`
        suffix = np.where(missing, np.maximum(tables.node["suffix"][suffix], 0), suffix)
    return Contexts(nodes.astype(np.int32), token, of_node[suffix], of_node)


class StateLists:
    """The automaton states a context can be in, by kind: one list for each class, the root, <s>, and <unk>.

    Attributes:
        counts: (kinds,) length of each list.
        start: (kinds + 1,) where each begins in `state`.
        state: the lists, one after the other.
        position: (kinds, S) where a state stands in a list, -1 if it does not.
        same: (kinds, K) whether reading a class leaves every state of the list at its position in the class's list.
    """

    def __init__(self, problem: Problem) -> None:
        """Read the lists off the automaton."""
        table = problem.next
        states, self._classes = table.shape
        self._cls = problem.token["cls"]
        reached = np.zeros((self._classes + 1, states), np.bool_)
        reached[:-1][np.broadcast_to(np.arange(self._classes), table.shape), table] = True
        reached[-1] = reached[:-1].any(axis=0)
        reached[-1, 1] = True
        reached[:, 0] = False
        lists = [np.flatnonzero(row) for row in reached]
        unknown = np.flatnonzero(reached[np.unique(self._cls[problem.extra])].any(axis=0))
        lists += [np.array([1]), unknown]
        self.counts = np.array([len(one) for one in lists])
        self.start = np.append(0, np.cumsum(self.counts)).astype(np.int64)
        self.state = np.concatenate(lists).astype(np.int32)
        self.position = np.full((len(lists), states), -1, np.int32)
        for kind, one in enumerate(lists):
            self.position[kind, one] = np.arange(len(one))
        self.same = np.zeros((len(lists), self._classes), np.bool_)
        for kind, one in enumerate(lists):
            for cls in np.flatnonzero(self.counts[: self._classes] == len(one)):
                self.same[kind, cls] = bool((self.position[cls, table[one, cls]] == np.arange(len(one))).all())

    def kind_of(self, contexts: Contexts) -> Array:
        """Return the kind of each context: (n,) int64."""
        kind = self._cls[np.maximum(contexts.token, 0)].astype(np.int64)
        kind[0] = self._classes
        kind[contexts.token == BEGIN] = self._classes + 1
        kind[contexts.token == UNKNOWN] = self._classes + 2
        return kind
