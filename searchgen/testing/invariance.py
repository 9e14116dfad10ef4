"""A kernel leaves the target of an enumerated world invariant: every row of P sums to 1, and pi P = pi."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from searchgen.samplers.method import Method
from searchgen.samplers.proofs.exactness import (
    STATIONARY,
    Finding,
    World,
    imbalance,
    is_irreducible,
    transition_matrix,
)
from searchgen.testing.laws import Floats, require

__all__ = ["assert_leaves_invariant"]


def assert_leaves_invariant(
    transition: npt.NDArray[np.floating] | Method | Callable[..., Any],
    world: World,
    *arguments: object,
    inverse_temperature: float = 1.0,
    irreducible: bool = False,
    tolerance: float = STATIONARY,
) -> None:
    """Assert that a transition leaves the law of a world invariant, or that all findings of a sampler's proof hold.

    Args:
        transition: P (n, n) float64; or a method, or its proof; or a compiled kernel, which is enumerated. Its signature is
            `kernel(problem, chains, 0, draft, *arguments, rng)`.
        world: n texts with their log-densities.
        arguments: handed to the kernel.
        inverse_temperature: the law is proportional to density ** inverse_temperature.
        irreducible: whether every text must be reached from every other.
        tolerance: what max |pi P - pi| must be below.

    Raises:
        AssertionError: a law is broken; the message names it, the text as ids, and both values.

    Example:
        >>> from searchgen.samplers.proofs.toy_worlds import WORLDS
        >>> world = WORLDS["punctuated"](1.0)
        >>> n = len(world.texts)
        >>> assert_leaves_invariant(np.tile(world.law, (n, 1)), world, irreducible=True)
        >>> assert_leaves_invariant(np.full((n, n), 1 / n), world)  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        AssertionError: stationary: (...): pi P = 0..., not pi = 0...
    """
    if isinstance(transition, np.ndarray):
        matrix = np.asarray(transition, np.float64)
    elif hasattr(transition, "py_func"):  # compiled
        matrix = transition_matrix(world, transition, *arguments)
    else:
        return _proven(transition, world)
    _stochastic(matrix, world)
    weight = np.exp(inverse_temperature * (world.log_density - world.log_density.max()))
    law = weight / weight.sum()
    flow = law @ matrix
    worst = int(np.abs(flow - law).argmax())
    stationary = imbalance(world, matrix, inverse_temperature) < tolerance
    require(stationary, "stationary", world.texts[worst], f"pi P = {flow[worst]}", f"pi = {law[worst]}")
    if irreducible and not is_irreducible(matrix):
        start, never = _unreached(matrix)
        require(False, "irreducible", world.texts[start], f"{world.texts[never]} is never reached", "every text")


def _stochastic(matrix: Floats, world: World) -> None:
    size = len(world.texts)
    require(matrix.shape == (size, size), "rows sum to 1", "the matrix", matrix.shape, (size, size))
    totals = matrix.sum(axis=1)
    for text, row, total in zip(world.texts, matrix, totals.tolist(), strict=True):
        require(abs(total - 1.0) <= STATIONARY, "rows sum to 1", text, total, 1)
        require(row.min() >= -STATIONARY, "probabilities", text, row.min(), "at least 0")


def _unreached(matrix: Floats) -> tuple[int, int]:
    """Return a state and another one that is never reached from it."""
    for start in range(len(matrix)):
        seen, wider = np.zeros(len(matrix), np.bool_), np.arange(len(matrix)) == start
        while (wider != seen).any():
            seen, wider = wider, wider | (matrix[wider] > 0).any(axis=0)
        if not seen.all():
            return start, int(seen.argmin())
    raise ValueError("every state is reached from every other")


def _proven(sampler: Method | Callable[[World], list[Finding]], world: World) -> None:
    name = sampler.name if isinstance(sampler, Method) else getattr(sampler, "__qualname__", repr(sampler))
    proof = sampler.proof if isinstance(sampler, Method) else sampler
    require(proof is not None, "proof", name, None, "a function of a world")
    assert proof is not None
    findings = proof(world)
    require(len(findings) > 0, "proof", name, "no property", "at least one")
    for finding in findings:
        require(finding.holds, f"proof of {name}", finding.what, finding.error, f"at most {finding.tolerance}")
