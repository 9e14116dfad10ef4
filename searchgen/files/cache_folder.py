"""Where searchgen keeps what it can rebuild: decoded models and compiled code."""

import atexit
import errno
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path

from searchgen.files.notices import report_unkept
from searchgen.files.user_places import user_places

__all__ = ["cache_folder", "can_keep", "is_kept"]

#: Bytes written to find out whether a folder takes any: some only look as if they could be written, and disks are full.
PROBE = bytes(1 << 16)

#: Bytes that compiled code takes; where there is less room, it would be compiled in vain.
LEAST_FREE = 1 << 25


@cache
def cache_folder() -> Path:
    """Return a writable folder: `$SEARCHGEN_CACHE`, else the user's cache folder, one that is there first, else a temporary one.

    Where nothing at all can be written, it is a folder in which nothing can be kept; those who write there do without.

    Example:
        >>> cache_folder().is_dir()
        True
    """
    named = os.environ.get("SEARCHGEN_CACHE")
    places = sorted(user_places("cache"), key=lambda place: not place.is_dir())  # stable: among equals the usual one
    folders = ([Path(named)] if named else []) + places
    fault = None
    for folder in folders:
        error = _fault_of(folder)
        if error is None:
            if fault:
                report_unkept(folders[0], fault, instead=folder)
            return folder
        fault = fault or error
    report_unkept(folders[0] if folders else None, fault)
    return _temporary_folder()


def is_kept() -> bool:
    """Return whether the cache folder outlives this process."""
    return can_keep() and cache_folder() not in _temporary


def can_keep() -> bool:
    """Return whether something can be written into the cache folder, even if it does not outlive this process."""
    return cache_folder().is_dir()


_temporary: set[Path] = set()


def _temporary_folder() -> Path:
    nowhere = Path(os.devnull) / "searchgen"
    try:
        folder = Path(tempfile.mkdtemp(prefix="searchgen-"))
    except OSError:
        return nowhere
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    if _fault_of(folder):
        return nowhere
    _temporary.add(folder)
    return folder


def _fault_of(folder: Path) -> OSError | None:
    """Return why a folder cannot be written, None if it can."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(folder).free < LEAST_FREE:
            return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(PROBE)
            file.flush()
    except OSError as error:
        return error
    return None
