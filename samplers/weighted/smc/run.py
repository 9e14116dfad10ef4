"""The loop of sequential Monte Carlo: start, then weigh, resample and extend until every text has ended."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from searchgen.guide import Guide
from searchgen.guide.candidates import new_scratch
from searchgen.kernels.randomness import counter
from searchgen.samplers.chains.threads import over_chains
from searchgen.samplers.weighted.smc.steps import (
    Particles,
    extend_many,
    new_particles,
    resample_all,
    start_all,
    weigh_many,
)
from searchgen.samplers.weighted.smc.twist import Twist

__all__ = ["Compiled", "Engine", "Run", "grow", "run"]


@dataclass(frozen=True, eq=False)
class Run:
    """What one run of particles returned.

    Attributes:
        particles: finished; those of length -1 came to nothing.
        steps: tokens of the longest text, its end included.
        resamplings: the steps before which particles were resampled.
    """

    particles: Particles
    steps: int
    resamplings: tuple[int, ...]

    @property
    def log_z(self) -> float:
        """Natural log of the mean weight."""
        log_weight = self.particles.log_weight
        top = log_weight.max()
        return float(top + np.log(np.exp(log_weight - top).mean())) if top > -np.inf else -np.inf


class Engine(Protocol):
    """The steps of a run, wherever its random choices come from."""

    def start(self) -> None:
        """Begin all texts."""

    def weigh(self) -> None:
        """Weigh every particle for its next token."""

    def resample(self, number: int) -> bool:
        """Resample before step `number` if it is time to; return whether."""

    def extend(self, number: int) -> int:
        """Append a token to every text; return how many go on."""


def grow(
    particles: Particles, engine: Engine, twist: Twist | None = None, step_done: Callable[[], None] | None = None
) -> Run:
    """Make the steps of a run until every text has ended.

    Args:
        particles: with room for the texts.
        engine: makes the steps.
        twist: weighs texts under a model that scores whole texts.
        step_done: called after each step.
    """
    engine.start()
    going, number, resamplings = 1, 0, []
    while going:
        number += 1
        engine.weigh()
        if engine.resample(number):
            resamplings.append(number)
            if twist is not None:
                twist.select(particles.parent.copy())
        going = engine.extend(number)
        if twist is not None:
            twist.advance(particles)
        if step_done is not None:
            step_done()
    return Run(particles, number, tuple(resamplings))


class Compiled:
    """The steps in compiled code, with random numbers of counters; the particles are shared over threads."""

    def __init__(self, guide: Guide, particles: Particles, key: int, threshold: float, threads: int) -> None:
        """Prepare a run; what particle i draws at step s is a function of (key, i, s)."""
        count = len(particles.length)
        self.guide, self.particles, self.threshold = guide, particles, threshold
        self.counters = np.zeros((count + 1, 6), np.uint64)
        self.counters[:, 0], self.counters[:, 1] = key, np.arange(count + 1)
        self.whole = counter(key, count).word  # what concerns all particles
        self.count, self.threads = count, threads

    def start(self) -> None:
        """Begin all texts."""
        start_all(self.guide.tables, self.guide.problem, self.particles, self.guide.log_mass, self.whole)

    def weigh(self) -> None:
        """Weigh every particle for its next token."""
        tables, problem = self.guide.tables, self.guide.problem
        over_chains(self.count, self.threads, lambda low, high: weigh_many(tables, problem, self.particles, low, high))

    def resample(self, number: int) -> bool:
        """Resample before step `number` if it is time to; return whether."""
        return bool(resample_all(self.particles, self.threshold, self.whole, number))

    def extend(self, number: int) -> int:
        """Append a token to every text; return how many go on."""
        tables, problem, particles = self.guide.tables, self.guide.problem, self.particles

        def work(low: int, high: int) -> int:
            return int(extend_many(tables, problem, particles, self.counters, low, high, number, new_scratch()))

        return sum(over_chains(self.count, self.threads, work))


def run(
    guide: Guide,
    count: int,
    key: int,
    threshold: float,
    threads: int = 1,
    step_done: Callable[[], None] | None = None,
    twist: Twist | None = None,
) -> Run:
    """Grow particles until every text has ended.

    Args:
        guide: the look-ahead.
        count: number of particles.
        key: 64-bit key; what particle i draws at step s is a function of (key, i, s).
        threshold: see `Options`.
        threads: threads to share particles over; the result does not depend on it.
        step_done: called after each step.
        twist: weighs texts under a model that scores whole texts.
    """
    particles = new_particles(count, guide.max_tokens)
    return grow(particles, Compiled(guide, particles, key, threshold, threads), twist, step_done)
