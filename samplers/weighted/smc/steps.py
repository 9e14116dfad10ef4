"""One step of sequential Monte Carlo on texts: weigh every particle, resample, append a token; the twist is a guide of lower order.

A particle is a text so far, with t words left, in the model's context h and the guide's context g, a suffix of h. The best next token
(Pitt and Shephard's fully adapted proposal) follows p(w|h)^b weight(w) V(w), V(w) the guide's mass of all completions after w. Its
normaliser needs no pass over the vocabulary. With h = h_0, h_1, ... h_m = g the successive suffixes and B_i the product of the back-off
weights above h_i, to the power b,

    p(w|h)^b = sum_{i < m} B_i [p(w|h_i)^b - (backoff(h_i) p(w|h_{i+1}))^b] + B_m p(w|g)^b,

where a bracket is 0 unless h_i stores w, and the sum of the last term is B_m times the value that the guide holds at g already. The
weight grows by normaliser / value of the guide, so that the product of all factors is density / probability of the text.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from searchgen.guide.candidates import NONE, begin, offer, settle
from searchgen.guide.choices import completion_mass, mass_of, pick_any
from searchgen.guide.draws import draw_next
from searchgen.guide.edges import child_weights, next_row
from searchgen.guide.tables import BEGIN_ROW
from searchgen.kernels.compiled import inlined, inner, kernel
from searchgen.kernels.randomness import Counter, bernoulli, start_step, systematic
from searchgen.lm.ngram.query import score_word
from searchgen.lm.ngram.tables import END

__all__ = [
    "Particles",
    "extend",
    "extend_many",
    "new_particles",
    "resample",
    "resample_all",
    "start",
    "start_all",
    "weigh",
    "weigh_many",
]


class Particles(NamedTuple):
    """The states of N particles with room for M tokens each."""

    token: npt.NDArray[np.int32]  # (N, M)
    length: npt.NDArray[np.int64]  # (N,) tokens so far; -1: dead
    left: npt.NDArray[np.int64]  # (N,) layer of the guide: words and hyphens left; -1: the text has ended
    row: npt.NDArray[np.int64]  # (N,) the guide's row
    context: npt.NDArray[np.int64]  # (N,) the model's context
    state: npt.NDArray[np.int64]  # (N,) the automaton's state ...
    place: npt.NDArray[np.int64]  # (N,) ... and its place in the row
    log_weight: npt.NDArray[np.float64]  # (N,) natural log
    mass: npt.NDArray[np.float64]  # (N,) normaliser of the next token's law ...
    rest: npt.NDArray[np.float64]  # (N,) ... and the part of it that the guide's own law has
    ancestor: npt.NDArray[np.int64]  # (N,) the first particle it descends from
    parent: npt.NDArray[np.int64]  # (N,) scratch of the resampling
    running: npt.NDArray[np.float64]  # (N,) scratch of the resampling


def new_particles(count: int, max_tokens: int) -> Particles:
    """Return particles without texts: N = count, M = scratch."""
    return Particles(
        token=np.zeros((count, max_tokens), np.int32),
        length=np.zeros(count, np.int64),
        left=np.zeros(count, np.int64),
        row=np.zeros(count, np.int64),
        context=np.zeros(count, np.int64),
        state=np.zeros(count, np.int64),
        place=np.zeros(count, np.int64),
        log_weight=np.zeros(count),
        mass=np.zeros(count),
        rest=np.zeros(count),
        ancestor=np.zeros(count, np.int64),
        parent=np.zeros(count, np.int64),
        running=np.zeros(count),
    )


@inner
def start(guide: Any, problem: Any, particles: Any, log_mass: Any, rng: Any) -> None:
    """Give every particle its number of words, in proportion to the guide's mass of each; log_mass is the log of their sum."""
    n, lengths = len(particles.length), len(guide.ends)
    u = systematic(rng, guide.ends, 0, lengths, n)
    at = 0
    for c in range(n):
        while at < lengths - 1 and not n * guide.ends[at] / guide.ends[-1] > u + c:
            at += 1
        particles.left[c] = guide.begins[at]
        particles.length[c] = 0
        particles.row[c] = guide.size[BEGIN_ROW]
        particles.context[c] = problem.begin[0]
        particles.state[c] = 1
        particles.place[c] = 0
        particles.log_weight[c] = log_mass
        particles.ancestor[c] = c


