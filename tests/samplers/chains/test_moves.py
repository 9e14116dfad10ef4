"""The compiled moves leave the target invariant: exact transition matrices, and controls that must fail."""

from itertools import product

import numpy as np
import pytest

from searchgen.samplers.chains.moves import labels, step
from searchgen.samplers.proofs.exactness import World, imbalance, transition_matrix
from searchgen.samplers.proofs.toy_worlds import WORLDS, items_world
from searchgen.testing import assert_leaves_invariant
from tests.samplers.controls import FAULTS, RIGHT, plain_step

VISIBLE = 1e-4  # a fault shifts the law at least so much

MIXES = {
    "site": labels(span=1, any_span=0, relocate=0, longest=1),
    "all": labels(span=1, any_span=1, relocate=1, longest=2),
}


@pytest.fixture(scope="module", params=WORLDS)
def world(request: pytest.FixtureRequest) -> World:
    """Each world at beta 1."""
    return WORLDS[request.param](1.0)


@pytest.mark.parametrize("mix", MIXES)
def test_moves_leave_the_target_invariant(world: World, mix: str) -> None:
    """pi P = pi to rounding, and every row that the harness checks is as a full re-scoring has it; all moves reach every text."""
    assert_leaves_invariant(step, world, MIXES[mix], 1.0, irreducible=mix == "all")


@pytest.mark.parametrize("mix", MIXES)
def test_moves_keep_items_beside_the_automaton(mix: str) -> None:
    """The law is that on the texts with all items, which are those that a plain reading finds."""
    world = items_world(1.0)
    spelled = ["".join("abc"[token - 3] for token in text) for text in world.texts]
    every = ["".join(text) for length in range(1, 5) for text in product("abc", repeat=length)]
    assert sorted(spelled) == sorted(text for text in every if "c" in text and "ab" in text)
    assert_leaves_invariant(step, world, MIXES[mix], 1.0, irreducible=mix == "all")


@pytest.mark.parametrize("beta", [0.7, 2.0])
@pytest.mark.parametrize("inverse_temperature", [0.5, 1.0, 3.0])
def test_moves_at_other_temperatures(beta: float, inverse_temperature: float) -> None:
    """beta acts on the model alone, the inverse temperature on the whole density."""
    world = WORLDS["keyword"](beta)
    arguments = MIXES["all"], inverse_temperature
    assert_leaves_invariant(step, world, *arguments, inverse_temperature=inverse_temperature)


def test_the_plain_kernel_is_right(world: World) -> None:
    """The kernel that the controls spoil is exact when nothing is spoilt."""
    assert_leaves_invariant(plain_step, world, RIGHT, 1.0)


@pytest.mark.parametrize("fault", FAULTS)
def test_published_faults_are_caught(fault: int) -> None:
    """Each fault of published code moves the stationary law visibly, and the harness says so."""
    worlds = [make(1.0) for make in WORLDS.values()]
    assert max(imbalance(world, transition_matrix(world, plain_step, fault, 1.0)) for world in worlds) > VISIBLE


def test_dropped_stays_are_caught(world: World) -> None:
    """Recording accepted moves only is another law."""
    matrix = transition_matrix(world, step, MIXES["all"], 1.0)
    np.fill_diagonal(matrix, 0.0)
    matrix /= matrix.sum(axis=1, keepdims=True)
    assert imbalance(world, matrix) > VISIBLE
