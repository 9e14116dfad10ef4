"""Simulated annealing over many independent chains (Kirkpatrick, Gelatt and Vecchi 1983): kind `search`.

Each chain begins at a draw of the guide, so it satisfies every constraint from the first step on, and makes Metropolis-Hastings
steps on density ** (1 / T) while T falls geometrically from `hot` to `cold`. What is returned is the densest text each chain has seen:
an optimum searched for, not a draw from a law.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from searchgen.problem import Problem
from searchgen.request.request import Annealing
from searchgen.samplers.chains.chains import advance, check_totals, enter, new_chains
from searchgen.samplers.chains.moves import Chains, labels
from searchgen.samplers.chains.observer import Observer

__all__ = ["Annealed", "anneal", "inverse_temperatures"]

#: Steps between two looks at the clock, and at whether the user has interrupted.
PIECE = 200_000


@dataclass(frozen=True)
class Annealed:
    """What a run of annealing found.

    Attributes:
        texts: the densest text of each chain, as ids; densest first, without repeats.
        log_density: (n,) of each, natural log.
        steps: steps made by all chains.
        stopped_early: whether the safety net of the clock ended the run.
        tally: (3, 3) per move: proposed, legal, accepted.
    """

    texts: list[tuple[int, ...]]
    log_density: npt.NDArray[np.float64]
    steps: int
    stopped_early: bool
    tally: npt.NDArray[np.int64]


def inverse_temperatures(plan: Annealing) -> npt.NDArray[np.float64]:
    """Return 1 / T of each block: T falls geometrically from hot to cold.

    Example:
        >>> inverse_temperatures(Annealing(hot=1.0, cold=0.25, blocks=3)).round(6).tolist()
        [1.0, 2.0, 4.0]
    """
    return 1.0 / np.geomspace(plan.hot, plan.cold, plan.blocks)


def anneal(
    problem: Problem,
    starts: tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]],
    counters: npt.NDArray[np.uint64],
    plan: Annealing,
    *,
    schedule: npt.NDArray[np.float64] | None = None,
    threads: int = 1,
    allowance: float | None = None,
    progress: Callable[[float], None] | None = None,
    observer: Observer | None = None,
    stage: tuple[str, str] = ("annealing", "target"),
) -> Annealed:
    """Anneal one chain from each start.

    Args:
        problem: the target.
        starts: tokens (C, M) int32 and lengths (C,) int64 of accepted texts.
        counters: (C, 6) uint64, one `Counter` row a chain.
        plan: chains, steps and temperatures.
        schedule: (B,) inverse temperature of each block of steps; None: the plan's own, geometric.
        threads: threads to share the chains over; the result does not depend on it.
        allowance: seconds, from the end of the first piece of work, after which no further one begins, None: no limit.
        progress: called with the share done.
        observer: sees the chains.
        stage: for the observer: name of this run, and whose density it is.

    Returns:
        The densest texts; deterministic in the counters unless the allowance was used up.
    """
    tokens, lengths = starts
    chains = new_chains(len(lengths), tokens.shape[1])
    enter(problem, chains, tokens, lengths)
    schedule = inverse_temperatures(plan) if schedule is None else schedule
    block = max(1, plan.steps // plan.blocks)
    wave = 4 * threads
    done, whole = 0, len(lengths) * block * len(schedule)
    seen = None if observer is None else observer.begin(*stage, chains, block * len(schedule))
    deadline: float | None = None
    for first in range(0, len(lengths), wave):
        part = Chains._make(column[first : first + wave] for column in chains)
        make = None if seen is None else seen.stepper(first, len(part.length))
        for betas, steps, number in _pieces(schedule, block, max(1, PIECE // len(part.length))):
            if deadline is not None and time.monotonic() > deadline:
                break
            advance(problem, part, counters[first : first + wave], labels(), betas, steps, number, threads, make)
            if deadline is None and allowance is not None:  # the first piece may have had to be compiled
                deadline = time.monotonic() + allowance
            done += len(part.length) * steps * len(betas)
            if progress is not None:
                progress(done / whole)
            if observer is not None and seen is not None:
                observer.look(seen, len(part.length) * steps * len(betas), float(betas[-1]))
    check_totals(problem, chains)
    texts, best = _densest(chains)
    return Annealed(texts, best, done, done < whole, chains.tally.sum(axis=0))


def _pieces(
    schedule: npt.NDArray[np.float64], block: int, most: int
) -> Iterator[tuple[npt.NDArray[np.float64], int, int]]:
    """Cut a schedule into runs of at most `most` steps: inverse temperatures, steps at each, number of the first step."""
    together = max(1, most // block)
    for place in range(0, len(schedule), together):
        betas = schedule[place : place + together]
        for start in range(0, block, most):
            yield betas, min(most, block - start), place * block + start


def _densest(chains: Chains) -> tuple[list[tuple[int, ...]], npt.NDArray[np.float64]]:
    densities: dict[tuple[int, ...], float] = {}
    for c in np.argsort(-chains.best, kind="stable"):
        text = tuple(chains.best_token[c, : chains.best_length[c]].tolist())
        if text:
            densities.setdefault(text, float(chains.best[c]))
    return list(densities), np.array(list(densities.values()))
