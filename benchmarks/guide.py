"""The guide: time to build the look-ahead, and memory of the whole process, for 3, 8 and 12 keywords."""

import os
import time
from typing import NamedTuple

from benchmarks.common import Report, best, cli, counters, keyword_request, ngram_source, options
from searchgen.kernels.randomness import key_of
from searchgen.search.look_ahead import look_ahead
from searchgen.sources.source import Source

WORDS = "dog,park,ball,house,water,road,hand,night,morning,letter,table,garden"


class Case(NamedTuple):
    """A keyword set, its window and its goals."""

    keywords: int
    window: tuple[int, int]
    build: float | None  # seconds the guide may take
    whole: float | None  # seconds a sentence may take
    gigabytes: float | None


CASES = (
    Case(3, (6, 14), 0.1, None, None),
    Case(8, (8, 28), 3.0, None, 1.5),
    Case(12, (20, 30), None, 10.0, 2.0),
)


def measure(report: Report, source: Source, case: Case, times: int) -> None:
    """Print the cost of one case."""
    line = ",".join(WORDS.split(",")[: case.keywords])
    request = keyword_request(line, min_words=case.window[0], max_words=case.window[1])
    name = f"{case.keywords} keywords, {case.window[0]}-{case.window[1]} words"
    took = best(lambda: look_ahead(source, request), times, time.perf_counter)
    target, guide = look_ahead(source, request)
    report.row(f"{name}: target and guide", f"{took:.2f} s", "")
    building = best(
        lambda: type(guide).build(target.problem, max_tokens=target.max_tokens, bigrams=target.bigrams),
        times,
        time.perf_counter,
    )
    holds = None if case.build is None else building < case.build
    report.row("  the guide alone, order 2", f"{building:.3f} s", f"< {case.build} s" if case.build else "", holds)
    rows = counters(key_of(1, "guide"), 2_000)
    drawing = best(lambda: guide.draw_texts(rows), times, time.process_time)
    report.row("  exact draws, CPU", f"{2_000 / drawing:,.0f} /s")
    report.row("  automaton states", f"{len(target.problem.next) - 1:,}")
    run = cli(
        "constrain", "-k", line, "--min-words", str(case.window[0]), "--max-words", str(case.window[1]), "--seed", "1"
    )
    holds = None if case.whole is None else run.wall < case.whole and run.code == 0
    report.row(
        "  searchgen constrain, whole process", f"{run.wall:.2f} s", f"< {case.whole} s" if case.whole else "", holds
    )
    memory = run.largest_bytes / 1e9
    asked = f"< {case.gigabytes} GB" if case.gigabytes else ""
    report.row("  its memory", f"{memory:.2f} GB", asked, None if case.gigabytes is None else memory < case.gigabytes)
    report.numbers[name] = {"both": took, "guide": building, "whole": run.wall, "bytes": run.largest_bytes}


def main() -> None:
    """Measure, and print the table."""
    with options("guide") as (flags, report):
        source = ngram_source(threads=min(2, os.cpu_count() or 1))
        look_ahead(source, keyword_request("dog"))  # compiles
        for case in CASES:
            measure(report, source, case, 1 if flags.quick else 5)


if __name__ == "__main__":
    main()
