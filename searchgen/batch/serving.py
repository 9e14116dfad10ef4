"""What a worker process does: tasks, one after the other, until the other end of its pipe is gone."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from typing import Any

from searchgen.lm import torch_threads

__all__ = ["ONE_THREAD", "begin_worker", "one_thread", "serve"]

#: Variables that keep libraries from starting threads of their own, set for workers, with their values.
ONE_THREAD = {
    "NUMBA_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
}


@contextmanager
def one_thread() -> Iterator[None]:
    """Have processes that are started in the block keep to one thread, unless the user's variables say otherwise."""
    kept = {name: os.environ.get(name) for name in ONE_THREAD}
    os.environ.update({name: kept[name] or value for name, value in ONE_THREAD.items()})
    try:
        yield
    finally:
        for name, value in kept.items():
            if value is None:
                os.environ.pop(name, None)


def begin_worker() -> None:
    """Leave Ctrl-C, which goes to the whole group, to the first process, which ends us."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    torch_threads.claim("a worker")


def serve(pipe: Connection, work: Callable[[Any], Any]) -> None:
    """Do tasks until the other end of the pipe is gone."""
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):
        pipe.send(None)  # we have begun
        while True:
            pipe.send(work(pipe.recv()))
