"""Exact draws of texts from a guide, and the log-probability of a text under it."""

from typing import Any

import numpy as np
from numba.extending import overload

from searchgen.compiled import inlined, inner, kernel
from searchgen.guide.candidates import NONE, begin, offer, settle
from searchgen.guide.edges import child_weights, next_row
from searchgen.guide.tables import ALIGNED, BEGIN_ROW, PITCH, SPECIAL, STRIDE, GeneralTables
from searchgen.lm.ngram.query import find_child, score_word
from searchgen.lm.ngram.tables import END
from searchgen.randomness import Counter, bernoulli, categorical, start_step

__all__ = ["completion_mass", "draw", "draw_many", "draw_next", "log_probability", "mass_of", "pick_any"]

#: The end of the text was chosen, where choices are edges.
STOP = -2


@inlined
def mass_of(guide: Any, t: Any, r: Any, place: Any) -> Any:
    """Return B_t of a row at a place of its states, on the scale of its layer."""
    value = guide.value[t * guide.size[STRIDE] + guide.row[r].offset + place]
    return value * guide.mass[t, guide.place[guide.kind[guide.row[r].cls].start + place].scaled_by]


@inner
def draw(guide: Any, problem: Any, source: Any, room: Any, out: Any) -> Any:
    """Draw a text of the guide's law into `out` (M,) int32; return its length, -1 if the guide has no text."""
    if not guide.ends[-1] > 0.0:
        return np.int64(NONE)
    t = problem.window[0] + categorical(source, guide.ends, 0, len(guide.ends))
    row, state, place, n = guide.size[BEGIN_ROW], np.int64(1), np.int64(0), 0
    while True:
        token, row = draw_next(guide, problem, t, row, state, place, source, room)
        if token in (END, NONE) or n == len(out):
            return np.int64(n if token == END else NONE)
        out[n] = token
        n += 1
        c = guide.weight[token].cls
        place = np.int64(guide.target[c, state])
        state = np.int64(guide.place[guide.kind[c].start + place].state)
        t -= guide.kind[c].word


def draw_next(guide: Any, problem: Any, t: Any, row: Any, state: Any, place: Any, source: Any, room: Any) -> Any:
    """Return the next token, END or NONE, and the row after it."""


@overload(draw_next)
def _draw_next_by_type(
    guide: Any, problem: Any, t: Any, row: Any, state: Any, place: Any, source: Any, room: Any
) -> Any:
    general = guide.instance_class is GeneralTables
    return _draw_any if general else _draw_mixture


def _draw_mixture(guide: Any, problem: Any, t: Any, row: Any, state: Any, place: Any, source: Any, room: Any) -> Any:
    """Draw the next token and row: back off with its share of the mass, else pick a child."""
    while True:
        mass = mass_of(guide, t, row, place)
        parent = np.int64(guide.row[row].parent)
        above = 0.0
        if parent >= 0:
            higher = state if parent == 0 else place
            above = guide.row[row].backoff * mass_of(guide, t, parent, higher)
        edge = np.int64(NONE)
        if parent < 0 or not bernoulli(source, above / mass):
            begin(room, mass - above)
            edge = _pick_edge(guide, problem, t, row, state, source, room)
        if edge == NONE:
            if parent < 0:
                return np.int64(NONE), row
            row, place = parent, higher
            continue
        if edge == STOP:
            return np.int64(END), row
        child = np.int64(guide.edge[edge].row)
        token = np.int64(guide.row[child].token)
        if token < 0:
            begin(room, np.float64(guide.edge[edge].coefficient))
            token = _pick_outside(guide, problem, np.int64(guide.row[row].node), guide.row[child].cls, source, room)
        return token, child


@inner
def _pick_edge(guide: Any, problem: Any, t: Any, row: Any, state: Any, source: Any, room: Any) -> Any:
    """Return the edge drawn: punctuation and demanded words are offered first, then other children by falling frequency."""
    own = guide.row[row]
    if t == 0 and problem.accept[state] and own.ending > 0.0:
        offer(room, source, own.ending * guide.step[0], STOP)
    e = np.int64(own.middle)
    while e < own.end:
        cls = np.int64(guide.row[guide.edge[e].row].cls)
        layer, factor = _step(guide, t, state, cls)
        while e < own.end and guide.row[guide.edge[e].row].cls == cls:
            if factor > 0.0:
                edge = guide.edge[e]
                weight = edge.coefficient * factor * guide.value[layer + guide.row[edge.row].offset]
                chosen = offer(room, source, weight, e) if weight > 0.0 else np.int64(NONE)
                if chosen != NONE:
                    return chosen
            e += 1
    return _pick_aligned(guide, t, row, state, source, room)


@inlined
def _step(guide: Any, t: Any, state: Any, cls: Any) -> Any:
    """Return where the values of the state after a class stand in its rows, and what turns them into layer t's masses; 0 if dead."""
    kind = guide.kind[cls]
    place, later = np.int64(guide.target[cls, state]), t - kind.word
    factor = 0.0
    if place >= 0 and later >= 0:
        factor = guide.mass[later, guide.place[kind.start + place].scaled_by] * (guide.step[t] if kind.word else 1.0)
    return later * guide.size[STRIDE] + place, factor


