"""A file over HTTPS: from one source after the other, each with the same hash, and from where an earlier try broke off."""

import hashlib
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote, urlsplit

from searchgen.errors import SearchgenError
from searchgen.lm.catalogue.carried import PIECE, Tell, cannot_write
from searchgen.lm.catalogue.entries import Entry
from searchgen.version import __version__

__all__ = ["addresses", "download"]

HUB, MODELSCOPE = "https://huggingface.co", "https://modelscope.cn"

#: The environment variable that names a mirror of the hub.
ENDPOINT = "HF_ENDPOINT"

#: Seconds to wait for an answer; tries of a source whose connection breaks; seconds between them.
PATIENCE, TRIES, PAUSE = 30.0, 3, 1.0


class _Refused(Exception):
    """A source has not this file: another one may."""


class _Broken(Exception):
    """A connection ended before the file: the same source may go on."""


def addresses(entry: Entry) -> list[str]:
    """Return where the file of a model lies: at the mirror that the user names, on the hub, on ModelScope.

    Example:
        >>> from searchgen.lm.catalogue.entries import entries
        >>> [urlsplit(one).hostname for one in addresses(entries()["qwen3-0.6b"])][-2:]
        ['huggingface.co', 'modelscope.cn']
    """
    path = f"{entry.repository}/resolve/{entry.revision}/{quote(entry.file)}"
    mirror = os.environ.get(ENDPOINT, "").rstrip("/")
    found = [f"{host}/{path}" for host in dict.fromkeys((mirror, HUB)) if host]
    if entry.modelscope:  # which knows no revisions of the hub
        found.append(f"{MODELSCOPE}/models/{entry.modelscope}/resolve/master/{quote(entry.file)}")
    return found


def download(entry: Entry, part: Path, tell: Tell | None = None) -> None:
    """Write the file of a model, whole and of the right hash.

    Args:
        entry: the model.
        part: where; what an earlier try left there is kept and gone on with.
        tell: called with how much is there, from 0 to 1.

    Raises:
        SearchgenError: no source has it or can be reached, or there is no room.
    """
    failures = []
    for address in addresses(entry):
        try:
            return _from_source(address, entry, part, tell)
        except (_Refused, _Broken) as error:
            failures.append(f"{_host(address)} {error}")
    have = part.stat().st_size if part.exists() else 0
    kept = f" ({have / 1e6:,.0f} MB are kept, and the same command goes on)" if have else ""
    raise SearchgenError(
        f"{entry.name} cannot be fetched{kept}: {'; '.join(failures)}; fetch {entry.by_hand} by other means "
        f"and give searchgen lm get {entry.name} --from {entry.file}"
    )


def _from_source(address: str, entry: Entry, part: Path, tell: Tell | None) -> None:
    resumes = part.exists() and part.stat().st_size > 0
    for attempt in range(TRIES):
        try:
            _go_on(address, entry, part, tell)
            break
        except _Broken:
            if attempt == TRIES - 1:
                raise
            time.sleep(PAUSE)
    with part.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != entry.sha256:
        part.unlink()
        if resumes:  # what was there may have come from elsewhere
            return _from_source(address, entry, part, tell)
        raise _Refused(f"sent another file (SHA-256 {found[:12]}..., not {entry.sha256[:12]}...)")


def _go_on(address: str, entry: Entry, part: Path, tell: Tell | None) -> None:
    """Ask for what is missing and write it."""
    have = part.stat().st_size if part.exists() else 0
    if have == entry.size:
        return
    if have > entry.size:
        part.unlink()
        have = 0
    with _answer(address, have) as answer:
        begin = _begin(answer, have)
        length = answer.headers.get("Content-Length", "")
        if length.isdecimal() and begin + int(length) != entry.size:
            raise _Refused(f"has a file of {begin + int(length):,} bytes, not {entry.size:,}")
        try:
            with part.open("ab" if begin else "wb") as file:
                _write(answer, file, begin, entry.size, tell)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            part.unlink(missing_ok=True)
            raise cannot_write(part, error, entry) from None


def _answer(address: str, have: int) -> HTTPResponse:
    """Return the answer of a source to the request for all bytes from one on."""
    try:
        request = urllib.request.Request(address, headers={"User-Agent": f"searchgen/{__version__}"})
        if have:
            request.add_header("Range", f"bytes={have}-")
        handlers = []
        if urlsplit(address).hostname in ("127.0.0.1", "localhost", "::1"):
            handlers.append(urllib.request.ProxyHandler({}))
        answer: HTTPResponse = urllib.request.build_opener(*handlers).open(request, timeout=PATIENCE)
        return answer
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 429 or error.code >= 500:
            raise _Broken(f"answers {error.code}") from None
        raise _Refused(f"answers {error.code}") from None
    except urllib.error.URLError as error:
        raise _Refused(f"cannot be reached ({_reason(error.reason)})") from None
    except (OSError, HTTPException) as error:
        raise _Broken(f"breaks off ({_reason(error)})") from None
    except ValueError as error:  # no address
        raise _Refused(f"is no address ({_reason(error)})") from None


def _begin(answer: HTTPResponse, have: int) -> int:
    """Return at which byte an answer begins: a source need not be able to go on."""
    if answer.status != 206:
        return 0
    if not answer.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
        raise _Refused("sends another part than it was asked for")
    return have


def _write(answer: HTTPResponse, file: BinaryIO, begin: int, size: int, tell: Callable[[float], None] | None) -> None:
    at = begin
    while True:
        try:
            piece = answer.read(PIECE)
        except (OSError, HTTPException) as error:
            raise _Broken(f"breaks off after {at / 1e6:,.0f} MB ({_reason(error)})") from None
        if not piece:
            break
        at += len(piece)
        if at > size:
            raise _Refused(f"sends more than {size:,} bytes")
        file.write(piece)
        if tell is not None:
            tell(at / size)
    if at < size:
        raise _Broken(f"breaks off after {at / 1e6:,.0f} MB")


def _host(address: str) -> str:
    """Return the host of an address, without a password that may stand there."""
    with suppress(ValueError):
        return urlsplit(address).hostname or address[:60]
    return address[:60]


def _reason(error: object) -> str:
    said = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(str(said).split())[:60]
