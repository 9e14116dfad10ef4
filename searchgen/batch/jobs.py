"""Job files: one job a line of JSON, of keywords, or of a table, each with a fingerprint of the bytes it came from.

    txt     a line is a value of `--keywords`
    jsonl   a line is an object; its keys are fields of a request, with `id`, `n` and `budget` as on the command line
    csv     a header names the fields; an empty cell is a field that is not given
    tsv     the same with tabs

A line that cannot be read is a job as well: it has an `error` instead of values, and becomes an error row.
"""

import csv
import hashlib
import json
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from searchgen.demands.demands import demand_flags
from searchgen.errors import RequestError

__all__ = ["FORMATS", "LONGEST_LINE", "Job", "format_of", "read_jobs"]

FORMATS = ("jsonl", "txt", "csv", "tsv")

#: The longest line of a job file, in bytes; what is longer is passed over without being held.
LONGEST_LINE = 1_000_000

#: Fields of a table that are text even where they look like a number, beside those of constraints.
TEXTS = ("id", "lm", "sampler")

#: The most lines of a table's row: a cell between quotation marks may go on in the next line.
LONGEST_ROW = 100

SEPARATORS = {"csv": ",", "tsv": "\t"}


@dataclass(frozen=True)
class Job:
    """A job as its line has it.

    Attributes:
        line: number of the line, from 1; of a table's row that spans several, the last.
        fingerprint: 16 hexadecimal digits of the bytes it was read from.
        values: its fields; empty when there is an error.
        error: why the line is not a job, or "".
        end: where its last line ends in the file.
    """

    line: int
    fingerprint: str
    values: dict[str, Any]
    error: str = ""
    end: int = 0


def format_of(name: str) -> str:
    """Return the format that a file's name ends in; JSON Lines for a name that says nothing.

    Example:
        >>> format_of("sets.TXT"), format_of("-"), format_of("jobs.ndjson")
        ('txt', 'jsonl', 'jsonl')
    """
    end = name.rpartition(".")[2].lower()
    return end if end in FORMATS else "jsonl"


def read_jobs(stream: BinaryIO, form: str) -> Iterator[Job]:
    """Yield the jobs of a file one by one, holding one line at a time.

    Blank lines, and rows of empty cells, are passed over in every format but txt, where each line has its row.

    Args:
        stream: bytes; UTF-8, with or without a byte-order mark.
        form: one of `FORMATS`.

    Raises:
        RequestError: the header of a table is missing or names a field twice.
    """
    lines = _lines(stream)
    if form in SEPARATORS:
        yield from _table(lines, SEPARATORS[form])
        return
    parse = _keywords if form == "txt" else _object
    for line in lines:
        if line.data.strip() or form == "txt" or line.too_long:
            yield _job(line, parse)