@inner
def _pick_aligned(guide: Any, t: Any, row: Any, state: Any, source: Any, room: Any) -> Any:
    """Go on with the edges of aligned classes: their values stand at regular distances, so no row is looked up."""
    own = guide.row[row]
    special, pitch = guide.size[SPECIAL], guide.size[PITCH]
    e = np.int64(own.start)
    while e < own.middle:
        cls = np.int64(guide.row[guide.edge[e].row].cls)
        layer, factor = _step(guide, t, state, cls)
        last = np.int64(own.middle)
        if row == 0:
            last = np.int64(guide.kind[cls].edge)
        elif own.cls >= guide.size[ALIGNED]:
            last = _class_end(guide, e, last, cls)
        if factor > 0.0:
            layer += guide.row[special].offset
            for i in range(e, last):
                edge = guide.edge[i]
                weight = edge.coefficient * factor * guide.value[layer + (edge.row - special) * pitch]
                chosen = offer(room, source, weight, i) if weight > 0.0 else np.int64(NONE)
                if chosen != NONE:
                    return chosen
        e = last
    return settle(room, source)


@inner
def _class_end(guide: Any, low: Any, high: Any, cls: Any) -> Any:
    """Return the end of the edges of a class, which begin at `low`."""
    while low < high:
        middle = (low + high) >> 1
        if guide.row[guide.edge[middle].row].cls > cls:
            high = middle
        else:
            low = middle + 1
    return low


@inner
def _pick_outside(guide: Any, problem: Any, context: Any, cls: Any, source: Any, room: Any) -> Any:
    """Return the token of a class drawn from those children of a context (order 2) that lead to the root."""
    for i in range(problem.ngram.node[context].first, problem.ngram.node[context + 1].first):
        word = np.int64(problem.ngram.word[i])
        for extra in range(len(problem.extra) if word == 0 else 1):
            token = problem.extra[extra] if word == 0 else word
            row = np.int64(guide.row_of_node[1 + word]) if 1 + word < len(guide.row_of_node) else np.int64(NONE)
            if row < NONE:
                row = np.int64(guide.extra_row[-2 - row, token - len(problem.ngram.alias_p)])
            if row >= 0 or guide.weight[token].cls != cls:
                continue
            weight = guide.weight[token].unigram
            if context > 0:
                upper, lower = child_weights(problem, context, i, word)
                weight = (upper - lower) * guide.weight[token].scale
            chosen = offer(room, source, weight, token)
            if chosen != NONE:
                return chosen
    return settle(room, source)


def _draw_any(guide: Any, problem: Any, t: Any, row: Any, state: Any, place: Any, source: Any, room: Any) -> Any:
    """Draw the next token and row where some edge is negative: weigh the children of each suffix that no longer context stores."""
    begin(room, mass_of(guide, t, row, place))
    context = np.int64(guide.row[row].node)
    token = pick_any(guide, problem, t, context, context, state, source, room)
    if token < 0 or token == END:
        return token, row
    return token, next_row(guide, problem.ngram, context, token, np.int64(problem.token[token].model))


@inner
def pick_any(guide: Any, problem: Any, t: Any, top: Any, looked: Any, state: Any, source: Any, room: Any) -> Any:
    """Return a token, END or NONE, weighed one by one: the model's context is `top`, the guide's `looked`, a suffix of it."""
    context, log_backoff = top, 0.0
    token = np.int64(NONE)
    while context >= 0 and token == NONE:
        for i in range(problem.ngram.node[context].first, problem.ngram.node[context + 1].first):
            word = np.int64(problem.ngram.word[i])
            if _is_stored_above(problem.ngram, top, context, word):
                continue
            log_p = log_backoff + problem.ngram.node[i].log_p
            for extra in range(len(problem.extra) if word == 0 else 1):
                candidate = problem.extra[extra] if word == 0 else word
                weight = completion_mass(guide, problem, t, looked, state, candidate, word, log_p)
                if weight > 0.0 and token == NONE:
                    token = offer(room, source, weight, candidate)
            if token != NONE:
                break
        log_backoff += problem.ngram.node[context].log_backoff
        context = np.int64(problem.ngram.node[context].suffix)
    return settle(room, source) if token == NONE else token


@inner
def completion_mass(
    guide: Any, problem: Any, t: Any, context: Any, state: Any, token: Any, word: Any, log_p: Any
) -> Any:
    """Return the mass of all completions that begin with a token, on the scale of layer t."""
    beta = problem.beta[0]
    if word == END:
        return np.exp(beta * log_p) * guide.step[0] if t == 0 and problem.accept[state] else 0.0
    cls = guide.weight[token].cls
    if cls < 0:
        return 0.0
    kind = guide.kind[cls]
    place = np.int64(guide.target[cls, state])
    if place < 0 or t < kind.word:
        return 0.0
    later = mass_of(guide, t - kind.word, next_row(guide, problem.ngram, context, token, word), place)
    return np.exp(beta * log_p) * guide.weight[token].scale * later * (guide.step[t] if kind.word else 1.0)


@inlined
def _is_stored_above(ngram: Any, top: Any, context: Any, word: Any) -> Any:
    """Return whether a context above `context` stores the word."""
    stored = False
    while top != context and not stored:
        stored = find_child(ngram, top, word) > 0
        top = np.int64(ngram.node[top].suffix)
    return stored


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
    if not problem.accept[state] or words < problem.window[0] or words > problem.window[1]:
        return -np.inf
    more, _ = score_word(problem.ngram, np.int64(guide.row[row].node), np.int64(END))
    return problem.beta[0] * (log_p + more) + weight - log_mass


@kernel
def draw_many(
    guide: Any, problem: Any, counters: Any, low: Any, high: Any, number: Any, room: Any, tokens: Any, lengths: Any
) -> None:
    """Draw a text for each of the chains low ... high - 1: tokens (C, M) int32, lengths (C,) int64."""
    for c in range(low, high):
        source = Counter(counters[c])
        start_step(source, -1 - number)  # steps of moves count up from 0
        lengths[c] = draw(guide, problem, source, room, tokens[c])
