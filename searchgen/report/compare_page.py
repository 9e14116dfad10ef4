"""The page of a comparison of samplers."""

from searchgen.jobs.compared import Compared
from searchgen.report.meanings import COLUMNS
from searchgen.report.page import rendered, request_facts, safe

__all__ = ["compare_page"]


def compare_page(compared: Compared) -> str:
    """Return the page: the table, what its columns mean, and a plot of each estimate with its errors."""
    rows = compared.rows
    law = [row for row in rows if row.kind != "search" and not row.error]
    trusted = list(dict.fromkeys(row.sampler for row in law if row.trusted))
    doubted = list(dict.fromkeys(row.sampler for row in law if not row.trusted))
    failed = list(dict.fromkeys(f"{row.sampler}: {row.error}" for row in rows if row.error))
    parts = [f"Compared {len({row.sampler for row in rows})} samplers on one target."]
    if trusted:
        best = max((row for row in law if row.trusted), key=lambda row: row.ess_per_second or 0.0)
        parts.append(
            f"The diagnostics raise no doubt about {', '.join(trusted)}; {best.sampler} makes the most effective draws a second."
        )
    if doubted:
        parts.append(f"The draws of {', '.join(doubted)} cannot be trusted for estimates.")
    if failed:
        parts.append(f"{len(failed)} made no draw.")
    page = {
        "command": "compare",
        "title": ", ".join("|".join(item) for item in compared.request.keywords) or "texts",
        "verdict": " ".join(parts),
        "state": "bad" if not law else "good" if trusted and not failed else "doubt",
        "notes": failed,
        "request": [(name, value) for name, value in request_facts(compared.request) if name != "sampler"],
        "table": safe(compared.table),
        "remarks": compared.remarks,
        "figures": [{"name": name, "meaning": meaning} for name, meaning in COLUMNS.items()],
        "charts": [(title, safe(chart), note) for title, chart, note in compared.charts()],
    }
    return rendered("compare.html", page)
