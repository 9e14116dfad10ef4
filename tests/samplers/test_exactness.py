"""The drivers of proofs are compiled once for each kernel of ours, and every time for others."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numba import njit

from searchgen.kernels.compiled import KERNEL_FILES, compiled_folder, inner
from searchgen.samplers.chains.moves import labels, step
from searchgen.samplers.proofs import exactness
from searchgen.samplers.proofs.exactness import transition_matrix
from searchgen.samplers.proofs.toy_worlds import WORLDS
from tests.samplers.controls import RIGHT, plain_step


@pytest.fixture
def fresh() -> Iterator[None]:
    """As a new process begins."""
    exactness._driver_of.cache_clear()
    yield
    exactness._driver_of.cache_clear()


def module_of(kernel: Any) -> str:
    return str(kernel.py_func.__module__)


def driver(kernel: Any) -> Any:
    return exactness._driver_of(exactness._drive, kernel)


def test_a_driver_is_loaded_the_second_time(fresh: None) -> None:
    world = WORLDS["keyword"](1.0)
    first = transition_matrix(world, step, labels(), 1.0)
    exactness._driver_of.cache_clear()
    again = transition_matrix(world, step, labels(), 1.0)
    stats = driver(step).stats
    assert (sum(stats.cache_hits.values()), len(stats.cache_misses)) == (1, 0)
    assert Path(stats.cache_path) == compiled_folder() / module_of(step)
    assert np.array_equal(first, again)


def made(offset: int) -> Any:
    @inner
    def moved(x: Any) -> Any:
        return x + offset

    return moved


@njit
def elsewhere(problem: Any, chains: Any, c: Any, draft: Any, rng: Any) -> None:
    """A kernel of another file that is not kept."""


def test_a_driver_is_kept_only_where_an_edit_of_its_kernel_is_noticed(fresh: None) -> None:
    """Control: neither a kernel of another file nor one that a function makes, though its module were one of ours."""
    assert "samplers/proofs/exactness.py" in KERNEL_FILES
    closure = made(1)
    closure.py_func.__module__ = module_of(step)
    assert driver(step).stats.cache_path
    assert [driver(kernel).stats.cache_path for kernel in (elsewhere, made(2), closure)] == [None] * 3
    assert (transition_matrix(WORLDS["keyword"](1.0), elsewhere) == np.eye(len(WORLDS["keyword"](1.0).texts))).all()


def test_a_driver_of_a_kept_kernel_of_a_test_is_kept(fresh: None) -> None:
    """Those that are edited are compiled anew: tests/kernels/test_kept.py."""
    assert Path(driver(plain_step).stats.cache_path) == compiled_folder() / module_of(plain_step)
    first = transition_matrix(WORLDS["keyword"](1.0), plain_step, RIGHT, 1.0)
    exactness._driver_of.cache_clear()
    assert np.array_equal(transition_matrix(WORLDS["keyword"](1.0), plain_step, RIGHT, 1.0), first)
    stats = driver(plain_step).stats
    assert (sum(stats.cache_hits.values()), len(stats.cache_misses)) == (1, 0)
