"""From a list of n-grams with probabilities, as a foreign file gives them, to a trie.

Such a list need not be closed: an n-gram may be stored without its prefix (the prefix is then added, with the
probability that backing off gives it) or without its suffix (links then lead to the longest suffix there is).
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from searchgen.lm.ngram.estimation.kneser_ney import Weights
from searchgen.lm.ngram.estimation.trie import Trie, parents, siblings
from searchgen.lm.ngram.tables import BEGIN

__all__ = ["ROUNDING", "Listed", "RepeatedNGram", "listed_model", "worst_sum"]

Array = npt.NDArray[Any]

#: A weight alpha below this is a real negative one, not rounding: the model is no mixture.
NEGATIVE = -1e-12

#: A file of printed probabilities sums to one only so well.
ROUNDING = 1e-3


class Listed(NamedTuple):
    """All n-grams of one order, in any order."""

    words: Array  # (n, k) int32
    p: Array  # (n,) float64
    backoff: Array  # (n,) float64


class RepeatedNGram(Exception):
    """The same n-gram is listed twice; `order` and `row` say where the second one is."""

    def __init__(self, order: int, row: int) -> None:
        """Remember the place."""
        super().__init__(order, row)
        self.order, self.row = order, row


def listed_model(levels: list[Listed]) -> tuple[Trie, Weights]:
    """Build a model from its n-grams.

    Args:
        levels: n-grams of order 1, 2 and so on; row `w` of order 1 is the word `w`, and all words are there.

    Raises:
        RepeatedNGram: an n-gram is listed twice.

    Example:
        >>> unigrams = Listed(np.arange(4)[:, None], np.array([0.1, 0, 0.4, 0.5]), np.ones(4))
        >>> trie, weights = listed_model([unigrams, Listed(np.array([[3, 2]]), np.array([0.6]), np.ones(1))])
        >>> trie.word.tolist(), weights.p.tolist()
        ([0, 0, 1, 2, 3, 2], [0.0, 0.1, 0.0, 0.4, 0.5, 0.6])
    """
    vocabulary = len(levels[0].p)
    levels = [levels[0], *(_sorted_level(level, vocabulary) for level in levels[1:])]
    while True:
        rows = _parents_of(levels, vocabulary)
        if isinstance(rows, list):
            break
        completed = rows
        levels[completed.words.shape[1] - 1] = completed
    trie = _linked(levels, rows)
    p = np.concatenate([[0.0], *(level.p for level in levels)])
    backoff = np.concatenate([[1.0], *(level.backoff for level in levels)])
    p[1 + BEGIN] = 0
    return trie, _completed(trie, p, backoff)


def _sorted_level(level: Listed, vocabulary: int) -> Listed:
    words = level.words
    order = _row_order(words, vocabulary)
    words = words[order]
    same = np.flatnonzero((words[1:] == words[:-1]).all(axis=1))
    if len(same):
        raise RepeatedNGram(words.shape[1], int(order[same + 1].min()))
    return Listed(words, level.p[order], level.backoff[order])


def _row_order(words: Array, vocabulary: int) -> Array:
    """Sort rows; several columns go into one 64-bit key, because every pass over the rows is slow."""
    per_key = 62 // vocabulary.bit_length()
    keys = []
    for start in range(0, words.shape[1], per_key):
        key = np.zeros(len(words), dtype=np.int64)
        for column in words[:, start : start + per_key].T:
            key = key * vocabulary + column
        keys.append(key)
    return np.lexsort(keys[::-1])


def _parents_of(levels: list[Listed], vocabulary: int) -> list[Array] | Listed:
    """Return each n-gram's prefix as a row of the order below, or the order below with what it lacks."""
    rows: list[Array] = [np.zeros(vocabulary, dtype=np.int64)]
    keys: list[Array] = []  # prefix row and word as one number, for orders 2 ...
    for k, level in enumerate(levels[1:], start=2):
        row = level.words[:, 0].astype(np.int64)
        for n in range(2, k):
            row = _find(keys[n - 2], row * vocabulary + level.words[:, n - 1])
            lost = row < 0
            if lost.any():
                return _with_prefixes(levels[n - 1], level.words[lost][:, :n], vocabulary)
        rows.append(row)
        keys.append(row * vocabulary + level.words[:, -1])
    return rows


def _with_prefixes(level: Listed, missing: Array, vocabulary: int) -> Listed:
    """Add n-grams of unknown probability (nan)."""
    missing = np.unique(missing, axis=0)
    nothing = np.full(len(missing), np.nan)
    words = np.concatenate([level.words, missing])
    p, backoff = np.concatenate([level.p, nothing]), np.concatenate([level.backoff, np.ones(len(missing))])
    return _sorted_level(Listed(words, p, backoff), vocabulary)


