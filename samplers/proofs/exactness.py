"""The exactness harness: what a compiled sampler does, enumerated on a world small enough for it.

A world is a target with at most some thousand texts. `transition_matrix` plays every script through a compiled kernel from every
text, so that P holds the exact probability of every outcome; `weighted_law` does so for samplers that make texts from nothing, and adds
up probability x weight. No seeds, no tolerance for luck.
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from types import FunctionType
from typing import Any

import numpy as np
from numba import njit

from searchgen.kernels.compiled import allocating, inner, is_kept, kernel
from searchgen.kernels.randomness import script
from searchgen.problem import Problem
from searchgen.samplers.chains.chains import draft_for, enter, new_chains, recompute

__all__ = [
    "Finding",
    "World",
    "imbalance",
    "is_irreducible",
    "next_script",
    "pair_matrix",
    "prove_attempts",
    "prove_kernel",
    "transition_matrix",
    "weighted_law",
]

#: Largest deviation of a stationary law, and of a law made of probability x weight.
STATIONARY, WEIGHTED = 1e-12, 1e-10


@dataclass(frozen=True)
class Finding:
    """One property of a sampler on a world: how far it is from holding, and how far it may be.

    Attributes:
        what: the property, in words.
        error: the deviation; infinite if the property fails altogether.
        tolerance: the largest deviation that rounding explains.
    """

    what: str
    error: float
    tolerance: float

    @property
    def holds(self) -> bool:
        """Whether the property holds."""
        return self.error <= self.tolerance


@dataclass(frozen=True, eq=False)
class World:
    """All accepted texts of a target, with their exact probabilities.

    Attributes:
        problem: the target.
        texts: the accepted texts, as tuples of ids.
        log_density: (n,) of each.
        max_tokens: most tokens a chain may hold.
    """

    problem: Problem
    texts: list[tuple[int, ...]]
    log_density: np.ndarray
    max_tokens: int

    @staticmethod
    def of(problem: Problem, longest: int) -> "World":
        """Enumerate the texts of at most `longest` tokens."""
        chains = new_chains(1, longest)
        texts, scores = [], []
        ids = [w for w in range(len(problem.token)) if problem.next[1:, problem.token["cls"][w]].any()]
        for length in range(1, longest + 1):
            for text in itertools.product(ids, repeat=length):
                chains.token[0, :length] = text
                chains.length[0] = length
                score = recompute(problem, chains, 0)
                if score > -np.inf:
                    texts.append(text)
                    scores.append(score)
        return World(problem, texts, np.array(scores), longest)

    @property
    def law(self) -> np.ndarray:
        """(n,) probabilities of the texts."""
        weight = np.exp(self.log_density - self.log_density.max())
        return np.asarray(weight / weight.sum())


@inner
def _code(chains: Any, c: Any, base: Any) -> Any:
    """Return the number of the text of chain c."""
    code = np.int64(0)
    for at in range(chains.length[c]):
        code = code * base + chains.token[c, at] + 1
    return code


@inner
def _place(codes: Any, code: Any) -> Any:
    """Return how many of the rising codes are less than this one."""
    low, high = 0, len(codes)
    while low < high:
        middle = (low + high) // 2
        if codes[middle] < code:
            low = middle + 1
        else:
            high = middle
    return low


@inner
def _is_stale(problem: Any, chains: Any, fresh: Any) -> Any:
    """Return whether anything that a chain keeps of its text differs from a full re-scoring, made in a fresh chain."""
    fresh.length[0] = chains.length[0]
    for at in range(chains.length[0]):
        fresh.token[0, at] = chains.token[0, at]
    total = recompute(problem, fresh, 0)
    if abs(chains.log_density[0] - total) > 1e-9 or chains.words[0] != fresh.words[0]:
        return True
    for at in range(chains.length[0] + 1):
        if chains.context[0, at] != fresh.context[0, at] or chains.state[0, at] != fresh.state[0, at]:
            return True
        if abs(chains.log_p[0, at] - fresh.log_p[0, at]) > 1e-12:
            return True
    return False


@kernel
def next_script(rng: Any) -> Any:
    """Move on to the next path, like an odometer; return False after the last."""
    at = rng.depth[0] - 1
    while at >= 0:
        rng.choice[at] += 1
        if rng.choice[at] < rng.width[at]:
            rng.choice[at + 1 :] = 0
            return True
        at -= 1
    return False


#: The chain that a kernel moves; of a type that has no value in it, so that what is compiled for it serves any chain.
FIRST = np.int64(0)

#: What a driver plays: `_driver_of` puts a kernel in its place.
played: Any = None


@cache
def _driver_of(drive: Callable[..., None], compiled: Any) -> Any:
    """Return a driver compiled for a kernel.

    numba keeps machine code under the module and the name of a function, so the driver has those of its kernel. Code is kept only if no
    function makes the kernel, and if its edits are noticed: it is one of `kernel` or `inner`, or kept itself. Others may allocate.
    """
    function = compiled.py_func
    made = FunctionType(drive.__code__, {**drive.__globals__, "played": compiled}, drive.__name__)
    made.__module__, made.__qualname__ = function.__module__, f"{drive.__name__}.{function.__qualname__}"
    if compiled.targetoptions.get("_nrt") is False:
        return kernel(made)
    return allocating(made) if is_kept(compiled) else njit(made)


def transition_matrix(world: World, kernel: Any, *arguments: Any) -> np.ndarray:
    """Return P (n, n) of a compiled `kernel(problem, chains, 0, draft, *arguments, rng)` by playing every script."""
    base = len(world.problem.token) + 1
    codes = np.array([_plain_code(text, base) for text in world.texts])
    order = np.argsort(codes)
    width = max(map(len, world.texts))
    tokens = np.zeros((len(world.texts), width), np.int32)
    for i, text in enumerate(world.texts):
        tokens[i, : len(text)] = text
    lengths = np.array([len(text) for text in world.texts])
    chains = new_chains(1, world.max_tokens)
    matrix = np.zeros((len(world.texts),) * 2)
    work = chains, new_chains(1, world.max_tokens), draft_for(chains)
    _driver_of(_drive, kernel)(
        world.problem, *work, tokens, lengths, codes[order], order, base, matrix, script(), arguments
    )
    return matrix


def pair_matrix(world: World, kernel: Any, *arguments: Any) -> np.ndarray:
    """Return P (n * n, n * n) of a compiled kernel on two texts, `kernel(problem, chains, 0, draft, *arguments, rng)`.

    The kernel moves chains 0 and 1; the pair of texts i and j is state i * n + j.
    """
    base = len(world.problem.token) + 1
    codes = np.array([_plain_code(text, base) for text in world.texts])
    order = np.argsort(codes)
    tokens = np.zeros((len(world.texts), world.max_tokens), np.int32)
    for i, text in enumerate(world.texts):
        tokens[i, : len(text)] = text
    lengths = np.array([len(text) for text in world.texts])
    chains = new_chains(2, world.max_tokens)
    matrix = np.zeros((len(world.texts) ** 2,) * 2)
    work = chains, draft_for(chains), np.zeros((2, world.max_tokens), np.int32), np.zeros(2, np.int64)
    _driver_of(_drive_pair, kernel)(
        world.problem, *work, tokens, lengths, codes[order], order, base, matrix, script(), arguments
    )
    return matrix


def _drive_pair(
    problem: Any,
    chains: Any,
    draft: Any,
    both: Any,
    both_lengths: Any,
    tokens: Any,
    lengths: Any,
    codes: Any,
    order: Any,
    base: Any,
    matrix: Any,
    rng: Any,
    arguments: Any,
) -> None:
    """Play every script of a kernel from every pair of texts."""
    n = len(lengths)
    for state in range(n * n):
        which = (state // n, state % n)
        rng.choice[:] = 0
        while True:
            for side in range(2):
                for at in range(lengths[which[side]]):
                    both[side, at] = tokens[which[side], at]
                both_lengths[side] = lengths[which[side]]
            enter(problem, chains, both, both_lengths)
            rng.depth[0] = 0
            rng.probability[0] = 1.0
            played(problem, chains, FIRST, draft, *arguments, rng)
            if rng.probability[0] > 0.0:
                reached = np.int64(0)
                for side in range(2):
                    reached = reached * n + order[_place(codes, _code(chains, side, base))]
                    kept = chains.log_density[side]
                    if abs(kept - recompute(problem, chains, side)) > 1e-9:
                        matrix[state, state] = np.nan
                matrix[state, reached] += rng.probability[0]
            if not next_script(rng):
                break


def _plain_code(text: tuple[int, ...], base: int) -> int:
    code = 0
    for token in text:
        code = code * base + token + 1
    return code


def _drive(
    problem: Any,
    chains: Any,
    fresh: Any,
    draft: Any,
    tokens: Any,
    lengths: Any,
    codes: Any,
    order: Any,
    base: Any,
    matrix: Any,
    rng: Any,
    arguments: Any,
) -> None:
    """Play every script of a kernel from every text."""
    for i in range(len(lengths)):
        rng.choice[:] = 0
        while True:
            enter(problem, chains, tokens[i : i + 1], lengths[i : i + 1])
            rng.depth[0] = 0
            rng.probability[0] = 1.0
            played(problem, chains, FIRST, draft, *arguments, rng)
            if rng.probability[0] > 0.0:
                at = _place(codes, _code(chains, 0, base))
                matrix[i, order[at]] += rng.probability[0]
                if _is_stale(problem, chains, fresh):
                    matrix[i, i] = np.nan
            if not next_script(rng):
                break


def imbalance(world: World, matrix: np.ndarray, beta: float = 1.0) -> float:
    """Return max |pi P - pi| for pi proportional to density ** beta; rows that do not sum to one count as infinite."""
    if not np.allclose(matrix.sum(axis=1), 1.0, atol=1e-12, rtol=0):
        return float("inf")
    weight = np.exp(beta * (world.log_density - world.log_density.max()))
    law = weight / weight.sum()
    return float(np.abs(law @ matrix - law).max())


def is_irreducible(matrix: np.ndarray) -> bool:
    """Return whether every text is reached from every other."""
    reached = np.eye(len(matrix)) + (matrix > 0)
    for _ in range(max(1, int(np.ceil(np.log2(len(matrix) + 1))))):
        reached = np.minimum(reached @ reached, 1.0)
    return bool((reached > 0).all())


def prove_kernel(name: str, world: World, kernel: Any, *arguments: Any, beta: float = 1.0) -> list[Finding]:
    """Return whether a compiled kernel leaves density ** beta invariant, and whether it reaches every text."""
    matrix = transition_matrix(world, kernel, *arguments)
    return [
        Finding(f"{name}: stationary", imbalance(world, matrix, beta), STATIONARY),
        Finding(f"{name}: irreducible", 0.0 if is_irreducible(matrix) else np.inf, 0.0),
    ]


def prove_attempts(name: str, world: World, attempt: Any, *arguments: Any, particles: int = 1) -> list[Finding]:
    """Return how far the law of `weighted_law` is from the target, relative to the target's total mass."""
    density = np.exp(world.log_density)
    law = weighted_law(world, attempt, *arguments, particles=particles)
    return [Finding(f"{name}: probability x weight", float(np.abs(law - density).max() / density.sum()), WEIGHTED)]


