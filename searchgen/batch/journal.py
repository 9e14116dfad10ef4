"""The journal of a batch: which rows are written, of which jobs, and what else the rows depend on.

A line is a JSON array, a space, and eight hexadecimal digits of the CRC-32 of the array:

    ["searchgen batch", 1, {...}]                                  first: what all rows depend on (`Header`)
    ["model", name, hash]                                          before the first row under a model
    ["row", line, fingerprint, end, hash, status, seconds]         one a row: its job, where it ends in the output, its BLAKE2b
    ["synced", end]                                                the output up to here has reached the disk
    ["whole", jobs]                                                last, in a shard: every row is written, of a file of so many jobs

A line counts if it is whole and its check digits agree; what follows the first that does not is cut off.
"""

import hashlib
import json
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, BinaryIO, NamedTuple

from searchgen.batch.rows import STATUSES
from searchgen.errors import RequestError
from searchgen.plain_json import brief
from searchgen.request.signatures import platform_tag
from searchgen.version import __version__

__all__ = ["BadLine", "Entry", "Header", "Row", "encode_entry", "entries", "hash_of", "new_hash", "read_header"]

NAME, VERSION = "searchgen batch", 1

#: No line of a journal behind its header is longer.
LONGEST = 1_000_000


@dataclass(frozen=True)
class Header:
    """What every row of a run depends on besides its job.

    Attributes:
        seed: of the run.
        defaults: fields of jobs that give none.
        format: of the job file.
        base: where the first row begins in the output.
        version: of searchgen.
        platform: kind of machine.
        shard: which part of the jobs the rows are of, as "3/8"; "": they are of all.
    """

    seed: int
    defaults: dict[str, Any]
    format: str
    base: int = 0
    version: str = __version__
    platform: str = field(default_factory=platform_tag)
    shard: str = ""

    def encode(self) -> bytes:
        """Return the first line of a journal."""
        values = asdict(self)
        if not self.shard:
            del values["shard"]
        return encode_entry([NAME, VERSION, values])

    def refuse_other(self, other: "Header") -> None:
        """Refuse to go on with a run that rows would differ from.

        Raises:
            RequestError: in this case; it names what differs.
        """
        for name in ("version", "platform", "seed", "format", "defaults", "shard"):
            mine, theirs = getattr(self, name), getattr(other, name)
            if mine != theirs:
                way = "continue it with that release" if name == "version" else "repeat the earlier flags"
                raise RequestError(
                    f"the journal belongs to a run with {name} {_short(theirs)}, this one has {_short(mine)}; "
                    f"{way}, or begin again with --overwrite"
                )


class Row(NamedTuple):
    """A row as the journal records it."""

    line: int
    fingerprint: str
    end: int  # in the output
    hash: str
    status: str
    seconds: float

    def encode(self) -> bytes:
        """Return its line."""
        return encode_entry(["row", *self])


class BadLine(RequestError):
    """A line of a journal is whole and holds what no run writes."""


class Entry(NamedTuple):
    """A whole line of a journal, and where it ends."""

    values: list[Any]
    end: int


def hash_of(data: bytes) -> str:
    """Return 16 hexadecimal digits of the bytes' BLAKE2b."""
    digest = new_hash()
    digest.update(data)
    return digest.hexdigest()


def new_hash() -> "hashlib.blake2b":
    """Return the hash of no bytes, to be updated."""
    return hashlib.blake2b(digest_size=8)


def encode_entry(values: list[Any]) -> bytes:
    r"""Return a line of the journal.

    Example:
        >>> encode_entry(["synced", 120])
        b'["synced",120] 1a92d448\n'
    """
    body = json.dumps(values, separators=(",", ":")).encode()
    return body + b" %08x\n" % zlib.crc32(body)


def read_header(journal: BinaryIO) -> tuple[Header, int] | None:
    """Return the header of a journal and where it ends, or None if the journal ends before it does.

    Raises:
        RequestError: the file is not a journal.
    """
    beginning = json.dumps([NAME, VERSION], separators=(",", ":")).encode()[:-1]
    line = journal.readline(LONGEST)
    if line.startswith(beginning) and not line.endswith(b"\n"):
        line += journal.readline()  # the defaults of jobs may hold long lists
    values = _decode(line)
    if values is None:
        if not line.endswith(b"\n") and (line.startswith(beginning) or beginning.startswith(line)):
            return None
        raise RequestError("it is not a journal of searchgen, or its first line was changed")
    if values[:2] != [NAME, VERSION] or len(values) != 3 or not _is_header(values[2]):
        raise RequestError("it is not a journal of this version of searchgen")
    return Header(**values[2]), len(line)


def entries(journal: BinaryIO, begin: int) -> Iterator[Entry]:
    """Yield the whole lines of a journal after its header, up to the first that is not.

    Raises:
        BadLine: a line is whole and holds what no run writes.
    """
    journal.seek(begin)
    end, number = begin, 1
    while line := journal.readline(LONGEST):
        number += 1
        values = _decode(line)
        if values is None:
            return
        end += len(line)
        if not _is_entry(values):
            raise BadLine(f"line {number} is whole and holds {brief(values)}, which no run writes")
        yield Entry(values, end)


def _decode(line: bytes) -> list[Any] | None:
    body, space, digits = line.rpartition(b" ")
    if not space or digits != b"%08x\n" % zlib.crc32(body):
        return None
    try:
        values = json.loads(body)
    except (ValueError, RecursionError):
        raise BadLine("a line with the right check digits holds no JSON, which no run writes") from None
    return values if isinstance(values, list) else [values]


def _is_header(values: Any) -> bool:
    """Return whether the values are those of a `Header`, each of its type."""
    kinds = {"seed": int, "defaults": dict, "format": str, "base": int, "version": str, "platform": str, "shard": str}
    return (
        isinstance(values, dict)
        and values.keys() | {"shard"} == kinds.keys()
        and all(type(value) is kinds[name] for name, value in values.items())
        and _is_place(values["base"])
    )


def _is_entry(values: list[Any]) -> bool:
    """Return whether the values are those of a line behind the header."""
    match values:
        case ["row", line, str(), end, str(), str(status), seconds]:
            return _is_place(line) and _is_place(end) and status in STATUSES and type(seconds) in (int, float)
        case ["model", str(), str()]:
            return True
        case ["synced" | "whole", end]:
            return _is_place(end)
    return False


def _is_place(value: Any) -> bool:
    """Return whether a value is a number of a line or of a byte in a file."""
    return type(value) is int and 0 <= value < 2**63


def _short(value: Any) -> str:
    shown = json.dumps(value, ensure_ascii=False)
    return shown if len(shown) <= 120 else shown[:120] + "..."
