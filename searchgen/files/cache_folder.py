"""Where searchgen keeps what it can rebuild: decoded models and compiled code."""

import atexit
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path

from searchgen.files.user_places import user_places

__all__ = ["cache_folder", "is_kept"]


@cache
def cache_folder() -> Path:
    """Return a writable folder: `$SEARCHGEN_CACHE`, else the user's cache folder, one that is there first, else a temporary one.

    Example:
        >>> cache_folder().is_dir()
        True
    """
    named = os.environ.get("SEARCHGEN_CACHE")
    places = sorted(user_places("cache"), key=lambda place: not place.is_dir())  # stable: among equals the usual one
    for folder in ([Path(named)] if named else []) + places:
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
