"""Workers are forks of one process that was made and rehearsed once; where that is not to be had, they are started afresh."""

import os
import signal
import sys
from pathlib import Path
from runpy import run_path
from types import ModuleType

import numpy as np
import pytest

from searchgen.batch import nursery
from searchgen.batch.pool import in_order
from searchgen.lm.embedded import data_file
from searchgen.lm.neural.settings import NeuralSettings
from searchgen.lm.onnx import model as onnx_model
from searchgen.lm.onnx.model import open_graph
from tests.batch.test_pool import crashed
from tests.batch.workers import KILLER, make_fragile, make_rehearsed, make_squares, make_threaded

forks = pytest.mark.skipif(
    sys.platform != "linux" or not hasattr(os, "pidfd_open"), reason="workers are forks on Linux"
)


@forks
def test_workers_share_what_was_made_and_rehearsed_once(tmp_path: Path) -> None:
    done = dict(in_order(range(20), make_rehearsed, (str(tmp_path),), 3, crashed))
    assert len({worker for worker, _ in done.values()}) == 3
    (parent,) = {parent for _, parent in done.values()}
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"made {parent}", "rehearsed 0"]
    assert (tmp_path / "rehearsed 0").read_text() == str(parent)


@forks
def test_a_rehearsal_that_ends_its_process_costs_nothing_but_the_sharing(tmp_path: Path) -> None:
    done = dict(in_order(range(12), make_rehearsed, (str(tmp_path), os.getpid(), "deadly"), 2, crashed))
    made = {int(path.name.split()[1]) for path in tmp_path.glob("made *")}
    assert {worker for worker, _ in done.values()} < made
    assert len(made) == 3


@forks
def test_where_the_process_that_forks_is_killed_new_workers_are_started_afresh(tmp_path: Path) -> None:
    done = dict(in_order(range(60), make_rehearsed, (str(tmp_path), os.getpid()), 2, crashed))
    assert done[KILLER] == f"{KILLER}: exit code 9"
    pairs = [pair for task, pair in done.items() if task != KILLER]
    assert len(pairs) == 59
    made = {int(path.name.split()[1]) for path in tmp_path.glob("made *")}
    assert len({worker for worker, _ in pairs} & made) >= 1, "workers that were made themselves"


@pytest.mark.parametrize("workers", [2, 3])
def test_without_forks_results_are_the_same(workers: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nursery, "FORKS", False)
    assert list(in_order(range(30), make_squares, (0.001,), workers, crashed)) == [(n, n * n) for n in range(30)]
    done = dict(in_order(range(15), make_fragile, (str(tmp_path),), workers, crashed))
    assert [n for n in range(15) if done[n] != n * n] == [6, 13]


@forks
@pytest.mark.parametrize(("module", "name"), [(os, "pidfd_open"), (signal, "pidfd_send_signal")])
def test_a_python_without_handles_of_processes_tries_no_fork(
    module: ModuleType, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run_path(str(nursery.__file__))["FORKS"]
    monkeypatch.delattr(module, name)
    assert not run_path(str(nursery.__file__))["FORKS"]


def test_a_process_with_threads_forks_nobody() -> None:
    assert {parent for _, parent in in_order(range(10), make_threaded, (), 2, crashed)} == {os.getpid()}


def test_no_task_is_no_process() -> None:
    assert list(in_order((), make_rehearsed, ("/nowhere",), 2, crashed)) == []


def test_memory_of_computations_given_back_changes_no_score(monkeypatch: pytest.MonkeyPatch) -> None:
    model = open_graph("en", data_file("en", ".onnx"), NeuralSettings())
    texts = ["The dog ran.", "It was late, and nobody came."]
    wanted = model.log_probs(texts)
    monkeypatch.setattr(onnx_model, "_SHARED", set())
    onnx_model.share_with_forks()
    model.forget()
    assert model.log_probs(texts).tobytes() == wanted.tobytes()
    assert np.isfinite(wanted).all()
