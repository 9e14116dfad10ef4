"""The pool: results in order, few tasks under way, tasks of dead workers tried once more."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from searchgen.batch.pool import AHEAD, in_order
from searchgen.errors import SearchgenError
from tests.batch.workers import make_fragile, make_squares, make_useless


def crashed(task: int, how: str) -> str:
    return f"{task}: {how}"


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_results_come_in_order(workers: int) -> None:
    done = list(in_order(range(50), make_squares, (0.001,), workers, crashed))
    assert done == [(task, task * task) for task in range(50)]


def test_a_slow_sink_holds_the_source_back() -> None:
    taken = []

    def source() -> Iterator[int]:
        for task in range(10_000):
            taken.append(task)
            yield task

    with closing(in_order(source(), make_squares, (0.0,), 2, crashed)) as results:
        for yielded, _ in enumerate(results, 1):
            assert len(taken) <= yielded + 2 * AHEAD
            if yielded == 300:
                break


def test_a_task_of_a_dead_worker_is_tried_once_more(tmp_path: Path) -> None:
    done = list(in_order(range(15), make_fragile, (str(tmp_path),), 2, crashed))
    assert [task for task, _ in done] == list(range(15))
    for task, result in done:
        assert result == (f"{task}: exit code 9" if task % 7 == 6 else task * task)
    assert {int(mark.name): len(mark.read_text()) for mark in tmp_path.iterdir()} == {
        task: 2 if task % 7 == 6 else 1 for task in range(15) if task % 3 == 2 or task % 7 == 6
    }


def test_tasks_that_end_their_workers_one_after_the_other_are_named(tmp_path: Path) -> None:
    """However many: the workers had begun. Only a worker that never begins ends the run."""
    done = list(in_order([6] * 8, make_fragile, (str(tmp_path),), 2, crashed))
    assert [result for _, result in done] == ["6: exit code 9"] * 8


def test_workers_that_cannot_begin_are_no_endless_loop() -> None:
    with pytest.raises(SearchgenError, match="before they have done anything"):
        list(in_order(range(5), make_useless, (), 2, crashed))
