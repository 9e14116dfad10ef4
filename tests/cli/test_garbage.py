"""Garbage: rarely looked for while libraries are loaded, as usual afterwards."""

import gc
from collections.abc import Iterator

import pytest

from searchgen.cli.garbage import LOADING, USUAL, begin_loading, end_loading


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    thresholds = gc.get_threshold()
    yield
    gc.set_threshold(*thresholds)
    gc.unfreeze()


def test_what_is_loaded_is_left_out_once() -> None:
    gc.unfreeze()
    begin_loading()
    assert gc.get_threshold()[0] == LOADING
    end_loading()
    assert gc.get_threshold() == USUAL
    frozen = gc.get_freeze_count()
    assert frozen > 0
    kept = [[] for _ in range(1000)]  # objects of later requests
    end_loading()
    assert gc.get_freeze_count() < frozen + len(kept)


def test_a_library_that_did_not_begin_leaves_python_as_it_is() -> None:
    gc.unfreeze()
    gc.set_threshold(*USUAL)
    end_loading()
    assert gc.get_freeze_count() == 0
