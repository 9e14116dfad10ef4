"""Tasks done by workers of a Ray cluster, one actor each, in the order of the tasks; all else is as in `pool.py`.

Actors end with their process or node. Their tasks are then done by others, and a new actor takes their place where Ray finds room. A node
must have the same version of searchgen. Model files with a relative path are sent to each node once: Ray holds their bytes there, and the
first actor writes them into the node's cache folder, named by their hash.
"""

import importlib.util
import os
import platform
import signal
import socket
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from searchgen.batch.pool import Pool, Worker
from searchgen.batch.sent_files import sent_files, written
from searchgen.batch.serving import ONE_THREAD
from searchgen.errors import Outage, RequestError, SearchgenError
from searchgen.request.signatures import platform_tag
from searchgen.version import __version__

__all__ = ["in_order", "refuse_without_ray"]

#: How often a task may lose its worker; nodes go away for other reasons than tasks.
TRIES = 4

#: Seconds in which the first worker must begin, and between two looks at whether the cluster is there.
START_SECONDS, LOOK_SECONDS = 300.0, 20.0

#: Memory of a local Ray for what is sent, in bytes, besides model files.
ROOM = 256 << 20

#: Settings of Ray: no reports to its makers, for which nobody has asked; and on this machine workers of the usual priority.
SETTINGS = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_worker_niceness": "0"}


class About(NamedTuple):
    """What must be alike on all machines of a run, besides the models."""

    version: str
    platform: str

    @staticmethod
    def here() -> "About":
        """Return that of this machine."""
        return About(__version__, platform_tag())


class Served:
    """A worker, in its process on a node."""

    def begin(
        self,
        about: About,
        make: Callable[..., Callable[[Any], Any]],
        arguments: tuple[Any, ...],
        files: Mapping[str, Any],
    ) -> tuple[str, About]:
        """Make ready for tasks if the node may do them; return its name and what it has.

        Args:
            about: what it must have.
            make: returns the function of a task.
            arguments: of `make`.
            files: by relative paths of model files, where Ray holds their contents.
        """
        import ray

        if About.here() != about:
            return platform.node(), About.here()
        for name, value in ONE_THREAD.items():
            os.environ.setdefault(name, value)
        if files:
            os.chdir(written({name: ray.get(content) for name, content in files.items()}))
        self.work = make(*arguments)
        return platform.node(), About.here()

    def do(self, task: Any) -> Any:
        """Return the result of a task."""
        return self.work(task)


def refuse_without_ray() -> None:
    """Refuse to go on where Ray is not installed.

    Raises:
        RequestError: in this case, with the command that installs it.
    """
    if importlib.util.find_spec("ray") is None:
        raise RequestError("--engine ray needs Ray: pip install 'searchgen[ray]'")


def in_order(
    tasks: Iterable[Any],
    make: Callable[..., Callable[[Any], Any]],
    arguments: tuple[Any, ...],
    workers: int,
    crashed: Callable[[Any, str], Any],
    *,
    address: str | None = None,
    models: Iterable[str] = (),
) -> Generator[tuple[Any, Any], Any]:
    """Do as `pool.in_order`, by actors of Ray.

    Args:
        tasks: picklable.
        make: called once in each worker; returns the function of a task. A function of a module.
        arguments: of `make`, picklable.
        workers: number of actors, each with a processor of its own.
        crashed: makes the result of a task that has lost its worker too often.
        address: of a cluster; None: one is begun on this machine, and ends with the run.
        models: names of models that nodes need.

    Raises:
        SearchgenError: there is no cluster, or it has no room for a worker.
        RequestError: Ray is missing, or a node has another version.
        Outage: the cluster went away.
    """
    refuse_without_ray()
    files = sent_files(models)
    ray = _connected(address, workers, sum(map(len, files.values())))
    at = address if address and ":" in address else ray.get_runtime_context().gcs_address
    pool = _Actors(ray, at, make, arguments, workers, crashed, files)
    try:
        yield from pool.run(iter(tasks))
    finally:
        pool.stop()
        ray.shutdown()


def _connected(address: str | None, workers: int, sent: int) -> Any:
    """Return the library, connected to a cluster."""
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    try:
        import ray
    except ImportError as error:  # what it needs itself is missing
        raise RequestError(f"--engine ray: Ray cannot be loaded ({error}); pip install 'searchgen[ray]'") from None
    here: dict[str, Any] = {"num_cpus": workers, "include_dashboard": False, "object_store_memory": ROOM + 2 * sent}
    terminated = signal.getsignal(signal.SIGTERM)
    try:
        _call(address)
        ray.init(**(here if address is None else {"address": address}), log_to_driver=False, logging_level="CRITICAL")
    except Exception as error:  # of many kinds
        where = "cannot begin here" if address is None else f"does not answer at {address}"
        way = "free some memory" if address is None else "begin one with: ray start --head"
        raise SearchgenError(
            f"Ray {where} ({_short(error.__cause__ or error)}); {way}, or use --engine local"
        ) from None
    # Else Ray prints to stdout, between the rows, that a worker has ended. It has no public switch for that.
    ray._private.worker._worker_logs_enabled = False
    with suppress(ValueError):  # another thread than the first
        signal.signal(signal.SIGTERM, terminated)  # Ray has set its own
    return ray


