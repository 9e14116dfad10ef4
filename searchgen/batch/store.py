"""The output of a batch and its journal, written together so that a run can be ended at any moment and go on.

A row is written to the output first, then its line to the journal. Both reach the disk every `interval` seconds; only then does the
journal say so. On the way back a row counts if its journal line is whole and its bytes have the hash the line gives; at
the first that does not, both files are cut. Nothing is cut, begun or lost before the first new row: a run that is refused until then
leaves the files as they were, and none that it made.
"""

import os
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import BinaryIO

from searchgen.batch.jobs import Job
from searchgen.batch.journal import BadLine, Header, Row, encode_entry, entries, hash_of, new_hash, read_header
from searchgen.batch.rows import STATUSES
from searchgen.errors import RequestError
from searchgen.files.locked import make_durable, open_locked, write_all

__all__ = ["SYNC_SECONDS", "Kept", "Store", "collect", "is_plain"]

#: At most the rows of so many seconds are lost when the machine itself stops.
SYNC_SECONDS = 1.0

#: Bytes of the output that are held at once when it is compared with the journal.
PIECE = 1 << 20


@dataclass
class Kept:
    """What an earlier run left that still holds.

    Attributes:
        rows: their number.
        end: where they end in the output.
        journal_end: where their lines end in the journal.
        begin: where the journal's lines begin, behind its header.
        durable: up to where the output is known to have reached the disk.
        counts: rows of each status.
        models: hash of each model by its name.
        dropped_bytes: of the output, that were cut off.
        whole: the number of jobs, where the last line says that every row of a shard is written; else -1.
    """

    rows: int = 0
    end: int = 0
    journal_end: int = 0
    begin: int = 0
    durable: int = 0
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(STATUSES, 0))
    models: dict[str, str] = field(default_factory=dict)
    dropped_bytes: int = 0
    whole: int = -1


def is_plain(descriptor: int) -> bool:
    """Return whether a descriptor is of a file on a disk, which can be cut and read again; a pipe or a device cannot."""
    return stat.S_ISREG(os.fstat(descriptor).st_mode)


