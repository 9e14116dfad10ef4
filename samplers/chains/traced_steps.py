"""Steps that are written down: the last moves of every chain in a ring, and its log-density at equal distances.

The loop is that of `chains.py` and the step that of `moves.py`, so a traced run makes the same steps. An accepted move is seen in the
chain's tally. A proposed one is made on a spare row first, by a counter of the same numbers that accepts everything (`Willing`): where
the chain would go, and by how much its log-density would change.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from searchgen.kernels.compiled import inlined, kernel
from searchgen.kernels.randomness import Counter, Willing, start_step
from searchgen.problem import Problem
from searchgen.samplers.chains.chains import draft_for, new_chains
from searchgen.samplers.chains.moves import ACCEPTED, LEGAL, Chains, step

__all__ = ["Ring", "advance_accepted", "advance_proposed", "new_ring"]


class Ring(NamedTuple):
    """The last R moves of each of C chains, with room for M tokens each, and S log-densities of the whole run."""

    step: npt.NDArray[np.int64]  # (C, R) number of the step
    move: npt.NDArray[np.int64]  # (C, R) which move, as `MOVES` numbers them
    verdict: npt.NDArray[np.int64]  # (C, R) 0: not legal, 1: rejected, 2: accepted
    power: npt.NDArray[np.float64]  # (C, R) inverse temperature
    before: npt.NDArray[np.float64]  # (C, R) log-density of the chain's text before the step
    after: npt.NDArray[np.float64]  # (C, R) of the proposed text; nan: it is not legal
    token: npt.NDArray[np.int32]  # (C, R, M) the proposed text
    length: npt.NDArray[np.int64]  # (C, R)
    made: npt.NDArray[np.int64]  # (C,) moves written so far, also those that are overwritten
    series: npt.NDArray[np.float64]  # (C, S) log-density after every so many steps
    powers: npt.NDArray[np.float64]  # (C, S) inverse temperature there
    due: npt.NDArray[np.int64]  # (C, 2) step of the next entry of the series, and its number


def new_ring(chains: int, room: int, max_tokens: int, points: int) -> Ring:
    """Return an empty ring.

    Args:
        chains: number of chains C.
        room: moves kept of each, R.
        max_tokens: most tokens of a text, M.
        points: entries of the series, S.
    """
    whole = [np.zeros((chains, room), np.int64) for _ in range(4)]
    real = [np.zeros((chains, room)) for _ in range(3)]
    return Ring(
        step=whole[0],
        move=whole[1],
        verdict=whole[2],
        power=real[0],
        before=real[1],
        after=real[2],
        token=np.zeros((chains, room, max_tokens), np.int32),
        length=whole[3],
        made=np.zeros(chains, np.int64),
        series=np.full((chains, points), np.nan),
        powers=np.full((chains, points), np.nan),
        due=np.zeros((chains, 2), np.int64),
    )


@inlined
def _write(ring: Any, c: Any, number: Any, kind: Any, verdict: Any, power: Any, before: Any, after: Any) -> Any:
    """Write a move without its text, over the oldest one if there is no room; return its place."""
    at = ring.made[c] % ring.step.shape[1]
    ring.made[c] += 1
    ring.step[c, at] = number
    ring.move[c, at] = kind
    ring.verdict[c, at] = verdict
    ring.power[c, at] = power
    ring.before[c, at] = before
    ring.after[c, at] = after
    return at


@inlined
def _write_text(ring: Any, c: Any, at: Any, chains: Any, row: Any) -> None:
    """Write the text of a row of chains beside a move."""
    ring.length[c, at] = chains.length[row]
    for i in range(chains.length[row]):
        ring.token[c, at, i] = chains.token[row, i]


@inlined
def _note(ring: Any, c: Any, number: Any, power: Any, log_density: Any, every: Any) -> None:
    """Write the log-density down if it is time to."""
    if number >= ring.due[c, 0] and ring.due[c, 1] < ring.series.shape[1]:
        ring.series[c, ring.due[c, 1]] = log_density
        ring.powers[c, ring.due[c, 1]] = power
        ring.due[c, 0] += every
        ring.due[c, 1] += 1


@kernel
def _run_accepted(
    problem: Any, chains: Any, which: Any, draft: Any, table: Any, schedule: Any, counters: Any, ring: Any
) -> None:
    """Do as `_run` of `chains.py` does, and write down every accepted move; which: low, high, block, first step, distance of the series."""
    for c in range(which[0], which[1]):
        rng = Counter(counters[c])
        number = which[3]
        # What the last step left: kept here, so that a step without a move costs three comparisons.
        spans, any_spans, moved = (
            chains.tally[c, 0, ACCEPTED],
            chains.tally[c, 1, ACCEPTED],
            chains.tally[c, 2, ACCEPTED],
        )
        before = chains.log_density[c]
        due = ring.due[c, 0]
        for block in range(len(schedule)):
            for _ in range(which[2]):
                start_step(rng, number)
                step(problem, chains, c, draft, table, schedule[block], rng)
                kind = np.int64(-1)
                if chains.tally[c, 0, ACCEPTED] != spans:
                    kind = np.int64(0)
                    spans += 1
                elif chains.tally[c, 1, ACCEPTED] != any_spans:
                    kind = np.int64(1)
                    any_spans += 1
                elif chains.tally[c, 2, ACCEPTED] != moved:
                    kind = np.int64(2)
                    moved += 1
                if kind >= 0:
                    at = _write(ring, c, number, kind, 2, schedule[block], before, chains.log_density[c])
                    _write_text(ring, c, at, chains, c)
                    before = chains.log_density[c]
                if number >= due:
                    _note(ring, c, number, schedule[block], before, which[4])
                    due = ring.due[c, 0]
                number += 1


@inlined
def _copy_state(chains: Any, c: Any, spare: Any) -> None:
    """Make the state of chain c that of the spare row."""
    length = chains.length[c]
    spare.length[0] = length
    spare.words[0] = chains.words[c]
    spare.log_density[0] = chains.log_density[c]
    for at in range(length):
        spare.token[0, at] = chains.token[c, at]
    for at in range(length + 1):
        spare.context[0, at] = chains.context[c, at]
        spare.state[0, at] = chains.state[c, at]
        spare.log_p[0, at] = chains.log_p[c, at]
    for kind in range(3):
        for column in range(3):
            spare.tally[0, kind, column] = 0


@kernel
def _run_proposed(
    problem: Any, chains: Any, which: Any, draft: Any, table: Any, schedule: Any, counters: Any, ring: Any, spare: Any
) -> None:
    """Do as `_run_accepted` does for every proposed move: each is first made on the spare row, where everything is accepted."""
    for c in range(which[0], which[1]):
        rng, willing = Counter(counters[c]), Willing(counters[c])
        number = which[3]
        for block in range(len(schedule)):
            for _ in range(which[2]):
                before = chains.log_density[c]
                _copy_state(chains, c, spare)
                start_step(willing, number)
                step(problem, spare, 0, draft, table, schedule[block], willing)
                kind = np.int64(0)
                for one in range(1, 3):
                    if spare.tally[0, one, 0]:
                        kind = np.int64(one)
                accepted = chains.tally[c, kind, ACCEPTED]
                start_step(rng, number)
                step(problem, chains, c, draft, table, schedule[block], rng)
                verdict, after = np.int64(0), np.nan
                if spare.tally[0, kind, LEGAL]:
                    verdict, after = np.int64(1), spare.log_density[0]
                if chains.tally[c, kind, ACCEPTED] != accepted:
                    verdict = np.int64(2)
                    after = chains.log_density[c]
                at = _write(ring, c, number, kind, verdict, schedule[block], before, after)
                _write_text(ring, c, at, spare, 0)
                _note(ring, c, number, schedule[block], chains.log_density[c], which[4])
                number += 1


def advance_accepted(
    problem: Problem,
    chains: Chains,
    counters: npt.NDArray[np.uint64],
    table: npt.NDArray[np.int64],
    schedule: npt.NDArray[np.float64],
    low: int,
    high: int,
    block: int,
    first_step: int,
    ring: Ring,
    every: int,
) -> None:
    """Make the steps of `advance_part` and write the accepted moves into a ring; `every`: distance of the entries of its series."""
    which = np.array([low, high, block, first_step, every], np.int64)
    _run_accepted(problem, chains, which, draft_for(chains), table, schedule, counters, ring)


def advance_proposed(
    problem: Problem,
    chains: Chains,
    counters: npt.NDArray[np.uint64],
    table: npt.NDArray[np.int64],
    schedule: npt.NDArray[np.float64],
    low: int,
    high: int,
    block: int,
    first_step: int,
    ring: Ring,
    every: int,
) -> None:
    """Make the steps of `advance_part` and write all proposed moves into a ring, which takes about twice as long."""
    which, spare = np.array([low, high, block, first_step, every], np.int64), new_chains(1, chains.token.shape[1])
    _run_proposed(problem, chains, which, draft_for(chains), table, schedule, counters, ring, spare)
