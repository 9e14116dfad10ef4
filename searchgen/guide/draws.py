"""Exact draws of texts from a guide, and the log-probability of a text under it."""

from typing import Any

import numpy as np

from searchgen.guide.candidates import NONE, begin
from searchgen.guide.choices import STOP, class_end, mass_of, pick_any, pick_edge, step_through, token_of
from searchgen.guide.edges import next_row
from searchgen.guide.tables import BEGIN_ROW, LONG, MIXTURE
from searchgen.kernels.compiled import inlined, inner, kernel
from searchgen.kernels.randomness import Counter, bernoulli, categorical, conditioned, redraws, start_step
from searchgen.kernels.word_count import fits
from searchgen.lm.ngram.query import score_word
from searchgen.lm.ngram.tables import END

__all__ = ["draw", "draw_many", "draw_next", "log_probability"]

#: Where less of a shorter context's mass is left, its words are weighed one by one instead of being drawn until one is left.
RARELY = 1e-3


@inner
def draw(guide: Any, problem: Any, rng: Any, scratch: Any, out: Any) -> Any:
    """Draw a text of the guide's law into `out` (M,) int32; return its length, -1 if the guide has no text."""
    if not guide.ends[-1] > 0.0:
        return np.int64(NONE)
    t = guide.begins[categorical(rng, guide.ends, 0, len(guide.ends))]
    row, state, place, n = guide.size[BEGIN_ROW], np.int64(1), np.int64(0), 0
    while True:
        token, row = draw_next(guide, problem, t, row, state, place, rng, scratch)
        if token in (END, NONE) or n == len(out):
            return np.int64(n if token == END else NONE)
        out[n] = token
        n += 1
        c = guide.weight[token].cls
        place = np.int64(guide.target[c, state])
        state = np.int64(guide.place[guide.kind[c].start + place].state)
        t -= guide.kind[c].down


@inner
def draw_next(guide: Any, problem: Any, t: Any, row: Any, state: Any, place: Any, rng: Any, scratch: Any) -> Any:
    """Return the next token, END or NONE, and the row after it."""
    start = np.int64(row)
    while True:
        token, child = _draw_longest(guide, problem, t, start, state, place, rng, scratch)
        if token < 0 or token == END:
            return token, np.int64(row)
        if not guide.size[LONG] or not guide.size[MIXTURE]:
            return token, child
        word = np.int64(problem.token[token].model)
        start = _shorter_than_barred(guide, problem, row, child, token, word)
        if start == NONE or not redraws(rng):
            return token, child


@inner
def _draw_longest(guide: Any, problem: Any, t: Any, row: Any, state: Any, place: Any, rng: Any, scratch: Any) -> Any:
    """Draw the next token and row: back off with the shorter context's share of the mass, else pick a child.

    The shorter context's law has no children there that go on in a longer context after the row than after its parent: those are
    barred below the row. The caller rejects what a longer context than the drawn row's bars. Where draws are no mixture, and where
    next to nothing of the shorter context's mass is left, words are weighed one by one.
    """
    while True:
        at = state if row == 0 else place
        mass = mass_of(guide, t, row, at)
        parent, above = np.int64(guide.row[row].parent), 0.0
        one_by_one = not guide.size[MIXTURE]
        left, lower, barring = mass, np.int64(row), np.int64(NONE)
        if parent >= 0 and not one_by_one:
            whole = guide.row[row].backoff * mass_of(guide, t, parent, state if parent == 0 else place)
            barred = _barred(guide, t, row, state) if guide.size[LONG] else 0.0
            above = max(whole - barred, 0.0)
            if above > 0.0 and bernoulli(rng, above / mass):
                if above > RARELY * whole:
                    if barred > 0.0:
                        conditioned(rng, above / whole)
                    row = parent
                    continue
                one_by_one, lower, barring = True, parent, np.int64(guide.row[row].node)
                left = above / guide.row[row].backoff
        if one_by_one:
            token, child = _weighed(guide, problem, t, row, lower, left, barring, state, rng, scratch)
            if token != NONE or barring == NONE:
                return token, child
        begin(scratch, mass - above)
        edge = pick_edge(guide, problem, t, row, state, rng, scratch)
        if edge == STOP:
            return np.int64(END), row
        if edge != NONE:
            return token_of(guide, problem, row, edge, rng, scratch)
        if parent < 0:
            return np.int64(NONE), row
        row = parent


