"""Files that are there whole or not at all, and a message when there is no room for them."""

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from searchgen.errors import SearchgenError

__all__ = ["replacing", "write_whole"]


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a file to write that takes the place of `path` once all is on the disk; after a failure nothing of it is left.

    Raises:
        OSError: it cannot be written; what stood there before is kept.
    """
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)  # mkstemp lets nobody else read it
        os.replace(temporary, path)
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
