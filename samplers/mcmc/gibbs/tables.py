"""What the exact conditionals of a block know before any text: both sides of every stored bigram, with running sums.

A word's weight between a left and a right side factorises as soon as no stored n-gram reaches across it on one side. The factors
that depend on one bigram or on one word alone are summed here, once a problem. docs/methods/gibbs.md derives them.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from searchgen.errors import RequestError
from searchgen.kernels.compiled import kernel
from searchgen.lm.ngram.query import find_child, score_word
from searchgen.lm.ngram.tables import END, NGramTables
from searchgen.problem import Problem

__all__ = ["BlockTables", "block_tables"]

Array = npt.NDArray[Any]

#: A group of tokens alike to the automaton is worth running sums from this size on; smaller ones are gone through one by one.
SMALLEST_GROUP = 64


class BlockTables(NamedTuple):
    """Running sums of block weights; lists are sorted by word, and every list of a context has one part for each group of tokens.

    A group is all model words of one class of the automaton that count alike as words; tokens of small groups are `special`.
    """

    group: npt.NDArray[np.int16]  # (V',) group of a token, -1: special or never legal
    group_class: npt.NDArray[np.int64]  # (G,) its class
    group_word: npt.NDArray[np.int64]  # (G,) place of what its tokens count as: nothing, a word, a hyphen
    special: npt.NDArray[np.int64]  # (S,) ids
    after_first: npt.NDArray[np.int64]  # (V * G + 1,) where the successors of a word in a group begin
    after_word: npt.NDArray[np.int32]  # (A,) the successor b of a
    after_node: npt.NDArray[np.int32]  # (A,) node of a b
    after: npt.NDArray[np.float64]  # (A,) the steps of the running sum ...
    after_sum: npt.NDArray[np.float64]  # (A,) of (p(b | a) backoff(a b) backoff(b)) ** beta * exp(weight(b))
    after_free: npt.NDArray[np.float64]  # (A,) running sum of the weight of b without any link
    before_first: npt.NDArray[np.int64]  # (V * G + 1,) where the predecessors of a word in a group begin
    before_word: npt.NDArray[np.int32]  # (B,) the predecessor b of r
    before: npt.NDArray[np.float64]  # (2, B) the steps of the running sum ...
    before_sum: npt.NDArray[np.float64]  # (2, B) of (p(b) p(r | b) backoff(b r)) ** beta * exp(weight(b));
    # second row: with p(</s> | b r) for backoff(b r), for a suffix of one word, to which most words are linked
    before_free: npt.NDArray[np.float64]  # (B,) running sum of the weight of b without any link
    free_first: npt.NDArray[np.int64]  # (G + 1,) where the words of a group begin
    free_word: npt.NDArray[np.int32]  # (F,)
    free_sum: npt.NDArray[np.float64]  # (F,) running sum of (p(b) backoff(b)) ** beta * exp(weight(b)): no link
    free: npt.NDArray[np.float64]  # (V,) its steps, by word
    pair_first: npt.NDArray[np.int64]  # (bigrams + 1,) where the predecessors of a bigram begin
    pair_word: npt.NDArray[np.int32]  # (trigrams,) the predecessor b of a bigram
    trigrams: npt.NDArray[np.int64]  # (1,) the first node of a trigram


class _Pairs(NamedTuple):
    """What depends on the model alone."""

    left: npt.NDArray[np.int32]  # (bigrams,) first word of each bigram
    pair_first: npt.NDArray[np.int64]
    pair_word: npt.NDArray[np.int32]
    end: int  # the first node of a trigram


_INDEXED: dict[int, tuple[Any, _Pairs]] = {}


@kernel
def _suffixes(tables: Any, starts: Any, suffix_of: Any) -> Any:
    """Write the bigram that each trigram ends with to `suffix_of`; return the first n-gram whose suffix is not stored, else 0."""
    order = 2
    for node in range(starts[2], starts[len(starts) - 1]):
        while node >= starts[order + 1]:
            order += 1
        here = tables.node[node]
        suffix = np.int64(here.suffix) if order > 2 else np.int64(1 + tables.word[node])
        for child in range(here.first, here.end):
            word = np.int64(tables.word[child])
            target = find_child(tables, suffix, word) if suffix >= starts[order - 1] else np.int64(0)
            if target == 0:
                return child
            if order == 2:
                suffix_of[child - starts[3]] = target
    return 0


@kernel
def _sort_by_suffix(tables: Any, left: Any, begin: Any, end: Any, suffix_of: Any, first: Any, word: Any) -> None:
    """Counting sort of the trigrams by the bigram they end with: first words ascend within a bigram."""
    for target in suffix_of:
        first[target - begin + 1] += 1
    for i in range(1, len(first)):
        first[i] += first[i - 1]
    for node in range(begin, end):
        for child in range(tables.node[node].first, tables.node[node].end):
            at = suffix_of[child - end] - begin
            word[first[at]] = left[node - begin]
            first[at] += 1
    for i in range(len(first) - 1, 0, -1):
        first[i] = first[i - 1]
    first[0] = 0


@kernel
def _log_ends(tables: Any, begin: Any, out: Any) -> None:
    """Write natural log p(</s> | a b) of every bigram a b."""
    for i in range(len(out)):
        out[i] = score_word(tables, np.int64(tables.node[begin + i].state), np.int64(END))[0]


@kernel
def _running_sums(first: Any, values: Any) -> None:
    """Replace values by their running sums, begun anew in every list."""
    for i in range(len(first) - 1):
        total = 0.0
        for at in range(first[i], first[i + 1]):
            total += values[at]
            values[at] = total


def _pairs(tables: NGramTables) -> _Pairs:
    """Return the predecessors of every bigram, made once a model.

    Raises:
        RequestError: the model stores an n-gram but not its suffix.
    """
    if id(tables.node) in _INDEXED and _INDEXED[id(tables.node)][0] is tables.node:
        return _INDEXED[id(tables.node)][1]
    words = len(tables.alias_p)
    begin = 1 + words
    starts = [0, 1, begin]  # the first node of each order, and the end
    for _ in range(int(tables.order[0])):
        starts.append(int(tables.node["first"][starts[-1]]))
    end = starts[3] if len(starts) > 3 else begin
    first = tables.node["first"][1 : begin + 1].astype(np.int64)
    left = np.repeat(np.arange(words, dtype=np.int32), np.diff(first))
    suffix_of = np.zeros(starts[4] - end if len(starts) > 4 else 0, np.int32)
    orphan = int(_suffixes(tables, np.array(starts, np.int64), suffix_of))
    if orphan:
        raise RequestError(
            f"--sampler gibbs: the model stores n-gram {orphan} but not its suffix, so exact conditionals cannot be computed; "
            "use --sampler mh --moves site"
        )
    pair_first, pair_word = np.zeros(end - begin + 1, np.int64), np.zeros(len(suffix_of), np.int32)
    _sort_by_suffix(tables, left, begin, end, suffix_of, pair_first, pair_word)
    pairs = _Pairs(left, pair_first, pair_word, end)
    _INDEXED.clear()  # one model at a time: the index is as large as the model
    _INDEXED[id(tables.node)] = tables.node, pairs
    return pairs


def _groups(problem: Problem, words: int, smallest: int) -> tuple[Array, Array, Array]:
    """Return each token's group, the (class, counts as a word) of each group, and the special tokens."""
    token = problem.token
    legal = np.asarray(problem.next[1:].any(axis=0))[token["cls"]]
    legal[:3] = False  # <unk>, <s>, </s> never stand inside a text
    alike = np.where(legal, token["cls"].astype(np.int64) * 3 + np.minimum(token["word"], 2), -1)
    names, counts = np.unique(alike[:words][legal[:words]], return_counts=True)
    large = names[counts >= smallest]
    group = np.full(len(token), -1, np.int16)
    for rank, name in enumerate(large):
        group[:words][alike[:words] == name] = rank
    return group, large, np.flatnonzero(legal & (group < 0))


