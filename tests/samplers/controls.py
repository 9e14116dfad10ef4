"""Wrong kernels on purpose: the faults of published code, which the harness must catch.

One plain Metropolis-Hastings kernel (replace, insert or delete one free token, candidates uniform over three words) scores every
proposal in full. With `RIGHT` it is exact; every other value of `fault` makes one mistake that was found in print.
"""

from typing import Any

import numpy as np

from searchgen.kernels.acceptance import accepts, log_threshold
from searchgen.kernels.compiled import inner
from searchgen.kernels.randomness import below, bernoulli
from searchgen.samplers.chains.chains import recompute

__all__ = [
    "CURRENT_IN_LIST",
    "FAULTS",
    "NO_POSITION_FACTOR",
    "RIGHT",
    "UNKNOWN_RENORMALISED",
    "WRONG_STATE",
    "plain_step",
]

RIGHT, NO_POSITION_FACTOR, CURRENT_IN_LIST, WRONG_STATE, UNKNOWN_RENORMALISED = range(5)
FAULTS = (NO_POSITION_FACTOR, CURRENT_IN_LIST, WRONG_STATE, UNKNOWN_RENORMALISED)
FIRST = 3  # id of the first word


@inner
def _is_free(problem: Any, chains: Any, c: Any, at: Any) -> Any:
    word = chains.token[c, at]
    return word < FIRST + 3 and not problem.token[word].protected


@inner
def _count_free(problem: Any, chains: Any, c: Any) -> Any:
    n = 0
    for at in range(chains.length[c]):
        n += _is_free(problem, chains, c, at)
    return n


@inner
def _free_place(problem: Any, chains: Any, c: Any, number: Any) -> Any:
    """Return the place of a free token by its number among them."""
    at = 0
    while number > 0 or not _is_free(problem, chains, c, at):
        number -= _is_free(problem, chains, c, at)
        at += 1
    return at


@inner
def plain_step(problem: Any, chains: Any, c: Any, draft: Any, fault: Any, inverse_temperature: Any, rng: Any) -> None:
    """Make one step that replaces, inserts or deletes one free token."""
    length = chains.length[c]
    for at in range(length):
        draft.token[at] = chains.token[c, at]
    before = chains.log_density[c]
    free = _count_free(problem, chains, c)
    kind = below(rng, 3)
    log_q = 0.0
    if kind == 1:  # insert: length + 1 slots there, free + 1 tokens to delete on the way back
        if length == len(draft.token):
            return
        at = below(rng, length + 1)
        for i in range(at, length):
            chains.token[c, i + 1] = draft.token[i]
        chains.token[c, at] = FIRST + below(rng, 3)
        chains.length[c] = length + 1
        if problem.token[chains.token[c, at]].protected:
            chains.length[c] = 0
        log_q = np.log(length + 1) - np.log(free + 1) + np.log(3.0)
        if fault == NO_POSITION_FACTOR:
            log_q = np.log(3.0)
    else:
        if free == 0:
            return
        at = _free_place(problem, chains, c, below(rng, free))
        if kind == 2:  # delete
            for i in range(at + 1, length):
                chains.token[c, i - 1] = draft.token[i]
            chains.length[c] = length - 1
            log_q = np.log(free) - np.log(length) - np.log(3.0)
            if fault == NO_POSITION_FACTOR:
                log_q = -np.log(3.0)
        else:
            word = FIRST + below(rng, 3)
            if fault == CURRENT_IN_LIST and bernoulli(rng, 0.5):
                # the list is the current token and two of the others: what it holds depends on what stands there
                word = max(FIRST, draft.token[at] - 1)
            if problem.token[word].protected:
                return
            chains.token[c, at] = word
    after = recompute(problem, chains, c) if chains.length[c] > 0 else -np.inf
    if fault == UNKNOWN_RENORMALISED:  # each step's law divided by 1 - p(<unk>): longer texts gain
        after += 0.05 * chains.length[c]
        before += 0.05 * length
    change = after - before
    if fault == WRONG_STATE:
        change = after - before / 2
    log_u = log_threshold(rng)
    if after > -np.inf and accepts(rng, log_u, inverse_temperature * change + log_q):
        chains.log_density[c] = recompute(problem, chains, c)
    else:
        chains.length[c] = length
        for i in range(length):
            chains.token[c, i] = draft.token[i]
        recompute(problem, chains, c)
