"""Files of one JSON line a request that a step goes on writing where it was: a first line says what made them."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

__all__ = ["Records", "header_of", "read_records"]


class Records:
    """A file of records under a header; a last line that was cut off is written again.

    Attributes:
        path: the file.
        done: records that are there.
    """

    def __init__(self, path: Path, header: dict[str, Any], way_out: str) -> None:
        """Open the file, or begin it.

        Args:
            path: the file.
            header: what makes its records.
            way_out: what to do where the file was made by something else.
        """
        self.path = path
        content = path.read_bytes() if path.exists() else b""
        whole = content[: content.rfind(b"\n") + 1]
        if not whole:
            whole = (json.dumps(header) + "\n").encode()
        lines = whole.splitlines()
        had = json.loads(lines[0])
        for name, value in header.items():
            if had.get(name) != value:
                sys.exit(f"{path} has {name} {had.get(name)}, not {value}; {way_out}")
        if whole != content:
            path.write_bytes(whole)
        self.done = len(lines) - 1

    def add(self, record: Any) -> None:
        """Write a record."""
        with self.path.open("ab") as file:
            file.write((json.dumps(record, ensure_ascii=False) + "\n").encode())
        self.done += 1


def header_of(path: Path) -> dict[str, Any]:
    """Return what made the records of a file."""
    with path.open("rb") as file:
        header: dict[str, Any] = json.loads(file.readline())
    return header


def read_records(path: Path) -> Iterator[Any]:
    """Yield the whole records of a file, its header left out."""
    content = path.read_bytes()
    for line in content[: content.rfind(b"\n") + 1].splitlines()[1:]:
        yield json.loads(line)
