"""Particles led from a flatter law to the target, over a ladder of inverse temperatures tau_0 < tau_1 < ... < tau_K = 1.

Del Moral, Doucet and Jasra 2006. Texts have been grown for density ** tau_0. At rung k

    log weight += (tau_k - tau_{k-1}) * log density(text),

particles are resampled if their weights have come apart, and every text is moved by Metropolis-Hastings steps that leave
density ** tau_k invariant. The backward kernel is the moves' reversal, so the weight depends on the text before the move only, and
the mean weight, the product of the stages' mean increments, still estimates Z without bias. Without resampling this is annealed
importance sampling (Neal 2001).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import numpy as np
import numpy.typing as npt

from searchgen.kernels.randomness import counter
from searchgen.problem import Problem
from searchgen.samplers.chains.chains import advance
from searchgen.samplers.chains.moves import Chains, labels
from searchgen.samplers.diagnostics.weights import effective_sample_size
from searchgen.samplers.weighted.smc.steps import Particles, new_particles, resample_all

__all__ = ["FLAT", "Climb", "Compiled", "Rung", "climb", "flattened", "placed", "weights_of"]

#: The beta that a ladder starts from: the model's own law, flatter than any that a ladder leads to, where growth is cheapest, because
#: the model stores the sums that it needs.
FLAT = 1.0


@dataclass(frozen=True)
class Rung:
    """What happened at a rung.

    Attributes:
        tau: its inverse temperature.
        ess: effective number of particles, the rung's weights included, before resampling.
        resampled: whether particles were resampled.
        acceptance: share of the proposed moves that were accepted.
    """

    tau: float
    ess: float
    resampled: bool
    acceptance: float


class Climb(Protocol):
    """The random steps of a rung, wherever their choices come from."""

    def resample(self, number: int) -> bool:
        """Resample the weights at rung `number` if it is time to; return whether."""

    def move(self, tau: float, number: int) -> None:
        """Move every text by steps that leave density ** tau invariant."""


def flattened(problem: Problem, beta: float) -> Problem:
    """Return the problem whose density is this one's to the power beta / its beta: token weights shrink too."""
    token = problem.token.copy()
    token["weight"] *= beta / problem.beta[0]
    return problem._replace(token=token, beta=np.array([beta]))


def placed(lowest: float, rungs: int) -> tuple[float, ...]:
    """Return inverse temperatures from the lowest to 1 in equal ratios: increments vary alike where log density is a sum of many parts.

    Example:
        >>> placed(0.25, 2)
        (0.25, 0.5, 1.0)
    """
    return tuple(float(lowest ** (1.0 - k / rungs)) for k in range(rungs + 1))


def weights_of(log_weight: npt.NDArray[np.float64], ancestor: npt.NDArray[np.int64]) -> Particles:
    """Return particles that hold weights and ancestors only, for the resampling; their texts are the chains'."""
    weights = new_particles(len(log_weight), 1)
    weights.log_weight[:], weights.ancestor[:] = log_weight, ancestor
    return weights


def reweigh(chains: Chains, weights: Particles, before: float, tau: float) -> None:
    """Multiply every weight by density ** (tau - before) of its text."""
    weights.log_weight[:] += (tau - before) * chains.log_density


def follow(chains: Chains, parent: npt.NDArray[np.int64]) -> None:
    """Make text c a copy of text parent[c]; counts of moves stay."""
    for name in Chains._fields:
        if name != "tally":
            column = getattr(chains, name)
            column[:] = column[parent]


def climb(taus: Sequence[float], chains: Chains, weights: Particles, engine: Climb) -> tuple[Rung, ...]:
    """Lead weighted texts up a ladder.

    Args:
        taus: (K + 1,) inverse temperatures in rising order; the texts are weighted for the first.
        chains: the texts, moved in place; their log density is the target's, at inverse temperature 1.
        weights: log weights and ancestors, changed in place.
        engine: resamples and moves.
    """
    rungs = []
    for number, (before, tau) in enumerate(pairwise(taus), 1):
        reweigh(chains, weights, before, tau)
        ess = effective_sample_size(weights.log_weight)
        resampled = engine.resample(number)
        if resampled:
            follow(chains, weights.parent)
        tally = chains.tally.sum(axis=(0, 1))
        engine.move(tau, number)
        proposed, _, accepted = chains.tally.sum(axis=(0, 1)) - tally
        rungs.append(Rung(tau, ess, resampled, float(accepted / max(1, proposed))))
    return tuple(rungs)


class Compiled:
    """Resampling and moves in compiled code, with random numbers of counters."""

    def __init__(
        self, problem: Problem, chains: Chains, weights: Particles, key: int, threshold: float, steps: int, threads: int
    ) -> None:
        """Prepare a climb of so many steps a rung; what text i draws at a step is a function of (key, i, step)."""
        count = len(chains.length)
        self.problem, self.chains, self.weights = problem, chains, weights
        self.threshold, self.steps, self.threads = threshold, steps, threads
        self.counters = np.zeros((count, 6), np.uint64)
        self.counters[:, 0], self.counters[:, 1] = key, np.arange(count)
        self.whole, self.table = counter(key, count).word, labels()

    def resample(self, number: int) -> bool:
        """Resample the weights at rung `number` if it is time to; return whether."""
        return bool(resample_all(self.weights, self.threshold, self.whole, number))

    def move(self, tau: float, number: int) -> None:
        """Move every text by steps that leave density ** tau invariant."""
        first, schedule = (number - 1) * self.steps, np.array([tau])
        advance(self.problem, self.chains, self.counters, self.table, schedule, self.steps, first, self.threads)