class Store:
    """An output and, if there is one, its journal.

    Attributes:
        kept: what an earlier run left.
    """

    def __init__(self, output: int, journal: int | None, interval: float = SYNC_SECONDS) -> None:
        """Take over open descriptors; see `Store.open`."""
        self.output, self.journal, self.interval = output, journal, interval
        self.kept = Kept()
        self._owned = False  # whether the output is ours from its first byte on
        self._made: list[Path] = []  # files that were not there before
        self._pending: Callable[[], None] | None = None  # what is to be done to the files before the first new row
        self._settled = False
        self._end = 0
        self._models: set[str] = set()
        self._last_sync = time.monotonic()
        self._fresh = 0

    @classmethod
    def open(cls, output: Path, journal: Path, header: Header, mode: str, interval: float = SYNC_SECONDS) -> "Store":
        """Open and lock the files of a run, and repair what an earlier run left.

        Args:
            output: a file on a disk.
            journal: beside it.
            header: of this run.
            mode: "new", "resume" or "overwrite".
            interval: seconds between two times that the files are made durable.

        Raises:
            RequestError: the files are of another run, are locked, or hold rows and `mode` is "new".
        """
        is_new = not output.exists()
        store = cls(open_locked(output), None, interval)
        store._owned, store._made = True, [output] if is_new else []
        try:
            store._lock_journal(journal)
            size = os.fstat(store.output).st_size
            is_listed = os.fstat(store._journal).st_size > 0
            if mode != "overwrite" and size and not is_listed and not store._holds_rows():
                raise RequestError(f"{output} exists and holds no rows of a batch; name another file")
            if mode == "new" and size:
                raise RequestError(f"{output} exists; --resume goes on with it, --overwrite begins again")
            if mode == "resume" and size and not is_listed:
                raise RequestError(f"{output} has no journal {journal}, so it cannot go on; --overwrite begins again")
            if mode == "new":
                store._refuse_foreign(journal)
            if mode != "resume" or not store._recover(header, str(output), str(journal)):
                store._pending = partial(store._begin, header)
        except BaseException:
            store.release()
            raise
        return store

    @classmethod
    def stream(
        cls, output: int, journal: Path | None, header: Header, mode: str, interval: float = SYNC_SECONDS
    ) -> "Store":
        """Do as `open` does for standard output: rows that the journal knows count as delivered.

        A plain file that rows are appended to is cut behind the last of them; of a pipe or a new file only the rest is written.

        Raises:
            RequestError: as for `open`.
        """
        if journal is None:
            return cls(output, None, interval)
        store = cls(output, None, interval)
        store._lock_journal(journal)
        base = os.fstat(output).st_size if is_plain(output) else 0
        try:
            if mode == "new" and os.fstat(store._journal).st_size:
                raise RequestError(f"{journal} exists; --resume goes on with it, --overwrite begins again")
            if mode == "new":
                store._refuse_foreign(journal)
            if mode != "resume" or not store._recover(header, "", str(journal)):
                store._pending = partial(store._begin, replace(header, base=base))
            if 0 < base < store.kept.end:
                raise RequestError(
                    f"stdout has {base} bytes, but {journal} lists {store.kept.end}; rows are missing. "
                    "Restore the file, write the rest to a new one, or begin again with --overwrite"
                )
        except BaseException:
            store.release()
            raise
        return store

    def append(self, job: Job, row: bytes, status: str, seconds: float, model: tuple[str, str] | None = None) -> None:
        """Write a row and its line in the journal.

        Args:
            job: of the row.
            row: a line of JSON.
            status: of the row.
            seconds: the job took.
            model: name and hash of the model behind the row, if there was one.

        Raises:
            OSError: the disk is full, or the reader has gone.
        """
        self.settle()
        write_all(self.output, row)
        self._end += len(row)
        if self.journal is None:
            return
        lines = b""
        if model is not None and model[0] not in self._models:
            self._models.add(model[0])
            lines = encode_entry(["model", *model])
        entry = Row(job.line, job.fingerprint, self._end, hash_of(row), status, round(seconds, 4))
        write_all(self.journal, lines + entry.encode())
        self._fresh += 1
        if time.monotonic() - self._last_sync >= self.interval:
            self.sync()

    def settle(self) -> None:
        """Begin the files, or cut what did not hold of them: the run is not refused, and `--resume` goes on with it."""
        if not self._settled and self._pending is not None:
            self._pending()
        self._settled = True

    def end_shard(self, jobs: int) -> None:
        """Note that every row of a shard is written.

        Args:
            jobs: how many the job file has, those of other shards included.
        """
        self.settle()
        if self.journal is not None and (self._fresh or self.kept.whole != jobs):
            self.sync()
            write_all(self.journal, encode_entry(["whole", jobs]))
            make_durable(self.journal)

    def sync(self) -> None:
        """Bring both files to the disk, the output first."""
        if self.journal is not None and self._fresh:
            make_durable(self.output)
            write_all(self.journal, encode_entry(["synced", self._end]))
            make_durable(self.journal)
            self._fresh = 0
        self._last_sync = time.monotonic()

    def release(self) -> None:
        """Make durable what can be, take away new files without a row or a header, and give the files and their locks back."""
        with suppress(OSError):
            self.sync()
        if not self._settled:
            for path in self._made:
                with suppress(OSError):
                    path.unlink()
        for descriptor in (self.journal, self.output if self.output > 2 else None):
            if descriptor is not None:
                with suppress(OSError):
                    os.close(descriptor)

    def fingerprints(self) -> Iterator[tuple[int, str]]:
        """Yield line number and fingerprint of the job of each kept row."""
        if not self.kept.rows:
            return
        with self._reader(self._journal) as journal:
            for entry in entries(journal, self.kept.begin):
                if entry.end > self.kept.journal_end:
                    return
                if entry.values[0] == "row":
                    row = Row(*entry.values[1:])
                    yield row.line, row.fingerprint

    def _holds_rows(self) -> bool:
        """Return whether the output begins as a row does, whole or cut off."""
        begin = b'{"id": '
        with self._reader(self.output) as rows:
            return begin.startswith(rows.read(len(begin)))

    def _lock_journal(self, journal: Path) -> None:
        is_new = not journal.exists()
        self.journal = open_locked(journal)
        self._made += [journal] if is_new else []
        if not is_plain(self.journal):
            raise RequestError(
                f"{journal} is not a plain file, so it cannot be the journal; name another with --journal"
            )

    @property
    def _journal(self) -> int:
        assert self.journal is not None
        return self.journal

    def _begin(self, header: Header) -> None:
        if self._owned:
            os.ftruncate(self.output, 0)
        os.ftruncate(self._journal, 0)
        write_all(self._journal, header.encode())
        make_durable(self._journal)
        self._end = header.base

    def _refuse_foreign(self, journal: Path) -> None:
        """Refuse to write over a file that is not a journal: its name was given by mistake."""
        with self._reader(self._journal) as lines:
            _header_of(lines, str(journal))

    def _recover(self, header: Header, output: str, journal: str) -> bool:
        """Find what holds, cut the rest, and return True; False if there is not even a header."""
        with self._reader(self._journal) as lines:
            header_and_end = _header_of(lines, journal)
            if header_and_end is None:
                return False
            earlier, begin = header_and_end
            header.refuse_other(earlier)
            kept = Kept(end=earlier.base, journal_end=begin, begin=begin, durable=earlier.base)
            try:
                if output:
                    with self._reader(self.output) as rows:
                        collect(kept, lines, rows, output)
                else:
                    collect(kept, lines, None, output)
            except BadLine as error:
                raise RequestError(f"{journal}: {error}; begin again with --overwrite") from None
            size = os.fstat(self.output).st_size if is_plain(self.output) else 0
            kept.dropped_bytes = max(0, size - kept.end)
        self._pending = partial(self._cut, kept)
        self.kept, self._end, self._models = kept, kept.end, set(kept.models)
        return True

    def _cut(self, kept: Kept) -> None:
        if kept.dropped_bytes:
            os.ftruncate(self.output, kept.end)
            make_durable(self.output)
        if os.fstat(self._journal).st_size > kept.journal_end:
            os.ftruncate(self._journal, kept.journal_end)
            make_durable(self._journal)

    @staticmethod
    def _reader(descriptor: int) -> BinaryIO:
        os.lseek(descriptor, 0, os.SEEK_SET)
        return os.fdopen(os.dup(descriptor), "rb")


