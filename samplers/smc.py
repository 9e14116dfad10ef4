"""Sequential Monte Carlo: particles that grow token by token, guided by an exact look-ahead of lower order.

    log weight = log Z of the guide + sum over tokens of log (normaliser of the next token's best law / the guide's value),

proper for the target: the mean of weight x f(text) has the expectation sum of density(x) f(x), so the mean weight estimates Z without
bias (Del Moral 2004; fully adapted proposals: Pitt and Shephard 1999). `samplers/smc_steps.py` derives the normaliser.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from searchgen.errors import NotFound, RequestError
from searchgen.randomness import key_of
from searchgen.samplers.chain import advance, enter, new_chains
from searchgen.samplers.method import Draws, Job, Method
from searchgen.samplers.moves import MOVES, Chains, labels
from searchgen.samplers.scorer import scorer_of
from searchgen.samplers.smc_neural import Twist
from searchgen.samplers.smc_proof import prove
from searchgen.samplers.smc_run import Run, run
from searchgen.samplers.smc_steps import (
    Particles,
)

__all__ = ["METHOD", "Options", "Run", "effective", "relative_variance", "run"]

MOST_REJUVENATION = 1_000_000


@dataclass(frozen=True)
class Options:
    """How particles grow.

    Attributes:
        order: order of the guide that looks ahead; the model's own order makes every weight the same.
        near: if above 0, contexts of the guide beyond order 2 are those that lead to a demanded word within so many words.
        threshold: particles are resampled when their effective number falls below this share of them; 0: never.
        rejuvenate: steps of Metropolis-Hastings of every finished particle, which tell copies apart.
    """

    order: int = 2
    near: int = 0
    threshold: float = 0.5
    rejuvenate: int = 0


def effective(log_weight: npt.NDArray[np.float64]) -> float:
    """Return the effective number of weights, (sum w)^2 / sum w^2.

    Example:
        >>> effective(np.log([0.5, 0.5, 1e-9]))
        2.0
    """
    weight = np.exp(log_weight - log_weight.max())
    return round(float(weight.sum() ** 2 / (weight**2).sum()), 6)


def relative_variance(log_weight: npt.NDArray[np.float64], ancestor: npt.NDArray[np.int64], resamplings: int) -> float:
    """Estimate the relative variance of the mean weight from one run (Lee and Whiteley 2018).

    What the descendants of each first particle share of the weight tells how far runs would differ. Without resampling this is the
    usual variance of a mean. Unbiased on the scale of Z^2 for multinomial resampling; systematic resampling varies less.

    Example:
        >>> relative_variance(np.log([1.0, 3.0]), np.arange(2), 0)
        0.25
    """
    count = len(log_weight)
    weight = np.exp(log_weight - log_weight.max())
    share = np.bincount(ancestor, weight, count) / weight.sum()
    apart = 1.0 - float((share**2).sum())
    return max(0.0, 1.0 - (count / (count - 1)) ** (resamplings + 1) * apart)


def draw(job: Job) -> Draws:
    """Grow `job.count` particles and return them with their weights, in the order of their descent."""
    options: Options = job.options
    _check(options)
    if job.target.text_model is not None and options.rejuvenate:
        raise RequestError(
            f"--sampler smc: rejuvenate={options.rejuvenate} moves by the n-gram model, not by {job.target.text_model.label}; drop it"
        )
    guide = job.guide(options.order, options.near)
    if not guide.tables.ends[-1] > 0.0:
        raise NotFound("the texts that satisfy all constraints are too improbable to be counted")
    done = 0

    def step_done() -> None:
        nonlocal done
        done += 1
        if job.progress is not None:
            job.progress(min(1.0, done / guide.room))

    text_model = job.target.text_model
    twist = None if text_model is None else Twist.of(job.target, scorer_of(job.target), job.count)
    grown = run(guide, job.count, job.key, options.threshold, job.threads, step_done, twist)
    particles = grown.particles
    alive = np.flatnonzero((particles.length >= 0) & (particles.log_weight > -np.inf))
    if len(alive) == 0:
        raise NotFound(f"none of {job.count} particles could be completed; give more, or --sampler importance")
    chains = _chains(job, particles, alive)
    log_weight = particles.log_weight[alive] + np.log(len(alive) / job.count)  # the mean over those left is Z
    variance = (
        relative_variance(particles.log_weight, particles.ancestor, len(grown.resamplings)) if job.count > 1 else None
    )
    ancestors = len(np.unique(particles.ancestor[alive]))
    tally = chains.tally.sum(axis=0)
    return Draws(
        tokens=chains.token,
        lengths=chains.length,
        log_density=chains.log_density if twist is None else twist.density[alive],
        log_weight=log_weight,
        evaluations=job.count + len(alive) * options.rejuvenate,
        log_z=grown.log_z,
        log_z_error=None if variance is None else float(np.sqrt(variance)),
        counts={"particles": job.count, "steps": grown.steps, "dead": job.count - len(alive)},
        moves={name: tuple(row.tolist()) for name, row in zip(MOVES, tally, strict=True) if row[0]},
        report={
            "ess": effective(log_weight),
            "log_z": grown.log_z,
            "log_z_error": None if variance is None else float(np.sqrt(variance)),
            "log_z_error_by": "shares of the first ancestors (Lee and Whiteley 2018), one run",
            "resamplings": len(grown.resamplings),
            "resampled_at": list(grown.resamplings),
            "ancestors": ancestors,
            "guide_order": guide.order,
            "guide_log_z": guide.log_mass,
            **({} if text_model is None else {"transformer": text_model.counted()}),
        },
        notes=_notes(job.count, ancestors),
    )


def _check(options: Options) -> None:
    """Refuse options outside their ranges."""
    if options.order < 1:
        raise RequestError(f"--sampler smc: order={options.order} is no order of a guide; give 1 or more")
    if options.near < 0:
        raise RequestError(f"--sampler smc: near={options.near} is no number of words; give 0 or more")
    if options.near and options.order <= 2:
        raise RequestError(
            f"--sampler smc: near={options.near} chooses contexts beyond order 2, and order={options.order} has none; add order=5"
        )
    if not 0.0 <= options.threshold <= 1.0:
        raise RequestError(f"--sampler smc: threshold={options.threshold:g} is no share of particles; give 0 to 1")
    if not 0 <= options.rejuvenate <= MOST_REJUVENATION:
        raise RequestError(
            f"--sampler smc: rejuvenate={options.rejuvenate} is no number of steps; give 0 to {MOST_REJUVENATION:,}"
        )


def _chains(job: Job, particles: Particles, alive: npt.NDArray[np.int64]) -> Chains:
    """Return the finished texts as states of chains, after as many steps of Metropolis-Hastings as the options say."""
    problem = job.target.problem
    room = max(job.target.room, particles.token.shape[1])
    chains = new_chains(len(alive), room)
    enter(problem, chains, np.ascontiguousarray(particles.token[alive]), particles.length[alive])
    if job.options.rejuvenate:
        key = key_of(job.key, "rejuvenate")
        rows = np.zeros((len(alive), 6), np.uint64)
        rows[:, 0], rows[:, 1] = key, np.arange(len(alive))
        advance(problem, chains, rows, labels(), np.ones(1), job.options.rejuvenate, 0, job.threads)
    return chains


def _notes(count: int, ancestors: int) -> tuple[str, ...]:
    """Return what a reader should know of a run."""
    if ancestors * 20 < count:
        return (f"all texts descend from {ancestors} of {count} first particles: the error of log Z is rough",)
    return ()


METHOD = Method(
    name="smc",
    kind="weighted",
    summary="weighted draws and an unbiased Z where the guide of full order is too large to build",
    draw=draw,
    proof=prove,
    options=Options,
    whole_text=True,
)
