"""The decorator of every compiled loop, and the folder where machine code is kept between runs.

numba's own cache notices an edit in the file of a function but not in the files of the functions it calls, so the
folder's name holds a hash of all kernel sources and of the versions that matter. That says everything: neither the place
of an installation nor the times of its files count, so that a second one has nothing to compile. Kernels of tests stand in
other files; with their machine code a hash of these files is kept.
"""

import hashlib
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from types import FunctionType
from typing import Any, TypeVar

from searchgen.files.cache_folder import cache_folder
from searchgen.kernels.compiled_parts import part_compiler
from searchgen.kernels.kept_code import keep_checked

__all__ = [
    "CONSTANT_FILES",
    "KERNEL_FILES",
    "allocating",
    "compiled_folder",
    "inlined",
    "inner",
    "is_kept",
    "kernel",
    "kernel_modules",
]

Function = TypeVar("Function", bound=Callable[..., Any])

PACKAGE = Path(__file__).resolve().parents[1]

#: Every file that holds compiled loops, relative to the package; a test keeps the list complete.
KERNEL_FILES = (
    "kernels/randomness.py",
    "kernels/acceptance.py",
    "kernels/word_count.py",
    "lm/ngram/query.py",
    "lm/ngram/prefetch.py",
    "lm/ngram/scoring.py",
    "guide/edges.py",
    "guide/recursion.py",
    "guide/candidates.py",
    "guide/choices.py",
    "guide/draws.py",
    "samplers/rejection/ancestral.py",
    "samplers/weighted/guide_draws.py",
    "samplers/chains/moves.py",
    "samplers/chains/chains.py",
    "samplers/chains/traced_steps.py",
    "samplers/mcmc/delayed_acceptance.py",
    "search/token_weights.py",
    "samplers/weighted/smc/steps.py",
    "samplers/weighted/smc/proof.py",
    "samplers/mcmc/gibbs/tables.py",
    "samplers/mcmc/gibbs/conditional.py",
    "samplers/mcmc/gibbs/draws.py",
    "samplers/mcmc/gibbs/sampler.py",
    "samplers/mcmc/tempering.py",
    "samplers/proofs/exactness.py",
    "meaning/division.py",
    "meaning/pooling.py",
)

#: Other files whose constants compiled loops have in them; a test keeps this list complete, too.
CONSTANT_FILES = ("kernels/shares.py", "lm/ngram/tables.py", "guide/tables.py", "text/lexicon/segmentation.py")

#: Kinds of constants that become part of machine code; arrays do so, too.
CONSTANTS = (int, float, complex, str, tuple)


@cache
def kernel_modules() -> frozenset[str]:
    """Return the modules whose compiled code the folder's name covers.

    Example:
        >>> "searchgen.samplers.chains.moves" in kernel_modules()
        True
    """
    return frozenset("searchgen." + name.removesuffix(".py").replace("/", ".") for name in KERNEL_FILES)


@cache
def compiled_folder() -> Path:
    """Return the folder that holds machine code made from exactly these kernel sources and versions."""
    import llvmlite
    import numba
    import numpy as np

    digest = hashlib.sha256()
    for name in (*KERNEL_FILES, *CONSTANT_FILES, "kernels/compiled.py", "kernels/compiled_parts.py"):
        path = PACKAGE / name
        digest.update(name.encode())
        digest.update(path.read_bytes() if path.exists() else b"")
    for version in (sys.version, numba.__version__, llvmlite.__version__, np.__version__):
        digest.update(version.encode())
    return cache_folder() / "compiled" / digest.hexdigest()[:16]


def kernel(function: Function) -> Function:
    """Compile a function that allocates nothing on first use, keep the machine code on disk, release the interpreter lock while it runs.

    Nothing is reference-counted: arrays in named tuples would be counted up and down, atomically, at every call of an inner function,
    which took most of the time of a step and made two threads slower than one (measured).

    Example:
        >>> @kernel
        ... def double(x):
        ...     return 2 * x
        >>> double(21)
        42
    """
    return _compile(function)


def allocating(function: Function) -> Function:
    """Do as `kernel` does, for a function of a test, in whatever file: it may allocate, and its arrays are counted.

    Machine code is kept until the file of the function changes, or the file of a compiled function that it names. A function that
    another one makes is compiled anew in every process, since nothing on disk says what it has been made of.
    """
    import numba

    with _kept_in_folder(numba.config):
        return numba.njit(function, cache=_can_be_kept(function))  # type: ignore[no-any-return]


def is_kept(compiled: Any) -> bool:
    """Return whether the machine code of a compiled function is kept in the folder."""
    path = compiled.stats.cache_path
    return path is not None and Path(path).is_relative_to(compiled_folder())


