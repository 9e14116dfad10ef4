"""Attempts at a text from the model itself, killed as soon as no accepted text can follow; and a memory of beginnings that are dead.

An attempt draws words one by one, each exactly from p(. | words before). Where the model draws <unk>, a demanded word e that it does
not know is put there with probability r_e, and with 1 - sum r_e the attempt dies. So a text is proposed with probability

    q(x) = p(x) * product of r_e over its unknown words        and accepted with probability rho(x) / (q(x) * exp(log_bound)).

**Memory.** A trie holds dead beginnings; D(v) is the probability, given v, of a continuation that is known to be dead. At v a word is drawn
again until it is kept, and it is kept with probability 1 - D(v w): the law of the kept word is p(w | v) (1 - D(v w)) / (1 - D(v)). The
product over a text telescopes: q(x) / (1 - D(empty)) for every x, whatever is remembered.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba.extending import overload

from searchgen.kernels.acceptance import accepts, log_threshold
from searchgen.kernels.compiled import inlined, inner, kernel
from searchgen.kernels.randomness import Counter, bernoulli, categorical_or_rest, start_step
from searchgen.kernels.word_count import fits, may_fit
from searchgen.lm.ngram.query import draw_word, score_word
from searchgen.lm.ngram.tables import END, UNKNOWN

__all__ = ["Memory", "Path", "Proposal", "attempt", "new_memory", "new_path", "remember", "run_attempts", "scripted"]

#: A beginning is remembered only while this share of the mass of everything before it stays open: bounds redraws and rounding.
LEAST_OPEN = 1e-3

#: What an attempt came to beside a text: declined by the acceptance test, or dead.
DECLINED, DEAD = -2, -1

#: Places of `Path.number` and `Path.value`.
DEPTH, DRAWN = 0, 1
LOG_DENSITY, LOG_RATIO = 0, 1

NO_NODE = -1


class Proposal(NamedTuple):
    """What attempts do where the model draws <unk>, and the bound of the ratio target / proposal."""

    share: npt.NDArray[np.float64]  # (max(E, 1),) running sum of r_e
    log_share: npt.NDArray[np.float64]  # (E,) log r_e
    log_bound: npt.NDArray[np.float64]  # (1,) natural log


class Memory(NamedTuple):
    """Remembered beginnings as a trie in a hash table of (node, token); node 0 is the empty beginning."""

    dead: npt.NDArray[np.float64]  # (L,) D of each node; no node at all: nothing is remembered
    key: npt.NDArray[np.int64]  # (H,) parent * 2^32 + token + 1; 0: free; H a power of two above 2 L
    child: npt.NDArray[np.int64]  # (H,)
    used: npt.NDArray[np.int64]  # (2,) nodes in use; dead beginnings remembered


class Path(NamedTuple):
    """One attempt in progress, with room for M tokens and the end."""

    node: npt.NDArray[np.int64]  # (M + 2,) node of the beginning before each token, -1: not remembered
    token: npt.NDArray[np.int64]  # (M + 2,) the token; 2 is the end, 0 an <unk> that stays unknown
    mass: npt.NDArray[np.float64]  # (M + 2,) its probability
    number: npt.NDArray[np.int64]  # (2,) tokens drawn for good; all drawn, redraws included
    value: npt.NDArray[np.float64]  # (2,) log density and log rho / q of the text


def new_memory(nodes: int) -> Memory:
    """Return an empty memory with room for a number of beginnings; 0: it remembers nothing."""
    slots = 1 << (2 * nodes + 1).bit_length()
    used = np.array([min(nodes, 1), 0], np.int64)
    return Memory(np.zeros(nodes), np.zeros(slots, np.int64), np.zeros(slots, np.int64), used)


def new_path(max_tokens: int) -> Path:
    """Return room for an attempt at a text of at most `max_tokens` tokens."""
    size = max_tokens + 2
    return Path(np.zeros(size, np.int64), np.zeros(size, np.int64), np.zeros(size), np.zeros(2, np.int64), np.zeros(2))


def keeps(rng: Any, dead: Any, dead_here: Any) -> Any:
    """Return whether a drawn token is kept; a script sums the geometric series of all redraws: p (1 - dead) / (1 - dead_here)."""


@overload(keeps)
def _keeps(rng: Any, dead: Any, dead_here: Any) -> Any:
    if rng.instance_class is Counter:

        def from_counter(rng: Any, dead: Any, dead_here: Any) -> Any:
            return dead == 0.0 or bernoulli(rng, 1.0 - dead)

        return from_counter

    def from_script(rng: Any, dead: Any, dead_here: Any) -> Any:
        rng.probability[0] *= (1.0 - dead) / (1.0 - dead_here)
        return True

    return from_script


@inner
def _slot(memory: Any, node: Any, token: Any) -> Any:
    """Return the slot of a beginning, or the free one where it belongs."""
    key = (np.int64(node) << 32) + np.int64(token) + 1
    mask = np.int64(len(memory.key) - 1)
    at = np.int64((np.uint64(key) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(20)) & mask
    while memory.key[at] != 0 and memory.key[at] != key:
        at = (at + 1) & mask
    return at


@inner
def _child(memory: Any, node: Any, token: Any) -> Any:
    """Return the node of a beginning and one more token, -1 if it is not remembered."""
    if node < 0:
        return np.int64(NO_NODE)
    at = _slot(memory, node, token)
    return np.int64(memory.child[at]) if memory.key[at] != 0 else np.int64(NO_NODE)


@inlined
def _draw_token(problem: Any, proposal: Any, context: Any, rng: Any) -> Any:
    """Return a token drawn after a context, its log p, the context after it, and log r of an unknown word (else 0)."""
    word, node = draw_word(problem.ngram, context, rng)
    token, log_share = np.int64(word), 0.0
    if word == UNKNOWN and len(problem.extra) > 0:
        chosen = categorical_or_rest(rng, proposal.share, 0, len(problem.extra), proposal.share[-1])
        if chosen >= 0:
            token, log_share = np.int64(problem.extra[chosen]), proposal.log_share[chosen]
        else:
            log_share = np.log(max(1.0 - proposal.share[-1], 1e-300))
    if node > 0:
        log_p, context = np.float64(problem.ngram.node[node].log_p), np.int64(problem.ngram.node[node].state)
    else:
        log_p, context = score_word(problem.ngram, context, np.int64(word))
    return token, log_p, context, log_share


@inner
def attempt(problem: Any, proposal: Any, memory: Any, path: Any, out: Any, rng: Any) -> Any:
    """Draw a text from the model into `out` (M,) int32; return its length, -1 if it died, -2 if it was declined."""
    context, state, words, n = np.int64(problem.begin[0]), np.int64(1), np.int64(0), 0
    node = np.int64(0 if len(memory.dead) > 0 else NO_NODE)
    total, weight, share = 0.0, 0.0, 0.0
    while True:
        while True:
            token, log_p, after, log_share = _draw_token(problem, proposal, context, rng)
            path.number[DRAWN] += 1
            child = _child(memory, node, token)
            dead = memory.dead[child] if child >= 0 else 0.0
            if node < 0 or keeps(rng, dead, memory.dead[node]):
                break
        path.node[n], path.token[n], path.mass[n] = node, token, np.exp(log_p + log_share)
        path.number[DEPTH] = n + 1
        total += log_p
        if token == END:
            break
        if token == UNKNOWN or n == len(out):
            return np.int64(DEAD)
        entry = problem.token[token]
        state = np.int64(problem.next[state, entry.cls])
        words += entry.word
        if state == 0 or not may_fit(problem, words):
            return np.int64(DEAD)
        weight += entry.weight
        share += log_share
        out[n] = token
        n, context, node = n + 1, after, child
    if not problem.accept[state] or not fits(problem, words):
        return np.int64(DEAD)
    path.value[LOG_DENSITY] = problem.beta[0] * total + weight
    path.value[LOG_RATIO] = (problem.beta[0] - 1.0) * total + weight - share
    log_u = log_threshold(rng)
    if not accepts(rng, log_u, path.value[LOG_RATIO] - proposal.log_bound[0]):
        return np.int64(DECLINED)
    return np.int64(n)


@inner
def remember(memory: Any, path: Any) -> None:
    """Remember the beginning at which an attempt died, unless there is no room or too little would stay open."""
    depth = path.number[DEPTH]
    stored, share = np.int64(0), 1.0
    for at in range(depth - 1, -1, -1):
        share *= path.mass[at]
        here = np.int64(path.node[at])
        if (memory.dead[here] if here >= 0 else 0.0) + share > 1.0 - LEAST_OPEN:
            return
        if here >= 0 and stored == 0:
            stored = np.int64(at + 1)
    # Prefixes of 0 ... stored - 1 tokens have nodes, and so may the one after them; those after are new.
    if memory.used[0] + depth - stored + 1 > len(memory.dead):
        return
    memory.used[1] += 1
    for at in range(depth):
        slot = _slot(memory, path.node[at], path.token[at])
        if memory.key[slot] == 0:
            memory.key[slot] = (np.int64(path.node[at]) << 32) + path.token[at] + 1
            memory.child[slot] = memory.used[0]
            memory.used[0] += 1
        path.node[at + 1] = memory.child[slot]
    share = 1.0
    for at in range(depth, -1, -1):
        memory.dead[path.node[at]] += share
        if at > 0:
            share *= path.mass[at - 1]


@kernel
def run_attempts(
    problem: Any,
    proposal: Any,
    memory: Any,
    path: Any,
    word: Any,
    low: Any,
    high: Any,
    tokens: Any,
    lengths: Any,
    numbers: Any,
    values: Any,
    sums: Any,
) -> Any:
    """Make the attempts low ... high - 1 until `tokens` is full; return how many there were texts for and how many attempts were made.

    Args:
        problem: the target.
        proposal: of the attempts.
        memory: of dead beginnings; grows.
        path: room for one attempt.
        word: (6,) uint64, a `Counter` row.
        low: number of the first attempt.
        high: number after the last.
        tokens: (P, M) int32: the accepted texts.
        lengths: (P,) int64.
        numbers: (P,) int64: the attempts that made them.
        values: (P, 2) float64: log rho and log rho / q.
        sums: (2,) float64: grows by 1 / open and 1 / open^2 for each attempt, `open` the mass not known to be dead.
    """
    rng = Counter(word)
    kept = 0
    for i in range(low, high):
        start_step(rng, i)
        still_open = 1.0 - memory.dead[0] if len(memory.dead) > 0 else 1.0
        sums[0] += 1.0 / still_open
        sums[1] += 1.0 / still_open**2
        length = attempt(problem, proposal, memory, path, tokens[kept], rng)
        if length >= 0:
            tokens[kept, length:] = 0  # what attempts before this one left there
            lengths[kept], numbers[kept] = length, i
            values[kept, LOG_DENSITY], values[kept, LOG_RATIO] = path.value[LOG_DENSITY], path.value[LOG_RATIO]
            kept += 1
            if kept == len(tokens):
                return kept, i + 1
        elif length == DEAD and len(memory.dead) > 0:
            remember(memory, path)
    return kept, high


@inner
def scripted(
    problem: Any, tokens: Any, lengths: Any, log_weight: Any, proposal: Any, memory: Any, path: Any, rng: Any
) -> None:
    """Make one attempt with the weight that makes it unbiased, for the exactness harness; nothing is remembered."""
    length = attempt(problem, proposal, memory, path, tokens[0], rng)
    lengths[0] = max(length, DEAD)
    still_open = 1.0 - memory.dead[0] if len(memory.dead) > 0 else 1.0
    log_weight[0] = proposal.log_bound[0] + np.log(still_open)
