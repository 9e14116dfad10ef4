"""Resampling of weighted draws: once (SIR), or at every step of a chain, which is exact for every pool (iterated SIR).

Rubin 1987; Smith and Gelfand 1992. Iterated: Tjelmeland 2004; Andrieu, Lee and Vihola 2018.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from searchgen.errors import RequestError
from searchgen.guide.candidates import new_scratch
from searchgen.kernels.randomness import counter, key_of
from searchgen.samplers.chain_method import Stepper, chain_method
from searchgen.samplers.chains.moves import MOVES, Chains
from searchgen.samplers.diagnostics.weights import log_mean_exp, pareto_k, weight_report
from searchgen.samplers.kept_states import Plan
from searchgen.samplers.method import Draws, Job, Method
from searchgen.samplers.proofs.exactness import Finding, World, prove_attempts, prove_kernel
from searchgen.samplers.weighted.guide_draws import isir_step, new_pool, pick_many, run_isir, scripted_sir
from searchgen.samplers.weighted.importance import guide_of, narrowed, prove_with_guides, weighted_draws

__all__ = ["ITERATED", "METHOD", "IteratedOptions", "Options"]

#: Weighted draws for each text that is resampled from them, and the fewest.
POOL_PER_DRAW, LEAST_POOL = 10, 1000

MOST_CANDIDATES = 4096

#: Texts of a world whose pairs are played in a proof.
MOST_TEXTS = 40


@dataclass(frozen=True)
class Options:
    """What is resampled.

    Attributes:
        order: order of the guide; 0: the model's own.
        pool: weighted draws to resample from; 0: ten for each text asked for, at least 1,000.
    """

    order: int = 2
    pool: int = 0


@dataclass(frozen=True)
class IteratedOptions:
    """How the chains run; steps are whole new texts, so few are needed.

    Attributes:
        order: order of the guide; 0: the model's own.
        candidates: texts among which each step chooses, the current one included.
        chains: independent chains.
        burn_in: steps of each chain before the first state is kept.
        thin: steps from one kept state to the next.
    """

    order: int = 2
    candidates: int = 16
    chains: int = 64
    burn_in: int = 50
    thin: int = 4


def draw(job: Job) -> Draws:
    """Weigh a pool of draws of the guide, and resample from it with replacement."""
    options = job.options
    size = options.pool or max(LEAST_POOL, POOL_PER_DRAW * job.count)
    if size < 1:
        raise RequestError(
            f"--sampler sir: pool={options.pool} is out of range; give 1 or more draws, or 0 for the default"
        )
    guide = guide_of(job, options.order)
    pool = weighted_draws(guide, key_of(job.key, "sir"), size, job.threads)
    chosen = np.zeros(job.count, np.int64)
    running = np.cumsum(np.exp(pool.log_weight - pool.log_weight.max()))
    pick_many(running, counter(key_of(job.key, "sir picks")).word, chosen)
    log_z, error = log_mean_exp(pool.log_weight)
    report, notes = weight_report(pool.log_weight)
    report["pareto_k"] = pareto_k(pool.log_weight)
    distinct = len(np.unique(chosen))
    ess = report["ess"]
    note = f"resampled from {size} weighted draws worth {ess:.0f} independent ones: the law differs from the target's by O(1/{ess:.0f})"
    return Draws(
        tokens=pool.tokens[chosen],
        lengths=pool.lengths[chosen],
        log_density=pool.log_density[chosen],
        log_weight=np.full(job.count, log_z),
        evaluations=size,
        log_z=log_z,
        log_z_error=error,
        counts={"pool": size, "distinct_of_pool": distinct, "order": guide.order},
        report=report,
        notes=(note, *notes),
    )


def proof(world: World) -> list[Finding]:
    """Return how far probability x weight is from the target, for texts resampled from two."""

    def prove(order: int, guide: tuple[Any, ...]) -> list[Finding]:
        pool = new_pool(2, world.max_tokens)
        return prove_attempts(f"sir, guide of order {order}", small, scripted_sir, *guide, pool)

    small = narrowed(world, MOST_TEXTS)
    return prove_with_guides(small, prove)


def isir_stepper(job: Job, plan: Plan, chains: Chains) -> Stepper:
    """Return what makes steps that choose among fresh draws of the guide and where a chain is.

    Raises:
        RequestError: the number of candidates is out of range.
    """
    options = job.options
    if not 2 <= options.candidates <= MOST_CANDIDATES:
        raise RequestError(
            f"--sampler isir: candidates={options.candidates} is out of range; give 2 to {MOST_CANDIDATES} (default 16)"
        )
    guide = guide_of(job, options.order)

    def steps(low: int, high: int, count: int, first: int) -> None:
        pool = new_pool(options.candidates, guide.max_tokens)
        place = (plan.counters, guide.tables, guide.log_mass, new_scratch(), pool)
        run_isir(job.target.problem, chains, low, high, *place, count, first)

    return steps


def _with_proposals(job: Job, draws: Draws) -> Draws:
    """Return the draws of iterated SIR with its own counts: every step weighs as many texts as there are candidates, but one."""
    options = job.options
    proposals = draws.counts["steps"] * (options.candidates - 1)
    own = {"candidates": options.candidates, "order": guide_of(job, options.order).order, "proposals": proposals}
    return replace(draws, counts={**draws.counts, **own}, evaluations=proposals)


def iterated_proof(world: World) -> list[Finding]:
    """Return how far a step with two candidates is from leaving the target invariant."""

    def prove(order: int, guide: tuple[Any, ...]) -> list[Finding]:
        pool = new_pool(2, world.max_tokens)
        return prove_kernel(f"isir, guide of order {order}", small, isir_step, *guide, pool)

    small = narrowed(world, MOST_TEXTS)
    return prove_with_guides(small, prove)


METHOD = Method(
    name="sir",
    kind="weighted",
    summary="Sampling-importance-resampling: equally weighted draws from a pool of N, biased by O(1/N).",
    draw=draw,
    proof=proof,
    options=Options,
    unnormalised=True,
)

ITERATED = chain_method(
    "isir",
    "Iterated SIR: a chain that chooses among fresh importance draws, exact for every size of the pool.",
    isir_stepper,
    iterated_proof,
    options=IteratedOptions,
    moves=("resample", *MOVES[1:]),
    finish=_with_proposals,
    unnormalised=True,
)
