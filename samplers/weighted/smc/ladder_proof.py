"""The proof of the ladder of sequential Monte Carlo: every branch of two particles that grow and are led up it.

The loop over rungs and the resampling are production's, played by a script. A rung's moves are drawn from their exact transition matrix,
which is made of the compiled step, so that a path has one choice for each text and not one for each random number of a step.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from searchgen.guide import Guide
from searchgen.guide.candidates import new_scratch
from searchgen.kernels.randomness import script
from searchgen.samplers.chains.chains import enter, new_chains
from searchgen.samplers.chains.moves import Chains, labels, step
from searchgen.samplers.proofs.exactness import WEIGHTED, Finding, World, transition_matrix
from searchgen.samplers.weighted.smc import proof
from searchgen.samplers.weighted.smc.ladder import FLAT, climb, flattened, placed, weights_of
from searchgen.samplers.weighted.smc.run import grow
from searchgen.samplers.weighted.smc.steps import Particles, new_particles

__all__ = [
    "Matrices",
    "Played",
    "State",
    "deviation",
    "grown",
    "law_of",
    "matrices_of",
    "places",
    "prove",
    "put",
    "shortest",
]

#: Most texts of a world for two particles on a ladder, and for two rungs of it: branches are the square of one particle's, to the rungs.
MOST_TEXTS, FEW_TEXTS = 6, 4

#: The exact transition matrix of a move at each inverse temperature.
Matrices = Mapping[float, npt.NDArray[np.float64]]

#: Which texts two particles hold, and their log weights.
State = tuple[tuple[int, ...], tuple[float, ...]]


class Played:
    """A climb played by a script: the resampling is the compiled one, a move is drawn from its exact matrix.

    The last move is left out: the law that it makes is the matrix's, applied by `deviation`.
    """

    def __init__(
        self, world: World, matrices: Matrices, chains: Chains, weights: Particles, threshold: float, rng: Any
    ) -> None:
        """Prepare a climb."""
        self.world, self.matrices, self.chains, self.weights = world, matrices, chains, weights
        self.threshold, self.rng = threshold, rng

    def resample(self, number: int) -> bool:
        """Resample if it is time to; return whether."""
        return bool(proof._resample(self.weights, self.threshold, self.rng))

    def move(self, tau: float, number: int) -> None:
        """Move every text by a step at an inverse temperature."""
        if tau < 1.0:
            at = [self.pick(self.matrices[tau][i]) for i in places(self.world, self.chains)]
            put(self.world, self.chains, at)

    def pick(self, law: npt.NDArray[np.float64]) -> int:
        """Play the script's branch of a choice among the possible texts."""
        possible, rng = np.flatnonzero(law > 0.0), self.rng
        depth = int(rng.depth[0])
        rng.width[depth], rng.depth[0] = len(possible), depth + 1
        chosen = int(possible[rng.choice[depth]])
        rng.probability[0] *= law[chosen]
        return chosen


def shortest(world: World, words: int) -> World:
    """Return the texts of a world of at most so many words."""
    window = np.array([min(world.problem.window[0], words), words], np.int64)
    return World.of(world.problem._replace(window=window), world.max_tokens)


def matrices_of(world: World, taus: Sequence[float]) -> Matrices:
    """Return the exact transition matrix of a compiled step at each inverse temperature."""
    table = labels(span=1, any_span=1, relocate=1, longest=1)
    return {tau: transition_matrix(world, step, table, tau) for tau in taus}


def grown(world: World) -> dict[State, float]:
    """Return the law of two particles that have grown for the flat law without resampling."""
    guide = Guide.build(flattened(world.problem, FLAT), order=1, max_tokens=world.max_tokens, budget=None)
    scratch = new_scratch()

    def play(rng: Any) -> State:
        particles = new_particles(2, guide.max_tokens)
        grow(particles, proof.Scripted(guide, particles, 0.0, rng, scratch))
        texts = [tuple(row[:n].tolist()) for row, n in zip(particles.token, particles.length, strict=True)]
        return tuple(world.texts.index(text) for text in texts), tuple(particles.log_weight.tolist())

    return law_of(play)


