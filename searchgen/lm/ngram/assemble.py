"""From the shape and the probabilities of a model to the tables that compiled loops read."""

from typing import Any

import numpy as np
import numpy.typing as npt

from searchgen.lm.ngram.estimate import Weights
from searchgen.lm.ngram.tables import LOG_ZERO, NGramTables, node_dtype
from searchgen.lm.ngram.trie import Trie, first_children, sums_over_children

__all__ = ["alias_table", "build_tables", "word_dtype"]

Array = npt.NDArray[Any]

#: A weight alpha below this is a real negative one, not rounding: the model is no mixture.
NEGATIVE = -1e-12

#: A file of printed probabilities sums to one only so well.
ROUNDING = 1e-3


def word_dtype(words: int) -> np.dtype[Any]:
    """Return the type word ids are stored in: 16 bits where they suffice.

    Example:
        >>> word_dtype(65535).name, word_dtype(65536).name
        ('uint16', 'int32')
    """
    return np.dtype(np.uint16 if words <= 65535 else np.int32)


def build_tables(trie: Trie, weights: Weights, real: str = "f4") -> NGramTables:
    """Lay out a model for queries and draws.

    Args:
        trie: the stored n-grams.
        weights: their probabilities.
        real: "f4", or "f8" for exactness tests.

    Returns:
        Tables as described in docs/architecture.md. `spare` holds what `cumulative` lost by rounding.
    """
    nodes, words = len(trie.word), int(trie.children[0])
    first = first_children(trie.children)
    record = np.zeros(nodes + 1, dtype=node_dtype(real))
    record["log_p"][:nodes] = _log(weights.p)
    record["log_p"][0] = 0
    record["log_backoff"][:nodes] = _log(weights.backoff)
    record["first"] = first
    # A foreign model may back off with a weight from a context without children: that context counts as a state too.
    state = _states(trie, (trie.children > 0) | (weights.backoff != 1))
    record["state"][:nodes] = state
    record["suffix"][1:nodes] = state[trie.suffix[1:]]
    record["suffix"][0] = -1
    mixture = _is_mixture(trie, weights)
    _add_draw_weights(record, trie, np.maximum(weights.alpha, 0) if mixture else weights.p)
    alias_p, alias_word = alias_table(weights.p[1 : 1 + words])
    return NGramTables(
        word=trie.word.astype(word_dtype(words)),
        node=record,
        alias_p=alias_p.astype(real),
        alias_word=alias_word,
        mixture=np.array([mixture]),
        order=np.array([trie.order], dtype=np.int64),
    )


def _log(values: Array) -> Array:
    logs = np.full(len(values), LOG_ZERO)
    np.log(values, out=logs, where=values > 0)
    return logs


def _states(trie: Trie, lasting: Array) -> Array:
    """Return each n-gram's longest suffix, itself included, that matters for the words to come."""
    state = np.arange(len(trie.word), dtype=np.int32)
    for k in range(1, trie.order + 1):
        here = slice(trie.starts[k], trie.starts[k + 1])
        state[here] = np.where(lasting[here], state[here], state[trie.suffix[here]])
    return state


def _is_mixture(trie: Trie, weights: Weights) -> bool:
    """Whether in every context the draw weights are >= 0 and, with the back-off weight, sum to one."""
    if weights.alpha[1:].min(initial=0) < NEGATIVE:
        return False
    contexts = slice(1, trie.starts[-2])
    mass = sums_over_children(weights.alpha[1 + trie.children[0] :], trie.children[contexts]) + weights.backoff[contexts]
    return bool(np.all(np.abs(mass - 1) < ROUNDING)) and bool(np.all(weights.backoff[trie.starts[-2] :] == 1))


def _add_draw_weights(record: Array, trie: Trie, weights: Array) -> None:
    """Fill `cumulative`, `spare` and `total`, order by order so that sums stay short."""
    for k in range(1, trie.order + 1):
        here, contexts = slice(trie.starts[k], trie.starts[k + 1]), slice(trie.starts[k - 1], trie.starts[k])
        children = trie.children[contexts]
        last = np.cumsum(children)
        running = np.concatenate([[0.0], np.cumsum(weights[here])])
        before = running[last - children]
        cumulative = running[1:] - np.repeat(before, children)
        record["cumulative"][here] = cumulative
        record["spare"][here] = cumulative - record["cumulative"][here]
        record["total"][contexts] = running[last] - before


def alias_table(p: Array) -> tuple[Array, Array]:
    """Return an alias table: draw a column evenly, keep it with probability `keep[column]`, else take `other[column]`.

    Args:
        p: weights >= 0, not all of them 0; they need not sum to one.

    Example:
        >>> keep, other = alias_table(np.array([0.5, 0.0, 0.5]))
        >>> keep.round(6).tolist(), other.tolist()
        ([1.0, 0.0, 0.5], [0, 2, 0])
    """
    words = len(p)
    scaled = (p * (words / p.sum())).tolist()
    other = list(range(words))
    small = [w for w in range(words) if scaled[w] < 1]
    large = [w for w in range(words) if scaled[w] >= 1]
    while small and large:
        poor, rich = small.pop(), large[-1]
        other[poor] = rich
        scaled[rich] -= 1 - scaled[poor]
        if scaled[rich] < 1:
            small.append(large.pop())
    for w in small + large:  # what is left is 1 up to rounding; a word of weight 0 must not gain by that
        scaled[w] = 1.0 if p[w] > 0 else 0.0
        other[w] = w if p[w] > 0 else int(np.argmax(p))
    return np.array(scaled), np.array(other, dtype=np.int32)
