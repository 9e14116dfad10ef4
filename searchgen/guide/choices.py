"""Choices among what may follow a row: one of its edges, one of the tokens of an edge, or any token at all.

Candidates are weighed until one is chosen, the likely ones first.
"""

from typing import Any

import numpy as np

from searchgen.guide.candidates import NONE, begin, offer, settle
from searchgen.guide.edges import child_weights, next_row
from searchgen.guide.tables import ALIGNED, PITCH, SPECIAL, STRIDE
from searchgen.kernels.compiled import inlined, inner
from searchgen.lm.ngram.query import find_child
from searchgen.lm.ngram.tables import END

__all__ = ["STOP", "class_end", "completion_mass", "mass_of", "pick_any", "pick_edge", "step_through", "token_of"]

#: The end of the text was chosen, where choices are edges.
STOP = -2


@inlined
def mass_of(guide: Any, t: Any, r: Any, place: Any) -> Any:
    """Return B_t of a row at a place of its states, on the scale of its layer."""
    value = guide.value[t * guide.size[STRIDE] + guide.row[r].offset + place]
    return value * guide.mass[t, guide.place[guide.kind[guide.row[r].cls].start + place].scaled_by]


@inner
def pick_edge(guide: Any, problem: Any, t: Any, row: Any, state: Any, rng: Any, scratch: Any) -> Any:
    """Return the edge drawn: punctuation and demanded words are offered first, then other children by falling frequency."""
    own = guide.row[row]
    if t == 0 and problem.accept[state] and own.ending > 0.0:
        offer(scratch, rng, own.ending * guide.step[0], STOP)
    e = np.int64(own.middle)
    while e < own.end:
        cls = np.int64(guide.row[guide.edge[e].row].cls)
        layer, factor = step_through(guide, t, state, cls)
        while e < own.end and guide.row[guide.edge[e].row].cls == cls:
            if factor > 0.0:
                edge = guide.edge[e]
                weight = edge.coefficient * factor * guide.value[layer + guide.row[edge.row].offset]
                chosen = offer(scratch, rng, weight, e) if weight > 0.0 else np.int64(NONE)
                if chosen != NONE:
                    return chosen
            e += 1
    return _pick_aligned(guide, t, row, state, rng, scratch)


@inlined
def step_through(guide: Any, t: Any, state: Any, cls: Any) -> Any:
    """Return where the values of the state after a class stand in its rows, and what turns them into layer t's masses; 0 if dead."""
    kind = guide.kind[cls]
    place, later = np.int64(guide.target[cls, state]), t - kind.down
    factor = 0.0
    if place >= 0 and later >= 0:
        factor = guide.mass[later, guide.place[kind.start + place].scaled_by] * (guide.step[t] if kind.word else 1.0)
    return later * guide.size[STRIDE] + place, factor


@inner
def _pick_aligned(guide: Any, t: Any, row: Any, state: Any, rng: Any, scratch: Any) -> Any:
    """Go on with the edges of aligned classes: their values stand at regular distances, so no row is looked up."""
    own = guide.row[row]
    special, pitch = guide.size[SPECIAL], guide.size[PITCH]
    e = np.int64(own.start)
    while e < own.middle:
        cls = np.int64(guide.row[guide.edge[e].row].cls)
        layer, factor = step_through(guide, t, state, cls)
        last = np.int64(own.middle)
        if row == 0:
            last = np.int64(guide.kind[cls].edge)
        elif own.cls >= guide.size[ALIGNED]:
            last = class_end(guide, e, last, cls)
        if factor > 0.0:
            layer += guide.row[special].offset
            for i in range(e, last):
                edge = guide.edge[i]
                weight = edge.coefficient * factor * guide.value[layer + (edge.row - special) * pitch]
                chosen = offer(scratch, rng, weight, i) if weight > 0.0 else np.int64(NONE)
                if chosen != NONE:
                    return chosen
        e = last
    return settle(scratch, rng)


@inner
def class_end(guide: Any, low: Any, high: Any, cls: Any) -> Any:
    """Return the end of the edges of a class, which begin at `low`."""
    while low < high:
        middle = (low + high) >> 1
        if guide.row[guide.edge[middle].row].cls > cls:
            high = middle
        else:
            low = middle + 1
    return low


@inner
def _pick_outside(guide: Any, problem: Any, context: Any, cls: Any, rng: Any, scratch: Any) -> Any:
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
            chosen = offer(scratch, rng, weight, token)
            if chosen != NONE:
                return chosen
    return settle(scratch, rng)


@inlined
def token_of(guide: Any, problem: Any, row: Any, edge: Any, rng: Any, scratch: Any) -> Any:
    """Return the token of an edge of a row, drawn if it stands for many, and the row that it leads to."""
    child = np.int64(guide.edge[edge].row)
    token = np.int64(guide.row[child].token)
    if token < 0:
        begin(scratch, np.float64(guide.edge[edge].coefficient))
        token = _pick_outside(guide, problem, np.int64(guide.row[row].node), guide.row[child].cls, rng, scratch)
    return token, child


@inner
def pick_any(
    guide: Any, problem: Any, t: Any, top: Any, looked: Any, barred: Any, state: Any, rng: Any, scratch: Any
) -> Any:
    """Return a token, END or NONE, weighed one by one: the model's context is `top`, the guide's `looked`, a suffix of it.

    If `barred` is no NONE but a longer context, tokens that go on in a longer context after it than after `looked` are left out.
    """
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
                if weight > 0.0 and barred != NONE and word != END:
                    longer = next_row(guide, problem.ngram, barred, candidate, word)
                    weight *= longer == next_row(guide, problem.ngram, looked, candidate, word)
                if weight > 0.0 and token == NONE:
                    token = offer(scratch, rng, weight, candidate)
            if token != NONE:
                break
        log_backoff += problem.ngram.node[context].log_backoff
        context = np.int64(problem.ngram.node[context].suffix)
    return settle(scratch, rng) if token == NONE else token


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
    if place < 0 or t < kind.down:
        return 0.0
    later = mass_of(guide, t - kind.down, next_row(guide, problem.ngram, context, token, word), place)
    return np.exp(beta * log_p) * guide.weight[token].scale * later * (guide.step[t] if kind.word else 1.0)


@inlined
def _is_stored_above(ngram: Any, top: Any, context: Any, word: Any) -> Any:
    """Return whether a context above `context` stores the word."""
    stored = False
    while top != context and not stored:
        stored = find_child(ngram, top, word) > 0
        top = np.int64(ngram.node[top].suffix)
    return stored
