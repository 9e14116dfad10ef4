"""Compiled functions work with a numba whose insides are others: slower to compile, with the same values."""

import os
import subprocess
import sys

import pytest

from searchgen.kernels.compiled import _load_without_registries
from tests.places import ROOT

#: A kernel of functions that become parts of it.
KERNEL = """
import numpy as np
from searchgen.kernels.compiled import inlined, inner, kernel
from searchgen.kernels.compiled_parts import part_compiler
from searchgen.lm.ngram.prefetch import _nothing, prefetch

@inner
def doubled(x):
    return 2 * x

@inlined
def increased(x):
    return x + 1

@kernel
def together(x, array):
    prefetch(array, 1)
    return doubled(x) + increased(x) + array[1]

value = together(20, np.array([1, 2]))
print(value, part_compiler() is None, prefetch is _nothing, len(calls))
"""

#: What is different, in a program that runs first.
AS_IT_IS = "calls = []"
NO_IMPORT = """
import builtins
calls, real = [], builtins.__import__

def refuse(name, globals=None, locals=None, fromlist=(), level=0):
    asks = (globals or {}).get("__name__")
    if asks in ("searchgen.kernels.compiled_parts", "searchgen.lm.ngram.prefetch") and fromlist and name in MISSING:
        calls.append(name)
        raise ImportError(f"no {name} here")
    return real(name, globals, locals, fromlist, level)

builtins.__import__ = refuse
MISSING = ("numba.core.codegen", "llvmlite")
"""
#: A function that takes other arguments is met only when something is compiled.
NO_ARGUMENT = """
from numba import _dynfunc
from numba.core import cgutils
calls, real = [], _dynfunc.make_function

def make_function(module, name, doc, *rest):
    if not doc:
        calls.append(name)
        raise TypeError("another signature")
    return real(module, name, doc, *rest)

insert = cgutils.get_or_insert_function

def get_or_insert_function(module, kind, name):
    if name.startswith("llvm.prefetch"):
        calls.append(name)
        raise AttributeError("pointers have no types")
    return insert(module, kind, name)

_dynfunc.make_function, cgutils.get_or_insert_function = make_function, get_or_insert_function
"""


@pytest.mark.parametrize(
    ("program", "printed"),
    [
        (AS_IT_IS, "63 False False 0"),
        (NO_IMPORT, "63 True True 2"),
        (NO_ARGUMENT, "63 False False 2"),
    ],
    ids=["as it is", "imports that fail", "calls that fail"],
)
def test_values_are_the_same_under_another_numba(program: str, printed: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", program + KERNEL],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.stdout, ran.stderr) == (f"{printed}\n", "")


def test_a_cache_of_another_numba_is_left_as_it_is() -> None:
    class Dispatcher:
        _cache = None

    dispatcher = Dispatcher()
    _load_without_registries(dispatcher)
    assert dispatcher._cache is None
