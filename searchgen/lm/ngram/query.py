"""Compiled queries of an n-gram model: one word, whole sequences, exact draws.

A model's state is a node of the trie: the longest suffix of what was read that has children. Scoring walks the suffix links
(Heafield, "KenLM: faster and smaller language model queries", WMT 2011). An interpolated Kneser-Ney model is a mixture,
`p(w|h) = alpha(h, w) + backoff(h) p(w|h')` with `alpha >= 0`, so an exact draw descends with probability `backoff(h)` and else
picks a child by its running sum: no pass over the vocabulary.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from searchgen.compiled import inlined, inner, kernel
from searchgen.lm.ngram.tables import BEGIN, END, NGramTables
from searchgen.randomness import below, bernoulli, categorical_or_rest

__all__ = ["draw_word", "find_child", "score_sequences", "score_tokens", "score_word"]

Scores = npt.NDArray[np.float64]


@inner
def find_child(tables: Any, context: Any, word: Any) -> Any:
    """Return the node of `context word`, or 0 when it is not stored."""
    if context == 0:
        return np.int64(1 + word)
    low = np.int64(tables.node[context].first)
    high = np.int64(tables.node[context + 1].first)
    while low < high:
        middle = (low + high) >> 1
        if tables.word[middle] < word:
            low = middle + 1
        else:
            high = middle
    if low < np.int64(tables.node[context + 1].first) and tables.word[low] == word:
        return low
    return np.int64(0)


@inner
def score_word(tables: Any, context: Any, word: Any) -> Any:
    """Return natural log p(word | context) and the context after the word."""
    log_p = 0.0
    while context > 0:
        node = find_child(tables, context, word)
        if node > 0:
            found = tables.node[node]
            return log_p + found.log_p, np.int64(found.state)
        log_p += tables.node[context].log_backoff
        context = np.int64(tables.node[context].suffix)
    found = tables.node[1 + word]
    return log_p + found.log_p, np.int64(found.state)


def score_tokens(tables: NGramTables, tokens: npt.NDArray[np.int32], offsets: npt.NDArray[np.int64]) -> Scores:
    """Return log p of every token and of each sequence's end.

    Args:
        tables: the model.
        tokens: (n,) int32 ids of all sequences, one after the other.
        offsets: (m + 1,) int64, sequence i is `tokens[offsets[i]:offsets[i + 1]]`.

    Returns:
        (n + m,) float64, natural logs; sequence i begins at `offsets[i] + i` and ends with log p(</s> | ...).
    """
    result = np.empty(len(tokens) + len(offsets) - 1)
    _score_tokens(tables, tokens, offsets, result)
    return result


def score_sequences(tables: NGramTables, tokens: npt.NDArray[np.int32], offsets: npt.NDArray[np.int64]) -> Scores:
    """Return log p of each sequence, from <s> to </s>, as `score_tokens` lays them out: (m,) float64, natural logs."""
    result = np.empty(len(offsets) - 1)
    _score_sequences(tables, tokens, offsets, result)
    return result


@kernel
def _score_tokens(tables: Any, tokens: Any, offsets: Any, result: Any) -> None:
    at = 0
    for i in range(len(offsets) - 1):
        context = np.int64(tables.node[1 + BEGIN].state)
        for j in range(offsets[i], offsets[i + 1]):
            log_p, context = score_word(tables, context, np.int64(tokens[j]))
            result[at] = log_p
            at += 1
        log_p, context = score_word(tables, context, np.int64(END))
        result[at] = log_p
        at += 1


@kernel
def _score_sequences(tables: Any, tokens: Any, offsets: Any, result: Any) -> None:
    for i in range(len(offsets) - 1):
        context = np.int64(tables.node[1 + BEGIN].state)
        total = 0.0
        for j in range(offsets[i], offsets[i + 1]):
            log_p, context = score_word(tables, context, np.int64(tokens[j]))
            total += log_p
        log_p, context = score_word(tables, context, np.int64(END))
        result[i] = total + log_p


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
def draw_word(tables: Any, context: Any, source: Any) -> Any:
    """Return a word drawn exactly from p(. | context), <unk> and </s> included, and its node if that is a child of the context, else 0.

    Where some draw weight would be negative (`tables.mixture` false) the children are drawn by p itself, and the rest of the law
    is that of the suffix without them: a word that a longer context stores is drawn again below that context.
    """
    top = context
    while True:
        if context > 0:
            low, high = np.int64(tables.node[context].first), np.int64(tables.node[context + 1].first)
            node = categorical_or_rest(source, tables.node, low, high)
            if node < 0:
                context = np.int64(tables.node[context].suffix)
                continue
            word = np.int64(tables.word[node])
        else:
            word = _draw_unigram(tables, source)
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
def _draw_unigram(tables: Any, source: Any) -> Any:
    """Return a word drawn from the unigrams by their alias table (Walker 1977)."""
    word = below(source, len(tables.alias_p))
    if bernoulli(source, tables.alias_p[word]):
        return word
    return np.int64(tables.alias_word[word])
