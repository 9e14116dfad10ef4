"""Samplers side by side on one target: the same seconds, or the same number of evaluations, for each."""

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from searchgen.errors import SearchgenError
from searchgen.randomness import key_of
from searchgen.request import Request
from searchgen.samplers.diagnostics import diagnose
from searchgen.samplers.method import Draws, Method
from searchgen.samplers.sampling import job_of
from searchgen.samplers.source import Source

__all__ = ["Row", "compare"]

#: Draws of the first run; each further one asks for twice as many, until the budget is spent.
FIRST, MOST = 32, 1 << 18

#: A run may take this share of what is left of the budget, by the time of the one before.
CAREFUL = 0.8


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
        satisfied: share that satisfies every constraint.
        mean: mean log-density, weighted where draws are.
        best: largest log-density.
        ess: effective sample size of the log-density.
        ess_per_second: of the same run.
        r_hat: of the log-density.
        log_z: estimate of the log total mass.
        log_z_error: its standard error.
        evaluations: texts scored.
        trusted: what the diagnostics say.
    """

    sampler: str
    kind: str
    error: str = ""
    seconds: float | None = None
    draws: int | None = None
    distinct: int | None = None
    satisfied: float | None = None
    mean: float | None = None
    best: float | None = None
    ess: float | None = None
    ess_per_second: float | None = None
    r_hat: float | None = None
    log_z: float | None = None
    log_z_error: float | None = None
    evaluations: int | None = None
    trusted: bool | None = None


def compare(
    source: Source, request: Request, samplers: Sequence[str], *, budget: float, evaluations: int | None, repeat: int
) -> Iterator[Row]:
    """Yield a row for each sampler and repetition.

    Args:
        source: the model.
        request: with its lengths given (`stated_law`).
        samplers: names of the registry.
        budget: seconds for each.
        evaluations: stop at so many scored texts instead, if given.
        repeat: runs of each, with seeds of their own.

    Raises:
        RequestError: a sampler is unknown, or the request contradicts itself.
        Impossible: no text satisfies the request.
    """
    for number in range(repeat):
        for name in samplers:
            asked = replace(
                request, sampler=name, seed=key_of(request.seed, "repeat", str(number)) >> 1 if number else request.seed
            )
            yield _row(source, asked, budget, evaluations)


def _row(source: Source, request: Request, budget: float, evaluations: int | None) -> Row:
    _, found, job = job_of(source, replace(request, count=1))
    with suppress(SearchgenError):  # loops are compiled and tables made before the clock starts
        found.draw(job)
    spent, count, best = 0.0, FIRST, None
    while True:
        begun = time.perf_counter()
        try:
            _, _, job = job_of(source, replace(request, count=count))
            draws = found.draw(job)
        except SearchgenError as error:
            if best is None:
                return Row(request.sampler, found.kind, str(error), time.perf_counter() - begun)
            break
        took = time.perf_counter() - begun
        spent += took
        best = (job, draws, took)
        done = draws.evaluations >= evaluations if evaluations is not None else 2 * took > CAREFUL * (budget - spent)
        if done or count >= MOST or len(draws.lengths) < count:
            break
        count *= 2
    return _summary(found, *best)


def _summary(found: Method, job: Any, draws: Draws, took: float) -> Row:
    report = diagnose(found, draws, job.target)
    weight = np.exp(draws.log_weight - draws.log_weight.max())
    texts = draws.texts()
    kind = report["kind"]
    features = report.get("features", {}).get("log_density", {})
    size = features.get("ess_bulk") if draws.chains else report.get("ess", float(len(texts)))
    ok = [all(job.target.satisfied(text).values()) for text in set(texts)]
    return Row(
        sampler=found.name,
        kind=kind,
        seconds=took,
        draws=len(texts),
        distinct=report["distinct"],
        satisfied=sum(ok) / len(ok),
        mean=float(weight @ draws.log_density / weight.sum()),
        best=float(draws.log_density.max()),
        ess=None if kind == "search" else size,
        ess_per_second=None if kind == "search" or size is None else size / took,
        r_hat=features.get("r_hat"),
        log_z=None if draws.log_z is None or not math.isfinite(draws.log_z) else draws.log_z,
        log_z_error=draws.log_z_error,
        evaluations=draws.evaluations,
        trusted=report["trusted"],
    )
