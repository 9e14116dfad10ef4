"""Tasks done by several processes, their results in the order of the tasks, with a bounded number between the two.

Each process is a fork of one that has opened the models (`nursery.py`), or is started afresh where processes cannot fork. It works on one
task at a time in the order it gets them, and has the next one waiting. Tasks are taken from their source only while fewer than `AHEAD`
a worker are between source and sink, so a slow reader or a slow task holds everything else back and memory stays as it is. When a process
ends of itself, the task it was at is tried once more by another, then handed to `crashed`; those behind it are not counted as tried.
"""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from multiprocessing.reduction import ForkingPickler
from typing import Any, Generic, TypeVar

from searchgen.batch.nursery import Fork, Nursery
from searchgen.batch.serving import begin_worker, one_thread, serve
from searchgen.errors import SearchgenError

__all__ = ["AHEAD", "QUEUED", "Engine", "Pool", "Worker", "in_order"]

#: Does tasks as `in_order` does, by whatever workers.
Engine = Callable[..., Generator[tuple[Any, Any], Any]]

AnyWorker = TypeVar("AnyWorker", bound="Worker")

#: Tasks between source and sink, for each worker: enough that a task ten times slower than others holds nobody up.
AHEAD = 32

#: Tasks a worker has: the one it works on, and one waiting, so that it need not wait for us.
QUEUED = 2

#: Bytes that the pipe of a worker surely holds.
ROOM = 1 << 15

#: How often a task may end its worker.
TRIES = 2

#: So many workers that end before they have begun mean that none ever will. Those that a task has ended do not count.
USELESS = 4


@dataclass(eq=False)
class Worker:
    """Who does tasks, one after the other.

    Attributes:
        tasks: numbers of those it has; it works on the first.
        begun: whether it has told that it can do tasks.
        ready: whether it may be given tasks.
    """

    tasks: deque[int] = field(default_factory=deque)
    begun: bool = False
    ready: bool = True


@dataclass
class _Waiting:
    task: Any
    tries: int = 0
    done: bool = False
    result: Any = None


class Pool(Generic[AnyWorker]):
    """Hands tasks to workers and their results on, in order. A subclass says what a worker is.

    Attributes:
        number: of workers.
        crashed: see `in_order`.
        workers: those there are.
        tries: how often a task may end its worker.
    """

    tries = TRIES

    def __init__(self, number: int, crashed: Callable[[Any, str], Any]) -> None:
        """Begin without workers."""
        self.number, self.crashed = number, crashed
        self.workers: list[AnyWorker] = []
        self._waiting: dict[int, _Waiting] = {}
        self._again: deque[int] = deque()
        self._useless = 0

    def start(self) -> AnyWorker:
        """Return a new worker."""
        raise NotImplementedError

    def send(self, worker: AnyWorker, task: Any) -> None:
        """Give a worker a task, without waiting; that it has ended `hear` finds out."""
        raise NotImplementedError

    def hear(self) -> None:
        """Wait until a worker has something to tell, and call `answered` or `lost`."""
        raise NotImplementedError

    def stop(self) -> None:
        """End all workers."""
        raise NotImplementedError

    def run(self, tasks: Iterator[Any]) -> Generator[tuple[Any, Any], Any]:
        """Do as `in_order` says."""
        first = last = 0  # the next to yield, the next to take
        more = True
        while True:
            while more and last - first < AHEAD * self.number and self.hungry() is not None:
                try:
                    self._waiting[last] = _Waiting(next(tasks))
                except StopIteration:
                    more = False
                else:
                    self._again.append(last)
                    last += 1
                    self._give()
            self._give()
            while first < last and self._waiting[first].done:
                ready = self._waiting[first]
                again = yield ready.task, ready.result
                if again is not None:
                    self._waiting[first] = _Waiting(again)
                    self._again.appendleft(first)
                    self._give()
                    break
                del self._waiting[first]
                first += 1
            if first == last and not more:
                return
            if first < last or self.hungry() is None:
                self.hear()

    def hungry(self) -> AnyWorker | None:
        """Return a worker that can be given a task, started if need be."""
        if len(self.workers) < self.number and all(worker.tasks for worker in self.workers):
            self.workers.append(self.start())
        able = [worker for worker in self.workers if worker.ready and len(worker.tasks) < QUEUED]
        return min(able, key=lambda worker: len(worker.tasks), default=None)

    def _give(self) -> None:
        while self._again and (worker := self.hungry()) is not None:
            number = self._again.popleft()
            worker.tasks.append(number)
            self.send(worker, self._waiting[number].task)

    def answered(self, worker: AnyWorker, result: Any) -> None:
        """Note the result of the task that a worker was at."""
        self._useless = 0
        ready = self._waiting[worker.tasks.popleft()]
        ready.result, ready.done = result, True

    def lost(self, worker: AnyWorker, how: str) -> None:
        """Have the tasks of a worker that has ended done by others.

        Args:
            worker: one of `workers`.
            how: it ended.

        Raises:
            SearchgenError: workers end before they have done anything.
        """
        self.workers.remove(worker)
        self._useless += not worker.begun
        if self._useless >= USELESS:
            raise SearchgenError(f"workers end before they have done anything ({how}); try --workers 1 to see why")
        if worker.tasks and worker.begun:
            at = self._waiting[worker.tasks[0]]
            at.tries += 1
            if at.tries >= self.tries:
                at.result, at.done = self.crashed(at.task, how), True
                worker.tasks.popleft()
        self._again.extendleft(reversed(worker.tasks))


