"""Files that are there whole or not at all, and a message when there is no room for them."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from searchgen.errors import SearchgenError

__all__ = ["replacing", "write_whole"]


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a file to write that takes the place of `path` once all is on the disk; after a failure nothing of it is left.

    A link stays, and the file that it leads to is replaced. A new file has the usual permissions, another one keeps its own.

    Raises:
        OSError: it cannot be written; what stood there before is kept.
    """
    target = Path(os.path.realpath(path))
    temporary = target.with_name(f".{target.name[:200]}.{uuid4().hex}")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileNotFoundError):
            os.chmod(temporary, stat.S_IMODE(target.stat().st_mode))
        os.replace(temporary, target)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise


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
