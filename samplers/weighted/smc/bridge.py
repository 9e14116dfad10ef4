"""Particles led from the law without functions of the text to the law with them, over a ladder from soft to hard.

    log chi_k(x) = sum of log Phi((1/2 - violations(x)) / s_k) over the hard functions that count violations
                 + sum of what the soft functions weigh,                        chi_0 = 1

The widths s_1 > ... > s_{K-1} fall geometrically, and chi_K are the functions themselves: a step at one half, smoothed with a Gaussian,
becomes the step. Texts have been grown for rho. At rung k

    log weight += log chi_k(text) - log chi_{k-1}(text),

particles are resampled if their weights have come apart, and every text is moved by rounds of delayed acceptance that leave rho chi_k
invariant. As on the ladder to a larger beta, the weight depends on the text before the move only, and the mean weight estimates the mass
of rho chi_K without bias. So widths must not depend on the particles.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from searchgen.black_box_terms import BlackBoxTerm
from searchgen.kernels.randomness import counter
from searchgen.problem import Problem
from searchgen.samplers.chains.moves import Chains
from searchgen.samplers.chains.scorer import score_texts
from searchgen.samplers.diagnostics.weights import effective_sample_size
from searchgen.samplers.mcmc.delayed_acceptance import STATE, Rounds
from searchgen.samplers.weighted.smc.ladder import follow
from searchgen.samplers.weighted.smc.steps import Particles, resample_all
from searchgen.target import Target

__all__ = ["NARROWEST", "Bridge", "Compiled", "Crossed", "Functions", "cross", "log_normal_cdf", "smoothed_step"]

#: The last width: one violation then costs 15 nats.
NARROWEST = 0.1

#: Below it log Phi is computed by a series.
TAIL = -30.0

#: Steps of a round: so many changes of a text are tested together.
STEPS = 10

Text = tuple[int, ...]
Floats = npt.NDArray[np.float64]


def smoothed_step(violations: float, width: float) -> float:
    """Return log Phi((1/2 - violations) / width), natural log.

    Example:
        >>> [round(smoothed_step(violations, 0.5), 2) for violations in (0, 1, 2)]
        [-0.17, -1.84, -6.61]
    """
    return log_normal_cdf((0.5 - violations) / width)


def log_normal_cdf(x: float) -> float:
    """Return natural log Phi(x), of the standard normal distribution, for any x.

    Below `TAIL` Phi is too small for a float; there the first terms of its asymptotic series stand, of a relative error below 1e-8.

    Source:
        Abramowitz and Stegun, "Handbook of Mathematical Functions" (1964), 26.2.12.

    Example:
        >>> [round(log_normal_cdf(x), 6) for x in (9.0, 0.0, -1.0, -29.999, -30.001, -1000.0)]
        [-0.0, -0.693147, -1.841022, -454.291211, -454.351278, -500007.826695]
    """
    if x > TAIL:
        upper = 0.5 * math.erfc(abs(x) / math.sqrt(2.0))
        return math.log(upper) if x < 0.0 else math.log1p(-upper)
    series = 1.0 - 1.0 / x**2 + 3.0 / x**4 - 15.0 / x**6
    return -0.5 * x * x - math.log(-x) - 0.5 * math.log(2.0 * math.pi) + math.log(series)


@dataclass(eq=False)
class Functions:
    """The functions of the text of a target, as soft as each rung has them.

    Attributes:
        target: prints texts.
        rungs: K.
        width: s_1.
    """

    target: Target
    rungs: int
    width: float
    _counts: dict[tuple[int, Text], float] = field(default_factory=dict)
    _weights: dict[tuple[int, Text], float] = field(default_factory=dict)

    def log_chi(self, texts: Sequence[Text], rung: int) -> Floats:
        """Return log chi of texts at a rung, (n,); -inf only at the last."""
        if rung == 0:
            return np.zeros(len(texts))
        total = np.zeros(len(texts))
        for number, term in enumerate(self.target.opaque):
            total += self._of(number, term, texts, rung)
        return total

    @property
    def counted(self) -> int:
        """How many texts were given to the functions."""
        return len({text for _, text in (*self._counts, *self._weights)})

    def _of(self, number: int, term: BlackBoxTerm, texts: Sequence[Text], rung: int) -> list[float]:
        """Return what one function adds."""
        if term.hard and term.violations is not None:
            width = self.width * (NARROWEST / self.width) ** ((rung - 1) / max(1, self.rungs - 2))
            is_last = rung == self.rungs
            counts = self._violations(number, term, texts)
            return [(-math.inf if count else 0.0) if is_last else smoothed_step(count, width) for count in counts]
        if term.hard and rung < self.rungs:
            return [0.0] * len(texts)
        return [self._weight(number, term, text) for text in texts]

    def _violations(self, number: int, term: BlackBoxTerm, texts: Sequence[Text]) -> list[float]:
        new = [text for text in dict.fromkeys(texts) if (number, text) not in self._counts]
        assert term.violations is not None
        counts = (
            term.violations_of(new) if term.violations_of else [term.violations(self.target.printed(t)) for t in new]
        )
        self._counts.update({(number, text): count for text, count in zip(new, counts, strict=True)})
        return [self._counts[number, text] for text in texts]

    def _weight(self, number: int, term: BlackBoxTerm, text: Text) -> float:
        if (number, text) not in self._weights:
            self._weights[number, text] = term.log_weight(self.target.printed(text))
        return self._weights[number, text]


class Bridge(Protocol):
    """The random steps of a rung, wherever their choices come from, and what the functions say of the texts."""

    def log_chi(self, rung: int) -> Floats:
        """Return log chi of every text at a rung, (n,)."""

    def resample(self, rung: int) -> bool:
        """Resample the weights if it is time to; return whether."""

    def move(self, rung: int) -> float:
        """Move every text of positive density by steps that leave rho chi invariant; return the share of tests passed."""


@dataclass(frozen=True)
class Crossed:
    """What happened at a rung.

    Attributes:
        rung: its number, from 1.
        ess: effective number of particles, the rung's weights included, before resampling.
        resampled: whether particles were resampled.
        acceptance: share of the tests that were passed.
    """

    rung: int
    ess: float
    resampled: bool
    acceptance: float


def reweigh(weights: Particles, before: Floats, after: Floats) -> None:
    """Multiply every weight by chi of this rung over chi of the last, of its text; a weight of 0 stays so."""
    alive = weights.log_weight > -np.inf
    weights.log_weight[alive] += after[alive] - before[alive]


def cross(rung: int, chains: Chains, weights: Particles, bridge: Bridge) -> Crossed:
    """Lead weighted texts up one rung.

    Args:
        rung: its number, from 1.
        chains: the texts, moved in place.
        weights: log weights and ancestors, changed in place.
        bridge: weighs, resamples and moves.
    """
    reweigh(weights, bridge.log_chi(rung - 1), bridge.log_chi(rung))
    if not (weights.log_weight > -np.inf).any():
        return Crossed(rung, 0.0, False, 0.0)
    ess = effective_sample_size(weights.log_weight)
    resampled = bridge.resample(rung)
    if resampled:
        follow(chains, weights.parent)
    return Crossed(rung, ess, resampled, bridge.move(rung))


class Compiled:
    """Resampling and rounds in compiled code, with random numbers of counters."""

    def __init__(
        self,
        problem: Problem,
        functions: Functions,
        chains: Chains,
        weights: Particles,
        key: int,
        threshold: float,
        rounds: int,
        threads: int,
    ) -> None:
        """Prepare a bridge of so many rounds a rung; what text i draws at a step is a function of (key, i, step)."""
        count = len(chains.length)
        self.problem, self.functions, self.chains, self.weights = problem, functions, chains, weights
        self.threshold, self.rounds, self.threads, self.number = threshold, rounds, threads, 0
        self.counters = np.stack([counter(key, i).word for i in range(count)])
        self.whole = counter(key, count).word

    def log_chi(self, rung: int) -> Floats:
        """Return log chi of every text at a rung, (n,)."""
        return self.functions.log_chi(_texts(self.chains.token, self.chains.length), rung)

    def resample(self, rung: int) -> bool:
        """Resample the weights if it is time to; return whether."""
        return bool(resample_all(self.weights, self.threshold, self.whole, rung))

    def move(self, rung: int) -> float:
        """Move every text of positive density by rounds that leave rho chi invariant; return the share of tests passed."""
        chi = self.log_chi(rung)
        alive = np.flatnonzero(chi > -np.inf)
        chains = Chains._make(column[alive] for column in self.chains)

        def scorer(tokens: npt.NDArray[np.int32], lengths: npt.NDArray[np.int64]) -> Floats:
            return score_texts(self.problem, tokens, lengths) + self.functions.log_chi(_texts(tokens, lengths), rung)

        true = chains.log_density + chi[alive]
        rounds = Rounds(
            self.problem,
            scorer,
            chains,
            true,
            self.counters[alive],
            STEPS,
            1.0,
            threads=self.threads,
            number=self.number,
        )
        rounds.advance(self.rounds)
        self.number = rounds.number
        for name in (*STATE, "tally"):
            getattr(self.chains, name)[alive] = getattr(chains, name)
        return rounds.accepted / max(1, rounds.tested)


def _texts(tokens: npt.NDArray[np.int32], lengths: npt.NDArray[np.int64]) -> list[Text]:
    return [tuple(row[:length].tolist()) for row, length in zip(tokens, lengths, strict=True)]
