"""Steps of the chains under the shipped English model: dog, park, ball; 8 to 14 words; temperature 1.

A step is a legal proposal with a score. Proposals that the constraints forbid at once are counted separately. The
alternative is a plain Python loop: n-grams in a dict, a uniform word, the whole text scored again at each step.
"""

import math
import random
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.common import Report, best, counters, keyword_request, ngram_source, options
from searchgen.kernels.randomness import key_of
from searchgen.samplers.chains.chains import advance, check_totals, enter, new_chains
from searchgen.samplers.chains.moves import ACCEPTED, LEGAL, PROPOSED, Chains, labels
from searchgen.search.look_ahead import look_ahead
from searchgen.sources.source import Source
from searchgen.target import Target

REQUEST = keyword_request("dog,park,ball", min_words=8, max_words=14)
CHAINS = 24
MIXES = (
    ("span, 0-3 to 0-3 words", labels(span=1, any_span=0, relocate=0), 1.5),
    ("single-site, exact draws", labels(span=1, any_span=0, relocate=0, longest=1), 3.0),
)
ONE = np.ones(1)


class Runner:
    """Chains on the target, started from draws of the guide."""

    def __init__(self, source: Source) -> None:
        self.target, self.guide = look_ahead(source, REQUEST)
        self.key = key_of(1, "benchmark")

    def begin(self) -> Chains:
        """Return fresh chains."""
        tokens, lengths = self.guide.draw_texts(counters(self.key, CHAINS))
        chains = new_chains(CHAINS, tokens.shape[1])
        enter(self.target.problem, chains, tokens, lengths)
        return chains

    def go(self, chains: Chains, table: npt.NDArray[np.int64], steps: int, first: int = 0, threads: int = 1) -> None:
        """Make steps of every chain at temperature 1."""
        advance(self.target.problem, chains, counters(self.key, CHAINS), table, ONE, steps, first, threads)


