"""Exact independent draws from the guide, and the log-mass of a text under it; compiled.

Where no entry is negative (orders 1 and 2) a draw descends as the recursion does: a child of the context, or down to the shorter one.
At higher orders it scans all words once: the children, then what shorter contexts store besides.
"""

from typing import Any

import numpy as np

from searchgen.compiled import inlined, kernel
from searchgen.lookahead.entries import child_of, context_of
from searchgen.lm.ngram.query import find_child, score_word
from searchgen.lm.ngram.tables import END, UNKNOWN
from searchgen.randomness import Counter, categorical, start_step

__all__ = ["draw_by_levels", "draw_by_scan", "draw_many_by_levels", "draw_many_by_scan", "log_mass_of_text"]

END_OF_TEXT = -1


@kernel
def _value(layer: Any, row: Any, position: Any, state: Any) -> Any:
    """Return B in a layer at a context's row, for a state and its kind's positions; 0 for the dead state."""
    return layer[row + position[state]] if state != 0 else 0.0


@inlined
def _weigh_levels(guide: Any, problem: Any, context: Any, state: Any, t: Any, weights: Any) -> Any:
    """Fill the running sum over end, marks, words, plain words and the descent; return where marks and words end."""
    total = guide.end[context] if t == 0 and problem.accept[state] else 0.0
    weights[0] = total
    n = 1
    layer = guide.mass[t]
    for e in range(guide.mark_start[context], guide.mark_end[context]):
        following = guide.mark_next[e]
        after = problem.next[state, guide.mark_cls[e]]
        total += guide.mark_mass[e] * _value(layer, guide.row[following], guide.position[guide.kind[following]], after)
        weights[n] = total
        n += 1
    marks = n
    words = n
    if t > 0:
        layer = guide.mass[t - 1]
        for e in range(guide.word_start[context], guide.word_end[context]):
            following = guide.word_next[e]
            after = problem.next[state, guide.word_cls[e]]
            total += guide.word_mass[e] * _value(layer, guide.row[following], guide.position[guide.kind[following]], after)
            weights[n] = total
            n += 1
        words = n
        at = guide.position[guide.kind[context], state]
        for e in range(guide.plain_start[context], guide.plain_end[context]):
            total += guide.plain_mass[e] * layer[guide.plain_row[e] + at]
            weights[n] = total
            n += 1
    if context != 0:
        lower = guide.lower[context]
        weights[n] = total + guide.backoff[context] * _value(
            guide.mass[t], guide.row[lower], guide.position[guide.kind[lower]], state
        )
        n += 1
    return marks, words, n


@kernel
def _token_by_levels(guide: Any, problem: Any, context: Any, state: Any, t: Any, source: Any, weights: Any) -> Any:
    """Return the next token, or END_OF_TEXT."""
    while True:
        marks, words, n = _weigh_levels(guide, problem, context, state, t, weights)
        chosen = categorical(source, weights, 0, n)
        if chosen == 0:
            return np.int64(END_OF_TEXT)
        if context != 0 and chosen == n - 1:
            context = np.int64(guide.lower[context])
            continue
        if chosen >= words:
            return np.int64(guide.plain_token[guide.plain_start[context] + chosen - words])
        if chosen < marks:
            e = guide.mark_start[context] + chosen - 1
            token, cls = np.int64(guide.mark_token[e]), guide.mark_cls[e]
        else:
            e = guide.word_start[context] + chosen - marks
            token, cls = np.int64(guide.word_token[e]), guide.word_cls[e]
        if token >= 0:
            return token
        return _token_of_sum(guide, problem, context, cls, chosen >= marks, source, weights)


@kernel
def _token_of_sum(guide: Any, problem: Any, context: Any, cls: Any, word: Any, source: Any, weights: Any) -> Any:
    """Return a token of a summed entry: a child of the class after which the context is the root."""
    node = np.int64(guide.node[context])
    begin, end = np.int64(problem.ngram.node[node].first), np.int64(problem.ngram.node[node + 1].first)
    total = 0.0
    for child in range(begin, end):
        model, p, following, lower_p, _ = child_of(guide, problem, context, child)
        if following == 0 and model == UNKNOWN:
            for token in problem.extra:
                if problem.token[token].cls == cls and (problem.token[token].word == 1) == word:
                    total += (p - lower_p) * guide.factor[token]
        elif following == 0 and problem.token[model].cls == cls and (problem.token[model].word == 1) == word:
            total += (p - lower_p) * guide.factor[model]
        weights[child - begin] = total
    chosen = np.int64(problem.ngram.word[begin + categorical(source, weights, 0, end - begin)])
    if chosen != UNKNOWN:
        return chosen
    total = 0.0
    for i in range(len(problem.extra)):
        token = problem.token[problem.extra[i]]
        total += guide.factor[problem.extra[i]] if token.cls == cls and (token.word == 1) == word else 0.0
        weights[i] = total
    return np.int64(problem.extra[categorical(source, weights, 0, len(problem.extra))])