@inlined
def _correction(problem: Any, context: Any, first: Any, i: Any, word: Any) -> Any:
    """Return p(w|h)^b - (backoff p(w|h'))^b of child i of a context; at b = 1 the model keeps their running sums."""
    if problem.ngram.mixture[0] and problem.beta[0] == 1.0:
        return problem.ngram.cumulative[i] - (problem.ngram.cumulative[i - 1] if i > first else 0.0)
    upper, lower = child_weights(problem, context, i, word)
    return upper - lower


@inlined
def _corrections(guide: Any, problem: Any, t: Any, context: Any, looked: Any, state: Any) -> Any:
    """Return the sum over the children of a context of correction x mass of completions, on the scale of layer t."""
    total = 0.0
    first = np.int64(problem.ngram.node[context].first)
    for i in range(first, problem.ngram.node[context].end):
        word = np.int64(problem.ngram.word[i])
        after = 0.0
        for extra in range(len(problem.extra) if word == 0 else 1):
            token = problem.extra[extra] if word == 0 else word
            after += completion_mass(guide, problem, t, looked, state, token, word, 0.0)
        if after > 0.0:
            total += after * _correction(problem, context, first, i, word)
    return total


@inner
def weigh(guide: Any, problem: Any, particles: Any, c: Any) -> None:
    """Find the normaliser of a particle's next token and multiply its weight by normaliser / value of the guide."""
    t = particles.left[c]
    if t < 0:
        return
    value = mass_of(guide, t, particles.row[c], particles.place[c])
    looked = np.int64(guide.row[particles.row[c]].node)
    context, factor, total = particles.context[c], 1.0, 0.0
    while context > 0 and context != looked:
        total += factor * _corrections(guide, problem, t, context, looked, particles.state[c])
        factor *= np.exp(problem.beta[0] * problem.ngram.node[context].log_backoff)
        context = np.int64(problem.ngram.node[context].suffix)
    particles.rest[c] = factor * value
    particles.mass[c] = total + factor * value
    if particles.mass[c] > 0.0:
        particles.log_weight[c] += np.log(particles.mass[c] / value)
    else:
        _kill(particles, c)


@inlined
def _kill(particles: Any, c: Any) -> None:
    """End a particle that cannot be completed."""
    particles.length[c], particles.left[c], particles.log_weight[c] = -1, -1, -np.inf


@inner
def resample(particles: Any, threshold: Any, rng: Any) -> Any:
    """Resample systematically if the effective number of particles is below threshold * N; return whether."""
    n, running = len(particles.length), particles.running
    top = -np.inf
    for c in range(n):
        top = max(top, particles.log_weight[c])
    if top == -np.inf:
        return False
    total, square = 0.0, 0.0
    for c in range(n):
        weight = np.exp(particles.log_weight[c] - top)
        total += weight
        square += weight * weight
        running[c] = total
    if not total * total < threshold * n * square:
        return False
    u = systematic(rng, running, 0, n, n)
    at = 0
    for c in range(n):
        while at < n - 1 and not n * running[at] / total > u + c:
            at += 1
        particles.parent[c] = at
    _follow(particles)
    for c in range(n):
        particles.log_weight[c] = top + np.log(total / n)
    return True


@inlined
def _follow(particles: Any) -> None:
    """Make every particle a copy of its parent."""
    n = len(particles.length)
    # parents rise with c: copied upwards first and then downwards, no particle is overwritten before it is read
    for c in range(n):
        if particles.parent[c] > c:
            _copy(particles, particles.parent[c], c)
    for c in range(n - 1, -1, -1):
        if particles.parent[c] < c:
            _copy(particles, particles.parent[c], c)


@inlined
def _copy(particles: Any, origin: Any, c: Any) -> None:
    """Make particle c a copy of another; weights are the caller's matter."""
    particles.length[c] = particles.length[origin]
    for at in range(particles.length[origin]):
        particles.token[c, at] = particles.token[origin, at]
    particles.left[c] = particles.left[origin]
    particles.row[c] = particles.row[origin]
    particles.context[c] = particles.context[origin]
    particles.state[c] = particles.state[origin]
    particles.place[c] = particles.place[origin]
    particles.mass[c] = particles.mass[origin]
    particles.rest[c] = particles.rest[origin]
    particles.ancestor[c] = particles.ancestor[origin]


