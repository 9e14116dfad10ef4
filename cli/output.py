"""The one place that writes: results on stdout, everything else on stderr."""

import io
import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

__all__ = ["complain", "highlighted", "progress_line", "utf8", "write_json", "write_line"]

#: Progress is shown only on work that takes longer than this.
QUIET_SECONDS = 0.5

BOLD, PLAIN = "\x1b[1;36m", "\x1b[0m"


def utf8() -> None:
    """Read and write UTF-8 whatever the locale says."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def complain(message: str) -> None:
    """Write one line to stderr."""
    sys.stderr.write(f"searchgen: {' '.join(message.splitlines())}\n")
    sys.stderr.flush()


def write_line(text: str) -> None:
    """Write one line to stdout and flush it, so that a reader of the pipe has it at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def write_json(row: Mapping[str, Any]) -> None:
    """Write one JSON line to stdout and flush it."""
    write_line(json.dumps(row, ensure_ascii=False))


def highlighted(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """Return the text with the given spans in colour when stdout is a terminal that wants it."""
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR"):
        return text
    for start, end in sorted(spans, reverse=True):
        text = text[:start] + BOLD + text[start:end] + PLAIN + text[end:]
    return text


@contextmanager
def progress_line() -> Iterator[Callable[[float], None] | None]:
    """Give a callback that shows the share done on a terminal's stderr, or None without a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    begun = time.monotonic()
    bar = Progress(
        TextColumn("searching"), BarColumn(), TimeRemainingColumn(), console=Console(stderr=True), transient=True
    )
    task = bar.add_task("searching", total=1.0)

    def show(share: float) -> None:
        if time.monotonic() - begun > QUIET_SECONDS and not bar.live.is_started:
            bar.start()
        bar.update(task, completed=share)

    try:
        yield show
    finally:
        if bar.live.is_started:
            bar.stop()
