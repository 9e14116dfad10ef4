"""The decorator of every compiled loop, and the folder where machine code is kept between runs.

numba's own cache notices an edit in the file of a function but not in the files of the functions it calls, so the
folder's name holds a hash of all kernel sources and of the versions that matter.
"""

import hashlib
import os
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from searchgen.cache_folder import cache_folder

__all__ = ["KERNEL_FILES", "compiled_folder", "inlined", "inner", "kernel", "njit"]

Function = TypeVar("Function", bound=Callable[..., Any])

PACKAGE = Path(__file__).resolve().parent

#: Every file that holds compiled loops, relative to the package; a test keeps the list complete.
KERNEL_FILES = (
    "randomness.py",
    "lm/ngram/query.py",
    "guide/edges.py",
    "guide/recursion.py",
    "guide/candidates.py",
    "guide/draws.py",
    "samplers/moves.py",
    "samplers/chain.py",
)


@cache
def compiled_folder() -> Path:
    """Return the folder that holds machine code made from exactly these kernel sources and versions."""
    import llvmlite
    import numba
    import numpy as np

    digest = hashlib.sha256()
    for name in (*KERNEL_FILES, "compiled.py"):
        path = PACKAGE / name
        digest.update(name.encode())
        digest.update(path.read_bytes() if path.exists() else b"")
    for version in (sys.version, numba.__version__, llvmlite.__version__, np.__version__):
        digest.update(version.encode())
    return cache_folder() / "compiled" / digest.hexdigest()[:16]


def njit(function: Function) -> Function:
    """Compile a function on first use, keep the machine code on disk, and release the interpreter lock while it runs.

    Example:
        >>> @njit
        ... def double(x):
        ...     return 2 * x
        >>> double(21)
        42
    """
    return _compile(function)


def kernel(function: Function) -> Function:
    """Do as `njit` does, without reference counting: for functions that allocate nothing.

    Arrays in named tuples would otherwise be counted up and down, atomically, at every call of an inner function: measured, that took
    most of the time of a step and made two threads slower than one.
    """
    return _compile(function, _nrt=False)


def inner(function: Function) -> Function:
    """Do as `kernel` does, for a function that only other compiled functions call: nothing is made for calls from Python, nor kept.

    The code that takes named tuples of arrays apart for Python was most of the time of the first compilation. A call from Python would
    crash the interpreter: a test wraps the function in a compiled one of its own.
    """
    return _compile(function, _nrt=False, no_cpython_wrapper=True, no_cfunc_wrapper=True, cache=False)


def inlined(function: Function) -> Function:
    """Do as `inner` does, for a function that is written into its callers instead of being compiled on its own."""
    return _compile(function, _nrt=False, no_cpython_wrapper=True, no_cfunc_wrapper=True, cache=False, inline="always")


def _compile(function: Function, **options: Any) -> Function:
    import numba

    in_a_file = not function.__code__.co_filename.startswith("<")
    if function.__module__.startswith("searchgen") and in_a_file:
        numba.config.CACHE_DIR = os.fspath(compiled_folder())  # type: ignore[attr-defined]
        options.setdefault("cache", True)
    return numba.njit(function, nogil=True, error_model="numpy", **options)  # type: ignore[no-any-return]
