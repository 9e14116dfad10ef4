"""Rejection: texts drawn from the model itself until enough satisfy everything. Exact, and hopeless where that is rare.

Von Neumann 1951. The attempts are those of `samplers/ancestral.py`; attempt i is a function of the key and i.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from searchgen.errors import NotFound, RequestError
from searchgen.problem import Problem
from searchgen.randomness import counter, key_of
from searchgen.samplers.ancestral import LOG_DENSITY, LOG_RATIO, Memory, Proposal, new_memory, new_path, run_attempts
from searchgen.samplers.binomial import clopper_pearson
from searchgen.samplers.bounds import bounded_proposal
from searchgen.samplers.method import Draws, Job, Method
from searchgen.samplers.rejection_proof import proof

__all__ = ["METHOD", "Accepted", "Options", "attempts"]

#: Attempts of the first batch; each later one is twice as large, up to the last. The result depends on neither.
FIRST_BATCH, LARGEST_BATCH = 4096, 1 << 18

#: Most texts that a batch makes room for at once.
MOST_ROWS = 1 << 16


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


@dataclass(frozen=True, eq=False)
class Accepted:
    """What a number of attempts came to.

    Attributes:
        tokens: (k, M) int32, in order of attempts.
        lengths: (k,) int64.
        log_density: (k,) float64, natural log of rho.
        log_ratio: (k,) float64, natural log of rho / q.
        made: number of attempts; they end with the last text wanted.
        sums: (2,) float64: sums over attempts of 1 / m and 1 / m^2, m the mass not known to be dead.
    """

    tokens: npt.NDArray[np.int32]
    lengths: npt.NDArray[np.int64]
    log_density: npt.NDArray[np.float64]
    log_ratio: npt.NDArray[np.float64]
    made: int
    sums: npt.NDArray[np.float64]


def attempts(
    job: Job, proposal: Proposal, key: int, most: int, wanted: int, memory: Memory | None = None, batch: int = 0
) -> Accepted:
    """Make attempts until enough texts are accepted.

    Args:
        job: its target and threads.
        proposal: of the attempts.
        key: of the attempts.
        most: most attempts.
        wanted: texts to stop at.
        memory: of dead beginnings: then attempts depend on those before, and one thread makes them all.
        batch: attempts of a batch; 0: growing. The result does not depend on it.
    """
    room = job.target.room
    parts: list[tuple[npt.NDArray[np.int32], npt.NDArray[np.int64], npt.NDArray[np.float64]]] = []
    sums, made, found, size = np.zeros(2), 0, 0, batch or FIRST_BATCH
    threads = 1 if memory is not None else max(1, job.threads)
    while made < most and found < wanted:
        end = min(most, made + size)
        edges = np.linspace(made, end, threads + 1).astype(np.int64).tolist()
        left = min(wanted - found, MOST_ROWS)

        def work(part: tuple[int, int], left: int = left) -> tuple[Any, ...]:
            return _part(job.target.problem, proposal, memory, key, part, left, room)

        with ThreadPoolExecutor(threads) as pool:
            done = list(pool.map(work, pairwise(edges)))
        for (tokens, lengths, numbers, values, more, stop), high in zip(done, edges[1:], strict=True):
            take = min(len(lengths), left)
            parts.append((tokens[:take], lengths[:take], values[:take]))
            found, left = found + take, left - take
            sums += more
            made = stop
            if left == 0:
                made = int(numbers[take - 1]) + 1
                break
            assert stop == high
        size = batch or min(2 * size, LARGEST_BATCH)
        if job.progress is not None:
            job.progress(max(made / most, found / wanted))
    if memory is None:
        sums[:] = made
    tokens = np.concatenate([part[0] for part in parts])
    lengths = np.concatenate([part[1] for part in parts])
    values = np.concatenate([part[2] for part in parts])
    return Accepted(tokens, lengths, values[:, LOG_DENSITY], values[:, LOG_RATIO], made, sums)


def _part(
    problem: Problem, proposal: Proposal, memory: Memory | None, key: int, part: tuple[int, int], left: int, room: int
) -> tuple[Any, ...]:
    """Make the attempts of one thread; return texts, lengths, their numbers, log rho and ratio, the sums, and where it stopped."""
    rows = min(left, part[1] - part[0]) or 1
    tokens, lengths = np.zeros((rows, room), np.int32), np.zeros(rows, np.int64)
    numbers, values, sums = np.zeros(rows, np.int64), np.zeros((rows, 2)), np.zeros(2)
    kept, stop = run_attempts(
        problem,
        proposal,
        memory if memory is not None else new_memory(0),
        new_path(room),
        counter(key).word,
        part[0],
        part[1],
        tokens,
        lengths,
        numbers,
        values,
        sums,
    )
    return tokens[:kept], lengths[:kept], numbers[:kept], values[:kept], sums, stop


def draw(job: Job) -> Draws:
    """Draw from the model until enough texts are accepted.

    Raises:
        RequestError: the ratio has no bound, or an option is out of range.
        NotFound: no attempt was accepted.
    """
    options, problem = job.options, job.target.problem
    if options.attempts < 1 or options.memory_nodes < 2 or options.pilot < 100:
        raise RequestError("--sampler rejection: give attempts >= 1, memory_nodes >= 2 and pilot >= 100")
    if options.memory and options.quasi:
        raise RequestError("--memory and --quasi exclude each other; give one of them")
    proposal = bounded_proposal(problem, job.target.room)
    if options.quasi:
        from searchgen.samplers.quasi import draw_quasi

        return draw_quasi(job, proposal)
    beta = float(problem.beta[0])
    if beta < 1.0:
        raise RequestError(
            f"--sampler rejection cannot serve --beta {beta:g}: target / model = p(x)^{beta - 1:g} has no usable bound; "
            "--sampler smc or mh serves it exactly, --quasi approximately"
        )
    memory = new_memory(options.memory_nodes) if options.memory else None
    found = attempts(job, proposal, key_of(job.key, "rejection"), options.attempts, job.count, memory)
    return _draws(job, proposal, found, memory)


def _draws(job: Job, proposal: Proposal, found: Accepted, memory: Memory | None) -> Draws:
    """Return the accepted texts with the rate and what follows from it."""
    k, n = len(found.lengths), found.made
    bound = float(proposal.log_bound[0])
    if k == 0:
        raise NotFound(
            f"none of {n:,} attempts: P(constraints) is below 3/n = {3 / n:.2g}; use --sampler smc (or importance)"
        )
    rate = k / float(found.sums[0])
    error = float(np.sqrt(max(0.0, k - rate**2 * found.sums[1]))) / k
    notes = [] if k == job.count else [f"only {k:,} of {job.count:,} texts: {n:,} attempts were made, the most allowed"]
    counts = {"attempts": n, "accepted": k}
    report: dict[str, object] = {"log_bound": bound}
    if memory is None:
        report |= {"acceptance_rate": k / n, "acceptance_interval": list(clopper_pearson(k, n)), "confidence": 0.95}
    else:
        counts |= {"remembered": int(memory.used[1]), "memory_nodes": int(memory.used[0])}
        report["remembered_mass"] = float(memory.dead[0])
    return Draws(
        tokens=found.tokens,
        lengths=found.lengths,
        log_density=found.log_density,
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
    summary="independent draws, nothing to tune; only where the constraints are not rare",
    draw=draw,
    proof=proof,
    options=Options,
)
