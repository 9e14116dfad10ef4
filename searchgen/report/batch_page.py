"""The page of a batch: how it went, the jobs without a text first."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from searchgen.markup.charts import bar_chart
from searchgen.markup.marked import marked
from searchgen.report.page import rendered, safe

__all__ = ["BatchRows", "batch_page"]

#: Rows that a page shows, of jobs without a text and of others; and characters of a text.
MOST_FAILED, MOST_DONE, LONGEST = 1000, 200, 300

#: Bars of the plot of times.
BARS = 10

HEADINGS = {"error": "Jobs that are wrong", "infeasible": "Jobs without a text", "ok": "Jobs with their texts"}


@dataclass
class BatchRows:
    """Rows as they come, as many as a page shows.

    Attributes:
        rows: of each status.
        counts: of all rows of each status.
        seconds: of each job of this run.
    """

    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)

    def add(self, row: bytes, seconds: float | None = None) -> None:
        """Take a row as it is written; `seconds`: what its job took, if it is known."""
        values = json.loads(row)
        status = str(values.get("status"))
        kept = self.rows.setdefault(status, [])
        if len(kept) < (MOST_DONE if status == "ok" else MOST_FAILED):
            kept.append(_shown(values))
        self.counts[status] = self.counts.get(status, 0) + 1
        if seconds is not None:
            self.seconds.append(seconds)


def batch_page(rows: BatchRows, figures: Mapping[str, Any], title: str) -> str:
    """Return the page.

    Args:
        rows: of the run, and of earlier ones that it goes on with.
        figures: times and counters of the run.
        title: name of the job file.
    """
    counts = rows.counts
    failed = sum(count for status, count in counts.items() if status != "ok")
    done = counts.get("ok", 0)
    words = f"{failed + done:,} jobs: {done:,} have their texts"
    words += f", {failed:,} have none." if failed else "."
    parts = [
        {
            "title": f"{HEADINGS.get(status, status)} ({counts[status]:,})",
            "rows": rows.rows[status],
            "left_out": counts[status] - len(rows.rows[status]),
        }
        for status in sorted(rows.rows, key=lambda status: (status == "ok", status))
    ]
    bars = _bars(rows.seconds)
    page = {
        "command": "batch",
        "title": title,
        "verdict": words,
        "state": "good" if not failed else "doubt" if done else "bad",
        "request_title": "The run",
        "request": [(name.replace("_", " "), _value(value)) for name, value in figures.items()],
        "parts": parts,
        "chart": safe(bar_chart(bars, "jobs", "number of jobs by the seconds they took")),
        "chart_note": f"How many of the {len(rows.seconds):,} jobs of this run took so many seconds.",
    }
    return rendered("batch.html", page)


def _shown(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the page shows of a row."""
    diagnostics = values.get("diagnostics") or {}
    error, name, line = diagnostics.get("error"), values.get("id"), diagnostics.get("line")
    named = f"job {name}" if name is not None else f"line {line}" if line is not None else "a line"
    texts = [_marked(result) for result in values.get("results") or []]
    return {"name": named, "texts": texts, "error": None if error is None else str(error)[: 2 * LONGEST]}


def _marked(result: Mapping[str, Any]) -> Any:
    """Return a text with its demanded words marked, cut where it is longer than a page shows."""
    text = str(result["text"])[:LONGEST]
    spans = [(min(span["start"], LONGEST), min(span["end"], LONGEST)) for span in result.get("spans") or ()]
    return safe(marked(text, {"demanded": spans}))


def _bars(seconds: list[float]) -> list[tuple[str, float]]:
    if not seconds:
        return []
    longest = max(seconds)
    width = longest / BARS or 1.0
    heights = [0] * BARS
    for each in seconds:
        heights[min(BARS - 1, int(each / width))] += 1
    return [(f"{i * width:.2f} to {(i + 1) * width:.2f} s", float(height)) for i, height in enumerate(heights)]


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{count} {name}" for name, count in value.items())
    return f"{value:.2f}" if isinstance(value, float) else str(value)
