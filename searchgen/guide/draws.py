"""Exact independent draws from the guide, and the log-probability of a text under it; compiled."""

from typing import Any

import numpy as np

from searchgen.compiled import inlined, kernel
from searchgen.lm.ngram.query import find_child, score_word
from searchgen.lm.ngram.tables import END
from searchgen.randomness import Counter, categorical, start_step

__all__ = ["draw", "draw_many", "log_mass_of_text", "score_pairs", "step_context"]

END_OF_TEXT, DESCEND = -1, -2


@inlined
def _value(guide: Any, problem: Any, layer: Any, following: Any, state: Any) -> Any:
    """Return B(state, following) in a layer; 0 for the dead state."""
    if state == 0:
        return 0.0
    return layer[guide.row[following] + guide.position[guide.kind[following], state]]


@kernel
def _draw_by_levels(guide: Any, problem: Any, context: Any, state: Any, t: Any, source: Any, weights: Any) -> Any:
    """Return the next token, where no entry is negative: a child of the context, or go down to the shorter context."""
    while True:
        total = guide.end[context] if t == 0 and problem.accept[state] else 0.0
        weights[0] = total
        n = 1
        for e in range(guide.mark_start[context], guide.mark_start[context + 1]):
            after = problem.next[state, guide.mark_cls[e]]
            total += guide.mark_mass[e] * _value(guide, problem, guide.mass[t], guide.mark_next[e], after)
            weights[n] = total
            n += 1
        marks = n
        if t > 0:
            for e in range(guide.word_start[context], guide.word_start[context + 1]):
                after = problem.next[state, guide.word_cls[e]]
                total += guide.word_mass[e] * _value(guide, problem, guide.mass[t - 1], guide.word_next[e], after)
                weights[n] = total
                n += 1
        if context != 0:
            weights[n] = total + guide.backoff[context] * _value(guide, problem, guide.mass[t], guide.lower[context], state)
            n += 1
        chosen = categorical(source, weights, 0, n)
        if chosen == 0:
            return np.int64(END_OF_TEXT)
        if context != 0 and chosen == n - 1:
            context = guide.lower[context]
            continue
        if chosen < marks:
            e = guide.mark_start[context] + chosen - 1
            if guide.mark_token[e] >= 0:
                return np.int64(guide.mark_token[e])
            return _draw_inside(guide, problem, context, guide.mark_cls[e], False, source, weights)
        e = guide.word_start[context] + chosen - marks
        if guide.word_token[e] >= 0:
            return np.int64(guide.word_token[e])
        return _draw_inside(guide, problem, context, guide.word_cls[e], True, source, weights)


@inlined
def _draw_inside(guide: Any, problem: Any, context: Any, cls: Any, word: Any, source: Any, weights: Any) -> Any:
    """Return a token of a summed entry: the children of a class after which the context is the root."""
    first = guide.full_start[context]
    last = guide.full_start[context + 1]
    total = 0.0
    for e in range(first, last):
        token = problem.token[guide.full_token[e]]
        if guide.full_next[e] == 0 and token.cls == cls and token.word == word:
            total += guide.full_mass[e]
        weights[e - first] = total
    return np.int64(guide.full_token[first + categorical(source, weights, 0, last - first)])


@kernel
def _draw_by_scan(guide: Any, problem: Any, context: Any, state: Any, t: Any, source: Any, weights: Any, room: Any) -> Any:
    """Return the next token by one pass over all words: children, then what the shorter contexts store besides."""
    top = context
    log_p, _ = score_word(problem.ngram, np.int64(guide.node[top]), np.int64(END))
    total = np.exp(problem.beta[0] * log_p) if t == 0 and problem.accept[state] else 0.0
    weights[0] = total
    room[0] = END_OF_TEXT
    n = 1
    scale = 1.0
    while True:
        for e in range(guide.full_start[context], guide.full_start[context + 1]):
            token = problem.token[guide.full_token[e]]
            after = problem.next[state, token.cls]
            if after == 0 or (t == 0 and token.word) or _stored_above(guide, problem, top, context, np.int64(token.model)):
                continue
            mass = scale * guide.full_mass[e]
            total += mass * _value(guide, problem, guide.mass[t - token.word], guide.full_next[e], after)
            weights[n] = total
            room[n] = guide.full_token[e]
            n += 1
        if context == 0:
            return np.int64(room[categorical(source, weights, 0, n)])
        scale *= guide.backoff[context]
        context = guide.lower[context]


