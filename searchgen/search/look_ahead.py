"""What every search begins with: the target under the n-gram model, and its guide."""

from dataclasses import replace

import numpy as np

from searchgen.constraints.together.joint import MORE_HYPHENS
from searchgen.errors import Impossible, NotFound
from searchgen.guide import Budget, Guide
from searchgen.problem import Problem
from searchgen.request.request import Request
from searchgen.sources.source import Source
from searchgen.target import Target

__all__ = ["guide_of", "look_ahead"]

#: Start states need no sharper look-ahead: a third of the guide's usual work loses nothing after annealing (measured).
QUICK = Budget(work=1.5e8, words=500)


#: Floating point has room for so much of the weight of unknown words: longer ones weigh less in look-ahead, which begins searches only.
MOST_WEIGHT = 600.0


def look_ahead(source: Source, request: Request, order: int = 2) -> tuple[Target, Guide]:
    """Return the proposing target and its guide; a finite verb is not required where it makes the rest impossible.

    Args:
        source: the model.
        request: the job.
        order: of the guide.

    Raises:
        RequestError: the request contradicts itself.
        Impossible: no text satisfies it.
    """
    try:
        target = source.proposal(request)
        return target, guide_of(source, target, order)
    except Impossible:
        if not request.finite_verb:
            raise
    target, guide = look_ahead(source, request.but(finite_verb=False), order)
    return replace(
        target,
        notes=(
            *target.notes,
            "no text that satisfies the other constraints has a form of the finite-verb list; the texts may hold other verbs, or none",
        ),
    ), guide


def guide_of(source: Source, target: Target, order: int) -> Guide:
    """Return the guide of a target, of many keywords in the first order that has texts.

    Args:
        source: the model.
        target: under its n-gram model.
        order: of the guide.

    Raises:
        Impossible: no text satisfies the target.
        NotFound: none was found in the orders tried.
    """
    for begun in target.begun():
        problem, left_out = _lightened(begun)
        for hyphens in _most_hyphens(problem):
            last = hyphens == problem.hyphens[0]
            try:
                guide = Guide.build(
                    problem._replace(hyphens=np.array([hyphens])),
                    order=order,
                    max_tokens=target.max_tokens,
                    bigrams=target.bigrams,
                    budget=QUICK,
                    threads=source.threads,
                )
            except Impossible:
                if last and target.many is None:
                    raise
                continue
            return replace(guide, log_masses=guide.log_masses - left_out) if left_out else guide
    raise NotFound("not found: the orders of the keywords are too many to try all; widen the window, or ask for fewer")


def _most_hyphens(problem: Problem) -> list[int]:
    """Return how many hyphens first texts may have, in the order to try: each takes a layer of the guide, and few texts need one."""
    most = int(problem.hyphens[0])
    return sorted({0, max(0, most - MORE_HYPHENS), most})


def _lightened(problem: Problem) -> tuple[Problem, float]:
    """Return the problem with as much weight of unknown words as floating point can bear, and what was left out if each occurs once."""
    extra = problem.extra
    weight = problem.token["weight"][extra]
    if weight.sum() >= -MOST_WEIGHT:
        return problem, 0.0
    token = problem.token.copy()
    token["weight"][extra] = np.maximum(weight, -MOST_WEIGHT / len(extra))
    return problem._replace(token=token), float((token["weight"][extra] - weight).sum())