def weighted_law(world: World, attempt: Any, *arguments: Any, particles: int = 1) -> np.ndarray:
    """Return (n,) the expectation of the mean weight that lands on each text, over every branch of a compiled sampler.

    Args:
        world: the texts.
        attempt: compiled `attempt(problem, tokens, lengths, log_weight, *arguments, rng)`; it makes P texts from nothing in
            tokens (P, M) int32, lengths (P,) int64 (-1: none) and log_weight (P,). A rejection sampler has log weight 0.
        arguments: handed through.
        particles: P.

    Raises:
        ValueError: a text with weight is not one of the world's.
    """
    base = len(world.problem.token) + 1
    codes = np.array([_plain_code(text, base) for text in world.texts])
    order = np.argsort(codes)
    law = np.zeros(len(codes) + 1)
    work = np.zeros((particles, world.max_tokens), np.int32), np.zeros(particles, np.int64), np.zeros(particles)
    _driver_of(_drive_attempts, attempt)(world.problem, *work, codes[order], order, base, law, script(4096), arguments)
    if law[-1] > 0:
        raise ValueError(f"texts that are not the target's have weight {law[-1]}")
    return law[:-1] / particles


def _drive_attempts(
    problem: Any,
    tokens: Any,
    lengths: Any,
    log_weight: Any,
    codes: Any,
    order: Any,
    base: Any,
    law: Any,
    rng: Any,
    arguments: Any,
) -> None:
    """Play every script of a sampler that makes texts from nothing."""
    while True:
        rng.depth[0] = 0
        rng.probability[0] = 1.0
        lengths[:] = -1
        played(problem, tokens, lengths, log_weight, *arguments, rng)
        for i in range(len(lengths)):
            if lengths[i] >= 0 and log_weight[i] > -np.inf and rng.probability[0] > 0.0:
                code = np.int64(0)
                for place in range(lengths[i]):
                    code = code * base + tokens[i, place] + 1
                at = _place(codes, code)
                is_text = at < len(codes) and codes[at] == code
                law[order[at] if is_text else len(codes)] += rng.probability[0] * np.exp(log_weight[i])
        if not next_script(rng):
            break
