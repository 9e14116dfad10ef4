"""SMC on the two- and three-keyword sets of the task file: N x relative variance of Z over independent runs, and its speed.

The target is `sample`'s default: order-5 `en`, the keywords, 1 to 20 words, beta 1. `--every K` takes each K-th set only.
"""

import argparse
import time
from typing import Any

import numpy as np

from benchmarks.common import Report, keyword_request, ngram_source, options, shared
from searchgen.guide import Guide
from searchgen.jobs.draws import stated_law
from searchgen.kernels.randomness import key_of
from searchgen.samplers.weighted.smc.sampler import relative_variance, run
from searchgen.sources.source import Source

ASKED, SHARE = 10.0, 0.8


def measure(source: Source, line: str, flags: Any, order: int) -> dict[str, Any]:
    """Return the results of runs with a guide of an order on one set."""
    target = source.proposal(stated_law(keyword_request(line, sentence=False)))
    begun = time.perf_counter()
    guide = Guide.build(
        target.problem,
        order=order,
        max_tokens=target.max_tokens,
        bigrams=target.bigrams,
        threads=source.threads,
        near=flags.near if order > 2 else 0,
    )
    building = time.perf_counter() - begun
    log_z, estimates, resamplings = [], [], []
    begun = time.perf_counter()
    for number in range(flags.runs):
        key = key_of(number, "benchmarks.smc", line)
        one = run(guide, flags.particles, key, flags.threshold, source.threads)
        count = len(one.resamplings)
        log_z.append(one.log_z)
        estimates.append(relative_variance(one.particles.log_weight, one.particles.ancestor, count))
        resamplings.append(count)
    seconds = (time.perf_counter() - begun) / flags.runs
    z = np.exp(np.array(log_z) - max(log_z))
    return {
        "keywords": line,
        "order": order,
        "near": flags.near if order > 2 else 0,
        "n_relative_variance": float(flags.particles * z.var(ddof=1) / z.mean() ** 2),
        "n_relative_variance_by_one_run": float(flags.particles * np.mean(estimates)),
        "log_z": float(max(log_z) + np.log(z.mean())),
        "guide_log_z": guide.log_mass,
        "resamplings": float(np.mean(resamplings)),
        "seconds_guide": building,
        "seconds_run": seconds,
    }


def summary(report: Report, found: list[dict[str, Any]], order: int, flags: Any) -> None:
    """Print the distribution over the sets."""
    values = np.array([one["n_relative_variance"] for one in found])
    reached = float((values <= ASKED).mean())
    near = f", near={flags.near}" if flags.near and order > 2 else ""
    name = f"guide of order {order}{near}, {len(found)} sets, {flags.runs} runs"
    holds = None if flags.quick or flags.every > 1 else reached >= SHARE
    asked = f"<= {ASKED:g} on {SHARE:.0%}"
    report.row(f"{name}: N x relative variance of Z", f"{reached:.0%} at most {ASKED:g}", asked, holds)
    quantiles = np.quantile(values, [0.1, 0.25, 0.5, 0.75, 0.9])
    report.row("  quantiles 10, 25, 50, 75, 90 %", ", ".join(f"{value:.1f}" for value in quantiles))
    guessed = np.median([one["n_relative_variance_by_one_run"] for one in found])
    report.row("  median as single runs estimate it", f"{guessed:.1f}")
    building, running = (np.median([one[k] for one in found]) for k in ("seconds_guide", "seconds_run"))
    report.row("  median time of the guide, of a run", f"{building:.2f} s, {running:.2f} s")
    report.row("  particles a second", f"{flags.particles / running:,.0f} /s")


def main() -> None:
    """Measure, and print the table."""

    def more(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--orders", default="2,5", help="guide orders, default 2,5")
        parser.add_argument("--near", type=int, default=1, metavar="K", help="the sampler's option, for orders above 2")
        parser.add_argument("--runs", type=int, default=50)
        parser.add_argument("--particles", type=int, default=1000)
        parser.add_argument("--threshold", type=float, default=0.5)
        parser.add_argument("--threads", type=int, default=2)
        parser.add_argument("--every", type=int, default=1, metavar="K", help="take each K-th set")

    with options("smc", more) as (flags, report):
        file = shared("tasks", "keywords-en.txt")
        if file is None:
            return
        if flags.quick:
            flags.runs, flags.every, flags.orders = 5, 43, "2"
        source = ngram_source(threads=flags.threads)
        sets = [line for line in file.read_text(encoding="utf-8").split("\n") if line.count(",") in (1, 2)]
        for order in map(int, flags.orders.split(",")):
            found = []
            for line in sets[:: flags.every]:
                found.append(measure(source, line, flags, order))
                report.row(f"{line}, order {order}", f"{found[-1]['n_relative_variance']:.1f}")
            summary(report, found, order, flags)
            report.numbers[f"order {order}"] = found


if __name__ == "__main__":
    main()
