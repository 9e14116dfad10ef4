"""Independent draws of a guide, their importance weights, and the iterated-SIR step, as compiled loops.

The weight of a draw x is w(x) = rho(x) / q(x), `q` the guide's law normalised over the window. An iterated-SIR step (Tjelmeland 2004;
Andrieu, Lee and Vihola 2018) draws N - 1 texts from q, adds the current one, and goes to one of the N with probability
proportional to w. It leaves rho invariant for every N >= 2:

    rho(x) prod q(y_j) w(y_k) / sum w  =  q(x) prod q(y_j) w(x) w(y_k) / sum w      is symmetric in x and y_k.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from searchgen.guide.draws import draw, log_probability
from searchgen.kernels.compiled import inner, kernel
from searchgen.kernels.randomness import Counter, categorical, start_step
from searchgen.lm.ngram.query import score_word
from searchgen.lm.ngram.tables import END
from searchgen.samplers.chains.chains import recompute
from searchgen.samplers.chains.moves import ACCEPTED, LEGAL, PROPOSED

__all__ = [
    "Pool",
    "isir_step",
    "new_pool",
    "pick_many",
    "run_isir",
    "scripted_importance",
    "scripted_sir",
    "weigh",
]


class Pool(NamedTuple):
    """Room for N weighted texts."""

    token: npt.NDArray[np.int32]  # (N, M)
    length: npt.NDArray[np.int64]  # (N,)
    log_weight: npt.NDArray[np.float64]  # (N,)
    cumulative: npt.NDArray[np.float64]  # (N,)


def new_pool(size: int, max_tokens: int) -> Pool:
    """Return room for `size` texts of at most `max_tokens` tokens."""
    return Pool(np.zeros((size, max_tokens), np.int32), np.zeros(size, np.int64), np.zeros(size), np.zeros(size))


@inner
def _log_density(problem: Any, tokens: Any, length: Any) -> Any:
    """Return the log density of a text that the guide drew, which is therefore accepted."""
    context, total, weight = np.int64(problem.begin[0]), 0.0, 0.0
    for at in range(length):
        token = problem.token[tokens[at]]
        log_p, context = score_word(problem.ngram, context, np.int64(token.model))
        total += log_p
        weight += token.weight
    log_p, context = score_word(problem.ngram, context, np.int64(END))
    return problem.beta[0] * (total + log_p) + weight


@inner
def _weights(guide: Any, problem: Any, tokens: Any, length: Any, log_mass: Any) -> Any:
    """Return log rho and log rho / q of a text that the guide drew."""
    log_density = _log_density(problem, tokens, length)
    return log_density, log_density - log_probability(guide, problem, tokens, length, log_mass)


@kernel
def weigh(
    guide: Any,
    problem: Any,
    tokens: Any,
    lengths: Any,
    low: Any,
    high: Any,
    log_mass: Any,
    log_density: Any,
    log_weight: Any,
) -> None:
    """Write log rho and log rho / q of the guide's draws low ... high - 1: tokens (n, M) int32, all others (n,)."""
    for i in range(low, high):
        log_density[i], log_weight[i] = _weights(guide, problem, tokens[i], lengths[i], log_mass)


@inner
def _offer(guide: Any, problem: Any, log_mass: Any, scratch: Any, pool: Any, j: Any, rng: Any) -> None:
    """Fill place j of a pool with a draw of the guide and its weight."""
    pool.length[j] = draw(guide, problem, rng, scratch, pool.token[j])
    pool.log_weight[j] = -np.inf
    if pool.length[j] >= 0:
        _, pool.log_weight[j] = _weights(guide, problem, pool.token[j], pool.length[j], log_mass)


@inner
def _pick(pool: Any, rng: Any) -> Any:
    """Return a place of a pool, drawn with probability proportional to its weight."""
    top = -np.inf
    for j in range(len(pool.log_weight)):
        top = max(top, pool.log_weight[j])
    total = 0.0
    for j in range(len(pool.log_weight)):
        total += np.exp(pool.log_weight[j] - top)
        pool.cumulative[j] = total
    return categorical(rng, pool.cumulative, 0, len(pool.cumulative))


@inner
def isir_step(
    problem: Any, chains: Any, c: Any, draft: Any, guide: Any, log_mass: Any, scratch: Any, pool: Any, rng: Any
) -> None:
    """Make one step of chain c: N - 1 draws of the guide and the current text; one of the N is the next state."""
    chains.tally[c, 0, PROPOSED] += 1
    chains.tally[c, 0, LEGAL] += 1
    now = log_probability(guide, problem, chains.token[c], chains.length[c], log_mass)
    pool.log_weight[0] = chains.log_density[c] - now
    for j in range(1, len(pool.log_weight)):
        _offer(guide, problem, log_mass, scratch, pool, j, rng)
    chosen = _pick(pool, rng)
    if chosen > 0:
        chains.tally[c, 0, ACCEPTED] += 1
        chains.length[c] = pool.length[chosen]
        for at in range(pool.length[chosen]):
            chains.token[c, at] = pool.token[chosen, at]
        chains.log_density[c] = recompute(problem, chains, c)


@kernel
def run_isir(
    problem: Any,
    chains: Any,
    low: Any,
    high: Any,
    counters: Any,
    guide: Any,
    log_mass: Any,
    scratch: Any,
    pool: Any,
    steps: Any,
    first: Any,
) -> None:
    """Make the steps first ... first + steps - 1 of the chains low ... high - 1."""
    for c in range(low, high):
        rng = Counter(counters[c])
        for number in range(first, first + steps):
            start_step(rng, number)
            isir_step(problem, chains, c, 0, guide, log_mass, scratch, pool, rng)


@kernel
def pick_many(cumulative: Any, word: Any, out: Any) -> None:
    """Write places drawn with probability proportional to the steps of a running sum: out (n,) int64."""
    rng = Counter(word)
    for i in range(len(out)):
        start_step(rng, i)
        out[i] = categorical(rng, cumulative, 0, len(cumulative))


@inner
def scripted_importance(
    problem: Any,
    tokens: Any,
    lengths: Any,
    log_weight: Any,
    guide: Any,
    log_mass: Any,
    scratch: Any,
    pool: Any,
    rng: Any,
) -> None:
    """Make one weighted draw, for the exactness harness."""
    for i in range(len(lengths)):
        _offer(guide, problem, log_mass, scratch, pool, np.int64(0), rng)
        lengths[i], log_weight[i] = pool.length[0], pool.log_weight[0]
        for at in range(lengths[i]):
            tokens[i, at] = pool.token[0, at]


@inner
def scripted_sir(
    problem: Any,
    tokens: Any,
    lengths: Any,
    log_weight: Any,
    guide: Any,
    log_mass: Any,
    scratch: Any,
    pool: Any,
    rng: Any,
) -> None:
    """Resample one text from a pool of N weighted draws; its weight is the pool's mean weight."""
    for j in range(len(pool.log_weight)):
        _offer(guide, problem, log_mass, scratch, pool, j, rng)
    chosen = _pick(pool, rng)
    total = 0.0
    for j in range(len(pool.log_weight)):
        total += np.exp(pool.log_weight[j])
    lengths[0], log_weight[0] = pool.length[chosen], np.log(total / len(pool.log_weight))
    for at in range(lengths[0]):
        tokens[0, at] = pool.token[chosen, at]
