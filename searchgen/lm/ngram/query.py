"""Compiled queries of an n-gram model: one word, exact draws.

A model's state is a node of the trie: the longest suffix of what was read that has children. Scoring walks the suffix links
(Heafield, "KenLM: faster and smaller language model queries", WMT 2011). An interpolated Kneser-Ney model is a mixture,
`p(w|h) = alpha(h, w) + backoff(h) p(w|h')` with `alpha >= 0`, so an exact draw descends with probability `backoff(h)` and else
picks a child by its running sum: no pass over the vocabulary.
"""

from typing import Any

import numpy as np

from searchgen.kernels.compiled import inlined, inner
from searchgen.kernels.randomness import below, bernoulli, categorical_or_rest

__all__ = ["draw_word", "find_child", "score_word"]


@inner
def find_child(tables: Any, context: Any, word: Any) -> Any:
    """Return the node of `context word`, or 0 when it is not stored."""
    if context == 0:
        return np.int64(1 + word)
    low, end = np.int64(tables.node[context].first), np.int64(tables.node[context].end)
    high = end
    while low < high:
        middle = (low + high) >> 1
        if tables.word[middle] < word:
            low = middle + 1
        else:
            high = middle
    if low < end and tables.word[low] == word:
        return low
    return np.int64(0)


@inner
def score_word(tables: Any, context: Any, word: Any) -> Any:
    """Return natural log p(word | context) and the context after the word."""
    log_p = 0.0
    while context > 0:
        node = find_child(tables, context, word)
        if node > 0:
            record = tables.node[node]
            return log_p + record.log_p, np.int64(record.state)
        log_p += tables.node[context].log_backoff
        context = np.int64(tables.node[context].suffix)
    record = tables.node[1 + word]
    return log_p + record.log_p, np.int64(record.state)


@inlined
def _redraw_from(tables: Any, top: Any, context: Any, word: Any) -> Any:
    """Return where to draw again when a context above `context` stores the word, -1 when none does."""
    restart = np.int64(-1)
    while top != context:
        below_top = np.int64(tables.node[top].suffix)
        if find_child(tables, top, word) > 0:
            restart = below_top
        top = below_top
    return restart


@inner
def draw_word(tables: Any, context: Any, rng: Any) -> Any:
    """Return a word drawn exactly from p(. | context), <unk> and </s> included, and its node if that is a child of the context, else 0.

    Where some draw weight would be negative (`tables.mixture` false) the children are drawn by p itself, and the rest of the law
    is that of the suffix without them: a word that a longer context stores is drawn again below that context.
    """
    top = context
    while True:
        if context > 0:
            here = tables.node[context]
            node = categorical_or_rest(rng, tables.cumulative, np.int64(here.first), np.int64(here.end), here.total)
            if node < 0:
                context = np.int64(here.suffix)
                continue
            word = np.int64(tables.word[node])
        else:
            word = _draw_unigram(tables, rng)
            node = 1 + word
        if context == top:
            return word, node
        if tables.mixture[0]:
            return word, np.int64(0)
        restart = _redraw_from(tables, top, context, word)
        if restart < 0:
            return word, np.int64(0)
        context = restart


@inlined
def _draw_unigram(tables: Any, rng: Any) -> Any:
    """Return a word drawn from the unigrams by their alias table (Walker 1977)."""
    word = below(rng, len(tables.alias_p))
    if bernoulli(rng, tables.alias_p[word]):
        return word
    return np.int64(tables.alias_word[word])
