r"""Rows of an ARPA file: `log10 p <TAB> words <TAB> log10 back-off`, a single space between words, the back-off at times left out.

Some tools put spaces for tabs, or tabs for spaces. What is left out then shifts what follows: such a row is read only where it can be read
in one way, so that no number is taken for a word.
"""

import re
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["NUMBER", "Rows", "UnreadableRow", "rows_of"]

NUMBER = re.compile(rb"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|-inf(inity)?", re.IGNORECASE)

TAB, LINE_END, SPACE = b"\t\n "


class Rows(NamedTuple):
    """Several rows, by column."""

    log_p: list[bytes]
    words: list[list[bytes]]  # one list for each of the words of an n-gram
    log_backoff: list[bytes] | None  # None: every row leaves it out


class UnreadableRow(Exception):
    """A row has too few fields, or too many, or can be read in two ways."""

    def __init__(self, row: int, reason: str) -> None:
        """Remember the place."""
        super().__init__(row, reason)
        self.row, self.reason = row, reason


def rows_of(lines: list[bytes], order: int) -> Rows:
    r"""Return the fields of lines.

    Args:
        lines: at least one, each with its end.
        order: the number of words in each.

    Raises:
        UnreadableRow: one cannot be read.

    Example:
        >>> rows_of([b"-0.3\tthe dog\t-0.1\n", b"-0.5\ta cat\n"], 2)
        Rows(log_p=[b'-0.3', b'-0.5'], words=[[b'the', b'a'], [b'dog', b'cat']], log_backoff=[b'-0.1', b'0'])
    """
    content = b"".join(lines).replace(b"\r\n", b"\n")
    for ends in ((TAB, LINE_END), (LINE_END,)):
        if _are_regular(content, len(lines), [TAB, *[SPACE] * (order - 1), *ends]):
            fields, width = content.split(), order + len(ends)
            columns = [fields[n::width] for n in range(width)]
            return Rows(columns[0], columns[1 : order + 1], columns[order + 1] if width == order + 2 else None)
    columns = [list(column) for column in zip(*(_row(i, line, order) for i, line in enumerate(lines)), strict=True)]
    return Rows(columns[0], columns[1:-1], columns[-1])


def _are_regular(content: bytes, lines: int, pattern: list[int]) -> bool:
    """Return whether every line has exactly these separators, and something before each of them: then no line need be looked at."""
    signs: npt.NDArray[Any] = np.frombuffer(content, np.uint8)
    at = np.flatnonzero(signs <= SPACE)
    if len(at) != lines * len(pattern) or at[0] == 0 or np.diff(at).min(initial=2) < 2:
        return False
    return bool((signs[at].reshape(lines, -1) == np.array(pattern, np.uint8)).all())


def _row(i: int, line: bytes, order: int) -> tuple[bytes, ...]:
    """Return log p, words and back-off of a line; a back-off that is left out is "0"."""
    line = line.strip(b" \t\r\n")
    parts = [part.strip(b" ") for part in line.split(b"\t")]
    if len(parts) in (2, 3) and b" " not in parts[0]:
        words = [word for word in parts[1].split(b" ") if word]
        if len(words) == order:
            return (parts[0], *words, parts[2] if len(parts) == 3 else b"0")
    fields = re.split(rb"[ \t]+", line)
    if len(fields) == order + 2:
        return tuple(fields)
    if len(fields) != order + 1:
        reason = f"found {len(fields)} fields where log10 p, {order} word(s) and a back-off should stand"
        raise UnreadableRow(i, reason)
    if b"" in parts or b"  " in line:
        raise UnreadableRow(i, "a word is empty; take the line out, or give the word a name")
    if b"\t" in line and NUMBER.fullmatch(fields[-1]):
        last = fields[-1].decode()
        raise UnreadableRow(
            i, f"{last} may be a word or a back-off; put tabs around the words, and spaces between them"
        )
    return (*fields, b"0")
