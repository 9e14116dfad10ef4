"""The pool: results in order, few tasks under way, tasks of dead workers tried once more."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from threading import Thread

import pytest

from searchgen.batch.pool import AHEAD, TRIES, USELESS, Pool, Worker, in_order
from searchgen.errors import SearchgenError
from tests.batch.workers import make_fragile, make_mirrors, make_squares, make_useless


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


class Dying(Pool[Worker]):
    """One worker that does its tasks at once, after others that ended with tasks in hand.

    Attributes:
        ended: whether each of those had begun, the last one first.
    """

    def __init__(self, ended: list[bool]) -> None:
        super().__init__(1, crashed)
        self.ended = ended

    def start(self) -> Worker:
        return Worker()

    def send(self, worker: Worker, task: int) -> None:
        assert worker in self.workers

    def hear(self) -> None:
        (worker,) = self.workers
        if self.ended:
            worker.begun = self.ended.pop()
            self.lost(worker, "gone")
        else:
            self.answered(worker, worker.tasks[0] ** 2)


def test_a_worker_that_ends_before_it_has_begun_has_tried_no_task() -> None:
    idle = [False] * (USELESS - 1)
    assert list(Dying([True] * (TRIES - 1) + idle).run(iter(range(4)))) == [(task, task**2) for task in range(4)]
    assert next(Dying([True] * TRIES + idle).run(iter(range(4)))) == (0, "0: gone")


def test_large_tasks_and_large_results_do_not_wait_for_each_other() -> None:
    """No pipe holds one of them. They are done in a thread, so that a pool that hangs is a test that fails."""
    tasks = [bytes([number]) + bytes(400_000) for number in range(6)]
    done: list[tuple[bytes, bytes]] = []
    thread = Thread(target=lambda: done.extend(in_order(tasks, make_mirrors, (), 2, crashed)), daemon=True)
    thread.start()
    thread.join(60)
    assert [(task[0], result == task[::-1]) for task, result in done] == [(number, True) for number in range(6)]