def _header_of(lines: BinaryIO, journal: str) -> tuple[Header, int] | None:
    try:
        return read_header(lines)
    except RequestError as error:
        raise RequestError(
            f"{journal}: {error}; name another with --journal, or begin again with --overwrite"
        ) from None


def collect(kept: Kept, lines: BinaryIO, rows: BinaryIO | None, output: str) -> None:
    """Go through the journal, and the output beside it, up to the first row that does not hold.

    Args:
        kept: takes what is found.
        lines: of the journal.
        rows: of the output; None: they were delivered.
        output: its name, for messages.

    Raises:
        BadLine: the journal holds what no run writes.
        RequestError: a row that had reached the disk was changed.
    """
    synced = _last_sync(lines, kept.begin)
    size = 0 if rows is None else os.fstat(rows.fileno()).st_size
    if rows is not None:
        rows.seek(kept.end)
    for values, end in entries(lines, kept.begin):
        if values[0] == "row":
            row = Row(*values[1:])
            if row.end < kept.end:
                raise BadLine("its rows do not follow one another")
            if rows is not None:
                if row.end > size:
                    return
                if _hash_of_next(rows, row.end - kept.end) != row.hash:
                    if row.end <= synced:
                        raise RequestError(
                            f"{output}: row {kept.rows + 1} has changed since it was written; "
                            "restore the file, or begin again with --overwrite"
                        )
                    return
            kept.rows, kept.end = kept.rows + 1, row.end
            kept.counts[row.status] += 1
        elif values[0] == "model":
            kept.models[values[1]] = values[2]
        elif values[0] == "synced":
            kept.durable = values[1]
        kept.whole = values[1] if values[0] == "whole" else -1
        kept.journal_end = end


def _hash_of_next(rows: BinaryIO, length: int) -> str:
    """Return the hash of so many bytes, read piece by piece: a journal may speak of more than fit into memory."""
    digest = new_hash()
    while length and (data := rows.read(min(length, PIECE))):
        digest.update(data)
        length -= len(data)
    return digest.hexdigest()


def _last_sync(lines: BinaryIO, begin: int) -> int:
    return max((values[1] for values, _ in entries(lines, begin) if values[0] == "synced"), default=0)
