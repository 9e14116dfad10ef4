"""A charge for each edit of a source as a mixture of hard bounds, so that chains can begin near its law.

    exp(-w d) 1[d <= K] = sum over k < K of (exp(-w k) - exp(-w (k + 1))) 1[d <= k]  +  exp(-w K) 1[d <= K]

d is the number of edits of a text, w the charge, K the bound. Each part is a law that a guide draws from. Chains move slowly from many
edits to few: there are so many more texts of many. So they begin at a draw of this mixture.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from searchgen.constraints.together.joint import joint
from searchgen.constraints.words.edits import Edits
from searchgen.constraints.words.nearness import Closeness
from searchgen.errors import Impossible, NotFound
from searchgen.guide import Guide
from searchgen.kernels.randomness import key_of
from searchgen.problem import Problem
from searchgen.samplers.method import Job
from searchgen.target import Target, of_automaton

__all__ = ["draw_starts", "edit_levels", "guides"]

#: A guide, and the natural log of the mass of its part.
Part = tuple[float, Guide]


def edit_levels(target: Target) -> list[tuple[float, Problem]]:
    """Return the parts of the mixture that a target is, each with the natural log of its factor; one where edits have no single cost.

    Args:
        target: its constraints say what an edit costs, and how many there may be.
    """
    charges = [one.weight for one in target.constraints if isinstance(one, Closeness)]
    bounds = [one for one in target.constraints if isinstance(one, Edits)]
    if not charges or not bounds:
        return [(0.0, target.problem)]
    if len(charges) > 1 or len(bounds) > 1 or charges[0] == 0:
        return [(0.0, target.problem)]
    (charge,), (bound,) = charges, bounds
    levels = []
    for most in range(bound.most):
        constraints = [replace(one, most=most) if one is bound else one for one in target.constraints]
        try:
            automaton = joint(constraints, target.vocabulary, target.form)
        except Impossible:  # no text has so few edits
            continue
        levels.append((-charge * most + math.log(-math.expm1(-charge)), of_automaton(target.problem, automaton)))
    return [*levels, (-charge * bound.most, target.problem)]


def guides(job: Job) -> list[Part]:
    """Return the guides of order 2 that starts are drawn from."""
    levels = edit_levels(job.target)
    if len(levels) == 1:
        return [(0.0, job.guide())]
    parts, target = list[Part](), job.target
    for log_factor, problem in levels[:-1]:
        try:
            guide = Guide.build(
                problem, order=2, max_tokens=target.max_tokens, bigrams=target.bigrams, threads=job.threads
            )
        except (Impossible, NotFound):  # none of so many words has
            continue
        parts.append((log_factor + guide.log_mass, guide))
    return [*parts, (levels[-1][0] + job.guide().log_mass, job.guide())]


def draw_starts(
    parts: Sequence[Part], counters: npt.NDArray[np.uint64], number: int, threads: int
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
    """Return a draw of the mixture for each chain, tokens (C, M) int32 and lengths (C,) int64.

    Args:
        parts: of the mixture.
        counters: (C, 6) uint64, one `Counter` row a chain.
        number: which of a chain's draws this is.
        threads: to share the chains over.
    """
    if len(parts) == 1:
        return parts[0][1].draw_texts(counters, number=number, threads=threads)
    masses = np.array([log_mass for log_mass, _ in parts])
    shares = np.cumsum(np.exp(masses - np.logaddexp.reduce(masses)))
    u = np.array([key_of(int(key), f"level {chain} {number}") for key, chain in counters[:, :2].tolist()]) / 2.0**64
    chosen = np.minimum(np.searchsorted(shares, u, side="right"), len(parts) - 1)
    widest = max(guide.max_tokens for _, guide in parts)
    tokens, lengths = np.zeros((len(counters), widest), np.int32), np.zeros(len(counters), np.int64)
    for place in np.unique(chosen).tolist():
        rows = np.flatnonzero(chosen == place)
        drawn, lengths[rows] = parts[place][1].draw_texts(counters[rows], number=number, threads=threads)
        tokens[rows, : drawn.shape[1]] = drawn
    return tokens, lengths
