"""Files that one run at a time may write: held by another they are refused, and without locks nothing guards them."""

import errno
import os
from pathlib import Path

import pytest

from searchgen.errors import RequestError
from searchgen.files.locked import open_locked


def fail(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Let the system answer every wish for a lock with an error."""

    def lock(descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("searchgen.files.locked._lock", lock)


def test_a_file_is_refused_as_long_as_another_run_holds_it(tmp_path: Path) -> None:
    path = tmp_path / "out"
    held = open_locked(path)
    with pytest.raises(RequestError, match="out is being written by another run"):
        open_locked(path)
    os.close(held)
    os.close(open_locked(path))


@pytest.mark.parametrize("number", [errno.EAGAIN, errno.EACCES])
def test_what_says_that_another_run_holds_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    fail(monkeypatch, number)
    with pytest.raises(RequestError, match="out is being written by another run"):
        open_locked(tmp_path / "out")


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOTSUP])
def test_where_the_file_system_has_no_locks_a_file_is_opened_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    fail(monkeypatch, number)
    descriptor = open_locked(tmp_path / "out")
    os.write(descriptor, b"a row\n")
    os.close(descriptor)
    assert (tmp_path / "out").read_bytes() == b"a row\n"
