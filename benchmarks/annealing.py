"""Quality of the annealing, in the log-density of its target (nats). All times are CPU time of one thread.

(a) At equal time, annealing against the best of N draws of the guide, on the 200 keyword sets: paired sign test and mean
    gain.
(b) 0.6 s of annealing a set: its share of the gain from the best start draw (0 %) to the best of 6 s (100 %), on 22
    sets.
"""

import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from math import comb, sqrt
from typing import Any

import numpy as np

from benchmarks.common import Report, counters, keyword_request, ngram_source, options, shared
from searchgen.errors import SearchgenError
from searchgen.guide import Guide
from searchgen.kernels.randomness import key_of
from searchgen.request.request import Annealing
from searchgen.samplers.chains.chains import enter, new_chains
from searchgen.samplers.optimise.annealing_loop import anneal
from searchgen.search.look_ahead import look_ahead
from searchgen.sources.source import Source
from searchgen.target import Target

SETS = (
    "dog park ball; rain window night; coffee morning friend; teacher school children; river boat fish; king castle; "
    "train station late; doctor letter; cat table; money bank; garden flowers summer; ship storm captain; "
    "fire winter house; book library quiet; mother kitchen bread; horse road village; moon sea; love heart; "
    "war soldier home; music dance girl; apple tree; phone car city"
)

#: Draws of the guide that are made and scored at once.
BATCH = 512


@dataclass
class Job:
    """One keyword set, ready to search; its key makes the counters."""

    target: Target
    guide: Guide
    key: int
    drawn: int = 0

    def draws(self, count: int) -> tuple[Any, Any, Any]:
        """Return fresh draws of the guide: tokens, lengths and log-densities."""
        tokens, lengths = self.guide.draw_texts(counters(self.key, count, self.drawn), threads=1)
        self.drawn += count
        chains = new_chains(count, tokens.shape[1])
        enter(self.target.problem, chains, tokens, lengths)
        return tokens, lengths, chains.log_density

    def annealed(self, plan: Annealing, name: str) -> tuple[float, float, float]:
        """Anneal from fresh draws; return the best start, the best found, and the seconds of both together."""
        begun = time.thread_time()
        tokens, lengths, start = self.draws(plan.chains)
        found = anneal(self.target.problem, (tokens, lengths), counters(key_of(1, name), plan.chains), plan)
        return float(start.max()), float(found.log_density[0]), time.thread_time() - begun

    def best_of_draws(self, seconds: float) -> tuple[float, int]:
        """Return the best log-density of the draws that fit the time, and their number."""
        begun, best, before = time.thread_time(), -np.inf, self.drawn
        while time.thread_time() - begun < seconds:
            best = max(best, float(self.draws(BATCH)[2].max()))
        return best, self.drawn - before

    def plan(self, seconds: float) -> Annealing:
        """Return the default schedule with the number of steps that fit the time on this machine."""
        base = Annealing()
        trial = replace(base, steps=1_000)
        rate = trial.chains * trial.steps / self.annealed(trial, "trial")[2]
        return replace(base, steps=max(base.blocks, int(seconds * rate / base.chains)))


def each(sets: Sequence[str], source: Source, work: Callable[[Job], Any]) -> list[Any]:
    """Do the work for every set, on two cores if possible; leave out sets without an answer."""

    def one(line: str) -> Any:
        try:
            target, guide = look_ahead(source, keyword_request(line))
        except SearchgenError as error:
            print(f"  left out: {line}: {error}")
            return None
        return work(Job(target, guide, key_of(1, line)))

    first = one(sets[0])  # compiles before threads begin
    with ThreadPoolExecutor(min(2, os.cpu_count() or 1)) as pool:
        return [found for found in [first, *pool.map(one, sets[1:])] if found is not None]


def sign_test(wins: int, losses: int) -> float:
    """Return the two-sided p-value of wins against losses under a fair coin.

    Example:
        >>> sign_test(5, 0)
        0.0625
    """
    n = wins + losses
    tail = sum(comb(n, k) for k in range(max(wins, losses), n + 1))
    return min(1.0, float(2 * tail / 2**n))


def against_draws(report: Report, source: Source, sets: Sequence[str]) -> None:
    """Print part (a)."""

    def work(job: Job) -> tuple[float, float, int]:
        _, found, seconds = job.annealed(Annealing(), "search")
        best, number = job.best_of_draws(seconds)
        return found - best, seconds, number

    gains, seconds, number = np.array(each(sets, source, work)).T
    wins, losses = int((gains > 1e-9).sum()), int((gains < -1e-9).sum())
    p = sign_test(wins, losses)
    report.row(f"(a) {len(gains)} sets: annealing, CPU a set", f"{seconds.mean():.2f} s")
    report.row("  draws of the guide in the same time, median", f"{np.median(number):,.0f}")
    report.row("  sets won, lost by annealing; sign test", f"{wins}, {losses}; p = {p:.1e}", "p < 0.001", p < 1e-3)
    report.row("  mean gain in the log-density", f"{gains.mean():.2f} nats")
    report.numbers["a"] = {"wins": wins, "losses": losses, "p": p, "gain": gains.mean(), "seconds": seconds.mean()}


def against_long_runs(report: Report, source: Source, sets: Sequence[str], short: float, long: float) -> None:
    """Print part (b)."""

    def work(job: Job) -> tuple[float, float, float]:
        start, found, _ = job.annealed(job.plan(short), "short")
        return start, found, job.annealed(job.plan(long), "long")[1]

    start, found, most = np.array(each(sets, source, work)).T
    share = (found - start) / (most - start)
    error = share.std(ddof=1) / sqrt(len(share))
    report.row(f"(b) {len(share)} sets: gain of {long:g} s over the best start", f"{(most - start).mean():.2f} nats")
    reached = f"{share.mean():.1%} ± {error:.1%}"
    report.row(f"  share that {short:g} s reach, mean of the sets", reached, ">= 85 %", share.mean() >= 0.85)
    report.row("  the least share", f"{share.min():.1%}")
    report.numbers["b"] = {"share": share.mean(), "error": error, "gain": (most - start).mean()}


def main() -> None:
    """Measure, and print the table."""
    with options("annealing") as (flags, report):
        source = ngram_source()
        named = [words.strip().replace(" ", ",") for words in SETS.split(";")]
        file = shared("tasks", "keywords-en.txt")
        if file is not None:
            sets = file.read_text(encoding="utf-8").splitlines()
            against_draws(report, source, sets[:8] if flags.quick else sets)
        short, long = (0.1, 1.0) if flags.quick else (0.6, 6.0)
        against_long_runs(report, source, named[:5] if flags.quick else named, short, long)


if __name__ == "__main__":
    main()
