"""Many chains on one target: states made from texts, compiled steps, and the check of every running total."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from searchgen.kernels.compiled import kernel
from searchgen.kernels.randomness import Counter, start_step
from searchgen.kernels.word_count import fits
from searchgen.lm.ngram.query import score_word
from searchgen.lm.ngram.tables import END
from searchgen.problem import Problem
from searchgen.samplers.chains.moves import MOVES, Chains, Draft, step
from searchgen.samplers.chains.threads import over_chains

__all__ = ["advance", "advance_part", "check_totals", "draft_for", "enter", "new_chains", "recompute"]

#: A running total may differ from the full re-scoring by rounding only.
DRIFT = 1e-6


def new_chains(count: int, max_tokens: int) -> Chains:
    """Return chains without states yet.

    Args:
        count: number of chains C.
        max_tokens: most tokens a text may have, M.
    """
    return Chains(
        token=np.zeros((count, max_tokens), np.int32),
        context=np.zeros((count, max_tokens + 1), np.int32),
        state=np.zeros((count, max_tokens + 1), np.int32),
        log_p=np.zeros((count, max_tokens + 1)),
        length=np.zeros(count, np.int64),
        words=np.zeros(count, np.int64),
        log_density=np.full(count, -np.inf),
        best_token=np.zeros((count, max_tokens), np.int32),
        best_length=np.zeros(count, np.int64),
        best=np.full(count, -np.inf),
        tally=np.zeros((count, len(MOVES), 3), np.int64),
    )


def draft_for(chains: Chains) -> Draft:
    """Return room for one thread's proposals."""
    max_tokens = chains.token.shape[1]
    return Draft(
        np.zeros(max_tokens, np.int32),
        np.zeros(max_tokens + 1, np.int32),
        np.zeros(max_tokens + 1, np.int32),
        np.zeros(max_tokens + 1),
    )


@kernel
def recompute(problem: Any, chains: Any, c: Any) -> Any:
    """Score the text of chain c in full: fill its row from its tokens and return the log-density (-inf: not accepted)."""
    context = problem.begin[0]
    state = np.int64(1)
    words = np.int64(0)
    lacking = problem.held[0]
    total = 0.0
    weight = 0.0
    length = chains.length[c]
    for at in range(length):
        chains.context[c, at] = context
        chains.state[c, at] = state
        token = problem.token[chains.token[c, at]]
        state = np.int64(problem.next[state, token.cls])
        log_p, context = score_word(problem.ngram, context, np.int64(token.model))
        chains.log_p[c, at] = log_p
        total += log_p
        weight += token.weight
        words += token.word
        if lacking != 0:
            lacking &= ~problem.items[state]
    chains.context[c, length] = context
    chains.state[c, length] = state
    log_p, context = score_word(problem.ngram, context, np.int64(END))
    chains.log_p[c, length] = log_p
    chains.words[c] = words
    if state == 0 or not problem.accept[state] or not fits(problem, words) or lacking != 0:
        return -np.inf
    return problem.beta[0] * (total + log_p) + weight


@kernel
def enter(problem: Any, chains: Any, tokens: Any, lengths: Any) -> None:
    """Give every chain its first text: tokens (C, M) int32, lengths (C,) int64."""
    for c in range(len(lengths)):
        chains.length[c] = lengths[c]
        for at in range(lengths[c]):
            chains.token[c, at] = tokens[c, at]
        chains.log_density[c] = recompute(problem, chains, c)
        if chains.log_density[c] > chains.best[c]:
            chains.best[c] = chains.log_density[c]
            chains.best_length[c] = lengths[c]
            for at in range(lengths[c]):
                chains.best_token[c, at] = tokens[c, at]


@kernel
def _run(
    problem: Any, chains: Any, which: Any, draft: Any, table: Any, schedule: Any, counters: Any, first_step: Any
) -> None:
    """Run chains `which[0] ... which[1] - 1` through a schedule of inverse temperatures, one a step block."""
    for c in range(which[0], which[1]):
        rng = Counter(counters[c])
        number = first_step
        for block in range(len(schedule)):
            for _ in range(which[2]):
                start_step(rng, number)
                step(problem, chains, c, draft, table, schedule[block], rng)
                number += 1


def advance(
    problem: Problem,
    chains: Chains,
    counters: npt.NDArray[np.uint64],
    table: npt.NDArray[np.int64],
    schedule: npt.NDArray[np.float64],
    block: int,
    first_step: int = 0,
    threads: int = 1,
    part: Callable[..., None] | None = None,
) -> None:
    """Make `len(schedule) * block` steps of every chain.

    Args:
        problem: the target.
        chains: the states, advanced in place.
        counters: (C, 6) uint64, one `Counter` row a chain.
        table: the mix of moves, from `labels`.
        schedule: (B,) inverse temperature of each block of steps.
        block: steps in a block.
        first_step: number of the first step, so that a run may be cut in pieces.
        threads: chains are shared out over so many threads; the result does not depend on it.
        part: makes the steps of some of the chains; None: `advance_part`.
    """
    make = part or advance_part
    over_chains(
        len(chains.length),
        threads,
        lambda low, high: make(problem, chains, counters, table, schedule, low, high, block, first_step),
    )


def advance_part(
    problem: Problem,
    chains: Chains,
    counters: npt.NDArray[np.uint64],
    table: npt.NDArray[np.int64],
    schedule: npt.NDArray[np.float64],
    low: int,
    high: int,
    block: int,
    first_step: int,
) -> None:
    """Make the steps of `advance` of the chains `low` to `high` - 1."""
    which = np.array([low, high, block], np.int64)
    _run(problem, chains, which, draft_for(chains), table, schedule, counters, first_step)


def check_totals(problem: Problem, chains: Chains) -> None:
    """Raise if a running total is not the full re-scoring: a wrong chain would look fast and plausible."""
    running = chains.log_density.copy()
    for c in range(len(running)):
        full = recompute(problem, chains, c)
        if not abs(full - running[c]) <= DRIFT * max(1.0, abs(full)):
            raise AssertionError(f"chain {c}: running total {running[c]!r}, full re-scoring {full!r}")
