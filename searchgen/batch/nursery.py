"""Workers that are forks of one process: what it has loaded and opened is in memory once.

The process makes the function that does tasks, rehearses it, so that models are open and loops compiled, and forks whenever it is asked
for a worker. Where a library has left threads in it, or torch is there, it forks nobody: what waits for a thread in a fork waits for
ever. The workers' pipes lead to the process that asks, and end with either side.
"""

import ctypes
import gc
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from multiprocessing.reduction import recv_handle, send_handle
from typing import Any

from searchgen.batch.serving import begin_worker, one_thread, serve
from searchgen.lm.onnx.model import share_with_forks

__all__ = ["Fork", "Nursery"]

#: Where processes may fork: elsewhere libraries of the system forbid it, or Python was built for an old one.
FORKS = sys.platform == "linux" and hasattr(os, "pidfd_open") and hasattr(signal, "pidfd_send_signal")


@dataclass(frozen=True)
class Fork:
    """A worker.

    Attributes:
        pid: its process id.
        handle: a descriptor of the process, which no other process ever has.
        pipe: our end of its pipe.
    """

    pid: int
    handle: int
    pipe: Connection


class Nursery:
    """The process that forks, as seen from outside.

    Attributes:
        process: itself.
        pipe: our end of the pipe to it.
    """

    def __init__(self, process: BaseProcess, pipe: Connection) -> None:
        """Have one that is ready."""
        self.process, self.pipe = process, pipe

    @staticmethod
    def begin(make: Any, arguments: tuple[Any, ...], task: Any) -> "Nursery | None":
        """Return a nursery that is ready to fork; None: this system, or what the task needs, does not allow that.

        Args:
            make: returns the function of a task; if that has a method `rehearse`, it is called with the task.
            arguments: of `make`.
            task: the first.
        """
        if not FORKS:
            return None
        context = get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_nurse, args=(theirs, make, arguments, task), daemon=True)
        with one_thread():
            process.start()
        theirs.close()
        nursery = Nursery(process, ours)
        try:
            if ours.recv():
                return nursery
        except (EOFError, OSError):  # it ended: workers of their own will tell why
            pass
        except BaseException:
            nursery.end()
            raise
        nursery.end()
        return None

    def fork(self) -> "Fork | None":
        """Return a new worker; None: the nursery has ended."""
        ours, theirs = get_context("spawn").Pipe()
        try:
            self.pipe.send(None)
            send_handle(self.pipe, theirs.fileno(), self.process.pid)
            pid = int(self.pipe.recv())
            # Only the nursery waits for its forks, at the end or when it is asked, so the number is nobody else's yet.
            return Fork(pid, os.pidfd_open(pid), ours)
        except (EOFError, OSError, RuntimeError):
            ours.close()
            return None
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()

    def exit_code(self, fork: Fork) -> int:
        """Return the exit code of a worker that has ended, or less the signal that ended it; as after SIGKILL where nobody knows."""
        os.close(fork.handle)
        try:
            self.pipe.send(fork.pid)
            return int(self.pipe.recv())
        except (EOFError, OSError):
            return -int(signal.SIGKILL)

    def end(self, forks: Sequence[Fork] = ()) -> None:
        """End it, and workers that may be in the middle of a task."""
        for fork in forks:
            with suppress(OSError):
                signal.pidfd_send_signal(fork.handle, signal.SIGTERM)
            os.close(fork.handle)
        self.pipe.close()
        self.process.join(5)
        if self.process.is_alive():
            self.process.kill()


def _nurse(pipe: Connection, make: Callable[..., Callable[[Any], Any]], arguments: tuple[Any, ...], task: Any) -> None:
    """Fork workers until the other end of the pipe is gone."""
    begin_worker()
    os.environ["TOKENIZERS_PARALLELISM"] = "false"  # whatever the user has set: its threads would stay behind
    share_with_forks()
    work = make(*arguments)
    getattr(work, "rehearse", lambda task: None)(task)
    gc.collect()
    gc.freeze()  # pages of objects that the collector leaves alone stay shared
    with suppress(AttributeError):  # of C libraries that keep no free pages
        ctypes.CDLL(None).malloc_trim(0)
    with suppress(EOFError, OSError):
        pipe.send(_may_fork())
        while True:
            asked = pipe.recv()
            if asked is not None:
                pipe.send(os.waitstatus_to_exitcode(os.waitpid(asked, 0)[1]))
                continue
            handle = recv_handle(pipe)
            pid = os.fork()
            if pid == 0:
                pipe.close()
                _work(Connection(handle), work)
            os.close(handle)
            pipe.send(pid)
    with suppress(ChildProcessError):  # there is none any more
        while True:
            os.wait()


def _work(pipe: Connection, work: Callable[[Any], Any]) -> None:
    """Be a worker, to the end of the process."""
    code = 1
    try:
        serve(pipe, work)
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        with suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _may_fork() -> bool:
    """Return whether a fork can go on with what is open here: it has no threads but the one that forks, and torch goes its own ways."""
    return "torch" not in sys.modules and len(os.listdir("/proc/self/task")) == 1
