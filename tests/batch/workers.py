"""What worker processes of tests do."""

import os
import signal
import threading
import time
from pathlib import Path

__all__ = [
    "KILLER",
    "make_again",
    "make_fragile",
    "make_mirrors",
    "make_rehearsed",
    "make_squares",
    "make_threaded",
    "make_useless",
]

#: The task that kills the process which its worker is a fork of, and then its worker.
KILLER = 30


def make_squares(delay: float):
    def work(task: int) -> int:
        time.sleep(delay * (task % 3))
        return task * task

    return work


def make_fragile(folder: str):
    """End the process at every third task, once; at every seventh, always."""

    def work(task: int) -> int:
        mark = Path(folder) / str(task)
        if task % 7 == 6 or (task % 3 == 2 and not mark.exists()):
            with mark.open("a") as tried:
                tried.write("x")
            os._exit(9)
        return task * task

    return work


def make_useless():
    os._exit(5)


def make_again():
    return lambda task: 2 * task


def make_mirrors():
    return lambda task: task[::-1]


def make_rehearsed(folder: str, first: int = 0, deadly: str = ""):
    """Say in files who was made and rehearsed, and by whom tasks are done; a rehearsal may end its process.

    Args:
        folder: of the files.
        first: the process of the pool, which is not to be killed.
        deadly: whether a rehearsal does.
    """

    class Work:
        def rehearse(self, task: int) -> None:
            (Path(folder) / f"rehearsed {task}").write_text(str(os.getpid()))
            if deadly:
                os._exit(3)

        def __call__(self, task: int) -> tuple[int, int]:
            time.sleep(0.02)
            if task == KILLER:
                if os.getppid() != first:
                    os.kill(os.getppid(), signal.SIGKILL)
                os._exit(9)
            return os.getpid(), os.getppid()

    (Path(folder) / f"made {os.getpid()}").touch()
    return Work()


def make_threaded():
    """Leave a thread behind, as some libraries do."""
    threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
    return lambda task: os.getppid()
