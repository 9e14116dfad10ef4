"""Attempts of rejection, batch after batch, until enough texts are accepted."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from searchgen.kernels.randomness import counter
from searchgen.problem import Problem
from searchgen.samplers.chains.threads import over_chains
from searchgen.samplers.method import Job
from searchgen.samplers.rejection.ancestral import (
    LOG_DENSITY,
    LOG_RATIO,
    Memory,
    Proposal,
    new_memory,
    new_path,
    run_attempts,
)

__all__ = ["Accepted", "attempts"]

#: Attempts of the first batch; each later one is twice as large, up to the last. The result depends on neither.
FIRST_BATCH, LARGEST_BATCH = 4096, 1 << 18

#: Most texts that a batch makes room for at once.
MOST_ROWS = 1 << 16


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
    max_tokens = job.target.max_tokens
    parts: list[tuple[npt.NDArray[np.int32], npt.NDArray[np.int64], npt.NDArray[np.float64]]] = []
    sums, made, kept, size = np.zeros(2), 0, 0, batch or FIRST_BATCH
    threads = 1 if memory is not None else max(1, job.threads)
    while made < most and kept < wanted:
        end = min(most, made + size)
        left = min(wanted - kept, MOST_ROWS)

        def work(low: int, high: int, first: int = made, left: int = left) -> tuple[Any, ...]:
            part = first + low, first + high
            return *_part(job.target.problem, proposal, memory, key, part, left, max_tokens), part[1]

        for tokens, lengths, numbers, values, more, stop, high in over_chains(end - made, threads, work):
            take = min(len(lengths), left)
            parts.append((tokens[:take], lengths[:take], values[:take]))
            kept, left = kept + take, left - take
            sums += more
            made = stop
            if left == 0:
                made = int(numbers[take - 1]) + 1
                break
            assert stop == high
        size = batch or min(2 * size, LARGEST_BATCH)
        if job.progress is not None:
            job.progress(max(made / most, kept / wanted))
    if memory is None:
        sums[:] = made
    tokens = np.concatenate([part[0] for part in parts])
    lengths = np.concatenate([part[1] for part in parts])
    values = np.concatenate([part[2] for part in parts])
    return Accepted(tokens, lengths, values[:, LOG_DENSITY], values[:, LOG_RATIO], made, sums)


def _part(
    problem: Problem,
    proposal: Proposal,
    memory: Memory | None,
    key: int,
    part: tuple[int, int],
    left: int,
    max_tokens: int,
) -> tuple[Any, ...]:
    """Make the attempts of one thread; return texts, lengths, their numbers, log rho and ratio, the sums, and where it stopped."""
    rows = min(left, part[1] - part[0]) or 1
    tokens, lengths = np.zeros((rows, max_tokens), np.int32), np.zeros(rows, np.int64)
    numbers, values, sums = np.zeros(rows, np.int64), np.zeros((rows, 2)), np.zeros(2)
    kept, stop = run_attempts(
        problem,
        proposal,
        memory if memory is not None else new_memory(0),
        new_path(max_tokens),
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
