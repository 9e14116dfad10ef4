"""Where searchgen keeps what it can rebuild: decoded models and compiled code."""

import atexit
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path

__all__ = ["cache_folder", "is_kept"]


@cache
def cache_folder() -> Path:
    """Return a writable folder: `$SEARCHGEN_CACHE`, else the user's cache folder, else a temporary one.

    Example:
        >>> cache_folder().is_dir()
        True
    """
    named = os.environ.get("SEARCHGEN_CACHE")
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path("~").expanduser() / ".cache")
    for folder in ([Path(named)] if named else []) + [home / "searchgen"]:
        if _writable(folder):
            return folder
    folder = Path(tempfile.mkdtemp(prefix="searchgen-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def is_kept() -> bool:
    """Return whether the cache folder outlives this process."""
    return not cache_folder().name.startswith("searchgen-")


def _writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False