@inlined
def _stored_above(guide: Any, problem: Any, top: Any, context: Any, word: Any) -> Any:
    """Return whether a context longer than `context` stores the word."""
    while top != context:
        if find_child(problem.ngram, np.int64(guide.node[top]), word) > 0:
            return True
        top = guide.lower[top]
    return False


@kernel
def step_context(guide: Any, problem: Any, context_of: Any, context: Any, token: Any) -> Any:
    """Return log p(token | context) and the context after it: the longest stored suffix that is a context of the guide."""
    log_p, node = score_word(problem.ngram, np.int64(guide.node[context]), np.int64(problem.token[token].model))
    while context_of[node] < 0:
        node = np.int64(problem.ngram.node[node].suffix)
    return log_p, np.int64(context_of[node])


@kernel
def draw(guide: Any, problem: Any, context_of: Any, begin: Any, scan: Any, source: Any, out: Any, weights: Any, room: Any) -> Any:
    """Draw one text: the number of words first, then token after token.

    Args:
        guide: the tables.
        problem: the target.
        context_of: (N,) context of each trie node, -1 if it is none.
        begin: the context after <s>.
        scan: whether entries may be negative, so that every draw scans all words.
        source: a `Counter` or a `Script`.
        out: (M,) int32, receives the tokens.
        weights: float64 room for one pass over the vocabulary.
        room: int32 likewise.

    Returns:
        The number of tokens.
    """
    low, high = problem.window[0], problem.window[1]
    total = 0.0
    for t in range(low, high + 1):
        total += _value(guide, problem, guide.mass[t], begin, 1)
        weights[t - low] = total
    t = low + categorical(source, weights, 0, high - low + 1)
    context = np.int64(begin)
    state = np.int64(1)
    length = 0
    while True:
        if scan:
            token = _draw_by_scan(guide, problem, context, state, t, source, weights, room)
        else:
            token = _draw_by_levels(guide, problem, context, state, t, source, weights)
        if token == END_OF_TEXT:
            return length
        out[length] = token
        length += 1
        state = np.int64(problem.next[state, problem.token[token].cls])
        t -= problem.token[token].word
        _, context = step_context(guide, problem, context_of, context, token)


@kernel
def draw_many(
    guide: Any, problem: Any, context_of: Any, begin: Any, scan: Any, counters: Any, tokens: Any, lengths: Any, weights: Any, room: Any
) -> None:
    """Draw one text for each row of counters into `tokens` (C, M) and `lengths` (C,)."""
    for c in range(len(lengths)):
        source = Counter(counters[c])
        start_step(source, 0)
        lengths[c] = draw(guide, problem, context_of, begin, scan, source, tokens[c], weights, room)


@kernel
def log_mass_of_text(guide: Any, problem: Any, context_of: Any, begin: Any, tokens: Any, length: Any) -> Any:
    """Return the log mass of a text under the guide, not normalised: beta * log p + weights; -inf when it is not accepted."""
    context = np.int64(begin)
    state = np.int64(1)
    words = 0
    total = 0.0
    for at in range(length):
        token = problem.token[tokens[at]]
        state = np.int64(problem.next[state, token.cls])
        words += token.word
        log_p, context = step_context(guide, problem, context_of, context, np.int64(tokens[at]))
        total += problem.beta[0] * log_p + token.weight
    if state == 0 or not problem.accept[state] or words < problem.window[0] or words > problem.window[1]:
        return -np.inf
    log_p, _ = score_word(problem.ngram, np.int64(guide.node[context]), np.int64(END))
    return total + problem.beta[0] * log_p


@kernel
def score_pairs(tables: Any, context: Any, token: Any, log_p: Any, state: Any) -> None:
    """Fill log p(token | context) and the state after it, for many pairs."""
    for i in range(len(token)):
        log_p[i], state[i] = score_word(tables, context[i], token[i])
