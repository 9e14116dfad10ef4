"""The first run: starts the processes that compile the inner loops, and knows whether they have been compiled."""

import atexit
import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path

from searchgen.errors import SearchgenError
from searchgen.files.cache_folder import cache_folder, can_keep
from searchgen.files.locked import one_at_a_time
from searchgen.kernels.compiled import compiled_folder

__all__ = ["TRACE", "compile_loops", "compile_sampler", "is_compiled", "marker"]

#: The program that compiles one part, or the loops of one sampler.
COMPILER = "searchgen.jobs.first_run"

PARTS = ("engine", "guide")
DONE = "complete"

#: What stands for the loop that writes accepted moves down, where samplers are named.
TRACE = "trace"


def marker(sampler: str) -> Path:
    """Return the file that says that a sampler's loops have been compiled on this machine, from these sources."""
    return compiled_folder() / f"{sampler}.complete"


def compile_sampler(name: str) -> float:
    """Compile a sampler's loops in a separate process, unless they are compiled; return the seconds it took, 0 if they were.

    Raises:
        SearchgenError: the process failed.
    """
    start = time.monotonic()
    with one_at_a_time(_lock(name)):
        if marker(name).exists():
            return 0.0
        environment = {**os.environ, "SEARCHGEN_CACHE": str(cache_folder())}
        command = [sys.executable, "-m", COMPILER, name]
        done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False)
        if not done.returncode:
            with suppress(OSError):
                marker(name).touch()
    if done.returncode:
        why = done.stderr.decode(errors="replace").strip().splitlines() or ["no reason given"]
        raise SearchgenError(f"the inner loops of {name} could not be compiled: {why[-1]}; please report it")
    return time.monotonic() - start


def is_compiled() -> bool:
    """Return whether the inner loops have been compiled on this machine, from these sources."""
    return (compiled_folder() / DONE).exists()


def compile_loops() -> Callable[[], None]:
    """Begin to compile, in separate processes, what is not compiled yet; return what waits for them.

    If another run compiles already, there is nothing to begin: the wait is for that run. Where nothing can be kept, every loop is
    compiled when it is first used.
    """
    if is_compiled() or not can_keep():
        return lambda: None
    lock = ExitStack()
    if not lock.enter_context(one_at_a_time(_lock("loops"), patience=0)):
        lock.close()
        return _wait_for_another
    if is_compiled():  # the other run ended just now
        lock.close()
        return lambda: None
    running = _compilers()

    def wait() -> None:
        with lock:
            if not any([process.wait() for process in running]):
                with suppress(OSError):
                    (compiled_folder() / DONE).touch()

    return wait


def _wait_for_another() -> None:
    """Wait; if that run ends without having compiled them, every loop is compiled when it is first used."""
    with one_at_a_time(_lock("loops")):
        pass


def _lock(part: str) -> Path:
    return compiled_folder() / f"{part}.lock"


def _compilers() -> list[subprocess.Popen[bytes]]:
    """Start the processes."""
    environment = {**os.environ, "SEARCHGEN_CACHE": str(cache_folder())}
    command = [sys.executable, "-m", COMPILER]
    # Silent, and in sessions of their own: Ctrl-C in a terminal goes to this process only, which ends them.
    nothing = subprocess.DEVNULL
    running = [
        subprocess.Popen(
            [*command, part], env=environment, stdin=nothing, stdout=nothing, stderr=nothing, start_new_session=True
        )
        for part in PARTS
    ]
    for process in running:
        atexit.register(process.terminate)
    return running
