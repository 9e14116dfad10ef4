"""The table of `searchgen compare`: methods with a law, then searches, which have no law."""

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from searchgen.jobs.compared import COLUMNS, cells, remarks

if TYPE_CHECKING:
    from searchgen.jobs.compare import Row

__all__ = ["lines"]

#: More than a table is wide, so that nothing is cut off.
AMPLE = 1000

SHORT = {"satisfied": "ok", "evaluations": "evals"}


def lines(rows: Sequence["Row"], log_z: float | None, why: str, width: int | None = None) -> list[str]:
    """Return the table as lines.

    Args:
        rows: in the order to be shown.
        log_z: the exact value, if it is known.
        why: a remark on it.
        width: of the terminal, on which numbers have fewer digits if they do not fit otherwise; None: stdout is no terminal.
    """
    text = _drawn(rows, narrow=False)
    if width is not None and max(map(len, text)) > width:
        text = _drawn(rows, narrow=True)
    return [*text, "", *remarks(rows, why, log_z)]


def _apart(rows: Sequence["Row"]) -> tuple[list["Row"], list["Row"]]:
    """Return the rows of methods that have a law, and those of searches."""
    return [row for row in rows if row.kind != "search"], [row for row in rows if row.kind == "search"]


def _drawn(rows: Sequence["Row"], *, narrow: bool) -> list[str]:
    """Return the lines of the table itself, as wide as its cells."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 0 if narrow else 1, 0, 0), show_edge=False)
    table.add_column("sampler", no_wrap=True)
    for name in COLUMNS:
        side: Any = "left" if name == "kind" else "right"
        table.add_column(SHORT.get(name, name) if narrow else name, justify=side, no_wrap=True)
    repeated = any(row.run > 1 for row in rows)
    for number, part in enumerate(_apart(rows)):
        if number and part:
            table.add_section()
        for row in part:
            table.add_row(*cells(row, repeated, narrow))
    console = Console(file=io.StringIO(), width=AMPLE, no_color=True)
    console.print(table)
    written: io.StringIO = console.file  # type: ignore[assignment]
    return [line.rstrip() for line in written.getvalue().splitlines()]
