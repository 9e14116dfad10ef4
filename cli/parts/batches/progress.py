"""How far a batch is: on a terminal a line that changes, elsewhere one line a minute."""

import os
import time
from collections.abc import Mapping
from typing import BinaryIO

from searchgen.batch.jobs import Job
from searchgen.batch.store import is_plain
from searchgen.cli.output import Shown, complain

__all__ = ["Pace", "clock", "counted"]

#: Without a terminal, how often a line shows how far the run is.
PROGRESS_SECONDS = 60.0


class Pace:
    """Shows rows, rate and time left; both count from the first answer of this run."""

    def __init__(self, stream: BinaryIO, show: Shown | None) -> None:
        """Begin.

        Args:
            stream: the jobs; of a plain file the share that is done is known.
            show: draws on a terminal; None: there is none.
        """
        self.show = show
        self.size = _size(stream)
        self.last_line = time.monotonic()
        self.origin: tuple[float, int, float] | None = None  # time, rows and share at the first answer

    def update(self, job: Job, counts: Mapping[str, int]) -> None:
        """Show how far the run is, if it is time to.

        Args:
            job: the last one that has its row.
            counts: rows of each status.
        """
        now, share, rows = time.monotonic(), job.end / self.size if self.size else 0.0, sum(counts.values())
        if self.origin is None:
            self.origin = now, rows, share
        if self.show is None and now - self.last_line < PROGRESS_SECONDS:
            return
        line = counted(counts) + self._rate(now, rows, share)
        if self.show is not None:
            self.show(line, min(share, 0.999))
        else:
            self.last_line = now
            complain(line)

    def _rate(self, now: float, rows: int, share: float) -> str:
        assert self.origin is not None
        start, first, at = self.origin
        if rows == first:
            return ""
        rate = f", {(rows - first) / max(now - start, 1e-9):.1f}/s"
        return rate + (f", {clock((now - start) * (1 - share) / (share - at))} left" if share > at else "")


def counted(counts: Mapping[str, int]) -> str:
    """Return rows of each status in words.

    Example:
        >>> counted({"ok": 7, "infeasible": 1, "error": 0})
        '7 ok, 1 infeasible, 0 error'
    """
    return ", ".join(f"{count} {status}" for status, count in counts.items())


def clock(seconds: float) -> str:
    """Return a time as hours, minutes and seconds.

    Example:
        >>> clock(3730.4)
        '1:02:10'
    """
    whole = round(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"


def _size(stream: BinaryIO) -> int:
    try:
        return os.fstat(stream.fileno()).st_size if is_plain(stream.fileno()) else 0
    except (OSError, ValueError):
        return 0