@dataclass(eq=False)
class _Process(Worker):
    """A process of this machine, and our end of its pipe.

    Attributes:
        pipe: our end.
        process: one that was started afresh; None: it is a fork.
        fork: that; None: it was started afresh.
        held: its next task, which is kept here until it asks: a large one would wait in the pipe, and its result in the other direction.
    """

    pipe: Connection = field(kw_only=True)
    process: BaseProcess | None = None
    fork: Fork | None = None
    held: bytes | None = None


class _Processes(Pool[_Process]):
    """A pool of processes.

    Attributes:
        make: returns the function of a task.
        arguments: of `make`.
        nursery: forks workers; None: each is started afresh.
    """

    def __init__(
        self, make: Any, arguments: tuple[Any, ...], number: int, crashed: Callable[[Any, str], Any], first: Any
    ) -> None:
        super().__init__(number, crashed)
        self.make, self.arguments = make, arguments
        self.nursery = Nursery.begin(make, arguments, first)

    def send(self, worker: _Process, task: Any) -> None:
        pickled = bytes(ForkingPickler.dumps(task))
        if len(worker.tasks) > 1 and len(pickled) > ROOM:
            worker.held = pickled
            return
        with suppress(OSError):  # it has ended: `hear` finds out
            worker.pipe.send_bytes(pickled)

    def hear(self) -> None:
        pipes: dict[Any, _Process] = {worker.pipe: worker for worker in self.workers}
        for pipe in wait(list(pipes)):
            worker = pipes[pipe]
            try:
                result = worker.pipe.recv()
            except (EOFError, OSError):
                worker.pipe.close()
                code = self._exit_code(worker)
                self.lost(worker, f"signal {-code}" if code < 0 else f"exit code {code}")
                continue
            if worker.begun:
                self.answered(worker, result)
            worker.begun = True
            if worker.held is not None and len(worker.tasks) == 1:
                pickled, worker.held = worker.held, None
                with suppress(OSError):
                    worker.pipe.send_bytes(pickled)

    def _exit_code(self, worker: _Process) -> int:
        if worker.fork is not None and self.nursery is not None:
            return self.nursery.exit_code(worker.fork)
        assert worker.process is not None
        worker.process.join()
        return worker.process.exitcode or 0

    def start(self) -> _Process:
        fork = self.nursery.fork() if self.nursery else None
        if fork is not None:
            return _Process(pipe=fork.pipe, fork=fork)
        context = get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(theirs, self.make, self.arguments), daemon=True)
        with one_thread():
            process.start()
        theirs.close()
        return _Process(process=process, pipe=ours)

    def stop(self) -> None:
        for worker in self.workers:
            worker.pipe.close()
            if worker.process is not None:
                worker.process.terminate()
        if self.nursery is not None:
            self.nursery.end([worker.fork for worker in self.workers if worker.fork is not None])
        for worker in self.workers:
            if worker.process is not None:
                worker.process.join(5)
                if worker.process.is_alive():
                    worker.process.kill()


def in_order(
    tasks: Iterable[Any],
    make: Callable[..., Callable[[Any], Any]],
    arguments: tuple[Any, ...],
    workers: int,
    crashed: Callable[[Any, str], Any],
) -> Generator[tuple[Any, Any], Any]:
    """Yield each task with its result, in the order of the tasks. A task that is sent in return is done next, in the place of that one.

    Args:
        tasks: picklable.
        make: returns the function of a task; called once in each worker, or once for all that are forks. A function of a module.
        arguments: of `make`, picklable.
        workers: number of processes; with 1 the work is done in this one.
        crashed: makes the result of a task that has ended its worker twice, from the task and how it ended.

    Raises:
        SearchgenError: no worker can be started.
    """
    if workers == 1:
        work = make(*arguments)
        for task in tasks:
            again = yield task, work(task)
            while again is not None:
                again = yield again, work(again)
        return
    tasks = iter(tasks)
    for first in tasks:
        pool = _Processes(make, arguments, workers, crashed, first)
        try:
            yield from pool.run(chain([first], tasks))
        finally:
            pool.stop()


def _serve(pipe: Connection, make: Callable[..., Callable[[Any], Any]], arguments: tuple[Any, ...]) -> None:
    """Be a worker that was started afresh."""
    begin_worker()
    serve(pipe, make(*arguments))
