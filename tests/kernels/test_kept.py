"""Machine code of tests' kernels is kept between runs, and made anew after an edit of a file that it comes from."""

import ast
import importlib
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from searchgen.kernels.compiled import CONSTANT_FILES, PACKAGE, allocating, compiled_folder, is_kept, kernel_modules
from searchgen.samplers.proofs import exactness
from searchgen.samplers.proofs.toy_worlds import WORLDS

#: A kernel that allocates and calls one of another file.
CALLS = """# {folder}
import numpy as np
from searchgen.kernels.compiled import allocating
from kept_callee import OFFSET, tripled

@allocating
def summed(n):
    return {factor} * np.ones(n).sum() + tripled(n) + OFFSET
"""
CALLED = """# {folder}
from kept_offset import OFFSET
from searchgen.kernels.compiled import allocating

@allocating
def tripled(n):
    return {factor} * n
"""

#: A kernel for the harness: every text stays as it is, in a row of P that sums to the factor.
PLAYED = """# {folder}
from searchgen.kernels.compiled import allocating

@allocating
def stay(problem, chains, c, draft, rng):
    rng.probability[0] *= {factor}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of modules. Its name stands in their text, so that an earlier run has kept nothing of them."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    return tmp_path


def written(folder: Path, name: str, text: str, factor: float) -> ModuleType:
    """Return the module of a text, as a new process has it."""
    (folder / f"{name}.py").write_text(text.format(folder=folder, factor=factor), encoding="utf-8")
    for module in ("kept_offset", "kept_callee", name):
        sys.modules.pop(module, None)
    importlib.invalidate_caches()
    return importlib.import_module(name)


def test_an_edit_of_a_file_is_noticed(folder: Path) -> None:
    """Of the kernel's own, of one that it calls, and of a third one that has a constant of it."""
    seen = []
    for called, factor, offset in ((3, 1, 0), (3, 1, 0), (3, 2, 0), (4, 2, 0), (4, 2, 0), (4, 2, 5), (4, 2, 5)):
        (folder / "kept_offset.py").write_text(f"OFFSET = {offset}", encoding="utf-8")
        (folder / "kept_callee.py").write_text(CALLED.format(folder=folder, factor=called), encoding="utf-8")
        summed = written(folder, "kept_caller", CALLS, factor).summed
        seen.append((summed(10), sum(summed.stats.cache_hits.values()), sum(summed.stats.cache_misses.values())))
        assert Path(summed.stats.cache_path) == compiled_folder() / "kept_caller"
    values, hits, misses = zip(*seen, strict=True)
    assert values == (40.0, 40.0, 50.0, 60.0, 60.0, 65.0, 65.0)
    assert misses == (1, 0, 1, 1, 0, 1, 0)
    assert hits == (0, 1, 0, 0, 1, 0, 1)


def test_a_driver_is_compiled_anew_when_the_file_of_its_kernel_changes(folder: Path) -> None:
    world, seen = WORLDS["punctuated"](1.0), []
    for factor in (0.5, 0.5, 0.25):
        stay = written(folder, "kept_kernel", PLAYED, factor).stay
        matrix = exactness.transition_matrix(world, stay)
        seen.append(len(exactness._driver_of(exactness._drive, stay).stats.cache_misses))
        assert np.array_equal(matrix, factor * np.eye(len(world.texts)))
    assert seen == [1, 0, 1]


def test_a_function_that_another_one_makes_is_not_kept() -> None:
    def made(offset: int) -> object:
        return allocating(lambda x: x + offset)

    assert not is_kept(made(1))


def constants_of(module: str) -> set[str]:
    """Return the files whose numbers compiled functions of a kernel file have in them, kernel files apart."""
    loaded = importlib.import_module(module)
    tree = ast.parse(Path(str(loaded.__file__)).read_text(encoding="utf-8"))
    origin = {
        alias.asname or alias.name: node.module
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("searchgen.")
        for alias in node.names
    }
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    names = {node.id for function in functions for node in ast.walk(function) if isinstance(node, ast.Name)}
    modules = {origin[name] for name in names & set(origin) if isinstance(getattr(loaded, name), int | float)}
    return {name.removeprefix("searchgen.").replace(".", "/") + ".py" for name in modules - kernel_modules()}


def test_the_folder_is_named_after_the_constants_of_kernels() -> None:
    files = set().union(*(constants_of(module) for module in kernel_modules()))
    assert files == set(CONSTANT_FILES)
    assert all((PACKAGE / name).exists() for name in files)
