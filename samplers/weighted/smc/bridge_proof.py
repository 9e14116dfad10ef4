"""The proof of the ladder from soft to hard functions: every branch of two particles that grow and are led up it.

The loop over rungs, what the functions say at each, and the resampling are production's, played by a script. A rung's moves are drawn from
their exact transition matrix: that of the compiled step, to the power of a round's steps, with the test of delayed acceptance.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from searchgen.black_box_terms import BlackBoxTerm
from searchgen.samplers.chains.chains import new_chains
from searchgen.samplers.chains.moves import Chains, labels, step
from searchgen.samplers.proofs.exactness import STATIONARY, WEIGHTED, Finding, World, transition_matrix
from searchgen.samplers.weighted.smc import ladder_proof
from searchgen.samplers.weighted.smc.bridge import Functions, cross
from searchgen.samplers.weighted.smc.ladder import FLAT, weights_of
from searchgen.samplers.weighted.smc.ladder_proof import State, grown, law_of, places, put, shortest
from searchgen.samplers.weighted.smc.steps import Particles

__all__ = ["Played", "Softened", "deviation", "prove", "softened"]

#: Rungs, the first width, and steps of a round.
RUNGS, WIDTH, STEPS = 2, 1.0, 2

#: What stands for log 0 where two are compared.
NOTHING = -1e300

Floats = npt.NDArray[np.float64]


class Softened:
    """A world with a hard function, which counts a token, and a soft one, which counts another.

    Attributes:
        world: the texts without them.
        chi: (K + 1, n) log chi of each text at each rung, as production has it.
        stated: (n,) log of rho times what the functions are, by counting tokens.
        matrices: of the moves at each rung but the first.
    """

    def __init__(self, world: World, hard: int, soft: int) -> None:
        """Count one token hard, one soft."""
        self.world = world

        def violations(text: str) -> int:
            return text.split().count(str(hard))

        terms = (
            BlackBoxTerm("hard", lambda text: not violations(text), hard=True, violations=violations),
            BlackBoxTerm("soft", lambda text: float(text.split().count(str(soft))), 0.7),
        )

        class Printed:
            """What `Functions` asks of a target."""

            opaque = terms

            @staticmethod
            def printed(text: tuple[int, ...]) -> str:
                return " ".join(map(str, text))

        self.functions = Functions(Printed(), RUNGS, WIDTH)  # type: ignore[arg-type]
        self.chi = np.stack([self.functions.log_chi(world.texts, rung) for rung in range(RUNGS + 1)])
        counts = np.array([[text.count(hard), text.count(soft)] for text in world.texts])
        self.stated = world.log_density + np.where(counts[:, 0] > 0, -np.inf, 0.7 * counts[:, 1])
        table = labels(span=1, any_span=1, relocate=1, longest=1)
        inner = np.linalg.matrix_power(transition_matrix(world, step, table, 1.0), STEPS)
        self.matrices = [_tested(inner, np.maximum(chi, NOTHING)) for chi in self.chi]

    def imbalance(self) -> float:
        """Return how far the moves of a rung are from leaving rho chi invariant, the worst."""
        worst = 0.0
        for chi, matrix in zip(self.chi, self.matrices, strict=True):
            weight = np.exp(self.world.log_density + chi)
            law = weight / weight.sum()
            worst = max(worst, float(np.abs(law @ matrix - law).max()))
        return worst


def _tested(inner: Floats, log_chi: Floats) -> Floats:
    """Return the transition matrix of a round: steps that leave rho invariant, accepted by the ratio of chi."""
    matrix = inner * np.exp(np.minimum(log_chi[None, :] - log_chi[:, None], 0.0))
    np.fill_diagonal(matrix, 0.0)
    np.fill_diagonal(matrix, 1.0 - matrix.sum(axis=1))
    return matrix


class Played:
    """A bridge played by a script. The last move is left out: the law that it makes is the matrix's, applied by `deviation`."""

    def __init__(self, softened: Softened, chains: Chains, weights: Particles, threshold: float, rng: Any) -> None:
        """Prepare a rung."""
        self.softened, self.chains, self.weights = softened, chains, weights
        self.script = ladder_proof.Played(softened.world, {}, chains, weights, threshold, rng)

    def log_chi(self, rung: int) -> Floats:
        """Return log chi of the texts, which production's functions gave."""
        chi: Floats = self.softened.chi[rung][places(self.softened.world, self.chains)]
        return chi

    def resample(self, rung: int) -> bool:
        """Resample if it is time to; return whether."""
        return self.script.resample(rung)

    def move(self, rung: int) -> float:
        """Move every text by a round at a rung."""
        if rung < RUNGS:
            world, matrix = self.softened.world, self.softened.matrices[rung]
            put(world, self.chains, [self.script.pick(matrix[i]) for i in places(world, self.chains)])
        return 0.0


def deviation(softened: Softened, law: Mapping[State, float], threshold: float, engine: type[Played] = Played) -> float:
    """Return how far E(weight x indicator of a text) is from what is stated, relative to its mass, over all branches.

    Args:
        softened: the texts and their functions.
        law: of two grown particles.
        threshold: below which share of two effective particles they are resampled.
        engine: plays a rung.
    """
    world = softened.world
    chains = new_chains(2, world.max_tokens)
    for rung in range(1, RUNGS + 1):  # states alike after a rung are played on once
        after: dict[State, float] = {}
        for (at, log_weight), probability in law.items():

            def play(rng: Any, at: Any = at, log_weight: Any = log_weight, rung: int = rung) -> State:
                weights = weights_of(np.array(log_weight), np.arange(2))
                put(world, chains, at)
                cross(rung, chains, weights, engine(softened, chains, weights, threshold, rng))
                return tuple(places(world, chains)), tuple(weights.log_weight.tolist())

            for state, p in law_of(play).items():
                after[state] = after.get(state, 0.0) + probability * p
        law = after
    estimate = np.zeros(len(world.texts))
    for (at, log_weight), probability in law.items():
        for c in range(2):
            if log_weight[c] > -math.inf:
                estimate += probability * math.exp(log_weight[c]) * softened.matrices[RUNGS][at[c]] / 2
    density = np.exp(softened.stated)
    return float(np.abs(estimate - density).max() / density.sum())


def softened(world: World) -> Softened | None:
    """Return the shortest texts of a world with functions that some of them break; None: there are no two such tokens."""
    words = sorted({int(world.problem.token["word"][list(text)].sum()) & 255 for text in world.texts})
    for most in words:
        short = shortest(world, most)
        if len(short.texts) > ladder_proof.MOST_TEXTS:
            break
        counts = {token: [text.count(token) for text in short.texts] for text in short.texts for token in text}
        apart = sorted(token for token, found in counts.items() if min(found) == 0 < max(found))
        if len(apart) >= 2:
            return Softened(short, apart[0], apart[1])
    return None


def prove(world: World) -> list[Finding]:
    """Return what `ladder_proof.prove` finds and, at beta 1, how far the ladder from soft to hard is from proper weights."""
    findings = ladder_proof.prove(world)
    made = softened(world) if float(world.problem.beta[0]) == FLAT else None
    if made is None:
        return findings
    findings.append(Finding(f"soften={RUNGS}: moves leave each rung's law", made.imbalance(), STATIONARY))
    law = grown(made.world)
    for threshold in (0.0, 1.0):
        name = f"soften={RUNGS}, 2 particles, threshold {threshold:g}: probability x weight"
        findings.append(Finding(name, deviation(made, law, threshold), WEIGHTED))
    return findings
