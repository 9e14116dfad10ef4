"""Files that one run at a time may write, and work that one process at a time may do: by locks that end with the process."""

import errno
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from searchgen.errors import RequestError

__all__ = ["make_durable", "one_at_a_time", "open_locked", "write_all"]

#: What pipes and devices answer when they are asked to reach a disk.
CANNOT_TELL = (errno.EINVAL, errno.ENOTSUP, errno.EBADF)

#: What systems answer when another process holds a lock.
HELD_BY_ANOTHER = (errno.EAGAIN, errno.EACCES, errno.EDEADLK)


def open_locked(path: Path) -> int:
    """Return a descriptor of a file, made if need be, that reads and appends and is locked.

    The lock belongs to the process: whatever ends it, the lock goes too, so that none is ever stale. Where the file system has no locks,
    nothing guards the file.

    Raises:
        RequestError: another run holds the lock, or the file cannot be made or written.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o666)
    except OSError as error:
        raise RequestError(
            f"cannot write {path}: {error.strerror}; name a file in a folder that can be written"
        ) from None
    try:
        _lock(descriptor)
    except OSError as error:
        if error.errno in HELD_BY_ANOTHER:  # else the file system has no locks
            os.close(descriptor)
            raise RequestError(f"{path} is being written by another run; wait for it, or name another output") from None
    return descriptor


@contextmanager
def one_at_a_time(path: Path, patience: float = 600.0) -> Iterator[bool]:
    """Wait until no other process or thread is in a block of the same path: what one of them does, the others need not do again.

    A file of that name is made, and stays. Where it cannot be locked, or the other process takes too long, the block is entered all the
    same: two that do the same disturb nobody.

    Args:
        path: what they agree on.
        patience: seconds to wait at most.

    Yields:
        False if another process was in such a block all the time.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError:
        yield True
        return
    try:
        yield _is_free(descriptor, patience)
    finally:
        os.close(descriptor)


def _is_free(descriptor: int, patience: float) -> bool:
    """Lock a file as soon as that can be done; return whether another process did not hold it to the end."""
    end = time.monotonic() + patience
    while True:
        try:
            _lock(descriptor)
            return True
        except OSError as error:
            if error.errno not in HELD_BY_ANOTHER:
                return True
        if time.monotonic() >= end:
            return False
        time.sleep(0.05)


def _lock(descriptor: int) -> None:
    if sys.platform == "win32":
        import msvcrt

        os.lseek(descriptor, 0, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def write_all(descriptor: int, data: bytes) -> None:
    """Write every byte.

    Raises:
        OSError: the disk is full, or the reader has gone.
    """
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]


def make_durable(descriptor: int) -> None:
    """Return when what was written has reached the disk, where the file is of a kind that can tell.

    Raises:
        OSError: the disk is full, or broken.
    """
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in CANNOT_TELL:
            raise
