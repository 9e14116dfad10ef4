"""Reading a guide's entries off the trie, compiled: every stored child of every context, with its mass."""

from typing import Any

import numpy as np

from searchgen.compiled import inlined, kernel
from searchgen.lm.ngram.query import score_word
from searchgen.lm.ngram.tables import END, UNKNOWN

__all__ = ["arrange", "child_of", "context_of"]


@kernel
def context_of(ngram: Any, of_node: Any, node: Any) -> Any:
    """Return the context of a trie node: itself or its longest suffix that is a context."""
    while node >= len(of_node) or of_node[node] < 0:
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
def arrange(guide: Any, problem: Any, first: Any, last: Any, summed: Any, sums: Any) -> None:
    """Write the entries of contexts first ... last - 1, each list from its start on, and the lists' ends.

    Args:
        guide: the tables.
        problem: the target.
        first: range of contexts.
        last: its end.
        summed: whether entries that lead to the root are summed by class.
        sums: (2, K) room, zero; words and marks.
    """
    for context in range(first, last):
        guide.plain_end[context] = guide.plain_start[context]
        guide.word_end[context] = guide.word_start[context]
        guide.mark_end[context] = guide.mark_start[context]
        node = np.int64(guide.node[context])
        for child in range(np.int64(problem.ngram.node[node].first), np.int64(problem.ngram.node[node + 1].first)):
            word, p, following, lower_p, lower_next = child_of(guide, problem, context, child)
            if word == END:
                guide.end[context] = p - lower_p
                continue
            for copy in range(len(problem.extra) if word == UNKNOWN else 1):
                token = problem.extra[copy] if word == UNKNOWN else word
                if guide.factor[token] > 0.0:
                    signed = following != lower_next
                    mass = (p - (0.0 if signed else lower_p)) * guide.factor[token]
                    _emit(guide, problem, context, token, following, mass, summed, sums)
                    if signed:
                        _emit(guide, problem, context, token, lower_next, -lower_p * guide.factor[token], summed, sums)
        if summed:
            _emit_sums(guide, context, sums)


@kernel
def _emit(guide: Any, problem: Any, context: Any, token: Any, following: Any, mass: Any, summed: Any, sums: Any) -> None:
    """Write one entry to the list it belongs to."""
    cls = problem.token[token].cls
    is_word = problem.token[token].word == 1
    if summed and following == 0:
        sums[0 if is_word else 1, cls] += mass
    elif is_word and guide.kind[following] == cls and guide.same[guide.kind[context], cls]:
        at = guide.plain_end[context]
        guide.plain_row[at] = np.uint32(guide.row[following])
        guide.plain_mass[at] = mass
        guide.plain_token[at] = token
        guide.plain_end[context] = at + 1
    elif is_word:
        _append_word(guide, context, following, cls, mass, token)
    else:
        _append_mark(guide, context, following, cls, mass, token)


@kernel
def _append_word(guide: Any, context: Any, following: Any, cls: Any, mass: Any, token: Any) -> None:
    at = guide.word_end[context]
    guide.word_next[at] = following
    guide.word_cls[at] = cls
    guide.word_mass[at] = mass
    guide.word_token[at] = token
    guide.word_end[context] = at + 1


@kernel
def _append_mark(guide: Any, context: Any, following: Any, cls: Any, mass: Any, token: Any) -> None:
    at = guide.mark_end[context]
    guide.mark_next[at] = following
    guide.mark_cls[at] = cls
    guide.mark_mass[at] = mass
    guide.mark_token[at] = token
    guide.mark_end[context] = at + 1


@inlined
def _emit_sums(guide: Any, context: Any, sums: Any) -> None:
    """Write the summed entries, one a class, and clear the sums."""
    for cls in range(sums.shape[1]):
        if sums[0, cls] > 0.0:
            _append_word(guide, context, np.int64(0), cls, sums[0, cls], np.int64(-1))
        if sums[1, cls] > 0.0:
            _append_mark(guide, context, np.int64(0), cls, sums[1, cls], np.int64(-1))
        sums[0, cls] = 0.0
        sums[1, cls] = 0.0
