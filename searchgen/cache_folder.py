"""Where searchgen keeps what it can rebuild: decoded models and compiled code."""

import os
import tempfile
from functools import cache
from pathlib import Path

__all__ = ["cache_folder"]


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
    return Path(tempfile.mkdtemp(prefix="searchgen-"))


def _writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False
