"""Which ids have occurred, kept in a temporary file so that memory does not grow with the number of jobs."""

import sqlite3

__all__ = ["Seen"]

#: Kilobytes of the table kept in memory.
CACHE = 512


class Seen:
    """The ids of the jobs so far, each with its line."""

    def __init__(self) -> None:
        """Open an empty table, which goes away with the process."""
        self._table = sqlite3.connect("", isolation_level=None)  # "": a file without a name
        for pragma in ("journal_mode=OFF", "synchronous=OFF", f"cache_size=-{CACHE}", "locking_mode=EXCLUSIVE"):
            self._table.execute(f"PRAGMA {pragma}")
        self._table.execute("CREATE TABLE seen (id PRIMARY KEY, line INTEGER) WITHOUT ROWID")

    def line_of(self, job: str | int, line: int) -> int | None:
        """Return the line where an id has occurred before, or None and remember that it occurs here.

        Example:
            >>> seen = Seen()
            >>> seen.line_of("a", 1), seen.line_of(1, 2), seen.line_of("1", 3), seen.line_of("a", 4)
            (None, None, None, 1)
        """
        try:
            self._table.execute("INSERT INTO seen VALUES (?, ?)", (job, line))
        except sqlite3.IntegrityError:
            row = self._table.execute("SELECT line FROM seen WHERE id = ?", (job,)).fetchone()
            return int(row[0])
        return None
