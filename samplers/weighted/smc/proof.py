"""The proof of sequential Monte Carlo: every branch of a run with two particles, played on worlds cut short."""

from typing import Any

import numpy as np

from searchgen.guide import Guide
from searchgen.guide.candidates import new_scratch
from searchgen.kernels.compiled import inner, kernel
from searchgen.samplers.proofs.exactness import Finding, World, prove_attempts
from searchgen.samplers.weighted.smc.steps import Particles, extend, new_particles, resample, start, weigh

__all__ = ["Scripted", "arguments", "attempt", "prove", "small"]

#: Most texts of a world for two particles: their branches are the square of one particle's, times those of the resampling.
MOST_TEXTS = 12


@inner
def attempt(
    problem: Any,
    tokens: Any,
    lengths: Any,
    log_weight: Any,
    guide: Any,
    particles: Any,
    log_mass: Any,
    threshold: Any,
    scratch: Any,
    rng: Any,
) -> None:
    """Make one run of as many particles as there is room for, as `smc.run` does."""
    start(guide, problem, particles, log_mass, rng)
    going = True
    while going:
        for c in range(len(lengths)):
            weigh(guide, problem, particles, c)
        resample(particles, threshold, rng)
        going = False
        for c in range(len(lengths)):
            going |= extend(guide, problem, particles, c, scratch, rng)
    for c in range(len(lengths)):
        lengths[c], log_weight[c] = particles.length[c], particles.log_weight[c]
        for at in range(lengths[c]):
            tokens[c, at] = particles.token[c, at]


@kernel
def _start(guide: Any, problem: Any, particles: Any, log_mass: Any, rng: Any) -> None:
    """Begin all texts."""
    start(guide, problem, particles, log_mass, rng)


@kernel
def _weigh(guide: Any, problem: Any, particles: Any) -> None:
    """Weigh every particle."""
    for c in range(len(particles.length)):
        weigh(guide, problem, particles, c)


@kernel
def _resample(particles: Any, threshold: Any, rng: Any) -> Any:
    """Resample if it is time to."""
    return resample(particles, threshold, rng)


@kernel
def _extend(guide: Any, problem: Any, particles: Any, scratch: Any, rng: Any) -> Any:
    """Append a token to every text; return how many go on."""
    going = 0
    for c in range(len(particles.length)):
        going += extend(guide, problem, particles, c, scratch, rng)
    return going


class Scripted:
    """The steps of a run with weights from elsewhere, as `smc_run.Engine`: those of production, played by a script."""

    def __init__(self, guide: Guide, particles: Particles, threshold: float, rng: Any, scratch: Any) -> None:
        """Prepare a run."""
        self.guide, self.particles, self.threshold, self.rng, self.max_tokens = (
            guide,
            particles,
            threshold,
            rng,
            scratch,
        )

    def start(self) -> None:
        """Begin all texts."""
        _start(self.guide.tables, self.guide.problem, self.particles, self.guide.log_mass, self.rng)

    def weigh(self) -> None:
        """Weigh every particle for its next token."""
        _weigh(self.guide.tables, self.guide.problem, self.particles)

    def resample(self, number: int) -> bool:
        """Resample if it is time to; return whether."""
        return bool(_resample(self.particles, self.threshold, self.rng))

    def extend(self, number: int) -> int:
        """Append a token to every text; return how many go on."""
        return int(_extend(self.guide.tables, self.guide.problem, self.particles, self.max_tokens, self.rng))


def arguments(guide: Guide, particles: int, threshold: float) -> tuple[Any, ...]:
    """Return what `attempt` takes beyond the problem and the results."""
    return guide.tables, new_particles(particles, guide.max_tokens), guide.log_mass, threshold, new_scratch()


def small(world: World) -> World:
    """Return the shorter texts of a world, of as many words as leave few enough of them."""
    word = world.problem.token["word"]
    words = np.array([int(word[list(text)].sum()) & 255 for text in world.texts])
    fit = [most for most in np.unique(words) if (words <= most).sum() <= MOST_TEXTS]
    window = np.array([world.problem.window[0], fit[-1]], np.int64)
    return World.of(world.problem._replace(window=window), world.max_tokens)


def prove(world: World) -> list[Finding]:
    """Return how far probability x weight is from the density: one particle on the world, two on its shorter texts."""
    full, findings = int(world.problem.ngram.order[0]), []
    short = small(world)
    for order, near in (*((order, 0) for order in sorted({1, 2, full})), *([(full, 1)] if full > 2 else [])):
        for particles, threshold, part in ((1, 0.0, world), (2, 0.0, short), (2, 1.0, short)):
            guide = Guide.build(part.problem, order=order, max_tokens=part.max_tokens, budget=None, near=near)
            name = f"guide of order {order}, near {near}, {particles} particles, threshold {threshold:g}"
            findings += prove_attempts(
                name, part, attempt, *arguments(guide, particles, threshold), particles=particles
            )
    return findings
