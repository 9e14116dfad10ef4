"""Importance sampling: independent draws of the guide, each with the weight that makes it unbiased for the target."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from searchgen.errors import NotFound, RequestError
from searchgen.guide import Guide
from searchgen.guide.candidates import new_scratch
from searchgen.guide.layers import shared
from searchgen.kernels.randomness import key_of
from searchgen.samplers.chains.scorer import scorer_of
from searchgen.samplers.diagnostics.weights import log_mean_exp, weight_report
from searchgen.samplers.method import Draws, Job, Method
from searchgen.samplers.proofs.exactness import Finding, World, prove_attempts
from searchgen.samplers.weighted.guide_draws import new_pool, scripted_importance, weigh

__all__ = ["METHOD", "Options", "Weighted", "guide_of", "narrowed", "prove_with_guides", "weighted_draws"]

#: Cost of weighing a draw, in look-ups of `shared`.
WEIGH_COST = 500


@dataclass(frozen=True)
class Options:
    """What the draws come from.

    Attributes:
        order: order of the guide; 0: the model's own, where all weights are equal.
    """

    order: int = 2


@dataclass(frozen=True, eq=False)
class Weighted:
    """Draws of a guide with their weights.

    Attributes:
        tokens: (n, M) int32.
        lengths: (n,) int64.
        log_density: (n,) float64, natural log of rho.
        log_weight: (n,) float64, natural log of rho / q.
    """

    tokens: npt.NDArray[np.int32]
    lengths: npt.NDArray[np.int64]
    log_density: npt.NDArray[np.float64]
    log_weight: npt.NDArray[np.float64]


def guide_of(job: Job, order: int) -> Guide:
    """Return the guide of an order; 0: the model's own.

    Raises:
        RequestError: the model has no such order.
    """
    own = int(job.target.problem.ngram.order[0])
    most = max(own, 2)  # of a unigram model, too: its guide is of the least order there is
    if order == 1 or not 0 <= order <= most:
        raise RequestError(f"order {order} of the guide is out of range; give 2 to {most}, or 0 for the model's own")
    return job.guide(order or most)


def weighted_draws(guide: Guide, key: int, count: int, threads: int = 1) -> Weighted:
    """Return draws of a guide and their weights; draw i is a function of the key and i."""
    rows = np.zeros((count, 6), np.uint64)
    rows[:, 0], rows[:, 1] = key, np.arange(count)
    tokens, lengths = guide.draw_texts(rows, threads=threads)
    log_density, log_weight = np.zeros(count), np.zeros(count)
    log_mass = guide.log_mass

    def work(low: int, high: int) -> None:
        weigh(guide.tables, guide.problem, tokens, lengths, low, high, log_mass, log_density, log_weight)

    with ThreadPoolExecutor(threads) as pool:
        shared(np.full(count, WEIGH_COST), work, pool, threads)
    return Weighted(tokens, lengths, log_density, log_weight)


def draw(job: Job) -> Draws:
    """Draw from the guide and weigh."""
    guide = guide_of(job, job.options.order)
    drawn = weighted_draws(guide, key_of(job.key, "importance"), job.count, job.threads)
    if job.target.text_model is not None:
        drawn = _reweighted(job, drawn)
        if not (drawn.log_weight > -np.inf).any():
            raise NotFound(
                f"{job.target.text_model.label} gives each of {job.count} draws probability zero; draw more, or name another model"
            )
    log_z, error = log_mean_exp(drawn.log_weight)
    report, notes = weight_report(drawn.log_weight)
    drawn = _possible(drawn)
    left_out = job.count - len(drawn.lengths)
    if left_out:
        notes = (*notes, f"{left_out} of {job.count} draws have probability zero and are left out")
    return Draws(
        tokens=drawn.tokens,
        lengths=drawn.lengths,
        log_density=drawn.log_density,
        log_weight=drawn.log_weight,
        evaluations=job.count,
        log_z=log_z,
        log_z_error=error,
        counts={"draws": job.count, "order": guide.order},
        report=report,
        notes=notes,
    )


def _reweighted(job: Job, drawn: Weighted) -> Weighted:
    """Return draws weighed for a transformer's target: rho / q, rho no longer the n-gram density."""
    log_density = scorer_of(job.target)(drawn.tokens, drawn.lengths)
    return replace(drawn, log_density=log_density, log_weight=drawn.log_weight + log_density - drawn.log_density)


def _possible(drawn: Weighted) -> Weighted:
    """Return the draws of a weight above zero, with weights that have the same mean over all draws."""
    kept = drawn.log_weight > -np.inf
    if kept.all():
        return drawn
    log_weight = drawn.log_weight[kept] + np.log(kept.mean())
    return Weighted(drawn.tokens[kept], drawn.lengths[kept], drawn.log_density[kept], log_weight)


def prove_with_guides(world: World, prove: Callable[[int, tuple[Any, ...]], list[Finding]]) -> list[Finding]:
    """Return the findings with the guide of order 2 and of the model's own, given (tables, log Z, scratch)."""
    findings: list[Finding] = []
    for order in sorted({2, int(world.problem.ngram.order[0])}):
        guide = Guide.build(world.problem, order=order, max_tokens=world.max_tokens, budget=None, threads=1)
        findings += prove(order, (guide.tables, guide.log_mass, new_scratch()))
    return findings


def narrowed(world: World, most: int) -> World:
    """Return a world with fewer words, so that it has at most so many texts if it can: for proofs that play pairs of texts."""
    words = np.array([sum(int(world.problem.token["word"][token]) for token in text) & 255 for text in world.texts])
    low, high = int(world.problem.window[0]), int(words.max())
    while high > low and (words <= high).sum() > most:
        high -= 1
    kept = np.flatnonzero(words <= high)
    problem = world.problem._replace(window=np.array([low, high], np.int64))
    return World(problem, [world.texts[i] for i in kept], world.log_density[kept], world.max_tokens)


def proof(world: World) -> list[Finding]:
    """Return how far probability x weight is from the target."""

    def prove(order: int, guide: tuple[Any, ...]) -> list[Finding]:
        pool = new_pool(1, world.max_tokens)
        return prove_attempts(f"importance, guide of order {order}", world, scripted_importance, *guide, pool)

    return prove_with_guides(world, prove)


METHOD = Method(
    name="importance",
    kind="weighted",
    summary="Importance sampling: independent weighted draws, best where the guide is close to the target.",
    draw=draw,
    proof=proof,
    options=Options,
    whole_text=True,
    unnormalised=True,
)
