"""Rows: what a batch writes of each job, as one line of JSON that does not depend on the clock."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from searchgen.errors import Contradiction, Impossible, NothingFound
from searchgen.plain_json import plain
from searchgen.record import Record

__all__ = ["STATUSES", "answered", "answered_by", "encode", "failed", "unanswered"]

STATUSES = ("ok", "infeasible", "error")


def answered(job: str | int, records: Sequence[Record], diagnostics: dict[str, Any]) -> dict[str, Any]:
    """Return the row of a job with results."""
    return answered_by(job, [record.as_json() for record in records], diagnostics)


def answered_by(job: str | int, records: Sequence[Mapping[str, Any]], diagnostics: dict[str, Any]) -> dict[str, Any]:
    """Return the row of a job whose results are plain values already.

    Args:
        job: its id.
        records: one or more.
        diagnostics: notes, and counts of the run.
    """
    return {
        "id": job,
        "status": "ok",
        "results": [dict(record) for record in records],
        "diagnostics": plain(diagnostics),
        "signature": records[0]["signature"],
    }


def unanswered(job: str | int, error: NothingFound | Contradiction, signature: str | None) -> dict[str, Any]:
    """Return the row of a well-formed job without a text; `proved` says whether there can be none."""
    diagnostics = {"error": str(error), "proved": isinstance(error, Impossible | Contradiction)}
    return {"id": job, "status": "infeasible", "results": [], "diagnostics": diagnostics, "signature": signature}


def failed(job: str | int, line: int, message: str) -> dict[str, Any]:
    """Return the row of a line that is not a job, or of a job that ended its worker."""
    diagnostics = {"error": message, "line": line}
    return {"id": job, "status": "error", "results": [], "diagnostics": diagnostics, "signature": None}


def encode(row: dict[str, Any], columns: Mapping[str, Any] | None = None) -> bytes:
    r"""Return a row as one line.

    Args:
        row: of a job.
        columns: of the user's own that the job has; None: columns are not kept.

    Example:
        >>> encode(failed("a", 3, "not JSON"))
        b'{"id": "a", "status": "error", "results": [], "diagnostics": {"error": "not JSON", "line": 3}, "signature": null}\n'
    """
    row = row if columns is None else {**row, "columns": dict(columns)}
    return json.dumps(row, ensure_ascii=False, allow_nan=False).encode("utf-8", "backslashreplace") + b"\n"