@dataclass(frozen=True)
class _Line:
    number: int
    data: bytes
    fingerprint: str
    end: int
    too_long: int = 0  # its length, if it was passed over

    def text(self) -> str:
        """Return the line as text, or refuse it."""
        if self.too_long:
            raise RequestError(f"the line has {self.too_long:,} bytes; a job has at most {LONGEST_LINE:,}")
        try:
            text = self.data.decode("utf-8-sig" if self.number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise RequestError(f"not UTF-8: {error.reason} at byte {error.start + 1}") from None
        if "\0" in text:
            raise RequestError(f"a NUL at character {text.index(chr(0)) + 1}; is this a text file?")
        return text


def _lines(stream: BinaryIO) -> Iterator[_Line]:
    number = end = 0
    while data := stream.readline(LONGEST_LINE + 1):
        number += 1
        digest, length = hashlib.blake2b(data.rstrip(b"\r\n"), digest_size=8), len(data)
        while not data.endswith(b"\n") and length > LONGEST_LINE:
            data = stream.readline(LONGEST_LINE)
            if not data:
                break
            digest.update(data.rstrip(b"\r\n"))
            length += len(data)
        end += length
        if length > LONGEST_LINE:
            yield _Line(number, b"", digest.hexdigest(), end, length)
        else:
            yield _Line(number, data.rstrip(b"\r\n"), digest.hexdigest(), end)


def _job(line: _Line, parse: Callable[[str], dict[str, Any]]) -> Job:
    try:
        return Job(line.number, line.fingerprint, parse(line.text()), end=line.end)
    except RequestError as error:
        return Job(line.number, line.fingerprint, {}, str(error), line.end)


def _keywords(text: str) -> dict[str, Any]:
    if not text.strip():
        raise RequestError("the line is empty; write a keyword set")
    return {"keywords": text.strip()}


def _object(text: str) -> dict[str, Any]:
    try:
        values = json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse_constant)
        json.dumps(values, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        way_out = "" if text.lstrip()[:1] in ("{", "[") else "; for plain keyword sets give --format txt"
        raise RequestError(f"not JSON: {error.msg} at character {error.pos + 1}{way_out}") from None
    except UnicodeEncodeError:
        raise RequestError(
            "half of a surrogate pair (\\ud800 to \\udfff) is not a character; write both halves or neither"
        ) from None
    except (RecursionError, ValueError):  # a number of thousands of digits is a ValueError, too
        raise RequestError("not JSON that can be read: it is nested too deeply, or a number is too long") from None
    if not isinstance(values, dict):
        raise RequestError(f'a job is an object such as {{"keywords": "dog,park"}}, not {text.strip()[:40]}')
    return values


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise RequestError(f"field {twice!r} is given twice")
    return values


def _refuse_constant(name: str) -> Any:
    raise RequestError(f"{name} is not a JSON number")


def _table(lines: Iterator[_Line], separator: str) -> Iterator[Job]:
    header: list[str] | None = None
    begin = ""
    for taken, cells, error in _rows(lines, separator):
        fingerprint = _joined(begin, taken)
        if header is None:
            if error:
                raise RequestError(f"line {taken[-1].number}, the header: {error}")
            header, begin = [name.strip() for name in cells], fingerprint
            if len(set(header)) < len(header) or "" in header:
                raise RequestError(
                    f"line {taken[-1].number}: a header names each field once, not {','.join(header)[:80]!r}"
                )
            continue
        if not error and len(cells) != len(header):
            error = f"the row has {len(cells)} cells, but the header has {len(header)}"
        values = (
            {} if error else {name: _cell(name, cell) for name, cell in zip(header, cells, strict=True) if cell.strip()}
        )
        yield Job(taken[-1].number, fingerprint, values, error, taken[-1].end)


def _rows(lines: Iterator[_Line], separator: str) -> Iterator[tuple[list[_Line], list[str], str]]:
    """Yield for each row of a table the lines it was read from, its cells, and an error or ""."""
    ahead: deque[_Line] = deque()  # read in search of a closing quotation mark that is not there
    while (line := _next(ahead, lines)) is not None:
        taken, cells, error = [line], [], ""
        try:
            cells = next(csv.reader(_texts(taken, ahead, lines), delimiter=separator, strict=True))
        except (RequestError, csv.Error) as wrong:
            is_open = len(taken) > 1 or "unexpected end" in str(wrong)
            error = (
                f"a quotation mark opens a cell and is never closed within {LONGEST_ROW} lines"
                if is_open
                else str(wrong)
            )
            ahead.extendleft(reversed(taken[1:]))
            del taken[1:]
        if error or any(cell.strip() for cell in cells):
            yield taken, cells, error


def _texts(taken: list[_Line], ahead: deque[_Line], lines: Iterator[_Line]) -> Iterator[str]:
    """Yield the text of a line and of those behind it as far as they are asked for, and keep them in `taken`."""
    yield taken[0].text() + "\n"
    while len(taken) < LONGEST_ROW and (line := _next(ahead, lines)) is not None:
        taken.append(line)
        yield line.text() + "\n"


def _next(ahead: deque[_Line], lines: Iterator[_Line]) -> _Line | None:
    return ahead.popleft() if ahead else next(lines, None)


def _joined(begin: str, lines: list[_Line]) -> str:
    whole = begin + "".join(line.fingerprint for line in lines)
    return hashlib.blake2b(whole.encode(), digest_size=8).hexdigest()


def _cell(name: str, text: str) -> Any:
    """Return a cell as a number, a truth value, a list or an object if it is written as one in JSON; else as text.

    Example:
        >>> _cell("n", "7"), _cell("keywords", "2024,park"), _cell("ordered", "true"), _cell("keywords", '["a"]')
        (7, '2024,park', True, ['a'])
    """
    text, flag = text.strip(), demand_flags().get(name)
    textual = name in TEXTS or (flag is not None and (flag.is_list or flag.type is str))
    if textual and text[:1] != "[":
        return text
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return text
