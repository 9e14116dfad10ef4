"""Files that are there whole or not at all, and a message when there is no room for them."""

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from searchgen.errors import RequestError, SearchgenError

__all__ = ["replacing", "write_whole"]

#: Names tried for a temporary file, each of 48 random bits.
TRIES = 100


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a file to write that takes the place of `path` once all is on the disk; after a failure nothing of it is left.

    A new file has the permissions that the system gives to new ones; one that stood there before has kept its own.

    A link stays, and what it leads to is replaced.

    Raises:
        RequestError: a device, or another thing than a plain file, stands there.
        OSError: it cannot be written; what stood there before is kept.
    """
    path = path.resolve() if path.is_symlink() else path
    if path.exists() and not path.is_file():
        raise RequestError(f"{path} is not a plain file, and would be replaced by one; name another")
    handle, temporary = _temporary(path)
    try:
        with os.fdopen(handle, "wb") as file:
            if path.exists():
                os.chmod(temporary, stat.S_IMODE(path.stat().st_mode))
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise


def _temporary(path: Path) -> tuple[int, Path]:
    """Return a new file beside a path; unlike those of `tempfile`, others may read it if the user's mask lets them."""
    for _ in range(TRIES):
        temporary = path.with_name(f".{path.name[:100]}.{secrets.token_hex(6)}")
        with suppress(FileExistsError):
            return os.open(
                temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666
            ), temporary
    raise FileExistsError(errno.EEXIST, "no name for a temporary file is free", str(path))


def write_whole(path: Path, content: bytes) -> None:
    """Write a file; what stood there before stays until the new one is on the disk.

    Raises:
        SearchgenError: it cannot be written; the message names the way out.
    """
    try:
        with replacing(path) as file:
            file.write(content)
    except OSError as error:
        room = error.errno in (errno.ENOSPC, errno.EDQUOT)
        way = f"Make room for {len(content):,} bytes" if room else "Make the folder writable"
        raise SearchgenError(
            f"{path}: cannot be written ({error.strerror}). The old file is kept. {way} and run the command again"
        ) from None
