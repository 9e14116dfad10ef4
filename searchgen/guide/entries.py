"""Reading a guide's entries off the trie, compiled: every stored child of every context, with its mass."""

from typing import Any

import numpy as np

from searchgen.compiled import inlined, kernel
from searchgen.lm.ngram.query import score_word
from searchgen.lm.ngram.tables import END, UNKNOWN

__all__ = ["arrange", "child_of", "context_of"]

PLAIN, WORD, MARK = 0, 1, 2


@kernel
def context_of(ngram: Any, of_node: Any, node: Any) -> Any:
    """Return the context of a trie node: itself or its longest suffix that is a context."""
    while of_node[node] < 0:
        node = np.int64(ngram.node[node].suffix)
    return np.int64(of_node[node])


@inlined
def child_of(guide: Any, problem: Any, context: Any, child: Any) -> Any:
    """Return a child's word, p^b, the context after it, and the same two for the context without its first word, times bo^b."""
    ngram = problem.ngram
    word = np.int64(ngram.word[child])
    p = np.exp(problem.beta[0] * np.float64(ngram.node[child].log_p))
    following = context_of(ngram, guide.of_node, np.int64(ngram.node[child].state))
    lower_p = 0.0
    lower_next = following
    if context != 0:
        lower = guide.lower[context]
        if lower == 0:
            lower_p = guide.backoff[context] * guide.unigram[word]
            lower_next = context_of(ngram, guide.of_node, np.int64(ngram.node[1 + word].state))
        else:
            log_p, state = score_word(ngram, np.int64(guide.node[lower]), word)
            lower_p = guide.backoff[context] * np.exp(problem.beta[0] * log_p)
            lower_next = context_of(ngram, guide.of_node, state)
    return word, p, following, lower_p, lower_next


@kernel
def arrange(guide: Any, problem: Any, first: Any, last: Any, count: Any, fill: Any, summed: Any, sums: Any) -> None:
    """Count, or fill in, the entries of contexts first ... last - 1.

    Args:
        guide: the tables; with `fill` the entries are written from `*_start` on.
        problem: the target.
        first: range of contexts.
        last: its end.
        count: (n, 3) int64: entries of each context that are plain, other words, marks.
        fill: whether to write them.
        summed: whether entries that lead to the root are summed by class.
        sums: (2, K) room, zero; words and marks.
    """
    for context in range(first, last):
        count[context, :] = 0
        node = np.int64(guide.node[context])
        begin, end = np.int64(problem.ngram.node[node].first), np.int64(problem.ngram.node[node + 1].first)
        for child in range(begin, end):
            word, p, following, lower_p, lower_next = child_of(guide, problem, context, child)
            copies = len(problem.extra) if word == UNKNOWN else 1
            if word == END:
                guide.end[context] = p - lower_p
                copies = 0
            for copy in range(copies):
                token = problem.extra[copy] if word == UNKNOWN else word
                if guide.factor[token] > 0.0:
                    signed = following != lower_next
                    mass = (p - (0.0 if signed else lower_p)) * guide.factor[token]
                    _emit(guide, problem, context, token, following, mass, count, fill, summed, sums)
                    if signed:
                        mass = -lower_p * guide.factor[token]
                        _emit(guide, problem, context, token, lower_next, mass, count, fill, summed, sums)
        if summed:
            _emit_sums(guide, context, count, fill, sums)


@kernel
def _emit(
    guide: Any,
    problem: Any,
    context: Any,
    token: Any,
    following: Any,
    mass: Any,
    count: Any,
    fill: Any,
    summed: Any,
    sums: Any,
) -> None:
    """Count or write one entry, in the list it belongs to."""
    cls = problem.token[token].cls
    is_word = problem.token[token].word == 1
    if summed and following == 0:
        sums[0 if is_word else 1, cls] += mass
        return
    if is_word and guide.kind[following] == cls and guide.same[guide.kind[context], cls]:
        if fill:
            at = guide.plain_start[context] + count[context, PLAIN]
            guide.plain_row[at] = np.uint32(guide.row[following])
            guide.plain_mass[at] = mass
            guide.plain_token[at] = token
        count[context, PLAIN] += 1
    elif is_word:
        if fill:
            at = guide.word_start[context] + count[context, WORD]
            guide.word_next[at] = following
            guide.word_cls[at] = cls
            guide.word_mass[at] = mass
            guide.word_token[at] = token
        count[context, WORD] += 1
    else:
        if fill:
            at = guide.mark_start[context] + count[context, MARK]
            guide.mark_next[at] = following
            guide.mark_cls[at] = cls
            guide.mark_mass[at] = mass
            guide.mark_token[at] = token
        count[context, MARK] += 1


@inlined
def _emit_sums(guide: Any, context: Any, count: Any, fill: Any, sums: Any) -> None:
    """Count or write the summed entries, one a class, and clear the sums."""
    for cls in range(sums.shape[1]):
        if sums[0, cls] > 0.0:
            if fill:
                at = guide.word_start[context] + count[context, WORD]
                guide.word_next[at] = 0
                guide.word_cls[at] = cls
                guide.word_mass[at] = sums[0, cls]
                guide.word_token[at] = -1
            count[context, WORD] += 1
        if sums[1, cls] > 0.0:
            if fill:
                at = guide.mark_start[context] + count[context, MARK]
                guide.mark_next[at] = 0
                guide.mark_cls[at] = cls
                guide.mark_mass[at] = sums[1, cls]
                guide.mark_token[at] = -1
            count[context, MARK] += 1
        sums[0, cls] = 0.0
        sums[1, cls] = 0.0