def block_tables(problem: Problem, smallest: int = SMALLEST_GROUP) -> BlockTables:
    """Return the running sums of a problem.

    Args:
        problem: the target.
        smallest: fewest tokens of a group.

    Raises:
        RequestError: the model stores an n-gram but not its suffix.
    """
    tables, beta = problem.ngram, float(problem.beta[0])
    pairs, words = _pairs(tables), len(tables.alias_p)
    group, large, special = _groups(problem, words, smallest)
    parts = max(1, len(large))
    log_p, backoff = (tables.node[name][: pairs.end].astype(np.float64) for name in ("log_p", "log_backoff"))
    alone, after_alone = log_p[1 : 1 + words], backoff[1 : 1 + words]
    weight = problem.token["weight"][:words]
    left, right = pairs.left.astype(np.int64), tables.word[1 + words : pairs.end].astype(np.int64)
    both, both_backoff = log_p[1 + words :], backoff[1 + words :]
    free = np.exp(beta * (alone + after_alone) + weight)
    after = np.exp(beta * (both + both_backoff + after_alone[right]) + weight[right])
    last = np.zeros(len(left))
    _log_ends(tables, 1 + words, last)
    behind = np.stack([np.where(right == END, 0.0, both_backoff), np.where(right == END, 0.0, last)])
    before = np.exp(beta * (alone[left] + both + behind) + weight[left])
    after_order, after_first = _lists(left, group[right], words, parts)
    before_order, before_first = _lists(right, group[left], words, parts)
    free_order, free_first = _lists(np.zeros(words, np.int64), group[:words], 1, parts)
    sums = [
        _summed(after_first, after[after_order]),
        _summed(after_first, free[right[after_order]]),
        np.stack([_summed(before_first, row[before_order]) for row in before]),
        _summed(before_first, free[left[before_order]]),
        _summed(free_first, free[free_order]),
    ]
    return BlockTables(
        group=group,
        group_class=large // 3,
        group_word=large % 3,
        special=special.astype(np.int64),
        after_first=after_first,
        after_word=right[after_order].astype(np.int32),
        after_node=(after_order + 1 + words).astype(np.int32),
        after=after[after_order],
        after_sum=sums[0],
        after_free=sums[1],
        before_first=before_first,
        before_word=left[before_order].astype(np.int32),
        before=np.ascontiguousarray(before[:, before_order]),
        before_sum=sums[2],
        before_free=sums[3],
        free_first=free_first,
        free_word=free_order.astype(np.int32),
        free_sum=sums[4],
        free=free,
        pair_first=pairs.pair_first,
        pair_word=pairs.pair_word,
        trigrams=np.array([pairs.end], np.int64),
    )


def _lists(owner: Array, group: Array, owners: int, parts: int) -> tuple[Array, Array]:
    """Return the members of groups ordered by owner and group, and where the list of each owner and group begins."""
    members = np.flatnonzero(group >= 0)
    key = owner[members] * parts + group[members]
    order = np.argsort(key, kind="stable")
    return members[order], np.searchsorted(key[order], np.arange(owners * parts + 1)).astype(np.int64)


def _summed(first: Array, values: Array) -> Array:
    _running_sums(first, values)
    return values
