"""Shared parts of the benchmarks: options, clocks, children, tables, and the place of the large texts."""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from searchgen.request.model_ref import ModelRef
from searchgen.request.request import Request
from searchgen.sources.source import Source, open_source
from searchgen.version import __version__

__all__ = [
    "Child",
    "Report",
    "Row",
    "best",
    "child",
    "cli",
    "counters",
    "family",
    "keyword_request",
    "ngram_source",
    "options",
    "resident",
    "shared",
]

ROOT = Path(__file__).resolve().parents[1]


class Row(NamedTuple):
    """One line of a benchmark's table."""

    what: str
    measured: str
    asked: str = ""
    holds: bool | None = None  # None: nothing was asked


@dataclass
class Report:
    """A benchmark's results: printed at once, kept for `--json`."""

    name: str
    quick: bool
    file: Path | None
    rows: list[Row] = field(default_factory=list)
    numbers: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Print the machine."""
        self.numbers["machine"] = machine()
        print(f"{self.name}{' (quick)' if self.quick else ''}: {', '.join(map(str, machine().values()))}")
        print(f"{'what':<58} {'measured':>24}   asked")

    def row(self, what: str, measured: str, asked: str = "", holds: bool | None = None) -> None:
        """Print and keep a line."""
        mark = {None: "", True: "  ok", False: "  NOT REACHED"}[holds]
        print(f"{what:<58} {measured:>24}   {asked}{mark}", flush=True)
        self.rows.append(Row(what, measured, asked, holds))

    def close(self) -> None:
        """Write the file, if `--json` names one."""
        if self.file is None:
            return
        whole = {
            "benchmark": self.name,
            "quick": self.quick,
            "date": datetime.now(UTC).strftime("%Y-%m-%d"),
            **self.numbers,
            "rows": [row._asdict() for row in self.rows],
        }
        self.file.write_text(json.dumps(whole, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


@contextmanager
def options(name: str, add: Callable[[argparse.ArgumentParser], Any] | None = None) -> Iterator[tuple[Any, Report]]:
    """Parse the common flags and those of `add`; yield them and an open report."""
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{name}", description=sys.modules["__main__"].__doc__)
    parser.add_argument("--quick", action="store_true", help="a smoke run: small numbers, rough results")
    parser.add_argument("--json", type=Path, metavar="FILE", help="store the results")
    if add is not None:
        add(parser)
    flags = parser.parse_args()
    report = Report(name, flags.quick, flags.json)
    yield flags, report
    report.close()


def machine() -> dict[str, Any]:
    """Return the facts that the numbers depend on; a high load means that they cannot be trusted."""
    import numba

    return {
        "cpu": _cpu_name(),
        "cores": f"{os.cpu_count()} cores",
        "load": f"load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "load unknown",
        "python": f"Python {platform.python_version()}",
        "numpy": f"numpy {np.__version__}",
        "numba": f"numba {numba.__version__}",
        "searchgen": f"searchgen {__version__}",
    }


def _cpu_name() -> str:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def shared(*parts: str) -> Path | None:
    """Return a file or folder of the large texts (`SEARCHGEN_SHARED`, else `../shared`), or None with a message."""
    path = Path(os.environ.get("SEARCHGEN_SHARED") or ROOT.parent / "shared").joinpath(*parts)
    if path.exists():
        return path
    print(f"skipped: no {'/'.join(parts)} among the large texts; SEARCHGEN_SHARED names their folder")
    return None


def best(work: Callable[[], Any], times: int, clock: Callable[[], float] = time.process_time) -> float:
    """Return the least time that `work` took."""
    found = []
    for _ in range(times):
        begun = clock()
        work()
        found.append(clock() - begun)
    return min(found)


class Child(NamedTuple):
    """The cost of a process."""

    wall: float
    cpu: float  # user and system, with its children
    first_line: float  # from its start to its first line on stdout
    largest_bytes: int  # resident, of its largest process
    whole_bytes: int  # resident, summed over all its processes, as polled
    code: int
    output: str


def child(command: Sequence[str], environment: Mapping[str, str] | None = None, stdin: str = "") -> Child:
    """Run a command and measure it."""
    with tempfile.TemporaryFile("w+", encoding="utf-8") as source:
        source.write(stdin)
        source.seek(0)
        begun = time.perf_counter()
        process = subprocess.Popen(
            command,
            stdin=source,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            encoding="utf-8",
            env={**os.environ, "PYTHONPATH": str(ROOT), **(environment or {})},
        )
        assert process.stdout is not None
        peak = _Peak(process.pid)
        first = process.stdout.readline()
        to_first = time.perf_counter() - begun
        output = first + process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        process.stdout.close()
    unit = 1 if sys.platform == "darwin" else 1024
    largest = usage.ru_maxrss * unit
    whole = max(largest, peak.stop())
    return Child(wall, usage.ru_utime + usage.ru_stime, to_first, largest, whole, process.returncode, output)


def cli(*arguments: str, environment: Mapping[str, str] | None = None, stdin: str = "", program: str = "") -> Child:
    """Run the command line of this tree in a separate process."""
    program = program or "from searchgen.cli.main import run; run()"
    return child([sys.executable, "-c", program, *arguments], environment, stdin)


class _Peak:
    """Polls the resident memory of a process and its descendants, where /proc exists."""

    def __init__(self, pid: int) -> None:
        self.pid, self.peak, self.over = pid, 0, threading.Event()
        self.thread = threading.Thread(target=self._poll, daemon=True)
        self.thread.start()

    def stop(self) -> int:
        self.over.set()
        self.thread.join()
        return self.peak

    def _poll(self) -> None:
        while not self.over.wait(0.1):
            self.peak = max(self.peak, sum(map(resident, family(self.pid))))


def family(pid: int) -> list[int]:
    """Return a process and its descendants, where /proc exists."""
    found = [pid]
    with suppress(OSError, ValueError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for one in (task / "children").read_text(encoding="ascii").split():
                found += family(int(one))
    return found


def resident(pid: int) -> int:
    """Return the resident bytes of a process, 0 if it is gone."""
    with suppress(OSError, ValueError, IndexError):
        return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return 0


def counters(key: int, count: int, first: int = 0) -> npt.NDArray[np.uint64]:
    """Return (count, 6) uint64: the `Counter` rows of chains `first ...` under a key."""
    rows = np.zeros((count, 6), np.uint64)
    rows[:, 0] = key
    rows[:, 1] = np.arange(first, first + count)
    return rows


def ngram_source(name: str = "en-ngram", threads: int = 1) -> Source:
    """Return an n-gram model, ready for requests: the shipped English one, another by name, or a file."""
    return open_source(ModelRef.parse(name), threads=threads)


def keyword_request(line: str, **more: Any) -> Request:
    """Return the request of one line of keywords, split at commas."""
    keywords = tuple((word.strip(),) for word in line.split(",") if word.strip())
    return replace(Request(keywords=keywords), **more)
