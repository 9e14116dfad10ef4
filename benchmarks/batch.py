"""Batches: jobs per second at a budget that costs at most 2 nats, two workers over one, and the cost of journal and JSON.

The jobs repeat the keyword sets of the shared task file. No two jobs have the same id or seed.
"""

import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.common import Report, cli, options, shared
from searchgen.batch.jobs import read_jobs
from searchgen.batch.journal import Header
from searchgen.batch.rows import encode
from searchgen.batch.store import Store

#: Budgets tried, in seconds of the published table; the first that loses at most `MOST_LOST` nats is the one that speed is measured at.
BUDGETS = ("0.006", "0.008", "0.01", "0.015", "0.02", "0.03")
MOST_LOST = 2.0


def run(folder: Path, sets: list[str], *flags: str) -> tuple[float, list[dict[str, Any]], dict[str, Any]]:
    """Return the clock's seconds of a run, its rows, and its report."""
    jobs, out, report = folder / "sets.txt", folder / "out.jsonl", folder / "report.json"
    jobs.write_text("".join(f"{one}\n" for one in sets), encoding="utf-8")
    ran = cli("batch", str(jobs), "-o", str(out), "--overwrite", "--lm", "en-ngram", "--report", str(report), *flags)
    rows = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert ran.code in (0, 3), ran
    return ran.wall, rows, json.loads(report.read_text(encoding="utf-8"))


def mean_log_density(rows: list[dict[str, Any]]) -> float:
    """Return the mean over the rows of their best text's log-density."""
    return statistics.mean(row["results"][0]["log_density"] for row in rows if row["results"])


def bookkeeping(folder: Path, rows: list[dict[str, Any]]) -> float:
    """Return seconds per row for everything but the search: reading its job, JSON, output, journal, and the disk."""
    jobs = folder / "sets.txt"
    begun = time.perf_counter()
    store = Store.open(folder / "again", folder / "again.journal", Header(0, {}, "txt"), "overwrite")
    with jobs.open("rb") as stream:
        for job, row in zip(read_jobs(stream, "txt"), rows, strict=True):
            store.append(job, encode(row), row["status"], 0.0)
    store.release()
    return (time.perf_counter() - begun) / len(rows)


def measure(report: Report, folder: Path, sets: list[str], count: int) -> None:
    """Measure, and print the table."""
    wall, default, _ = run(folder, sets)
    best = mean_log_density(default)
    report.row("default budget: mean log-density", f"{best:.2f} nats")
    report.row("  jobs a second, one worker", f"{len(sets) / wall:.1f}")
    lost = 0.0
    for budget in BUDGETS:
        _, rows, _ = run(folder, sets, "--budget", budget)
        lost = best - mean_log_density(rows)
        report.row(f"--budget {budget}: nats below the default's", f"{lost:.2f}", f"<= {MOST_LOST}")
        if lost <= MOST_LOST:
            break
    many = [sets[i % len(sets)] for i in range(count)]
    one, rows, first = run(folder, many, "--budget", budget)
    two, again, second = run(folder, many, "--budget", budget, "--workers", "2")
    assert rows == again
    report.row(f"{count} jobs, one worker", f"{count / first['seconds']:.1f} jobs/s")
    speed = count / second["seconds"]
    report.row("  two workers", f"{speed:.1f} jobs/s", ">= 30", speed >= 30)
    ratio = first["seconds"] / second["seconds"]
    report.row("  two workers over one", f"{ratio:.2f}", ">= 1.8", ratio >= 1.8)
    share = bookkeeping(folder, rows) * count / first["seconds"]
    report.row("  reading, JSON, output, journal: share of the time", f"{share:.2%}", "< 5 %", share < 0.05)
    report.numbers |= {"budget": budget, "lost": lost, "seconds": [one, two], "jobs": count, "share": share}


def main() -> None:
    """Measure where the task file is."""
    with options("batch", lambda parser: parser.add_argument("--jobs", type=int, default=10_000)) as (flags, report):
        file = shared("tasks", "keywords-en.txt")
        if file is None:
            return
        sets = [line for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
        with tempfile.TemporaryDirectory() as folder:
            measure(report, Path(folder), sets[: 10 if flags.quick else None], 20 if flags.quick else flags.jobs)


if __name__ == "__main__":
    main()
