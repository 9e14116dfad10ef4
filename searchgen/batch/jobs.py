"""Job files: one job a line of JSON, of keywords, or of a table, each with a fingerprint of the bytes it came from.

    txt     a line is a value of `--keywords`
    jsonl   a line is an object; its keys are fields of a request, with `id`, `n` and `budget` as on the command line
    csv     a header names the fields; an empty cell is a field that is not given; the header shows what parts the cells
    tsv     the same, with tabs where the header does not show it

A line that cannot be read is a job as well: it has an `error` instead of values, and becomes an error row.
"""

import csv
import hashlib
import json
import math
from collections import deque
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from typing import Any, BinaryIO

from searchgen.demands.demands import demand_flags
from searchgen.errors import RequestError, not_utf8
from searchgen.request.from_values import columns_of, field_names, refuse_unknown

__all__ = ["FORMATS", "LONGEST_LINE", "Job", "format_of", "read_jobs"]

FORMATS = ("jsonl", "txt", "csv", "tsv")

#: The longest line of a job file, in bytes; what is longer is passed over without being held.
LONGEST_LINE = 1_000_000

#: Fields of a table that are text even where they look like a number, beside those of constraints.
TEXTS = ("id", "custom_id", "lm", "sampler", "command", "text")

#: The most lines of a table's row: a cell between quotation marks may go on in the next line.
LONGEST_ROW = 100

SEPARATORS = {"csv": ",", "tsv": "\t"}

#: What may part cells, each with its name; spreadsheets take the semicolon where a comma is part of numbers.
PARTING = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}

#: How a file in UTF-16 begins.
UTF16 = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True)
class Job:
    """A job as its line has it.

    Attributes:
        line: number of the line, from 1; of a table's row that spans several, the last.
        fingerprint: 16 hexadecimal digits of the bytes it was read from.
        values: its fields; empty when there is an error.
        error: why the line is not a job, or "".
        end: where its last line ends in the file.
        attempt: how often it was done before and had no new text.
    """

    line: int
    fingerprint: str
    values: dict[str, Any]
    error: str = ""
    end: int = 0
    attempt: int = 0


def format_of(name: str) -> str:
    """Return the format that a file's name ends in; JSON Lines for a name that says nothing.

    Example:
        >>> format_of("sets.TXT"), format_of("-"), format_of("jobs.ndjson")
        ('txt', 'jsonl', 'jsonl')
    """
    end = name.rpartition(".")[2].lower()
    return end if end in FORMATS else "jsonl"


def read_jobs(
    stream: BinaryIO, form: str, keep_columns: bool = False, note: Callable[[str], None] | None = None
) -> Iterator[Job]:
    """Yield the jobs of a file one by one, holding one line at a time.

    Blank lines, and rows of empty cells, are passed over in every format but txt, where each line has its row.

    Args:
        stream: bytes; UTF-8, with or without a byte-order mark.
        form: one of `FORMATS`.
        keep_columns: whether a table may have columns that are no fields.
        note: takes one line if the cells of a table are parted otherwise than its format says.

    Raises:
        RequestError: the file is of another form, or the header of a table names a field twice or an unknown one.
    """
    lines = _lines(stream)
    first = next((line for line in lines if line.data.strip() or line.too_long or form == "txt"), None)
    if first is None:
        return
    _refuse_other_form(first, form)
    lines = chain([first], lines)
    if form in SEPARATORS:
        yield from _table(lines, form, keep_columns, note)
        return
    parse = _keywords if form == "txt" else _object
    for line in lines:
        if line.data.strip() or form == "txt" or line.too_long:
            yield _job(line, parse)


def _refuse_other_form(first: "_Line", form: str) -> None:
    """Refuse a file whose first line shows that it is of another form, which else would be an error in each line."""
    if first.data.startswith(UTF16):
        raise RequestError("the file is in UTF-16; save it as UTF-8")
    begin = first.data.removeprefix(b"\xef\xbb\xbf").strip()
    if form == "jsonl" and begin.startswith(b"["):
        raise RequestError("the file is a JSON array; write one object a line, for example with: jq -c '.[]' FILE")
    if form == "jsonl" and begin == b"{":
        raise RequestError(
            "the objects of the file span several lines; write each in one, for example with: jq -c . FILE"
        )


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
            raise RequestError(not_utf8(error)) from None
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
        values = json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse_constant, parse_float=_finite)
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


def _finite(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        raise RequestError(f"{digits[:20]} is larger than any number that can be read")
    return value


def _table(lines: Iterator[_Line], form: str, keep_columns: bool, note: Callable[[str], None] | None) -> Iterator[Job]:
    header: list[str] | None = None
    begin = ""
    lines, separator = _parted(lines, SEPARATORS[form])
    if separator != SEPARATORS[form] and note is not None:
        note(f"the cells are parted by {PARTING[separator]}")
    for taken, cells, error in _rows(lines, separator):
        fingerprint = _joined(begin, taken)
        if header is None:
            if error:
                raise RequestError(f"line {taken[-1].number}, the header: {error}")
            header, begin = _header(cells, taken[-1].number, keep_columns), fingerprint
            continue
        if not error and len(cells) != len(header):
            error = f"the row has {len(cells)} cells, but the header has {len(header)}"
        values: dict[str, Any] = {}
        try:
            values = {} if error else _row_values(header, cells)
        except RequestError as wrong:
            error = str(wrong)
        yield Job(taken[-1].number, fingerprint, values, error, taken[-1].end)


def _parted(lines: Iterator[_Line], usual: str) -> tuple[Iterator[_Line], str]:
    """Return the lines of a table, and what parts its cells: by a line `sep=;`, or as most fields are found in the header."""
    first = next(lines)
    try:
        text = first.text().rstrip()
    except RequestError:
        return chain([first], lines), usual  # refused as the header
    if len(text) == 5 and text.startswith("sep=") and text[4] in PARTING:
        return lines, text[4]
    found = {separator: 0 for separator in (usual, *PARTING)}
    for separator in found:
        with suppress(csv.Error):
            cells = next(csv.reader([text], delimiter=separator))
            found[separator] = sum(_as_field(cell, field_names(True)) in field_names(True) for cell in cells)
    return chain([first], lines), max(found, key=lambda separator: found[separator])


def _as_field(cell: str, known: Collection[str]) -> str:
    """Return the cell of a header as the field that it names, in whatever case."""
    name = cell.strip()
    return name.lower() if name.lower() in known else name


def _header(cells: list[str], number: int, keep_columns: bool) -> list[str]:
    known = field_names(any(cell.strip().lower() == "command" for cell in cells))
    header = [_as_field(cell, known) for cell in cells]
    if len(set(header)) < len(header) or "" in header:
        raise RequestError(f"line {number}: a header names each field once, not {','.join(header)[:80]!r}")
    try:
        for name in columns_of(dict.fromkeys(header)):
            refuse_unknown(name, keep_columns)
    except RequestError as error:
        raise RequestError(f"line {number}, the header: {error}") from None
    return header


def _row_values(header: list[str], cells: list[str]) -> dict[str, Any]:
    """Return the fields of a row, those in empty cells left out, and the user's own columns as they stand."""
    known = field_names("command" in header)
    row = zip(header, cells, strict=True)
    return {
        name: _cell(name, cell) if name in known else cell for name, cell in row if cell.strip() or name not in known
    }


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
        return json.loads(text, parse_constant=_refuse_constant, parse_float=_finite)
    except (ValueError, RecursionError):
        return text
