"""The first run: starts the processes that compile the inner loops, and knows whether they have been compiled."""

import atexit
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from searchgen.errors import SearchgenError
from searchgen.files.cache_folder import cache_folder
from searchgen.kernels.compiled import compiled_folder

__all__ = ["compile_loops", "compile_sampler", "is_compiled", "marker"]

#: The program that compiles one part, or the loops of one sampler.
COMPILER = "searchgen.jobs.first_run"

PARTS = ("engine", "guide")
DONE = "complete"


def marker(sampler: str) -> Path:
    """Return the file that says that a sampler's loops have been compiled on this machine, from these sources."""
    return compiled_folder() / f"{sampler}.complete"


def compile_sampler(name: str) -> float:
    """Compile a sampler's loops in a separate process, unless they are compiled; return the seconds it took, 0 if they were.

    Raises:
        SearchgenError: the process failed.
    """
    if marker(name).exists():
        return 0.0
    start = time.monotonic()
    environment = {**os.environ, "SEARCHGEN_CACHE": str(cache_folder())}
    command = [sys.executable, "-m", COMPILER, name]
    done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    if done.returncode:
        why = done.stderr.decode(errors="replace").strip().splitlines() or ["no reason given"]
        raise SearchgenError(f"the loops of {name} could not be compiled: {why[-1]}; please report it")
    marker(name).touch()
    return time.monotonic() - start


def is_compiled() -> bool:
    """Return whether the inner loops have been compiled on this machine, from these sources."""
    return (compiled_folder() / DONE).exists()


def compile_loops() -> Callable[[], None]:
    """Begin to compile, in processes of their own, what is not compiled yet; return what waits for them."""
    if is_compiled():
        return lambda: None
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

    def wait() -> None:
        if not any([process.wait() for process in running]):
            (compiled_folder() / DONE).touch()

    return wait
