"""The page on the Python interface is run as it stands."""

import doctest
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import searchgen
from searchgen.constraints import CONSTRAINTS

#: What the page may name besides public names: their list, the entry point group, and the module for those who test their parts.
BESIDES = {"__all__", "samplers", "testing"}


def test_the_page_runs(repository: Path) -> None:
    result = doctest.testfile(str(repository / "docs" / "python.md"), module_relative=False)
    assert result.attempted > 10
    assert result.failed == 0


def named(page: str) -> set[str]:
    """Return what a page takes from the package: `searchgen.NAME`, `from searchgen import NAME`, `from searchgen.NAME import`."""
    names = set(re.findall(r"\bsearchgen\.(\w+)", page))
    for listed in re.findall(r"from searchgen import ([\w, ]+)", page):
        names |= set(re.split(r",\s*", listed.strip()))
    return names


def test_all_is_exact() -> None:
    assert searchgen.__all__ == sorted({"__version__", *searchgen.PUBLIC})
    assert list(searchgen.PUBLIC) == sorted(searchgen.PUBLIC)
    for name, module in searchgen.PUBLIC.items():
        assert name in import_module(module).__all__
        assert getattr(searchgen, name) is getattr(import_module(module), name)
    assert {kind.__name__ for kind in CONSTRAINTS.values()} <= set(searchgen.__all__)


def test_the_page_needs_public_names_only(repository: Path) -> None:
    page = (repository / "docs" / "python.md").read_text(encoding="utf-8")
    assert named(page) - BESIDES <= set(searchgen.__all__)
    assert not re.findall(r"(?:from|import) searchgen\.(?!testing)[\w.]+", page)
    assert named("from searchgen import A, B\nsearchgen.c(1)") == {"A", "B", "c"}


def test_the_import_alone_costs_nothing(repository: Path) -> None:
    program = "import sys, searchgen; print({'numpy', 'numba', 'searchgen.errors'} & set(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", program], cwd=repository, capture_output=True, text=True, check=True)
    assert ran.stdout == "set()\n"
