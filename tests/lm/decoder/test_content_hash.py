"""A hash belongs to the content of a file, and is kept for a file that does not change."""

import os
from pathlib import Path

import pytest

from searchgen.lm.decoder import content_hash
from searchgen.lm.decoder.content_hash import hash_of


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that hashes are kept in."""
    folder = tmp_path / "kept"
    folder.mkdir()
    monkeypatch.setattr(content_hash, "cache_folder", lambda: folder)
    return folder


@pytest.fixture
def file(tmp_path: Path, kept: Path) -> Path:
    path = tmp_path / "model.gguf"
    path.write_bytes(b"one model")
    return path


def test_a_replaced_file_has_another_hash(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(content_hash, "YOUNG", -1e9)  # so that even now the hash is kept
    first, about = hash_of(file), file.stat()
    assert hash_of(file) == first
    other = tmp_path / "other.gguf"
    other.write_bytes(b"two model")
    assert other.stat().st_size == about.st_size
    # Written in its place, with its times.
    file.write_bytes(other.read_bytes())
    os.utime(file, ns=(about.st_atime_ns, about.st_mtime_ns))
    assert hash_of(file) == hash_of(other) != first


def test_the_hash_of_a_file_that_was_just_written_is_not_kept(file: Path, kept: Path) -> None:
    hash_of(file)
    assert not (kept / "hashes").exists()


@pytest.mark.parametrize("note", [b"", b"0" * 63, b"x" * 64, b"\xff" * 64])
def test_a_damaged_note_of_a_hash_is_not_believed(
    note: bytes, file: Path, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(content_hash, "YOUNG", -1e9)
    wanted = hash_of(file)
    (place,) = (kept / "hashes").iterdir()
    place.write_bytes(note)
    assert hash_of(file) == wanted
