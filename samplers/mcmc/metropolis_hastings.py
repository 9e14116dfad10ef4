"""Metropolis-Hastings: the engine's moves at temperature 1, a chain that leaves the target invariant.

Metropolis et al. 1953; Hastings 1970. The moves and their acceptance ratios are those of `samplers/chains/moves.py`.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from searchgen.errors import RequestError
from searchgen.samplers.chains.chains import advance, enter, new_chains
from searchgen.samplers.chains.moves import MOVES, Chains, labels, step
from searchgen.samplers.kept_states import ChainOptions, Plan, retain, starts
from searchgen.samplers.method import Draws, Job, Method
from searchgen.samplers.proofs.exactness import Finding, World, prove_kernel

__all__ = ["METHOD", "MOVE_SETS", "Options"]

#: What `--moves` may name: the mix of all moves, or only those that change one site (Metropolis-within-Gibbs).
MOVE_SETS = {
    "all": {"span": 3, "any_span": 1, "relocate": 4, "longest": 3},
    "site": {"span": 3, "any_span": 1, "relocate": 1, "longest": 1},
}


@dataclass(frozen=True)
class Options(ChainOptions):
    """How the chains run, and by which moves: "all", or "site" for those that change one place (Metropolis-within-Gibbs)."""

    moves: str = "all"


def table_of(moves: str) -> npt.NDArray[np.int64]:
    """Return the table of moves that a name stands for.

    Raises:
        RequestError: there is no such set.
    """
    if moves not in MOVE_SETS:
        raise RequestError(f"--moves {moves!r} is unknown; there are {', '.join(MOVE_SETS)}")
    return labels(**MOVE_SETS[moves])


def draw(job: Job) -> Draws:
    """Run chains from draws of the guide, and keep states at equal distances after burn-in."""
    plan = Plan.of(job, job.options.chains, job.options.burn_in, job.options.thin)
    table, problem, one = table_of(job.options.moves), job.target.problem, np.ones(1)
    chains = new_chains(plan.chains, job.target.room)
    enter(problem, chains, *starts(job, plan))

    def go(chains: Chains, steps: int, first: int) -> None:
        advance(problem, chains, plan.counters, table, one, steps, first, job.threads)

    return retain(job, plan, chains, go, MOVES)


def proof(world: World) -> list[Finding]:
    """Return how far each set of moves is from leaving the target of a world invariant."""
    findings: list[Finding] = []
    for name, mix in MOVE_SETS.items():  # every pair of lengths once: more would repeat the same labels
        table = labels(span=1, any_span=1, relocate=1, longest=min(mix["longest"], 2))
        findings += prove_kernel(name, world, step, table, 1.0)
    return findings


METHOD = Method(
    name="mh",
    kind="markov",
    summary="any target; the chain that always works, states correlated",
    draw=draw,
    proof=proof,
    options=Options,
)