def _call(address: str | None) -> None:
    """Try whether anybody listens at an address: Ray itself waits for minutes.

    Raises:
        OSError: nobody does.
    """
    host, _, port = (address or "").removeprefix("ray://").rpartition(":")
    if host and port.isdecimal():
        socket.create_connection((host.strip("[]"), int(port)), LOOK_SECONDS).close()


@dataclass(eq=False)
class _Actor(Worker):
    """An actor, and what it has been asked for and not answered: to begin, then tasks."""

    handle: Any = field(kw_only=True)
    asked: deque[Any] = field(kw_only=True)


class _Actors(Pool[_Actor]):
    """A pool of actors."""

    tries = TRIES

    def __init__(
        self,
        ray: Any,
        address: str,
        make: Any,
        arguments: tuple[Any, ...],
        number: int,
        crashed: Callable[[Any, str], Any],
        files: Mapping[str, bytes],
    ) -> None:
        super().__init__(number, crashed)
        self.ray, self.address, self.looked = ray, address, time.monotonic()
        # The contents lie with Ray: a node gets them once, however many actors it has.
        self.begun = About.here(), make, ray.put(arguments), {name: ray.put(content) for name, content in files.items()}
        self.served = ray.remote(num_cpus=1, max_restarts=0, scheduling_strategy="SPREAD")(Served)

    def hungry(self) -> _Actor | None:
        while len(self.workers) < self.number:  # they begin side by side, each when there is room for it
            self.workers.append(self.start())
        return super().hungry()

    def start(self) -> _Actor:
        handle = self.served.remote()
        return _Actor(ready=False, handle=handle, asked=deque([handle.begin.remote(*self.begun)]))

    def send(self, worker: _Actor, task: Any) -> None:
        worker.asked.append(worker.handle.do.remote(task))

    def hear(self) -> None:
        actors = {worker.asked[0]: worker for worker in self.workers if worker.asked}
        begun = any(worker.ready for worker in self.workers)
        if time.monotonic() - self.looked > LOOK_SECONDS:  # after a minute Ray would end this process, without a word
            self.looked = time.monotonic()
            self._asked_cluster(lambda: _call(self.address))
        found, _ = self._asked_cluster(
            lambda: self.ray.wait(list(actors), timeout=LOOK_SECONDS if begun else START_SECONDS)
        )
        if not found and not begun:
            raise SearchgenError(
                f"Ray has found no room for a worker in {START_SECONDS:.0f} s; a worker needs a processor: see ray status"
            )
        for one in found:
            self._take(actors[one], one)

    def _take(self, worker: _Actor, answer: Any) -> None:
        """Take an answer of an actor: that it has begun, or a result."""
        from ray.exceptions import RayActorError, RayTaskError

        try:
            result = self._asked_cluster(lambda: self.ray.get(answer))
        except RayActorError:
            self._end(worker)  # it may only be out of reach
            self.lost(worker, "its process or its node ended")
            return
        except RayTaskError as error:
            raise SearchgenError(
                f"a worker of Ray fails ({_short(error.cause)}); every node needs searchgen {__version__}"
            ) from None
        worker.asked.popleft()
        if worker.ready:
            self.answered(worker, result)
            return
        refuse_other(*result)
        worker.ready = worker.begun = True

    def _asked_cluster(self, ask: Callable[[], Any]) -> Any:
        """Return what the cluster answers.

        Raises:
            Outage: it has gone.
        """
        from ray.exceptions import RaySystemError

        try:
            return ask()
        except (RaySystemError, OSError) as error:
            raise Outage(f"the Ray cluster has gone ({_short(error)}); continue with --resume") from None

    def stop(self) -> None:
        for worker in self.workers:
            self._end(worker)

    def _end(self, worker: _Actor) -> None:
        with suppress(Exception):  # gone already
            self.ray.kill(worker.handle)


def refuse_other(node: str, about: About) -> None:
    """Refuse a node that would write other rows.

    Args:
        node: its name.
        about: what it has.

    Raises:
        RequestError: in this case.

    Example:
        >>> refuse_other("n7", About("0.0.1", platform_tag()))
        Traceback (most recent call last):
        searchgen.errors.RequestError: node n7 has searchgen 0.0.1 ...
    """
    here = About.here()
    if about != here:
        other, own = (f"searchgen {one.version} for {one.platform}" for one in (about, here))
        raise RequestError(
            f"node {node} has {other}, this machine {own}; rows would differ, so install the same on all"
        )


def _short(error: object) -> str:
    return (" ".join(str(error).split()) or type(error).__name__)[:160]
