"""Simulated annealing of the stated law: the densest texts found, which follow no law.

Kirkpatrick, Gelatt and Vecchi 1983. Schedules: geometric, linear, and logarithmic, d / log(2 + k), the only one with a guarantee
(Hajek 1988) and far too slow to use it. The best state ever of every chain is kept; chains are restarts that share the budget.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from searchgen.errors import NotFound, RequestError
from searchgen.kernels.randomness import counter, key_of
from searchgen.request.request import Annealing
from searchgen.samplers.chains.chains import advance, enter, new_chains
from searchgen.samplers.chains.moves import MOVES, labels
from searchgen.samplers.method import Draws, Job, Method
from searchgen.samplers.optimise.annealing_loop import anneal, inverse_temperatures

__all__ = ["METHOD", "SCHEDULES", "Options", "adaptive_start", "schedule_of"]

SCHEDULES = ("geometric", "linear", "logarithmic")

#: The adaptive start accepts the mean step down with this probability.
START_ACCEPTANCE = 0.8

#: Steps of a pilot chain that measure how far down a step goes.
PILOT_STEPS = 2_000


@dataclass(frozen=True)
class Options:
    """How temperatures fall.

    Attributes:
        chains: restarts; each keeps its best text.
        steps: of each chain.
        schedule: geometric, linear or logarithmic.
        hot: first temperature; 0: adaptive, so that the mean step down is accepted with probability 0.8.
        cold: last temperature of a geometric or linear schedule.
        blocks: number of stages.
    """

    chains: int = 24
    steps: int = 5_000
    schedule: str = "geometric"
    hot: float = 1.5
    cold: float = 0.15
    blocks: int = 40


def schedule_of(options: Options, hot: float) -> npt.NDArray[np.float64]:
    """Return 1 / T of each stage.

    Args:
        options: names the schedule.
        hot: first temperature.

    Raises:
        RequestError: there is no such schedule, or it cannot fall.

    Example:
        >>> schedule_of(Options(schedule="linear", cold=0.5, blocks=3), 1.5).round(3).tolist()
        [0.667, 1.0, 2.0]
    """
    if options.schedule not in SCHEDULES:
        raise RequestError(f"schedule={options.schedule!r} is unknown; give one of {', '.join(SCHEDULES)}")
    if not 0 < options.cold <= hot:
        raise RequestError(f"cold={options.cold:g} must be above 0 and at most hot={hot:g}; change one of them")
    if options.schedule == "linear":
        return 1.0 / np.linspace(hot, options.cold, options.blocks)
    if options.schedule == "logarithmic":
        stage = np.arange(options.blocks) * (options.steps / options.blocks)
        return np.asarray(np.log(2 + stage) / (hot * np.log(2)))
    return inverse_temperatures(Annealing(hot=hot, cold=options.cold, blocks=options.blocks))


def adaptive_start(job: Job, tokens: npt.NDArray[np.int32], lengths: npt.NDArray[np.int64]) -> float:
    """Return the temperature at which the mean step down of a free chain is accepted with probability 0.8."""
    chains = new_chains(1, tokens.shape[1])
    enter(job.target.problem, chains, tokens[:1], lengths[:1])
    counters, table, betas = counter(key_of(job.key, "pilot")).word[None, :], labels(), np.ones(1)
    downs, before = [], float(chains.log_density[0])
    for number in range(PILOT_STEPS):
        advance(job.target.problem, chains, counters, table, betas, 1, number)
        now = float(chains.log_density[0])
        if now < before:
            downs.append(before - now)
        before = now
    return float(np.mean(downs) / -np.log(START_ACCEPTANCE)) if downs else 1.0


def draw(job: Job) -> Draws:
    """Anneal chains from draws of the guide and return their best texts, densest first."""
    options = job.options
    if min(options.chains, options.steps, options.blocks) < 1 or options.blocks > options.steps or options.hot < 0:
        raise RequestError(
            "--sampler anneal: chains, steps and blocks must be 1 or more, hot 0 or more, and blocks at most steps"
        )
    count = max(options.chains, job.count)
    start_key = key_of(job.key, "starts")
    tokens, lengths = job.guide().draw_texts(
        np.stack([counter(start_key, chain).word for chain in range(count)]), threads=job.threads
    )
    hot = options.hot or adaptive_start(job, tokens, lengths)
    plan = replace(Annealing(), chains=count, steps=options.steps, hot=hot, cold=options.cold, blocks=options.blocks)
    counters = np.stack([counter(job.key, chain).word for chain in range(count)])
    annealed = anneal(
        job.target.problem,
        (tokens, lengths),
        counters,
        plan,
        schedule=schedule_of(options, hot),
        threads=job.threads,
        progress=job.progress,
        observer=job.observer,
    )
    if not annealed.texts:
        raise NotFound(f"no text found in {annealed.steps} steps; raise steps")
    texts = annealed.texts[: job.count]
    padded = np.zeros((len(texts), tokens.shape[1]), np.int32)
    for i, text in enumerate(texts):
        padded[i, : len(text)] = text
    return Draws(
        tokens=padded,
        lengths=np.array([len(text) for text in texts]),
        log_density=annealed.log_density[: job.count],
        log_weight=np.zeros(len(texts)),
        evaluations=annealed.steps,
        counts={"chains": count, "steps": annealed.steps},
        moves={name: tuple(row.tolist()) for name, row in zip(MOVES, annealed.tally, strict=True) if row[0]},
        report={"hot": hot, "schedule": options.schedule},
        notes=()
        if len(texts) == job.count
        else (f"only {len(texts)} of {job.count} texts: the chains found no others",),
    )


METHOD = Method(
    name="anneal",
    kind="search",
    summary="Simulated annealing: the densest texts under the stated law, which are not draws.",
    draw=draw,
    proof=None,
    options=Options,
    unnormalised=True,
    grows=("steps", 40),
    observed=True,
)
