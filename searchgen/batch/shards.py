"""Shards of a batch: every so-manyth job, with the rows that it has in the whole; and the rows of all shards joined."""

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, NamedTuple

from searchgen.batch.jobs import Job
from searchgen.batch.journal import BadLine, Header, Row, entries, read_header
from searchgen.batch.store import Kept, Store, collect
from searchgen.batch.texts import Texts
from searchgen.errors import RequestError
from searchgen.plain_json import brief

__all__ = ["MOST_SHARDS", "Shard", "join", "journal_of"]

#: The most shards of a run; each is an open file while they are joined.
MOST_SHARDS = 1_000


@dataclass(frozen=True)
class Shard:
    """Which jobs of a file a run does: of every `of` jobs the one at place `which`, counted from 1.

    Attributes:
        which: 1 to `of`.
        of: the number of shards; 1: the run does all jobs.

    Example:
        >>> [job for job in range(1, 9) if Shard.read("3/4").has(job)], str(Shard(3, 4)), str(Shard())
        ([3, 7], '3/4', '')
    """

    which: int = 1
    of: int = 1

    @staticmethod
    def read(text: str) -> "Shard":
        """Return the shard that a flag names.

        Args:
            text: as "3/8".

        Raises:
            RequestError: it is none.
        """
        match = re.fullmatch(r"(\d{1,4})/(\d{1,4})", text.strip())
        which, of = map(int, match.groups()) if match else (0, 0)
        if not 1 <= which <= of <= MOST_SHARDS:
            raise RequestError(
                f"--shard {text!r}: give I/N, such as 3/8; N is at most {MOST_SHARDS:,}, and I at most N"
            )
        return Shard(which, of)

    def __str__(self) -> str:
        return f"{self.which}/{self.of}" if self.of > 1 else ""

    def has(self, job: int) -> bool:
        """Return whether a job is one of the shard.

        Args:
            job: its place among the jobs of the file, from 1.
        """
        return (job - self.which) % self.of == 0


class Part(NamedTuple):
    """A finished shard that is joined with others."""

    path: Path
    journal: Path
    header: Header
    kept: Kept


def join(paths: Sequence[Path], output: Path | None, standard_output: int, mode: str) -> dict[str, int]:
    """Write the rows of all shards of a run in the order of its jobs, byte for byte what one run of all jobs writes (but for `unique`).

    Args:
        paths: the outputs of the shards, in any order, each with its journal beside it.
        output: a file, which gets a journal, too; None: standard output.
        standard_output: its descriptor.
        mode: "new" or "overwrite".

    Returns:
        The number of rows of each status.

    Raises:
        RequestError: a shard is missing, unfinished, there twice, of another run, or changed since. Nothing is written then, but where
            shards of different job files differ in the lines of later jobs only.
    """
    parts = _in_order([_part(path) for path in paths])
    _refuse_other_runs(parts)
    _refuse_other_jobs(parts)
    if output is not None and output.resolve() in {part.path.resolve() for part in parts}:
        raise RequestError(f"{output} is a shard itself; name another file with -o")
    header = replace(parts[0].header, shard="", base=0)
    store = (
        Store(standard_output, None)
        if output is None
        else Store.open(output.resolve(), journal_of(output), header, mode)
    )
    counts = dict.fromkeys(parts[0].kept.counts, 0)
    try:
        with ExitStack() as opened:
            rows = _rows(parts, opened)
            for row, data, model in _with_new_texts(rows) if header.defaults.get("unique") else rows:
                store.append(Job(row.line, row.fingerprint, {}), data, row.status, row.seconds, model)
                counts[row.status] += 1
            store.settle()
    finally:
        store.release()
    return counts


def journal_of(output: Path) -> Path:
    """Return the usual journal of an output: the same through any link."""
    resolved = output.resolve()
    return resolved.with_name(resolved.name + ".journal")


def _header_of(lines: BinaryIO, journal: Path) -> tuple[Header, int]:
    """Return the header of a shard's journal and where it ends."""
    try:
        found = read_header(lines)
    except RequestError as error:
        raise RequestError(f"{journal}: {error}") from None
    if found is None:
        raise RequestError(f"{journal} ends in its first line; do the shard again with --overwrite")
    return found


