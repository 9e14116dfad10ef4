"""The table of `searchgen compare`: methods with a law, then searches, which have no law."""

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from searchgen.jobs.compare import Row

__all__ = ["compact", "lines"]

#: More than a table is wide, so that nothing is cut off.
AMPLE = 1000

COLUMNS = ("kind", "satisfied", "mean", "best", "ESS/s", "distinct", "evaluations", "R-hat", "log Z")
SHORT = {"satisfied": "ok", "evaluations": "evals"}


def compact(number: float | None) -> str:
    """Return a count or a rate in at most five signs.

    Example:
        >>> [compact(value) for value in (None, 0.25, 87.6, 1234, 98765, 12345678)]
        ['-', '0.25', '88', '1234', '99k', '12M']
    """
    if number is None:
        return "-"
    if abs(number) < 10:
        return f"{number:.2g}"
    for unit, least in (("G", 1e10), ("M", 1e7), ("k", 1e4)):
        if abs(number) >= least:
            return f"{number / {'G': 1e9, 'M': 1e6, 'k': 1e3}[unit]:.0f}{unit}"
    return f"{number:.0f}"


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
    laws, searches = _apart(rows)
    return [*text, "", *_remarks(rows, bool(laws and searches), why if laws else "", log_z)]


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
            table.add_row(*_cells(row, repeated, narrow))
    console = Console(file=io.StringIO(), width=AMPLE, no_color=True)
    console.print(table)
    written: io.StringIO = console.file  # type: ignore[assignment]
    return [line.rstrip() for line in written.getvalue().splitlines()]


def _cells(row: "Row", repeated: bool, narrow: bool) -> list[str]:
    gap, digits = ("", ".1f") if narrow else (" ", ".2f")
    name = row.sampler + (f" {row.run}" if repeated else "") + (f"{gap}*" if row.trusted is False else "")
    if row.error:
        return [name, row.kind, *["-"] * (len(COLUMNS) - 1)]
    mass = "-"
    if row.log_z is not None:
        mass = format(row.log_z, ".2f" if abs(row.log_z) < 100 else ".1f") + (
            "" if row.log_z_error is None else f"{gap}±{row.log_z_error:.2f}"
        )
    return [
        name,
        row.kind,
        "-" if row.satisfied is None else f"{row.satisfied:.0%}",
        "-" if row.mean is None else format(row.mean, digits),
        "-" if row.best is None else format(row.best, digits),
        compact(row.ess_per_second),
        compact(row.distinct),
        compact(row.evaluations),
        "-" if row.r_hat is None else f"{row.r_hat:.2f}",
        mass,
    ]


def _remarks(rows: Sequence["Row"], apart: bool, why: str, log_z: float | None) -> list[str]:
    remarks = []
    if why:
        remarks.append(f"log Z {'is ' + format(log_z, '.4f') if log_z is not None else 'is estimated only'}: {why}")
    if apart:
        remarks.append("searches are below the line: their texts follow no law")
    for row in rows:
        if row.trusted is False and row.doubts:
            run = f" {row.run}" if any(other.run > 1 for other in rows) else ""
            remarks.append(f"* {row.sampler}{run}: {row.doubts[0]}")
    return remarks
