"""Standard input: read by one flag only, never from a terminal by accident."""

import sys
from collections.abc import Iterator, Sequence
from typing import BinaryIO

from searchgen.cli.parts.outputs import refuse_reading_own_output
from searchgen.errors import RequestError

__all__ = ["lines", "refuse_twice", "standard_input"]


def standard_input(asked_by: str) -> BinaryIO:
    """Return standard input.

    Args:
        asked_by: the reader, for the message.

    Raises:
        RequestError: it is a terminal or closed, or the file that stdout goes to.
    """
    if sys.stdin is None or sys.stdin.closed:
        raise RequestError(f"{asked_by} reads stdin, and stdin is closed; pipe a file into it")
    if sys.stdin.isatty():
        raise RequestError(f"{asked_by} reads stdin, and stdin is a terminal; pipe a file into it")
    refuse_reading_own_output(asked_by)
    return sys.stdin.buffer


def lines(stream: BinaryIO) -> Iterator[bytes]:
    """Yield each line as soon as it is there, without waiting for the next."""
    return iter(stream.readline, b"")


def refuse_twice(values: Sequence[str], flag: str) -> None:
    """Refuse a list in which `-` is not the only value: stdin can be read once, for one purpose.

    Raises:
        RequestError: in this case.
    """
    if "-" in values and len(values) > 1:
        raise RequestError(
            f"{flag} - reads stdin and must be the only value, but there are {len(values)} values; give - once, or only words"
        )
