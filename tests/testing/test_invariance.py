"""Kernels, matrices and proofs: what is exact is taken, and what is wrong on purpose is refused."""

from typing import Any

import numpy as np
import pytest

from searchgen.samplers.method import Method
from searchgen.samplers.proofs.exactness import Finding, World, prove_kernel, transition_matrix
from searchgen.samplers.proofs.toy_worlds import WORLDS
from searchgen.testing import assert_leaves_invariant
from tests.samplers.controls import FAULTS, RIGHT, plain_step


@pytest.fixture(scope="module")
def world() -> World:
    return WORLDS["keyword"](1.0)


def test_a_right_kernel_is_taken(world: World) -> None:
    assert_leaves_invariant(plain_step, world, RIGHT, 1.0)
    assert_leaves_invariant(transition_matrix(world, plain_step, RIGHT, 0.5), world, inverse_temperature=0.5)


@pytest.mark.parametrize("fault", FAULTS)
def test_control_a_wrong_kernel_is_refused(world: World, fault: int) -> None:
    with pytest.raises(AssertionError, match=r"stationary: \(\d.*\): pi P = 0\.\d+, not pi = 0\.\d+"):
        assert_leaves_invariant(plain_step, world, fault, 1.0)


def test_control_a_kernel_that_never_inserts_what_is_protected_is_no_chain(world: World) -> None:
    with pytest.raises(AssertionError, match=r"irreducible: \(5,\): \(5, 5\) is never reached"):
        assert_leaves_invariant(plain_step, world, RIGHT, 1.0, irreducible=True)


def test_control_a_wrong_matrix_is_refused(world: World) -> None:
    n = len(world.texts)
    right = np.tile(world.law, (n, 1))
    assert_leaves_invariant(right, world, irreducible=True)
    negative = right.copy()
    negative[0, :2] += [1.0, -1.0]
    stale = right.copy()
    stale[1, 1] = np.nan
    for wrong, law in (
        (0.99 * right, "rows sum to 1"),
        (right[1:], "rows sum to 1"),
        (stale, "rows sum to 1: .*: nan"),
        (negative, "probabilities"),
        (np.eye(n), "irreducible: .* is never reached"),
    ):
        with pytest.raises(AssertionError, match=law):
            assert_leaves_invariant(wrong, world, irreducible=True)
    with pytest.raises(AssertionError, match="stationary"):
        assert_leaves_invariant(right, world, inverse_temperature=0.5)


def sampler(proof: Any) -> Method:
    return Method("mine", "markov", "", draw=lambda job: None, proof=proof)


def test_a_proof_that_holds_is_taken(world: World) -> None:
    def proof(world: World) -> list[Finding]:
        return prove_kernel("plain", world, plain_step, RIGHT, 1.0)[:1]

    assert_leaves_invariant(sampler(proof), world)
    assert_leaves_invariant(proof, world)


def test_control_a_proof_that_does_not_hold_is_refused(world: World) -> None:
    for proof, law in (
        (None, "proof: 'mine': None"),
        (lambda world: [], "proof: 'mine': no property"),
        (lambda world: [Finding("stationary", 0.1, 1e-12)], "proof of mine: 'stationary': 0.1, not at most 1e-12"),
        (lambda world: prove_kernel("plain", world, plain_step, FAULTS[0], 1.0), "proof of mine: 'plain: stationary'"),
    ):
        with pytest.raises(AssertionError, match=law):
            assert_leaves_invariant(sampler(proof), world)