def inner(function: Function) -> Function:
    """Do as `kernel` does, for a function that only other compiled functions call: it becomes a part of them.

    A call between compiled functions copies every array of a named tuple, some hundred words: half of a step's time (measured). And
    the code that takes named tuples apart for Python was most of the time of the first compilation. A call from Python would
    crash the interpreter: a test wraps the function in a compiled one of its own.
    """
    return _compile_part(function, forceinline=True)


def inlined(function: Function) -> Function:
    """Do as `inner` does, before types are known instead of after: for a function with few callers, soonest compiled."""
    return _compile_part(function, inline="always")


def _compile_part(function: Function, **options: Any) -> Function:
    options |= {"no_cpython_wrapper": True, "no_cfunc_wrapper": True, "cache": False}
    compiler = part_compiler()
    return _compile(function, **(options if compiler is None else options | {"pipeline_class": compiler}))


def _compile(function: Function, **options: Any) -> Function:
    import numba

    options.setdefault("cache", _can_be_kept(function))
    options |= {"nogil": True, "error_model": "numpy", "_nrt": False}
    with _kept_in_folder(numba.config):
        dispatcher = numba.njit(function, **options)
    if options.get("cache"):
        _load_without_registries(dispatcher)
    return dispatcher  # type: ignore[no-any-return]


def _can_be_kept(function: Callable[..., Any]) -> bool:
    """Return whether a file says all that a function is: no other function makes it, and it was not typed in."""
    return "<" not in function.__code__.co_filename + function.__qualname__


@contextmanager
def _kept_in_folder(config: Any) -> Iterator[None]:
    """Let functions made meanwhile be kept by `InCompiledFolder`; those of other libraries are kept as before."""
    before = config.CACHE_LOCATOR_CLASSES
    config.CACHE_LOCATOR_CLASSES = f"{__name__}.{InCompiledFolder.__name__}"
    try:
        yield
    finally:
        config.CACHE_LOCATOR_CLASSES = before


class InCompiledFolder:
    """Tell numba where to keep the machine code of a function: by its module, whatever the installation (numba's cache locator)."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.path = compiled_folder() / function.__module__
        self.line = function.__code__.co_firstlineno
        self.stamp = _stamp(function)

    @classmethod
    def from_function(cls, function: Callable[..., Any], file: str) -> "InCompiledFolder":
        """Return the place for a function; where nothing can be kept, what is saved says so."""
        return cls(function)

    def ensure_cache_path(self) -> None:
        """Make the folder, if it can be made."""
        with suppress(OSError):
            self.path.mkdir(parents=True, exist_ok=True)

    def get_cache_path(self) -> str:
        """Return the folder."""
        return os.fspath(self.path)

    def get_source_stamp(self) -> str:
        """Return what must be as it was: files outside the package, since the folder's name says all of the package's."""
        return self.stamp

    def get_disambiguator(self) -> str:
        """Return what tells functions of the same name apart."""
        return str(self.line)


def _stamp(function: Callable[..., Any]) -> str:
    """Return a hash of what the machine code of functions outside the package is made of: their files, and the constants they name.

    The functions are this one and the compiled ones that it calls by name.
    """
    import numpy as np

    reached: list[Any] = [function]
    parts: set[bytes] = set()
    for called in reached:  # it grows meanwhile
        named = {name: called.__globals__.get(name) for name in called.__code__.co_names}
        callees = [getattr(value, "py_func", None) for value in named.values()]
        callees = [callee for callee in callees if isinstance(callee, FunctionType) and _is_outside(callee)]
        reached += [callee for callee in callees if callee not in reached]
        if _is_outside(called):
            parts.add(Path(called.__code__.co_filename).read_bytes())
            parts |= {f"{name}={value!r}".encode() for name, value in named.items() if isinstance(value, CONSTANTS)}
            arrays = {name: value for name, value in named.items() if isinstance(value, np.ndarray | np.generic)}
            parts |= {f"{name}={value.dtype}{value.shape}".encode() + value.tobytes() for name, value in arrays.items()}
    return " ".join(sorted(hashlib.sha256(part).hexdigest() for part in parts))


def _is_outside(function: Callable[..., Any]) -> bool:
    """Return whether a function stands in a file that the folder's name does not cover; the package's call only each other."""
    return function.__globals__["__name__"] not in kernel_modules()


def _load_without_registries(dispatcher: Any) -> None:
    """Let kept machine code be loaded without what only a compilation needs, which is a third of a start.

    numba imports and installs all of its implementations before it looks into the cache; a compilation does so again on its own, and
    functions without reference counting need nothing of it to run.
    """
    cache: Any = getattr(dispatcher, "_cache", None)
    load = getattr(cache, "_load_overload", None)
    if load is None:  # another numba: as it comes
        return
    keep_checked(cache)

    def load_overload(signature: Any, target_context: Any) -> Any:
        try:
            return load(signature, target_context)
        except Exception:  # whatever cannot be loaded is compiled
            return None

    cache.load_overload = load_overload