@kernel
def _token_by_scan(guide: Any, problem: Any, context: Any, state: Any, t: Any, source: Any, weights: Any, room: Any) -> Any:
    """Return the next token, or END_OF_TEXT, by one pass over all words."""
    top = context
    log_p, _ = score_word(problem.ngram, np.int64(guide.node[top]), np.int64(END))
    total = np.exp(problem.beta[0] * log_p) if t == 0 and problem.accept[state] else 0.0
    weights[0] = total
    room[0] = END_OF_TEXT
    n = 1
    scale = 1.0
    while True:
        node = np.int64(guide.node[context])
        for child in range(np.int64(problem.ngram.node[node].first), np.int64(problem.ngram.node[node + 1].first)):
            model, p, following, _, _ = child_of(guide, problem, context, child)
            if model == END or _stored_above(guide, problem.ngram, top, context, model):
                continue
            for copy in range(len(problem.extra) if model == UNKNOWN else 1):
                word = problem.extra[copy] if model == UNKNOWN else model
                token = problem.token[word]
                after = problem.next[state, token.cls]
                if after == 0 or token.word > t or guide.factor[word] == 0.0:
                    continue
                value = guide.mass[t - token.word, guide.row[following] + guide.position[guide.kind[following], after]]
                total += scale * p * guide.factor[word] * value
                weights[n] = total
                room[n] = word
                n += 1
        if context == 0:
            return np.int64(room[categorical(source, weights, 0, n)])
        scale *= guide.backoff[context]
        context = np.int64(guide.lower[context])


@kernel
def _stored_above(guide: Any, ngram: Any, top: Any, context: Any, word: Any) -> Any:
    """Return whether a context longer than `context` stores the word."""
    while top != context:
        if find_child(ngram, np.int64(guide.node[top]), word) > 0:
            return True
        top = np.int64(guide.lower[top])
    return False


@inlined
def _words_to_come(guide: Any, problem: Any, begin: Any, source: Any, weights: Any) -> Any:
    """Draw the number of words."""
    low, high = problem.window[0], problem.window[1]
    total = 0.0
    for t in range(low, high + 1):
        total += _value(guide.mass[t], guide.row[begin], guide.position[guide.kind[begin]], 1)
        weights[t - low] = total
    return low + categorical(source, weights, 0, high - low + 1)


@inlined
def _read(guide: Any, problem: Any, context: Any, state: Any, token: Any) -> Any:
    """Return log p(token | context), the context after it: the longest stored suffix that is one, and the state."""
    log_p, node = score_word(problem.ngram, np.int64(guide.node[context]), np.int64(problem.token[token].model))
    return log_p, context_of(problem.ngram, guide.of_node, node), np.int64(problem.next[state, problem.token[token].cls])


@kernel
def draw_by_levels(guide: Any, problem: Any, begin: Any, source: Any, out: Any, weights: Any, room: Any) -> Any:
    """Draw one text: the number of words first, then token after token, where no entry is negative.

    Args:
        guide: the tables.
        problem: the target.
        begin: the context after <s>.
        source: a `Counter` or a `Script`.
        out: (M,) int32, receives the tokens.
        weights: float64 room for one pass over the vocabulary.
        room: int32 likewise.

    Returns:
        The number of tokens.
    """
    t = _words_to_come(guide, problem, begin, source, weights)
    context, state, length = np.int64(begin), np.int64(1), 0
    while True:
        token = _token_by_levels(guide, problem, context, state, t, source, weights)
        if token == END_OF_TEXT:
            return length
        out[length] = token
        length += 1
        t -= problem.token[token].word
        _, context, state = _read(guide, problem, context, state, token)


@kernel
def draw_by_scan(guide: Any, problem: Any, begin: Any, source: Any, out: Any, weights: Any, room: Any) -> Any:
    """Draw one text as `draw_by_levels` does, for guides of any order."""
    t = _words_to_come(guide, problem, begin, source, weights)
    context, state, length = np.int64(begin), np.int64(1), 0
    while True:
        token = _token_by_scan(guide, problem, context, state, t, source, weights, room)
        if token == END_OF_TEXT:
            return length
        out[length] = token
        length += 1
        t -= problem.token[token].word
        _, context, state = _read(guide, problem, context, state, token)


@kernel
def draw_many_by_levels(
    guide: Any, problem: Any, begin: Any, counters: Any, tokens: Any, lengths: Any, weights: Any, room: Any
) -> None:
    """Draw one text for each row of counters into `tokens` (C, M) and `lengths` (C,)."""
    for c in range(len(lengths)):
        source = Counter(counters[c])
        start_step(source, 0)
        lengths[c] = draw_by_levels(guide, problem, begin, source, tokens[c], weights, room)


@kernel
def draw_many_by_scan(
    guide: Any, problem: Any, begin: Any, counters: Any, tokens: Any, lengths: Any, weights: Any, room: Any
) -> None:
    """Do as `draw_many_by_levels`, for guides of any order."""
    for c in range(len(lengths)):
        source = Counter(counters[c])
        start_step(source, 0)
        lengths[c] = draw_by_scan(guide, problem, begin, source, tokens[c], weights, room)


@kernel
def log_mass_of_text(guide: Any, problem: Any, begin: Any, tokens: Any, length: Any) -> Any:
    """Return the log mass of a text under the guide, not normalised: beta * log p + weights; -inf when it is not accepted."""
    context, state, words, total = np.int64(begin), np.int64(1), 0, 0.0
    for at in range(length):
        token = problem.token[tokens[at]]
        words += token.word
        log_p, context, state = _read(guide, problem, context, state, tokens[at])
        total += problem.beta[0] * log_p + token.weight
    if state == 0 or not problem.accept[state] or words < problem.window[0] or words > problem.window[1]:
        return -np.inf
    log_p, _ = score_word(problem.ngram, np.int64(guide.node[context]), np.int64(END))
    return total + problem.beta[0] * log_p