def effective(series: npt.NDArray[np.float64]) -> float:
    """Return the effective sample size of one chain's series by Geyer's initial positive sequence (1992)."""
    n = len(series)
    centred = series - series.mean()
    spectrum = np.fft.rfft(centred, 2 * n)
    covariance = np.fft.irfft(spectrum * np.conj(spectrum))[:n] / n
    if covariance[0] <= 0:
        return 1.0
    rho = covariance / covariance[0]
    pairs = rho[: n // 2 * 2].reshape(-1, 2).sum(axis=1)
    negative = np.flatnonzero(pairs <= 0)
    last = negative[0] if len(negative) else len(pairs)
    return float(n / max(1.0, 2 * pairs[:last].sum() - 1))


def measure(report: Report, runner: Runner, name: str, table: npt.NDArray[np.int64], asked: float, quick: bool) -> None:
    """Print speed, legal share, acceptance and ESS of one mix of moves."""
    steps = 5_000 if quick else 100_000
    chains = runner.begin()
    runner.go(chains, table, steps // 5)
    chains.tally[:] = 0
    took = best(lambda: runner.go(chains, table, steps, first=steps), 1 if quick else 3)
    counted = chains.tally.sum(axis=(0, 1)) / (1 if quick else 3)
    legal = counted[LEGAL] / took / 1e6
    report.row(f"{name}: legal steps, one core", f"{legal:.2f} M/s", f">= {asked} M/s", legal >= asked)
    report.row("  all steps", f"{counted[PROPOSED] / took / 1e6:.2f} M/s")
    share, accepted = counted[LEGAL] / counted[PROPOSED], counted[ACCEPTED] / counted[LEGAL]
    report.row("  legal share, and of it accepted", f"{share:.1%}, {accepted:.1%}")
    size, begun = 0.0, time.process_time()
    pieces, piece = (100, 200) if quick else (1_000, 500)
    series = np.empty((CHAINS, pieces))
    for i in range(pieces):
        runner.go(chains, table, piece, first=10_000_000 + i * piece)
        series[:, i] = chains.log_density
    spent = time.process_time() - begun
    size = sum(map(effective, series))
    report.row("  effective draws of the log-density", f"{size / spent:,.0f} /s")
    check_totals(runner.target.problem, chains)
    report.row("  running total = full re-scoring, all chains", "yes", "yes", True)
    report.numbers[name] = {"legal_per_second": legal * 1e6, "legal": share, "accepted": accepted, "ess": size / spent}


def two_threads(report: Report, runner: Runner, quick: bool) -> None:
    """Print the clock's gain of two threads."""
    chains, table, steps = runner.begin(), MIXES[0][1], 5_000 if quick else 100_000
    wall = {1: math.inf, 2: math.inf}
    for _ in range(2 if quick else 4):
        for threads in wall:
            work = lambda threads=threads: runner.go(chains, table, steps, threads=threads)  # noqa: E731
            wall[threads] = min(wall[threads], best(work, 1, time.perf_counter))
    gain = wall[1] / wall[2]
    report.row("two threads over one, clock", f"{gain:.2f} x", ">= 1.8 x", gain >= 1.8)
    report.numbers["two_threads"] = gain


class PlainLoop:
    """A loop written in an afternoon: a bigram dict with back-off, a uniform word, every text scored in full."""

    def __init__(self, target: Target, start: Sequence[str]) -> None:
        model = target.model
        node, word, words = model.tables.node, model.tables.word, model.vocabulary
        size = len(words)
        first = node["first"][1 : size + 2].astype(np.int64)
        log_p = node["log_p"][first[0] : first[-1]].tolist()
        above = np.repeat(np.arange(size), np.diff(first)).tolist()
        children = word[first[0] : first[-1]].tolist()
        self.pair = {(words[a], words[b]): p for a, b, p in zip(above, children, log_p, strict=True)}
        self.single = dict(zip(words, node["log_p"][1 : size + 1].tolist(), strict=True))
        self.backoff = dict(zip(words, node["log_backoff"][1 : size + 1].tolist(), strict=True))
        self.words, self.text = words[3:], list(start)
        self.random = random.Random(1)
        self.accepted = 0

    def score(self, text: Sequence[str]) -> float:
        """Return log p of a text, or -inf when a keyword is missing or the length is wrong."""
        if not 9 <= len(text) <= 15 or not {"dog", "park", "ball"}.issubset(text):
            return -math.inf
        total, before = 0.0, "<s>"
        for word in (*text, "</s>"):
            found = self.pair.get((before, word))
            total += self.backoff[before] + self.single[word] if found is None else found
            before = word
        return total

    def run(self, steps: int) -> None:
        """Replace, insert or delete a word, and accept or reject."""
        now, rng = self.score(self.text), self.random
        for _ in range(steps):
            kind, at = rng.randrange(3), rng.randrange(len(self.text))
            text = list(self.text)
            if kind == 2:
                del text[at]
            else:
                text[at : at + 1 - kind] = [rng.choice(self.words)]
            new = self.score(text)
            log_q = (0.0, math.log(len(self.words)), -math.log(len(self.words)))[kind]
            if new > -math.inf and math.log(rng.random() or 1e-300) < new - now + log_q:
                self.text, now = text, new
                self.accepted += 1


def plain_python(report: Report, runner: Runner, quick: bool) -> None:
    """Print the ratio to a plain Python loop."""
    start = "The dog ran in the park with a ball to the house .".lower().split()
    loop, steps = PlainLoop(runner.target, start), 5_000 if quick else 200_000
    rate = steps / best(lambda: loop.run(steps), 1)
    ours: Any = report.numbers[MIXES[1][0]]
    ratio = ours["legal_per_second"] / ours["legal"] / rate
    report.row("plain Python loop (bigram dict, uniform word)", f"{rate / 1e6:.3f} M/s")
    report.row("  of its steps accepted", f"{loop.accepted / steps:.2%}")
    report.row("all single-site steps of one core / Python's", f"{ratio:.0f} x")
    report.numbers["plain_python"] = {"per_second": rate, "ratio": ratio}


def main() -> None:
    """Measure, and print the table."""
    with options("chains") as (flags, report):
        runner = Runner(ngram_source())
        for mix in MIXES:
            measure(report, runner, *mix, flags.quick)
        two_threads(report, runner, flags.quick)
        plain_python(report, runner, flags.quick)


if __name__ == "__main__":
    main()