@inlined
def _weighed(
    guide: Any, problem: Any, t: Any, row: Any, lower: Any, left: Any, barring: Any, state: Any, rng: Any, scratch: Any
) -> Any:
    """Draw the next token and row by weighing words one by one, by the law of a row `lower` without what is barred below `barring`."""
    begin(scratch, left)
    context, child = np.int64(guide.row[lower].node), np.int64(row)
    token = pick_any(guide, problem, t, context, context, barring, state, rng, scratch)
    if token != NONE and token != END:
        child = next_row(guide, problem.ngram, context, token, np.int64(problem.token[token].model))
    return token, child


@inner
def _barred(guide: Any, t: Any, row: Any, state: Any) -> Any:
    """Return what the children that are barred below a row weigh there, times the back-off, on the scale of layer t."""
    total, own = 0.0, guide.row[row]
    e = np.int64(own.start)
    while e < own.end:
        cls = np.int64(guide.row[guide.edge[e].row].cls)
        layer, factor = step_through(guide, t, state, cls)
        last = class_end(guide, e, np.int64(own.end), cls)
        if factor > 0.0:
            for i in range(e, last):
                if guide.edge[i].coefficient < 0.0:
                    edge = guide.edge[i]
                    total -= edge.coefficient * factor * guide.value[layer + guide.row[edge.row].offset]
        e = last
    return total


@inner
def _shorter_than_barred(guide: Any, problem: Any, top: Any, child: Any, token: Any, word: Any) -> Any:
    """Return the row to draw again from: the parent of the shortest context above which a token's row is another; NONE: none is."""
    again, row = np.int64(NONE), top
    while row > 0 and next_row(guide, problem.ngram, np.int64(guide.row[row].node), token, word) != child:
        row = again = np.int64(guide.row[row].parent)
    return again


@kernel
def log_probability(guide: Any, problem: Any, tokens: Any, length: Any, log_mass: Any) -> Any:
    """Return the natural log-probability of a text under the guide's law, normalised over the window; -inf if not accepted.

    Args:
        guide: its tables.
        problem: the target.
        tokens: (M,) int32.
        length: how many of them make up the text.
        log_mass: log Z.
    """
    row, state, words = guide.size[BEGIN_ROW], np.int64(1), np.int64(0)
    log_p, weight = 0.0, 0.0
    for i in range(length):
        token = np.int64(tokens[i])
        state = np.int64(problem.next[state, problem.token[token].cls])
        if state == 0 or guide.weight[token].cls < 0:
            return -np.inf
        context, word = np.int64(guide.row[row].node), np.int64(problem.token[token].model)
        more, _ = score_word(problem.ngram, context, word)
        log_p += more
        weight += problem.token[token].weight
        words += problem.token[token].word
        row = next_row(guide, problem.ngram, context, token, word)
    if not problem.accept[state] or not fits(problem, words):
        return -np.inf
    more, _ = score_word(problem.ngram, np.int64(guide.row[row].node), np.int64(END))
    return problem.beta[0] * (log_p + more) + weight - log_mass


@kernel
def draw_many(
    guide: Any, problem: Any, counters: Any, low: Any, high: Any, number: Any, scratch: Any, tokens: Any, lengths: Any
) -> None:
    """Draw a text for each of the chains low ... high - 1: tokens (C, M) int32, lengths (C,) int64."""
    for c in range(low, high):
        rng = Counter(counters[c])
        start_step(rng, -1 - number)  # steps of moves count up from 0
        lengths[c] = draw(guide, problem, rng, scratch, tokens[c])
