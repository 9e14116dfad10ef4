"""Metropolis-Hastings: the engine's moves at temperature 1, a chain that leaves the target invariant.

Metropolis et al. 1953; Hastings 1970. The moves and their acceptance ratios are those of `samplers/chains/moves.py`.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from searchgen.errors import RequestError
from searchgen.samplers.chain_method import Stepper, chain_method
from searchgen.samplers.chains.chains import advance_part
from searchgen.samplers.chains.moves import Chains, labels, step
from searchgen.samplers.kept_states import ChainOptions, Plan
from searchgen.samplers.method import Job
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
        raise RequestError(f"--moves {moves!r} is unknown; give one of {', '.join(MOVE_SETS)}")
    return labels(**MOVE_SETS[moves])


def stepper(job: Job, plan: Plan, chains: Chains) -> Stepper:
    """Return what makes steps of the moves that are asked for, at temperature 1."""
    table, betas = table_of(job.options.moves), np.ones(1)

    def steps(low: int, high: int, count: int, first: int) -> None:
        make = advance_part if job.observer is None else job.observer.stages[-1].stepper(0, plan.chains)
        make(job.target.problem, chains, plan.counters, table, betas, low, high, count, first)

    return steps


def proof(world: World) -> list[Finding]:
    """Return how far each set of moves is from leaving the target of a world invariant."""
    findings: list[Finding] = []
    for name, mix in MOVE_SETS.items():  # every pair of lengths once: more would repeat the same labels
        table = labels(span=1, any_span=1, relocate=1, longest=min(mix["longest"], 2))
        findings += prove_kernel(name, world, step, table, 1.0)
    return findings


METHOD = chain_method(
    "mh",
    "Metropolis-Hastings: chains for any target of an n-gram model and constraints; their states are correlated.",
    stepper,
    proof,
    options=Options,
    traced=True,
)