def _find(keys: Array, wanted: Array) -> Array:
    """Return where each wanted number stands in the sorted keys, -1 where it does not."""
    if not len(keys):
        return np.full(len(wanted), -1, dtype=np.int64)
    if len(wanted) > 1 and (wanted[1:] < wanted[:-1]).any():
        order = np.argsort(wanted)  # sorted searches stay in the cache: three times faster, the sorting included
        at = np.empty(len(wanted), dtype=np.int64)
        at[order] = _find(keys, wanted[order])
        return at
    at = np.searchsorted(keys, wanted)
    return np.where(keys[np.minimum(at, len(keys) - 1)] == wanted, at, -1)


def _linked(levels: list[Listed], rows: list[Array]) -> Trie:
    starts = np.cumsum([0, 1, *(len(level.p) for level in levels)])
    nodes, vocabulary = int(starts[-1]), len(levels[0].p)
    word = np.concatenate([[0], *(level.words[:, -1] for level in levels)]).astype(np.int32)
    parent = np.concatenate([row + start for row, start in zip(rows, starts[:-2], strict=True)])
    children = np.bincount(parent, minlength=nodes).astype(np.int32)
    keys = parent * vocabulary + word[1:]
    suffix = np.full(nodes, -1, dtype=np.int32)
    suffix[starts[1] : starts[2]] = 0
    for k in range(2, len(levels) + 1):
        here = np.arange(starts[k], starts[k + 1])
        context = suffix[parent[here - 1]]
        while len(here):
            child = _find(keys, context.astype(np.int64) * vocabulary + word[here])
            suffix[here[child >= 0]] = child[child >= 0] + 1
            here, context = here[child < 0], suffix[context[child < 0]]
    return Trie(word, children, suffix, tuple(starts.tolist()))


def _completed(trie: Trie, p: Array, backoff: Array) -> Weights:
    """Work out the probabilities of added n-grams, and how much of each one is not from the shorter context."""
    parent = np.concatenate([[0], parents(trie.children)])
    alpha = p.copy()
    for k in range(2, trie.order + 1):
        here = slice(trie.starts[k], trie.starts[k + 1])
        context, lower = parent[here], trie.suffix[here]
        carried = backoff[context] * p[lower]
        # where the next shorter context does not store the word, its own back-off weight counts too, and so on
        passed = trie.suffix[context]
        while (wrong := np.flatnonzero(passed != parent[lower])).size:
            carried[wrong] *= backoff[passed[wrong]]
            passed[wrong] = trie.suffix[passed[wrong]]
        added = np.isnan(p[here])
        p[here][added] = carried[added]
        alpha[here] = p[here] - carried
    mixture = bool(alpha[1:].min() >= NEGATIVE) and _sums_to_one(trie, alpha, backoff)
    return Weights(p, np.maximum(alpha, 0) if mixture else alpha, backoff, mixture)


def worst_sum(trie: Trie, weights: Weights) -> tuple[float, list[int]]:
    """Return the sum of the probabilities of all words that is farthest from one, and after which words it is.

    Example:
        >>> unigrams = Listed(np.arange(4)[:, None], np.array([0.1, 0, 0.4, 0.5]), np.array([1, 1, 1, 0.8]))
        >>> worst_sum(*listed_model([unigrams, Listed(np.array([[3, 2]]), np.array([0.5]), np.ones(1))]))
        (0.98, [3])
    """
    total = np.empty(len(trie.word))
    total[0] = weights.p[1 : trie.starts[2]].sum()
    for k in range(1, trie.order + 1):
        here = slice(trie.starts[k], trie.starts[k + 1])
        total[here] = weights.backoff[here] * total[trie.suffix[here]]
        if k < trie.order:
            groups = siblings(trie.children[here])
            total[here][groups.context] += groups.sums(weights.alpha[trie.starts[k + 1] : trie.starts[k + 2]])
    worst = at = int(np.abs(total - 1).argmax())
    parent, words = parents(trie.children), []
    while at:
        words.append(int(trie.word[at]))
        at = int(parent[at - 1])
    return round(float(total[worst]), 6), words[::-1]


def _sums_to_one(trie: Trie, alpha: Array, backoff: Array) -> bool:
    """Whether in every context the weights of its children and of backing off sum to one."""
    mass = backoff.copy()
    for k in range(2, trie.order + 1):
        here, contexts = slice(trie.starts[k], trie.starts[k + 1]), slice(trie.starts[k - 1], trie.starts[k])
        groups = siblings(trie.children[contexts])
        mass[contexts][groups.context] += groups.sums(alpha[here])
    return bool(np.all(np.abs(mass[1:] - 1) < ROUNDING))
