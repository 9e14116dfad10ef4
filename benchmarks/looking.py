"""What it costs to look: CPU time of a search alone, with `--watch`, `--trace` and `--trace-all`, and the size of its page.

The four run in turns within one process, and the median of the ratios of neighbours counts: the speed of a shared machine changes more from
hour to hour than looking costs. The live view draws on a terminal of 80 columns that leads nowhere.
"""

import os
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.common import keyword_request, ngram_source, options
from searchgen.cli.parts.live_view import LiveView
from searchgen.report.run_page import search_page
from searchgen.report.trace_file import write_trace
from searchgen.request.request import Annealing
from searchgen.samplers.chains.observer import Observer
from searchgen.search.searcher import Searcher

KEYWORDS, SEED = "dog,park,ball", 7

#: Seconds of the reference machine, and the turns.
SECONDS, TURNS = 2.0, 15

WAYS = ("watch", "trace", "trace-all")


def main() -> None:
    """Measure, and print the table."""
    with options("looking") as (flags, report):
        searcher = Searcher.of(ngram_source("en-ngram"))
        request = keyword_request(KEYWORDS, seed=SEED, lm="en-ngram")
        request = replace(request, annealing=Annealing().for_budget(0.2 if flags.quick else SECONDS))
        for way in ("", *WAYS):
            searched(searcher, request, way)  # compiles
        ratios: dict[str, list[float]] = {way: [] for way in WAYS}
        for _ in range(3 if flags.quick else TURNS):
            for way in WAYS:
                alone, looked = searched(searcher, request, ""), searched(searcher, request, way)
                ratios[way].append(looked / alone)
        for way in WAYS:
            share, most = median(ratios[way]) - 1.0, 0.03
            asked = "" if way == "trace-all" else "< 3 %"
            report.row(
                f"CPU time of the steps more with --{way}", f"{share:+.1%}", asked, share < most if asked else None
            )
        report.numbers |= {way: median(found) for way, found in ratios.items()}
        files(searcher, request, report)


def searched(searcher: Searcher, request: Any, way: str) -> float:
    """Return the CPU seconds of the steps of a search."""
    run = searcher.strategy.begin(searcher.source, request)
    if not way:
        start = time.process_time()
        run.annealed(None)
        return time.process_time() - start
    from rich.console import Console

    observer = run.observer = Observer(recorded="proposed" if way == "trace-all" else "accepted", target=run.target)
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        console = Console(file=nowhere, width=80, height=24, force_terminal=True)
        view = LiveView(console, observer)
        if way == "watch":
            observer.on_look = view.look
        start = time.process_time()
        with view:
            run.annealed(view.progress)
            return time.process_time() - start


def files(searcher: Searcher, request: Any, report: Any) -> None:
    """Measure what the files take."""
    observer = Observer(recorded="accepted")
    outcome = searcher.search(request, None, observer)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "moves.jsonl"
        start = time.process_time()
        write_trace(place, observer, outcome.records[0].signature)
        taken = time.process_time() - start
        report.row("moves kept, of those made", f"{observer.kept:,} of {observer.made:,}")
        report.row("trace file: size, CPU time to write", f"{place.stat().st_size / 1e6:.1f} MB, {taken:.1f} s")
    start = time.process_time()
    page = search_page(outcome, observer)
    taken = time.process_time() - start
    report.row(
        "page: size, CPU time to make", f"{len(page.encode()) / 1e3:.0f} kB, {taken:.2f} s", "< 5 MB", len(page) < 5e6
    )


if __name__ == "__main__":
    main()
