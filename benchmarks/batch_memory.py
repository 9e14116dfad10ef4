"""Memory of a batch: resident bytes of the command and of each worker while it answers job after job.

Every job has a different id and a keyword. Every second searched job requires a new word that no model has. The schedule is a single
step, so the time goes into parts that could keep memory: request, automaton, look-ahead, row. With `--searched K` only each K-th job is
searched. The others contradict themselves, and a worker finds this before the search.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.common import ROOT, Report, cli, family, options, resident

#: Jobs after which memory has settled: compiled loops are in, caches are as large as they get.
SETTLED = 10_000

#: The part after `SETTLED` is averaged in this number of stretches; a line through them separates a rise from noise.
STRETCHES = 10

#: 97.5 % point of Student's t with `STRETCHES - 2` degrees of freedom.
T_POINT = 2.306

MOST_BYTES = 300e6

WORDS = ("dog", "cat", "park", "mother", "school", "house", "water", "book")


def jobs(count: int, searched: int) -> Iterator[dict[str, Any]]:
    """Yield the jobs."""
    plain = {"min_words": 1, "max_words": 1, "sentence": False, "finite_verb": False, "quotes": True}
    schedule = {"chains": 1, "steps": 1, "blocks": 1}
    for i in range(count):
        word = f"word{i}" if i // searched % 2 else WORDS[i // searched % len(WORDS)]
        job = {"id": f"job {i}", "keywords": [word], **plain, "annealing": schedule}
        yield job if i % searched == 0 else {**job, "forbid": [word]}


def watched(command: list[str], output: Path, every: int) -> npt.NDArray[np.float64]:
    """Run a command and return a row each time its output grows by `every` lines.

    Returns:
        (samples, 1 + processes) float64: lines of the output, then resident bytes of the command and of each worker.
    """
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    samples: list[list[float]] = []
    lines, stream = 0, None
    while process.poll() is None:
        time.sleep(0.2)
        if stream is None:
            stream = output.open("rb") if output.exists() else None
            continue
        while chunk := stream.read(1 << 20):
            lines += chunk.count(b"\n")
        if lines >= (len(samples) + 1) * every:
            samples.append([lines, *(resident(one) for one in family(process.pid) if resident(one) > 30e6)])
    assert process.returncode in (0, 3), process.returncode
    assert stream is not None
    stream.close()
    most = max(map(len, samples))
    return np.array([sample for sample in samples if len(sample) == most])  # not while the workers start or end


def slope(lines: npt.NDArray[np.float64], values: npt.NDArray[np.float64]) -> tuple[float, float]:
    """Return the slope of a line through the means of `STRETCHES` equal stretches, and the half-width of its 95 % interval."""
    parts = [
        (x.mean(), y.mean())
        for x, y in zip(np.array_split(lines, STRETCHES), np.array_split(values, STRETCHES), strict=True)
    ]
    x, y = np.array(parts).T
    x = x - x.mean()
    rise = float(x @ (y - y.mean()) / (x @ x))
    rest = y - y.mean() - rise * x
    return rise, T_POINT * float(np.sqrt(rest @ rest / (STRETCHES - 2) / (x @ x)))


def measure(report: Report, folder: Path, count: int, searched: int, workers: int) -> None:
    """Measure, and print the table."""
    model, file, out = folder / "small.sgm", folder / "jobs.jsonl", folder / "out.jsonl"
    text = ROOT / "corpora" / "everyday-en.txt"
    built = cli("lm", "build", str(text), "-o", str(model), "--order", "3", "--min-count", "1", "--lang", "en")
    assert built.code == 0, built
    with file.open("w", encoding="utf-8") as stream:
        stream.writelines(json.dumps(job) + "\n" for job in jobs(count, searched))
    program = [sys.executable, "-c", "from searchgen.cli.main import run; run()", "batch", str(file), "-o", str(out)]
    begun = time.perf_counter()
    samples = watched([*program, "--lm", str(model), "--workers", str(workers), "--quiet"], out, max(1, count // 1000))
    seconds = time.perf_counter() - begun
    with out.open("rb") as stream:
        assert sum(1 for _ in stream) == count
    report.row(f"{count:,} jobs, 1 in {searched} searched, {workers} workers", f"{count / seconds:.0f} jobs/s")
    settled = samples[samples[:, 0] >= min(SETTLED, count // 10)]
    for i in range(1, samples.shape[1]):
        name = "command" if i == 1 else f"worker {i - 1}"
        values = settled[:, i] / 1e6
        rise, width = slope(settled[:, 0] / 1e3, values)
        report.row(
            f"  {name}: most, MB", f"{samples[:, i].max() / 1e6:.1f}", "< 300", bool(samples[:, i].max() < MOST_BYTES)
        )
        report.row(f"    behind job {int(settled[0, 0]):,}: first, last, MB", f"{values[0]:.2f}, {values[-1]:.2f}")
        report.row("    slope, kB in 1,000 jobs", f"{rise * 1e3:+.2f} ± {width * 1e3:.2f}", "0", abs(rise) <= width)
    report.numbers |= {"jobs": count, "searched": searched, "seconds": seconds, "samples": samples.round().tolist()}


def main() -> None:
    """Measure."""

    def add(parser: Any) -> None:
        parser.add_argument("--jobs", type=int, default=100_000)
        parser.add_argument("--searched", type=int, default=1, metavar="K", help="search each K-th job only")
        parser.add_argument("--workers", type=int, default=2)

    with options("batch_memory", add) as (flags, report), tempfile.TemporaryDirectory() as folder:
        measure(report, Path(folder), 400 if flags.quick else flags.jobs, flags.searched, flags.workers)


if __name__ == "__main__":
    main()
