"""What all tests share.

The cache folder is the user's own unless `SEARCHGEN_CACHE` names another: compiled code is worth keeping between runs,
and its folder's name holds a hash of everything that went into it.
"""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling

from searchgen.kernels.precompile import compile_loops
from tests.places import ROOT

# Some hundred processes begin, and what Python compiles for the first serves the others.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# Names that look like those of the hub are looked up in its folder only: without a connection its library tries again for half a minute.
os.environ["HF_HUB_OFFLINE"] = "1"

#: The user's own settings are no part of what is tested.
os.environ["SEARCHGEN_CONFIG"] = os.devnull

# What a shell starts in the background ignores Ctrl-C, and so would the commands that tests start and interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Compile the main job's loops once, before the processes that run the tests begin."""
    if not hasattr(session.config, "workerinput"):
        compile_loops()()


#: Files whose tests share nothing and take long: each test may run in another process.
SPREAD = ("tests/test_readme.py",)

#: Folders of tests for which the same loops are compiled: two processes would compile each of them twice.
TOGETHER = ("tests/guide/", "tests/samplers/")


class Spreading(LoadFileScheduling):  # type: ignore[misc]
    """A process a file, but for some files a process a test, and one for some folders."""

    def _split_scope(self, nodeid: str) -> str:
        scope = super()._split_scope(nodeid)
        if scope.startswith(TOGETHER):
            return "compiled loops"
        return nodeid if scope in SPREAD else scope


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFileScheduling | None:
    """Use it in place of `--dist loadfile`."""
    return Spreading(config, log) if config.getvalue("dist") == "loadfile" else None


@pytest.fixture(scope="session", autouse=True)
def _conversions(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the conversions of models that tests write out of the user's cache folder."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        for module in ("conversion.bits", "conversion.cached", "decoder.content_hash"):
            patch.setattr(f"searchgen.lm.{module}.cache_folder", lambda: folder)
        yield


@pytest.fixture(scope="session")
def repository() -> Path:
    """The folder that holds pyproject.toml."""
    return ROOT


@pytest.fixture(scope="session")
def shared_folder() -> Path:
    """Return the large texts and reference numbers that are no part of the project, or skip."""
    folder = Path(os.environ.get("SEARCHGEN_SHARED") or ROOT.parent / "shared")
    if not folder.is_dir():
        pytest.skip(f"no folder {folder}; SEARCHGEN_SHARED names another")
    return folder
