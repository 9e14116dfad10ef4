"""The exactness harness: the compiled kernels' transition matrix on a world small enough to enumerate.

A world is a target with at most some thousand texts. `transition_matrix` plays every script through a compiled kernel from every
text, so that P holds the exact probability of every outcome: no seeds, no tolerance for luck.
"""

import itertools
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numba import njit

from searchgen.problem import Problem
from searchgen.randomness import script
from searchgen.samplers.chain import draft_for, enter, new_chains, recompute

__all__ = ["World", "imbalance", "next_script", "transition_matrix"]


@dataclass(frozen=True, eq=False)
class World:
    """All accepted texts of a target, with their exact probabilities.

    Attributes:
        problem: the target.
        texts: the accepted texts, as tuples of ids.
        log_density: (n,) of each.
        room: most tokens a chain may hold.
    """

    problem: Problem
    texts: list[tuple[int, ...]]
    log_density: np.ndarray
    room: int

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
        return weight / weight.sum()


@njit
def _code(chains: Any, base: Any) -> Any:
    code = np.int64(0)
    for at in range(chains.length[0]):
        code = code * base + chains.token[0, at] + 1
    return code


@njit
def _is_stale(problem: Any, chains: Any) -> Any:
    """Return whether anything that a chain keeps of its text differs from a full re-scoring."""
    end = chains.length[0] + 1
    context, state = chains.context[0, :end].copy(), chains.state[0, :end].copy()
    log_p, words, total = chains.log_p[0, :end].copy(), chains.words[0], chains.log_density[0]
    if abs(total - recompute(problem, chains, 0)) > 1e-9 or words != chains.words[0]:
        return True
    for at in range(end):
        if context[at] != chains.context[0, at] or state[at] != chains.state[0, at]:
            return True
        if abs(log_p[at] - chains.log_p[0, at]) > 1e-12:
            return True
    return False


@njit
def next_script(source: Any) -> Any:
    """Move on to the next path, like an odometer; return False after the last."""
    at = source.depth[0] - 1
    while at >= 0:
        source.choice[at] += 1
        if source.choice[at] < source.width[at]:
            source.choice[at + 1 :] = 0
            return True
        at -= 1
    return False


def transition_matrix(world: World, kernel: Any, *arguments: Any) -> np.ndarray:
    """Return P (n, n) of a compiled `kernel(problem, chains, 0, draft, *arguments, source)` by playing every script."""
    base = len(world.problem.token) + 1
    codes = np.array([_plain_code(text, base) for text in world.texts])
    order = np.argsort(codes)
    width = max(map(len, world.texts))
    tokens = np.zeros((len(world.texts), width), np.int32)
    for i, text in enumerate(world.texts):
        tokens[i, : len(text)] = text
    lengths = np.array([len(text) for text in world.texts])
    chains = new_chains(1, world.room)
    matrix = np.zeros((len(world.texts),) * 2)
    driver = _driver(kernel)
    driver(
        world.problem,
        chains,
        draft_for(chains),
        tokens,
        lengths,
        codes[order],
        order,
        base,
        matrix,
        script(),
        arguments,
    )
    return matrix


def _plain_code(text: tuple[int, ...], base: int) -> int:
    code = 0
    for token in text:
        code = code * base + token + 1
    return code


@cache
def _driver(kernel: Any) -> Any:
    @njit
    def drive(
        problem: Any,
        chains: Any,
        draft: Any,
        tokens: Any,
        lengths: Any,
        codes: Any,
        order: Any,
        base: Any,
        matrix: Any,
        source: Any,
        arguments: Any,
    ) -> None:
        for i in range(len(lengths)):
            source.choice[:] = 0
            while True:
                enter(problem, chains, tokens[i : i + 1], lengths[i : i + 1])
                source.depth[0] = 0
                source.probability[0] = 1.0
                kernel(problem, chains, 0, draft, *arguments, source)
                if source.probability[0] > 0.0:
                    at = np.searchsorted(codes, _code(chains, base))
                    matrix[i, order[at]] += source.probability[0]
                    if _is_stale(problem, chains):
                        matrix[i, i] = np.nan
                if not next_script(source):
                    break

    return drive


def imbalance(world: World, matrix: np.ndarray, beta: float = 1.0) -> float:
    """Return max |pi P - pi| for pi proportional to density ** beta; rows that do not sum to one count as infinite."""
    if not np.allclose(matrix.sum(axis=1), 1.0, atol=1e-12, rtol=0):
        return float("inf")
    weight = np.exp(beta * (world.log_density - world.log_density.max()))
    law = weight / weight.sum()
    return float(np.abs(law @ matrix - law).max())