@inner
def extend(guide: Any, problem: Any, particles: Any, c: Any, scratch: Any, rng: Any) -> Any:
    """Append a token drawn from the best next-token law, or end the text; return whether the particle goes on."""
    t, row, state = particles.left[c], particles.row[c], particles.state[c]
    if t < 0:
        return False
    looked = np.int64(guide.row[row].node)
    token = np.int64(NONE)
    if not problem.ngram.mixture[0]:
        begin(scratch, particles.mass[c])
        token = pick_any(guide, problem, t, particles.context[c], looked, np.int64(NONE), state, rng, scratch)
    elif particles.mass[c] > particles.rest[c] and not bernoulli(rng, particles.rest[c] / particles.mass[c]):
        begin(scratch, particles.mass[c] - particles.rest[c])
        token = _pick_correction(guide, problem, t, particles.context[c], looked, state, rng, scratch)
    if token == NONE and problem.ngram.mixture[0]:
        token, _ = draw_next(guide, problem, t, row, state, particles.place[c], rng, scratch)
    if token == END:
        particles.left[c] = -1
        return False
    if token == NONE or particles.length[c] == particles.token.shape[1]:
        _kill(particles, c)
        return False
    _append(guide, problem, particles, c, token)
    return True


@inlined
def _append(guide: Any, problem: Any, particles: Any, c: Any, token: Any) -> None:
    """Append a token to a particle's text."""
    particles.token[c, particles.length[c]] = token
    particles.length[c] += 1
    word, cls = np.int64(problem.token[token].model), guide.weight[token].cls
    looked = np.int64(guide.row[particles.row[c]].node)
    place = np.int64(guide.target[cls, particles.state[c]])
    particles.row[c] = next_row(guide, problem.ngram, looked, token, word)
    particles.place[c] = place
    particles.state[c] = guide.place[guide.kind[cls].start + place].state
    particles.left[c] -= guide.kind[cls].down
    _, particles.context[c] = score_word(problem.ngram, particles.context[c], word)


@inner
def _pick_correction(
    guide: Any, problem: Any, t: Any, top: Any, looked: Any, state: Any, rng: Any, scratch: Any
) -> Any:
    """Return a token drawn from the corrections by the contexts longer than the guide's."""
    context, factor = top, 1.0
    while context > 0 and context != looked:
        first = np.int64(problem.ngram.node[context].first)
        for i in range(first, problem.ngram.node[context].end):
            word = np.int64(problem.ngram.word[i])
            for extra in range(len(problem.extra) if word == 0 else 1):
                token = problem.extra[extra] if word == 0 else word
                weight = completion_mass(guide, problem, t, looked, state, token, word, 0.0)
                if weight > 0.0:
                    weight *= factor * _correction(problem, context, first, i, word)
                chosen = offer(scratch, rng, weight, token) if weight > 0.0 else np.int64(NONE)
                if chosen != NONE:
                    return chosen
        factor *= np.exp(problem.beta[0] * problem.ngram.node[context].log_backoff)
        context = np.int64(problem.ngram.node[context].suffix)
    return settle(scratch, rng)


@kernel
def start_all(guide: Any, problem: Any, particles: Any, log_mass: Any, counter: Any) -> None:
    """Begin a run: `counter` (6,) uint64 is the row of what concerns all particles."""
    rng = Counter(counter)
    start_step(rng, 0)
    start(guide, problem, particles, log_mass, rng)


@kernel
def weigh_many(guide: Any, problem: Any, particles: Any, low: Any, high: Any) -> None:
    """Weigh particles low ... high - 1."""
    for c in range(low, high):
        weigh(guide, problem, particles, c)


@kernel
def resample_all(particles: Any, threshold: Any, counter: Any, number: Any) -> Any:
    """Resample before step `number` if it is time to; return whether."""
    rng = Counter(counter)
    start_step(rng, number)
    return resample(particles, threshold, rng)


@kernel
def extend_many(
    guide: Any, problem: Any, particles: Any, counters: Any, low: Any, high: Any, number: Any, scratch: Any
) -> Any:
    """Make step `number` of particles low ... high - 1; return how many go on: counters (N + 1, 6) uint64, a row a particle."""
    going = 0
    for c in range(low, high):
        rng = Counter(counters[c])
        start_step(rng, number)
        going += extend(guide, problem, particles, c, scratch, rng)
    return going