def deviation(
    world: World,
    law: Mapping[State, float],
    matrices: Matrices,
    rungs: int,
    threshold: float,
    engine: type[Played] = Played,
) -> float:
    """Return how far E(weight x indicator of a text) is from its density, relative to the whole mass, over all branches.

    Args:
        world: the texts, at a beta above that of the flat law.
        law: of two grown particles.
        matrices: of the moves at every rung.
        rungs: of the ladder.
        threshold: below which share of two effective particles they are resampled.
        engine: plays a rung.
    """
    chains, taus = new_chains(2, world.max_tokens), placed(FLAT / float(world.problem.beta[0]), rungs)
    for two in pairwise(taus):  # states alike after a rung are played on once
        after: dict[State, float] = {}
        for (at, log_weight), probability in law.items():

            def play(rng: Any, at: Any = at, log_weight: Any = log_weight, two: Any = two) -> State:
                weights = weights_of(np.array(log_weight), np.arange(2))
                put(world, chains, at)
                climb(two, chains, weights, engine(world, matrices, chains, weights, threshold, rng))
                return tuple(places(world, chains)), tuple(weights.log_weight.tolist())

            for state, p in law_of(play).items():
                after[state] = after.get(state, 0.0) + probability * p
        law = after
    estimate = np.zeros(len(world.texts))
    for (at, log_weight), probability in law.items():
        for c in range(2):
            estimate += probability * math.exp(log_weight[c]) * matrices[1.0][at[c]] / 2
    density = np.exp(world.log_density)
    return float(np.abs(estimate - density).max() / density.sum())


def prove(world: World) -> list[Finding]:
    """Return what `proof.prove` finds and, where beta leaves room for a ladder, how far one is from proper weights."""
    findings, beta = proof.prove(world), float(world.problem.beta[0])
    words = [int(world.problem.token["word"][list(text)].sum()) & 255 for text in world.texts]
    fit = [most for most in sorted(set(words)) if sum(count <= most for count in words) <= MOST_TEXTS]
    if not beta > FLAT or not fit:
        return findings
    short = shortest(world, fit[-1])
    rungs = 2 if len(short.texts) <= FEW_TEXTS else 1
    law, matrices = grown(short), matrices_of(short, placed(FLAT / beta, rungs)[1:])
    for threshold in (0.0, 1.0):
        name = f"ladder={rungs}, 2 particles, threshold {threshold:g}: probability x weight"
        findings.append(Finding(name, deviation(short, law, matrices, rungs, threshold), WEIGHTED))
    return findings


def put(world: World, chains: Chains, at: Sequence[int]) -> None:
    """Give each chain a text of the world."""
    texts = [world.texts[i] for i in at]
    tokens = np.zeros((len(texts), world.max_tokens), np.int32)
    for c, text in enumerate(texts):
        tokens[c, : len(text)] = text
    enter(world.problem, chains, tokens, np.array([len(text) for text in texts]))


def places(world: World, chains: Chains) -> list[int]:
    """Return which text of the world each chain holds."""
    return [world.texts.index(tuple(row[:n].tolist())) for row, n in zip(chains.token, chains.length, strict=True)]


def law_of(play: Callable[[Any], State]) -> dict[State, float]:
    """Return the law of what a function returns, over all paths of the script that it is given."""
    law: dict[State, float] = {}
    rng = script(4096)
    while True:
        rng.depth[0], rng.probability[0] = 0, 1.0
        at, log_weight = play(rng)
        state = at, tuple(round(w, 12) for w in log_weight)
        law[state] = law.get(state, 0.0) + float(rng.probability[0])
        if not _next_path(rng):
            return law


def _next_path(rng: Any) -> bool:
    """Move a script on to its next path, as `exactness.next_script` does, without compiling it."""
    for at in range(int(rng.depth[0]) - 1, -1, -1):
        rng.choice[at] += 1
        if rng.choice[at] < rng.width[at]:
            rng.choice[at + 1 :] = 0
            return True
    return False
