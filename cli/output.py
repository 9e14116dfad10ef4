"""The one place that writes: results on stdout, everything else on stderr."""

import errno
import io
import json
import logging
import os
import shutil
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from threading import Lock, Timer
from typing import TYPE_CHECKING, Any, TextIO

from searchgen.cli.parts.columns import wrapped

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

__all__ = [
    "Shown",
    "complain",
    "complain_of",
    "highlighted",
    "hush",
    "hush_libraries",
    "hushed",
    "is_watched",
    "live_console",
    "note",
    "open_stdout",
    "progress",
    "terminal_width",
    "utf8",
    "write_json",
    "write_line",
    "write_text",
]

#: Progress is shown only on work that takes longer than this.
QUIET_SECONDS = 0.5

#: Characters of an error.
LONGEST_MESSAGE = 600

BOLD, PLAIN = "\x1b[1;36m", "\x1b[0m"

#: Whether `--quiet` was given.
_quiet = False

#: Takes the name of a stage and how much of it is done, from 0 to 1.
Shown = Callable[[str, float], None]


def utf8() -> None:
    """Read and write UTF-8 whatever the locale says."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def complain(message: str) -> None:
    """Write one line to stderr, broken between words on a terminal; signs that steer a terminal are shown as escapes."""
    line = " ".join(message.split())
    line = "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in line)
    with suppress(OSError, ValueError, AttributeError):  # nobody reads it: closed, or never open
        sys.stderr.write("\n".join(wrapped(f"searchgen: {line}", _stderr_width())) + "\n")
        sys.stderr.flush()


def hush(quiet: bool) -> bool:
    """Leave notes and progress out from now on, or no longer; errors and results are always written."""
    global _quiet
    _quiet = quiet
    return quiet


def hushed() -> bool:
    """Return whether notes and progress are left out."""
    return _quiet


def live_console() -> "Console | None":
    """Return the terminal that stderr is, to draw on; None: it is none, it cannot move its cursor, or `--quiet`."""
    if _quiet or sys.stderr is None or not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        return None
    from rich.console import Console

    return Console(stderr=True)


def hush_libraries() -> None:
    """Keep all messages of libraries off stderr, for good; for the process of a command line, never for one that imports us.

    Warnings and log lines of Python are dropped. What is written past Python, as onnxruntime does while it is imported, goes to file 2,
    which leads nowhere from now on; `sys.stderr` has the terminal as a file of its own. Processes that we start inherit file 2.
    """
    warnings.simplefilter("ignore")
    warnings.showwarning = _drop  # for libraries that set filters of their own
    sys.unraisablehook = _drop  # of Ctrl-C where nothing can be raised
    logging.disable(logging.CRITICAL)
    with suppress(OSError, ValueError, AttributeError):  # closed, or never open
        sys.stderr.flush()
        # Without a buffer: what cannot be written would be tried again at the end, and change the exit code.
        ours = os.fdopen(os.dup(sys.stderr.fileno()), "wb", buffering=0)
        sys.stderr = io.TextIOWrapper(ours, "utf-8", "backslashreplace", line_buffering=True, write_through=True)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


def _drop(*_: object, **__: object) -> None:
    """Show no warning."""


def note(message: str) -> None:
    """Write one line to stderr that nobody needs to know, unless `--quiet`."""
    if not _quiet:
        complain(message)


def is_watched() -> bool:
    """Return whether a person reads along: stdout and stderr are a terminal, and notes are wanted."""
    return not _quiet and all(stream is not None and stream.isatty() for stream in (sys.stdout, sys.stderr))


def complain_of(error: Exception, where: str = "") -> None:
    """Write an error to stderr; of a long one, which repeats a long request, the middle is left out."""
    message = str(error)
    if len(message) > LONGEST_MESSAGE:
        message = f"{message[: LONGEST_MESSAGE // 2]} ... {message[-LONGEST_MESSAGE // 2 :]}"
    complain(where + message)


def open_stdout() -> TextIO:
    """Return stdout.

    Raises:
        OSError: it is closed.
    """
    if sys.stdout is None:
        raise OSError(errno.EBADF, "stdout is closed; there is nowhere to write results")
    return sys.stdout


def write_line(text: str) -> None:
    """Write one line to stdout and flush it, so that a reader of the pipe has it at once.

    Raises:
        OSError: stdout is closed or cannot be written.
    """
    stdout = open_stdout()
    stdout.write(text + "\n")
    stdout.flush()


def write_text(text: str, *, first: bool) -> None:
    """Write a result as it is printed; a blank line stands before one of several lines, unless it is the first."""
    if "\n" in text and not first:
        write_line("")
    write_line(text)


def write_json(row: Mapping[str, Any]) -> None:
    """Write one JSON line to stdout and flush it."""
    write_line(json.dumps(row, ensure_ascii=False))


def highlighted(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """Return the text with the given spans in colour when stdout is a terminal that wants it."""
    if sys.stdout is None or not sys.stdout.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return text
    for start, end in sorted(spans, reverse=True):
        text = text[:start] + BOLD + text[start:end] + PLAIN + text[end:]
    return text


def terminal_width() -> int | None:
    """Return the columns of the terminal that stdout is, None if it is none."""
    if sys.stdout is None or not sys.stdout.isatty():
        return None
    return shutil.get_terminal_size().columns


def _stderr_width() -> int | None:
    """Return the columns of the terminal that stderr is, None if it is none or does not know."""
    if not sys.stderr.isatty():
        return None
    with suppress(OSError, ValueError):  # an object in place of a file
        return os.get_terminal_size(sys.stderr.fileno()).columns or None
    return None


@contextmanager
def progress(what: str = "") -> Iterator[Shown | None]:
    """Give a callback that draws how much is done on a terminal's stderr, or None without a terminal and when `--quiet`.

    Args:
        what: is being done, shown with the time it takes until the callback says more; "": nothing is shown until then.
    """
    if _quiet or sys.stderr is None or not sys.stderr.isatty():
        yield None
        return
    bar = _Bar(what)
    try:
        yield bar.show
    finally:
        bar.stop()


class _Bar:
    """A bar that appears once the work has taken some time."""

    def __init__(self, what: str) -> None:
        """Begin to wait."""
        self.what, self.share = what, 0.0
        self.start, self.lock = time.monotonic(), Lock()
        self.drawn: Progress | None = None
        self.stopped = False
        self.timer = Timer(QUIET_SECONDS, self._draw)
        self.timer.daemon = True
        if what:
            self.timer.start()

    def show(self, what: str, share: float) -> None:
        """Take what is being done and how much of it is done, from 0 to 1."""
        self.what, self.share = what, share
        if self.drawn is not None or (time.monotonic() - self.start >= QUIET_SECONDS and share < 1):
            self._draw()

    def stop(self) -> None:
        """Take the bar away; it does not come any more."""
        self.timer.cancel()
        with self.lock:
            self.stopped = True
            if self.drawn is not None:
                self.drawn.stop()

    def _draw(self) -> None:
        with self.lock:
            if self.stopped:
                return
            if self.drawn is None:
                self.drawn = _bar()
            # Without a share the bar only shows that time passes.
            self.drawn.update(
                self.drawn.task_ids[0], description=self.what, completed=self.share, total=1.0 if self.share else None
            )


def _bar() -> "Progress":
    # rich is imported late: a short job on a terminal need not wait for it.
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn()
    bar = Progress(*columns, console=Console(stderr=True), transient=True)
    bar.add_task("", total=None)
    bar.start()
    return bar