def _part(path: Path) -> Part:
    journal = journal_of(path)
    try:
        with path.open("rb") as rows, journal.open("rb") as lines:
            found = _header_of(lines, journal)
            if not found[0].shard:
                raise RequestError(f"{path} is no shard: its run did all jobs; join the outputs of batch --shard I/N")
            header, begin = found
            kept = Kept(end=header.base, journal_end=begin, begin=begin)
            collect(kept, lines, rows, str(path))
            if kept.whole < 0 or os.fstat(rows.fileno()).st_size != kept.end:
                raise RequestError(f"{path}: shard {header.shard} is not finished; continue it with --resume")
    except OSError as error:
        raise RequestError(
            f"cannot read {error.filename}: {error.strerror}; a shard needs its journal in the same folder"
        ) from None
    except BadLine as error:
        raise RequestError(f"{journal}: {error}; do the shard again with --overwrite") from None
    return Part(path, journal, header, kept)


def _in_order(parts: Sequence[Part]) -> list[Part]:
    """The shards by their number, all there and each once."""
    first = Shard.read(parts[0].header.shard)
    by_number: dict[int, Part] = {}
    for part in parts:
        shard = Shard.read(part.header.shard)
        if shard.of != first.of:
            raise RequestError(
                f"{part.path} is shard {shard}, and {parts[0].path} is shard {first}: they are of different runs"
            )
        other = by_number.setdefault(shard.which, part)
        if other is not part:
            raise RequestError(f"{part.path} and {other.path} are both shard {shard}; give each shard once")
    missing = [str(Shard(which, first.of)) for which in range(1, first.of + 1) if which not in by_number]
    if missing:
        raise RequestError(f"shard {', '.join(missing[:8])} is missing; give the outputs of all {first.of} shards")
    return [by_number[which] for which in sorted(by_number)]


def _refuse_other_runs(parts: Sequence[Part]) -> None:
    """Refuse shards whose rows depend on different things."""
    first, models = parts[0], dict(parts[0].kept.models)
    for part in parts:
        for name in ("version", "platform", "seed", "format", "defaults"):
            mine, other = getattr(part.header, name), getattr(first.header, name)
            if mine != other:
                raise RequestError(
                    f"{part.path} is of a run with {name} {brief(mine)}, and {first.path} of one with {brief(other)}; "
                    "do all shards with the same flags and version"
                )
        for name, digest in part.kept.models.items():
            if models.setdefault(name, digest) != digest:
                raise RequestError(
                    f"{part.path} was made with another {name} ({digest[:12]}) than the shards before ({models[name][:12]}); "
                    "do all shards with the same model"
                )


def _refuse_other_jobs(parts: Sequence[Part]) -> None:
    """Refuse shards of job files of different lengths: some have read less than others, or another file."""
    whole = max(part.kept.whole for part in parts)
    for number, part in enumerate(parts, 1):
        if part.kept.whole != whole:
            raise RequestError(
                f"{part.path} has seen {part.kept.whole:,} jobs, and other shards {whole:,}; continue it with --resume"
            )
        shard = Shard(number, len(parts))
        expected = sum(1 for _ in range(shard.which, whole + 1, shard.of))
        if part.kept.rows != expected:
            raise RequestError(
                f"{part.path} has {part.kept.rows:,} rows, and shard {shard} of {whole:,} jobs has {expected:,}; "
                "do it again with --overwrite"
            )


#: A row with its bytes, and with a model that stands before it.
Joined = tuple[Row, bytes, tuple[str, str] | None]


def _rows(parts: Sequence[Part], opened: ExitStack) -> Iterator[Joined]:
    """Yield the rows of all shards in turn, each with its bytes, and with a model that stands before it."""
    readers = [
        _rows_of(part, opened.enter_context(part.path.open("rb")), opened.enter_context(part.journal.open("rb")))
        for part in parts
    ]
    last = 0
    for number in range(parts[0].kept.whole):
        part = parts[number % len(parts)]
        row, data, model = next(readers[number % len(parts)])
        if row.line <= last:
            raise RequestError(
                f"{part.path}: the row of line {row.line} stands out of order; the shards are of different jobs"
            )
        last = row.line
        yield row, data, model


def _with_new_texts(rows: Iterator[Joined]) -> Iterator[Joined]:
    """Yield rows without the texts of rows before them, which other shards have found; one without a text is infeasible."""
    texts = Texts()
    for row, data, model in rows:
        chosen = texts.choose(data, (), row.line)
        yield (
            (row._replace(status="infeasible"), texts.without(data), model) if chosen is None else (row, chosen, model)
        )


def _rows_of(part: Part, rows: BinaryIO, lines: BinaryIO) -> Iterator[Joined]:
    rows.seek(part.header.base)
    begin, model = part.header.base, None
    for values, _ in entries(lines, part.kept.begin):
        if values[0] == "model":
            model = (values[1], values[2])
        elif values[0] == "row":
            row = Row(*values[1:])
            yield row, rows.read(row.end - begin), model
            begin, model = row.end, None
