"""The wheel and the sdist hold each file exactly once."""

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections import Counter
from importlib.metadata import version
from pathlib import Path, PurePosixPath

import pytest

from tests.layout import FOLDERS
from tests.places import ROOT

if int(version("setuptools").split(".")[0]) < 77:
    pytest.skip("needs setuptools 77 or newer", allow_module_level=True)

BUILD = """
import sys
from setuptools import build_meta
out = sys.argv[1]
build_meta.build_sdist(out)
build_meta.build_wheel(out)
"""
PARTS = (
    *FOLDERS,
    "pyproject.toml",
    "MANIFEST.in",
    "README.md",
    "LICENSE",
    "NOTICE",
    "CHANGELOG.md",
    "constraints-cpu.txt",
)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build both from a copy with its links: nothing is left in the tree, and nothing old is found there."""
    tree, out = tmp_path_factory.mktemp("tree"), tmp_path_factory.mktemp("dist")
    for part in PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, tree / part, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / part, tree / part)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [sys.executable, "-W", "ignore", "-c", BUILD, str(out)]
    ran = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return out


def contents(folder: Path) -> list[str]:
    """Return the files that stand in a folder of the package, caches and links apart."""
    files = (path for path in (ROOT / folder).rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    inside = (path.relative_to(ROOT).as_posix() for path in files)
    return sorted(path for path in inside if not path.startswith(("searchgen/samplers/", "searchgen/cli/")))


def test_wheel_holds_each_file_once(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as opened:
        names = [name for name in opened.namelist() if ".dist-info/" not in name]
    assert max(Counter(names).values()) == 1
    expected = [
        path if path.startswith("searchgen/") else f"searchgen/{path}"
        for folder in FOLDERS
        for path in contents(Path(folder))
    ]
    assert sorted(names) == sorted(expected)


def test_sdist_holds_each_file_once(built: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as opened:
        members = opened.getmembers()
    assert not [member.name for member in members if member.issym() or member.islnk()]
    names = ["/".join(PurePosixPath(member.name).parts[1:]) for member in members if member.isfile()]
    assert max(Counter(names).values()) == 1
    packaged = sorted(name for name in names if name.split("/")[0] in FOLDERS)
    assert packaged == sorted(path for folder in FOLDERS for path in contents(Path(folder)))
    assert {"LICENSE", "NOTICE", "README.md", "pyproject.toml"} <= set(names)


def test_licences_travel_with_the_wheel(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as opened:
        names = {PurePosixPath(name).name for name in opened.namelist()}
    assert {"LICENSE", "NOTICE", "py.typed", "entry_points.txt"} <= names
