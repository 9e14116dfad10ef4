"""Files that a command writes: refused where something would be lost, and named where a link leads elsewhere."""

import json
import os
import stat
import sys
import tempfile
from pathlib import Path
from typing import Any

from searchgen.cli.output import complain
from searchgen.errors import RequestError

__all__ = ["file_behind", "output_place", "refuse_reading_own_output"]

#: What tells two files apart.
Identity = tuple[int, int]

#: Bytes of a row that are read to know it.
LONGEST_ROW = 1 << 24


def file_behind(place: Any) -> Identity | None:
    """Return the identity of the plain file behind a path, a stream or a descriptor, None: there is none.

    Example:
        >>> with open(__file__) as file:
        ...     file_behind(__file__) == file_behind(file)
        True
    """
    try:
        found = os.stat(place.fileno() if hasattr(place, "fileno") else place)
    except (OSError, ValueError, TypeError):
        return None
    return (found.st_dev, found.st_ino) if stat.S_ISREG(found.st_mode) else None


def refuse_reading_own_output(asked_by: str) -> None:
    """Refuse standard input and output that are one file: what is written would be read again, without end.

    Raises:
        RequestError: they are.
    """
    if file_behind(sys.stdin) is not None and file_behind(sys.stdin) == file_behind(sys.stdout):
        raise RequestError(
            f"{asked_by} would read its own output: stdin and stdout are the same file; write to another"
        )


def output_place(flag: str, name: str | Path) -> Path:
    """Return the file that a flag's value leads to, said in one line if it is a link, before the work is done.

    Args:
        flag: for messages.
        name: its value.

    Raises:
        RequestError: it is a folder, a device or another thing than a plain file, or that of stdin or stdout; or its folder is
            missing or cannot be written; or a report would replace rows or draws.
    """
    path = Path(name)
    try:
        place = path.resolve() if path.is_symlink() else path
    except (OSError, RuntimeError):
        raise RequestError(f"{flag} {path} is a link that leads nowhere; name a file") from None
    if place.is_dir():
        raise RequestError(f"{flag} {path} is a folder; name a file in it")
    if place.exists() and not place.is_file():
        raise RequestError(f"{flag} {path} is not a plain file; name another")
    for stream, called in ((sys.stdin, "stdin"), (sys.stdout, "stdout")):
        if file_behind(place) is not None and file_behind(place) == file_behind(stream):
            raise RequestError(f"{flag} {path} is the file that {called} is; name another")
    if not place.parent.is_dir():
        raise RequestError(f"{flag} {path}: there is no folder {place.parent}; make it first")
    if not _takes_files(place.parent):
        raise RequestError(f"{flag} {path}: the folder {place.parent} cannot be written")
    if flag == "--report" and _holds_rows(place):
        raise RequestError(f"{flag} {path} holds rows or draws, which a report would replace; name another file")
    if path.is_symlink():
        complain(f"{flag} {path} is a link; {place} is written")
    return place


def _takes_files(folder: Path) -> bool:
    """Return whether a file can be made in a folder; permissions alone do not say so of every file system."""
    if not os.access(folder, os.W_OK):
        return False
    try:
        handle, name = tempfile.mkstemp(dir=folder, prefix=".")
    except OSError:
        return False
    os.close(handle)
    os.unlink(name)
    return True


def _holds_rows(place: Path) -> bool:
    """Return whether the first line of a file is a JSON object with a status, as rows and draws are; a report spans lines."""
    try:
        with place.open("rb") as file:
            row = json.loads(file.readline(LONGEST_ROW))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(row, dict) and "status" in row
