"""What all tests share.

The cache folder is the user's own unless `SEARCHGEN_CACHE` names another: compiled code is worth keeping between runs,
and its folder's name holds a hash of everything that went into it.
"""

import os
import signal
from pathlib import Path

import pytest

from searchgen.kernels.precompile import compile_loops
from tests.places import ROOT

#: The user's own settings are no part of what is tested.
os.environ["SEARCHGEN_CONFIG"] = os.devnull

# What a shell starts in the background ignores Ctrl-C, and so would the commands that tests start and interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Compile the main job's loops once, before the processes that run the tests begin."""
    if not hasattr(session.config, "workerinput"):
        compile_loops()()


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
