"""Samplers side by side on one target: the same seconds, or the same number of evaluations, for each."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from searchgen.errors import RequestError, SearchgenError
from searchgen.jobs.draws import job_of
from searchgen.kernels.randomness import key_of
from searchgen.request.request import Request
from searchgen.samplers.diagnostics.report import diagnose
from searchgen.samplers.method import Draws, Job, Method
from searchgen.samplers.registry import method
from searchgen.sources.source import Source

__all__ = ["Row", "Trial", "measured", "refuse_too_small", "too_small", "trial"]

#: Most draws of a run, and by how many times it may be larger than the one before.
MOST, LARGER = 1 << 18, 64

#: Texts that a search is asked for; what grows with its budget is its work.
SEARCHED = 10

#: Different texts whose constraints are looked at one by one; all are accepted by the automaton anyway.
CHECKED = 2_000

#: A run may take this share of what is left of the budget, as far as the runs before can tell.
CAREFUL = 0.8

#: Runs that look for the size that a number of evaluations pays for, and the share of them that is near enough.
GUESSES, ENOUGH = 12, 0.9

#: At least this share of a run's time is taken to grow with its size; the rest may be its set-up.
LEAST_GROWING = 0.25

#: A run: its job, its draws, and the seconds it took.
_Run = tuple[Job, Draws, float]


@dataclass(frozen=True)
class Row:
    """What a sampler made of the budget; None where it has no such number.

    Attributes:
        sampler: its name.
        kind: of its draws.
        error: why it has no draws, "" if it has.
        seconds: of the largest run, guide included.
        draws: of that run.
        distinct: different texts among them.
        satisfied: share that satisfies every constraint, of the first 2,000 different ones.
        mean: mean log-density, weighted where draws are.
        mean_error: its standard error, from the effective sample size.
        best: largest log-density.
        ess: effective sample size of the log-density.
        ess_per_second: of the same run.
        r_hat: of the log-density.
        log_z: estimate of the log total mass.
        log_z_error: its standard error.
        evaluations: texts scored.
        trusted: what the diagnostics say.
        doubts: why not.
        run: number of the repetition, 1 first.
    """

    sampler: str
    kind: str
    run: int = 1
    error: str = ""
    seconds: float | None = None
    draws: int | None = None
    distinct: int | None = None
    satisfied: float | None = None
    mean: float | None = None
    mean_error: float | None = None
    best: float | None = None
    ess: float | None = None
    ess_per_second: float | None = None
    r_hat: float | None = None
    log_z: float | None = None
    log_z_error: float | None = None
    evaluations: int | None = None
    trusted: bool | None = None
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Trial:
    """What the smallest run of a sampler takes; the loops are compiled and the model's tables made before.

    Attributes:
        sampler: its name.
        seconds: of one draw, its set-up included.
        evaluations: texts scored for it.
        error: why there is no draw, "" if there is one.
        run: the run itself.
    """

    sampler: str
    seconds: float
    evaluations: int
    error: str = ""
    run: "_Run | None" = None


def trial(source: Source, request: Request) -> Trial:
    """Make the smallest run of `request.sampler` twice, and return what the second took.

    Raises:
        RequestError: the sampler is unknown, or the request contradicts itself.
        Impossible: no text satisfies the request.
    """
    sampler, _ = _job(source, request, 1)  # mistakes of the request are nobody's result
    start = time.perf_counter()
    try:
        _run(source, request, _least(sampler))
        start = time.perf_counter()
        run = _run(source, request, _least(sampler))
    except SearchgenError as error:
        return Trial(request.sampler, time.perf_counter() - start, 0, str(error))
    return Trial(request.sampler, run[2], run[1].evaluations, run=run)


def too_small(tried: Trial, budget: float, evaluations: int | None) -> str:
    """Return why a budget does not pay for one draw of a sampler, "" if it does.

    Args:
        tried: the sampler's trial.
        budget: seconds.
        evaluations: scored texts instead, if given.

    Example:
        >>> too_small(Trial("mh", 0.5, 1700), 2.0, 1000)
        'one draw of mh takes 1,700 evaluations'
    """
    if evaluations is None:
        return f"one draw of {tried.sampler} takes {tried.seconds:.2g} s" if tried.seconds > budget else ""
    return (
        f"one draw of {tried.sampler} takes {tried.evaluations:,} evaluations"
        if tried.evaluations > evaluations
        else ""
    )


def refuse_too_small(trials: Sequence[Trial], budget: float, evaluations: int | None) -> None:
    """Refuse a budget that does not pay for one draw of any sampler.

    Raises:
        RequestError: in this case; it says what the cheapest would need.
    """
    made = [tried for tried in trials if not tried.error]
    if made and all(too_small(tried, budget, evaluations) for tried in made):
        least = min(made, key=lambda tried: tried.seconds if evaluations is None else tried.evaluations)
        limit = f"--budget {budget:g}" if evaluations is None else f"--evaluations {evaluations}"
        raise RequestError(f"{limit} is too small: {too_small(least, budget, evaluations)}; give more")


def measured(
    source: Source, request: Request, tried: Trial, *, budget: float, evaluations: int | None, run: int = 1
) -> Row:
    """Return what `request.sampler` makes of a budget, by the last of some runs of growing size.

    Args:
        source: the model.
        tried: its trial: a sampler without a draw, or with too dear a one, is not tried again.
        request: with its lengths given (`stated_law`).
        budget: seconds for all runs.
        evaluations: most scored texts of a run instead, if given.
        run: number of the repetition; each has a seed of its own.
    """
    if run > 1:
        request = replace(request, seed=key_of(request.seed, "repeat", str(run)) >> 1)
    sampler = method(request.sampler)
    error = tried.error or too_small(tried, budget, evaluations)
    if error or tried.run is None:
        return Row(request.sampler, sampler.kind, run, error, tried.seconds)
    start = time.perf_counter()
    try:
        first = tried.run if run == 1 else _run(source, request, _least(sampler))  # by its own seed
        if evaluations is None:
            best = _within_seconds(source, request, sampler, first, budget)
        else:
            best = _within_evaluations(source, request, sampler, first, evaluations)
    except SearchgenError as error:
        return Row(request.sampler, sampler.kind, run, str(error), time.perf_counter() - start)
    return replace(_summary(sampler, *best), run=run)


def _within_seconds(source: Source, request: Request, sampler: Method, first: _Run, budget: float) -> _Run:
    """Return the last of the runs that fit, each larger than the one before; the first has been made."""
    size, best, spent = _least(sampler), first, 0.0
    before: tuple[float, float] | None = None
    while size < MOST and not _is_short(sampler, best[1], size):
        work, took = _work(sampler, best, size), best[2]
        slope = LEAST_GROWING * took / work
        slope = max(slope, (took - before[1]) / (work - before[0])) if before else took / work
        left, larger = CAREFUL * (budget - spent), size
        while larger < LARGER * size and took + slope * (_work(sampler, best, 2 * larger) - work) <= left:
            larger *= 2
        if larger == size:
            break
        try:
            run = _run(source, request, larger)
        except SearchgenError:
            break
        before, best, size = (work, took), run, larger
        spent += run[2]
    return best


def _work(sampler: Method, run: _Run, size: int) -> float:
    """Return what a run of a size would cost, in units of its own: burn-in and thinning count for chains."""
    job, draws, _ = run
    if sampler.grows or not draws.chains or "thin" not in draws.counts:
        return float(size)
    chains = min(job.options.chains, size)
    return float(chains * (draws.counts["burn_in"] + -(-size // chains) * draws.counts["thin"]))


def _within_evaluations(source: Source, request: Request, sampler: Method, first: _Run, most: int) -> _Run:
    """Return a run of about the largest size that needs at most so many evaluations; the smallest has been made."""
    size, best = _least(sampler), first
    above: tuple[int, int] | None = None  # a size that needs too many, and how many
    for _ in range(GUESSES):
        now = max(1, best[1].evaluations)
        if now >= ENOUGH * most or _is_short(sampler, best[1], size):
            break
        larger = min(MOST, LARGER * size, size * most // now)
        if above is not None:
            larger = size + int(ENOUGH * (above[0] - size) * (most - now) / (above[1] - now))
        if larger <= size:
            break
        run = _run(source, request, larger)
        if run[1].evaluations > most:
            above = larger, run[1].evaluations
        else:
            size, best = larger, run
    return best


def _least(sampler: Method) -> int:
    """Return the smallest size of a run: of the option that grows with the budget, or one draw."""
    return sampler.grows[1] if sampler.grows else 1


def _is_short(sampler: Method, draws: Draws, size: int) -> bool:
    """Return whether a run has fewer draws than asked for, so that asking for more is of no use."""
    return sampler.grows is None and len(draws.lengths) < size


def _job(source: Source, request: Request, size: int) -> tuple[Method, Job]:
    sampler = method(request.sampler)
    if sampler.grows:
        option = f"{sampler.grows[0]}={size}"
        request = replace(request, count=SEARCHED, options=(*request.options, option))
    else:
        request = replace(request, count=size)
    return sampler, job_of(source, request)[2]


def _run(source: Source, request: Request, size: int) -> _Run:
    """Return a run of a size: its job, its draws, and the seconds it took."""
    start = time.perf_counter()
    sampler, job = _job(source, request, size)
    draws = sampler.draw(job)
    return job, draws, time.perf_counter() - start


def _summary(sampler: Method, job: Job, draws: Draws, took: float) -> Row:
    report = diagnose(sampler, draws, job.target)
    weight = np.exp(draws.log_weight - draws.log_weight.max())
    mean = float(weight @ draws.log_density / weight.sum())
    spread = float(weight @ (draws.log_density - mean) ** 2 / weight.sum())
    texts = draws.texts()
    kind = report["kind"]
    features = report.get("features", {}).get("log_density", {})
    size = features.get("ess_bulk") if draws.chains else report.get("ess", float(len(texts)))
    checked = list(dict.fromkeys(texts))[:CHECKED]
    ok = [all(job.target.satisfied(text).values()) for text in checked]
    return Row(
        sampler=sampler.name,
        kind=kind,
        seconds=took,
        draws=len(texts),
        distinct=report["distinct"],
        satisfied=sum(ok) / len(ok),
        mean=mean,
        mean_error=math.sqrt(spread / size) if kind != "search" and size and math.isfinite(size) else None,
        best=float(draws.log_density.max()),
        ess=None if kind == "search" else size,
        ess_per_second=None if kind == "search" or size is None else size / took,
        r_hat=features.get("r_hat"),
        log_z=None if draws.log_z is None or not math.isfinite(draws.log_z) else draws.log_z,
        log_z_error=draws.log_z_error,
        evaluations=draws.evaluations,
        trusted=report["trusted"],
        doubts=tuple(report["doubts"]),
    )
