"""The cache folder: one that takes bytes, a temporary one, or none; what cannot be kept is said once, and no result depends on it."""

import os
import shutil
import subprocess
import sys
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path

import pytest

from searchgen.files import cache_folder as module
from searchgen.files.cache_folder import cache_folder, can_keep, is_kept
from searchgen.files.notices import hear_notices
from searchgen.kernels.compiled import compiled_folder
from tests.cli.runner import model, searchgen
from tests.places import ROOT

Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What is said of the cache, with an empty home and no cache yet."""
    monkeypatch.delenv("SEARCHGEN_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(sys, "platform", "linux")
    lines: list[str] = []
    hear_notices(lines.append)
    cache_folder.cache_clear()
    yield lines
    cache_folder.cache_clear()
    hear_notices(None)


def fill(monkeypatch: pytest.MonkeyPatch, *full: Path) -> None:
    """Let the disks under some folders be full."""

    def usage(folder: Path) -> Usage:
        return Usage(10**9, 0, 4096 if any(folder.is_relative_to(one) for one in full) else 10**9)

    monkeypatch.setattr(shutil, "disk_usage", usage)


def test_a_folder_that_takes_bytes_is_not_talked_about(said: list[str], tmp_path: Path) -> None:
    assert (cache_folder(), said) == (tmp_path / "home" / ".cache" / "searchgen", [])
    assert (can_keep(), is_kept(), list(cache_folder().iterdir())) == (True, True, [])


def test_a_folder_may_be_called_like_a_temporary_one(
    said: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEARCHGEN_CACHE", str(tmp_path / "searchgen-cache"))
    assert (cache_folder(), is_kept()) == (tmp_path / "searchgen-cache", True)


def test_another_folder_takes_the_place_of_one_on_a_full_disk(
    said: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEARCHGEN_CACHE", str(tmp_path / "named"))
    fill(monkeypatch, tmp_path / "named")
    home = tmp_path / "home" / ".cache" / "searchgen"
    assert cache_folder() == home
    assert said == [
        f"the cache folder {tmp_path / 'named'} cannot be written (No space left on device); {home} takes its place"
    ]


@pytest.mark.parametrize("is_full", [False, True])
def test_a_temporary_folder_takes_the_place_of_all_unless_it_is_full_as_well(
    said: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_full: bool
) -> None:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    fill(monkeypatch, tmp_path / "home", *([tmp_path / "tmp"] if is_full else []))
    assert (can_keep(), is_kept()) == (not is_full, False)
    assert cache_folder().is_relative_to(tmp_path / "tmp") != is_full
    assert said == [
        f"the cache folder {tmp_path / 'home' / '.cache' / 'searchgen'} cannot be written (No space left on device); "
        "every start takes longer; SEARCHGEN_CACHE names another folder"
    ]


def test_a_user_without_a_home_hears_of_it(said: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "user_places", lambda kind: [])
    assert (cache_folder().is_dir(), can_keep(), is_kept()) == (True, True, False)
    assert said == ["there is no cache folder, so every start takes longer; SEARCHGEN_CACHE names one"]


def test_a_home_that_is_no_folder_is_none(said: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", os.devnull)
    monkeypatch.delenv("SEARCHGEN_CONFIG")
    ran = searchgen("list", "samplers")
    assert ran.code == 0
    hear_notices(said.append)
    assert (cache_folder().is_dir(), is_kept()) == (True, False)
    # A command that is the first of its process to import compiled loops asks for the folder, and says it.
    assert "the cache folder /dev/null/.cache/searchgen cannot be written (Not a directory)" in "".join(
        [ran.err, *said]
    )


#: A command whose process may write so many bytes into any file: a folder that looks as if it could be written.
LIMITED = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))
from searchgen.cli.main import run
run()
"""


def limited(limit: int, cache: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "SEARCHGEN_CACHE": str(cache), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", LIMITED.format(limit=limit), *arguments]
    return subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.skipif(os.name != "posix", reason="limits of POSIX")
def test_a_model_that_cannot_be_kept_is_said_once(tmp_path: Path) -> None:
    searchgen(
        "constrain", "--lm", "zh-ngram", "-k", "学校", "--budget", "0.001", "--seed", "1"
    )  # nothing left to compile
    cache = tmp_path / "cache"
    cache.mkdir()
    shutil.copytree(compiled_folder(), cache / "compiled" / compiled_folder().name)
    flags = ("constrain", "--lm", "zh-ngram", "-k", "学校", "--budget", "0.001", "--seed", "1")
    ran = limited(1 << 20, cache, *flags)
    assert (ran.returncode, ran.stdout) == (0, searchgen(*flags).out)
    assert ran.stderr == (
        f"searchgen: the cache folder {cache / 'models'} cannot be written (File too large); "
        "every start takes longer; SEARCHGEN_CACHE names another folder\n"
    )
    assert list((cache / "models").iterdir()) == []


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="limits of POSIX")
def test_nothing_at_all_can_be_written(tmp_path: Path) -> None:
    """Loops are compiled in the process itself, and nothing is left behind."""
    flags = ("constrain", "--lm", model("en"), "-k", "dog", "--budget", "0.001", "--seed", "1")
    ran = limited(0, tmp_path / "cache", *flags)
    assert (ran.returncode, ran.stdout) == (0, searchgen(*flags).out)
    assert ran.stderr == (
        f"searchgen: the cache folder {tmp_path / 'cache'} cannot be written (File too large); "
        "every start takes longer; SEARCHGEN_CACHE names another folder\n"
        "searchgen: compiling the inner loops, in every run: no cache folder is writable; name one with SEARCHGEN_CACHE\n"
    )
    assert not any(path.is_file() for path in (tmp_path / "cache").rglob("*"))
