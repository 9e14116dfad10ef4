"""From the shape and the probabilities of a model to the tables that compiled loops read."""

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt

from searchgen.lm.ngram.estimation.kneser_ney import Weights
from searchgen.lm.ngram.estimation.trie import Trie, first_children, siblings
from searchgen.lm.ngram.tables import LOG_ZERO, NGramTables, node_dtype

__all__ = ["alias_table", "build_tables", "word_dtype"]

Array = npt.NDArray[Any]

#: Nodes laid out at once.
BLOCK = 1 << 14


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
        Tables as described in docs/architecture.md.
    """
    nodes, words = len(trie.word), int(trie.children[0])
    # A foreign model may back off with a weight from a context without children: that context counts as a state too.
    lasting = (trie.children > 0) | (weights.backoff != 1)
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # numpy works outside the interpreter lock
        sums = pool.submit(_draw_weights, trie, weights.alpha if weights.mixture else weights.p)
        links = pool.submit(_states, trie, lasting)
        logs = pool.map(_log, (weights.p, weights.backoff))
        alias = pool.submit(alias_table, weights.p[1 : 1 + words])
        (cumulative, total), (state, suffix), (log_p, log_backoff) = sums.result(), links.result(), logs
        log_p[0] = 0
        first = first_children(trie.children)
        fields = {"log_p": log_p, "log_backoff": log_backoff, "first": first[:-1], "end": first[1:]}
        fields |= {"state": state, "suffix": suffix, "total": total}
        record = np.empty(nodes + 1, dtype=node_dtype(real))
        list(pool.map(lambda start: _fill(record, fields, start), range(0, nodes, BLOCK)))
    record[nodes] = 0
    record["first"][nodes] = nodes
    alias_p, alias_word = alias.result()
    return NGramTables(
        word=trie.word.astype(word_dtype(words)),
        node=record,
        cumulative=cumulative,
        alias_p=alias_p.astype(real),
        alias_word=alias_word,
        mixture=np.array([weights.mixture]),
        order=np.array([trie.order], dtype=np.int64),
    )


def _fill(record: Array, fields: dict[str, Array], start: int) -> None:
    """Write a block of records while it stays in the cache."""
    block = slice(start, min(start + BLOCK, len(record) - 1))
    part = record[block]
    for name, values in fields.items():
        part[name] = values[block]


def _log(values: Array) -> Array:
    logs = np.full(len(values), LOG_ZERO)
    np.log(values, out=logs, where=values > 0)
    return logs


def _states(trie: Trie, lasting: Array) -> tuple[Array, Array]:
    """Return each n-gram's longest suffix that matters for the words to come, with itself and without."""
    state = np.arange(len(trie.word), dtype=np.int32)
    suffix = np.full(len(trie.word), -1, dtype=np.int32)
    for k in range(1, trie.order + 1):
        here = slice(trie.starts[k], trie.starts[k + 1])
        suffix[here] = state[trie.suffix[here]]
        np.copyto(state[here], suffix[here], where=~lasting[here])
    return state, suffix


def _draw_weights(trie: Trie, weights: Array) -> tuple[Array, Array]:
    """Return running sums over siblings, and each context's total, order by order so that sums stay short."""
    cumulative, total = np.zeros(len(trie.word)), np.zeros(len(trie.word))
    for k in range(1, trie.order + 1):
        here, contexts = slice(trie.starts[k], trie.starts[k + 1]), slice(trie.starts[k - 1], trie.starts[k])
        groups = siblings(trie.children[contexts])
        running = np.cumsum(weights[here])
        before = np.concatenate([[0.0], running])[groups.eldest]
        cumulative[here] = running - groups.spread(before)
        total[contexts][groups.context] = running[groups.eldest + groups.size - 1] - before
    return cumulative, total


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
