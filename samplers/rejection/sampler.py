"""Rejection: texts drawn from the model itself until enough satisfy everything. Exact, and hopeless where that is rare.

Von Neumann 1951. The attempts are those of `samplers/rejection/ancestral.py`; attempt i is a function of the key and i.
"""

from dataclasses import dataclass

import numpy as np

from searchgen.errors import NotFound, RequestError
from searchgen.kernels.randomness import key_of
from searchgen.samplers.diagnostics.intervals import clopper_pearson
from searchgen.samplers.method import Draws, Job, Method
from searchgen.samplers.rejection.ancestral import Memory, Proposal, new_memory
from searchgen.samplers.rejection.attempts import Accepted, attempts
from searchgen.samplers.rejection.bounds import bounded_proposal
from searchgen.samplers.rejection.estimated_bound import draw_quasi
from searchgen.samplers.rejection.proof import proof

__all__ = ["METHOD", "Options"]


@dataclass(frozen=True)
class Options:
    """How long to try.

    Attributes:
        attempts: most attempts.
        memory: whether dead beginnings are remembered, so that no attempt dies twice at the same one.
        memory_nodes: most beginnings kept; when there is no room left, what is known stays in use and nothing is added.
        quasi: whether a ratio without a usable bound is accepted by an estimated one: approximate.
        pilot: attempts from which that bound is estimated.
    """

    attempts: int = 2_000_000
    memory: bool = False
    memory_nodes: int = 1_000_000
    quasi: bool = False
    pilot: int = 100_000


def draw(job: Job) -> Draws:
    """Draw from the model until enough texts are accepted.

    Raises:
        RequestError: the ratio has no bound, or an option is out of range.
        NotFound: no attempt was accepted.
    """
    options, problem = job.options, job.target.problem
    if options.attempts < 1 or options.memory_nodes < 2 or options.pilot < 100:
        raise RequestError(
            "--sampler rejection: attempts must be 1 or more, memory_nodes 2 or more, and pilot 100 or more"
        )
    if options.memory and options.quasi:
        raise RequestError("--memory and --quasi exclude each other; give one of them")
    proposal = bounded_proposal(problem, job.target.max_tokens)
    if options.quasi:
        return draw_quasi(job, proposal)
    beta = float(problem.beta[0])
    if beta < 1.0:
        raise RequestError(
            f"--sampler rejection cannot serve --beta {beta:g}: target / model = p(x)^{beta - 1:g} has no usable bound; "
            "--sampler smc or mh serves it exactly, --quasi approximately"
        )
    memory = new_memory(options.memory_nodes) if options.memory else None
    accepted = attempts(job, proposal, key_of(job.key, "rejection"), options.attempts, job.count, memory)
    return _draws(job, proposal, accepted, memory)


def _draws(job: Job, proposal: Proposal, accepted: Accepted, memory: Memory | None) -> Draws:
    """Return the accepted texts with the rate and what follows from it."""
    k, n = len(accepted.lengths), accepted.made
    bound = float(proposal.log_bound[0])
    if k == 0:
        raise NotFound(
            f"no attempt of {n:,} was accepted: the acceptance rate is below 3/n = {3 / n:.2g}; use --sampler smc or importance"
        )
    rate = k / float(accepted.sums[0])
    error = float(np.sqrt(max(0.0, k - rate**2 * accepted.sums[1]))) / k
    notes = (
        [] if k == job.count else [f"only {k:,} of {job.count:,} texts: all {n:,} attempts are used up; raise attempts"]
    )
    counts = {"attempts": n, "accepted": k}
    report: dict[str, object] = {"log_bound": bound}
    if memory is None:
        report |= {"acceptance_rate": k / n, "acceptance_interval": list(clopper_pearson(k, n)), "confidence": 0.95}
    else:
        counts |= {"remembered": int(memory.used[1]), "memory_nodes": int(memory.used[0])}
        report["remembered_mass"] = float(memory.dead[0])
    return Draws(
        tokens=accepted.tokens,
        lengths=accepted.lengths,
        log_density=accepted.log_density,
        log_weight=np.zeros(k),
        evaluations=n,
        log_z=float(np.log(rate)) + bound,
        log_z_error=error,
        counts=counts,
        report=report,
        notes=tuple(notes),
    )


METHOD = Method(
    name="rejection",
    kind="exact",
    summary="Rejection sampling: independent exact draws, for constraints that are not rare.",
    draw=draw,
    proof=proof,
    options=Options,
)
