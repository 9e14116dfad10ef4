"""Importance sampling on the two- and three-keyword sets of the task file: ESS/N and Pareto k at several orders of the guide.

The target is `sample`'s default: order-5 `en`, the keywords, 1 to 20 words, beta 1. `--every K` takes each K-th set only. A guide of a
higher order keeps the contexts within the default budget of memory and work. So order 0, the model's order, is not exact here.
"""

import argparse
import time
from typing import Any

import numpy as np

from benchmarks.common import Report, keyword_request, ngram_source, options, shared
from searchgen.guide import Guide
from searchgen.jobs.draws import stated_law
from searchgen.kernels.randomness import key_of
from searchgen.samplers.diagnostics.weights import log_mean_exp, weight_report
from searchgen.samplers.weighted.importance import weighted_draws
from searchgen.sources.source import Source

#: Above this Pareto k nothing is claimed from the weights.
TRUSTED = 0.7


def measure(source: Source, line: str, order: int, draws: int) -> dict[str, Any]:
    """Return the quality of a guide's draws on one set; order 0 is the model's order."""
    target = source.proposal(stated_law(keyword_request(line, sentence=False)))
    own = int(target.problem.ngram.order[0])
    begun = time.perf_counter()
    guide = Guide.build(
        target.problem, order=order or own, max_tokens=target.max_tokens, bigrams=target.bigrams, threads=source.threads
    )
    building = time.perf_counter() - begun
    begun = time.perf_counter()
    drawn = weighted_draws(guide, key_of(1, "benchmarks.importance", line), draws, source.threads)
    drawing = time.perf_counter() - begun
    weights, _ = weight_report(drawn.log_weight)
    log_z, error = log_mean_exp(drawn.log_weight)
    return {
        "keywords": line,
        "order": order or own,
        "draws": draws,
        "contexts": guide.contexts,
        "ess_share": weights["ess"] / draws,
        "pareto_k": weights["pareto_k"],
        "log_z": log_z,
        "log_z_error": error,
        "guide_log_z": guide.log_mass,
        "seconds_guide": building,
        "seconds_draws": drawing,
    }


def summary(report: Report, found: list[dict[str, Any]]) -> None:
    """Print the distribution over the sets."""
    share = np.array([one["ess_share"] for one in found])
    k = np.array([np.nan if one["pareto_k"] is None else one["pareto_k"] for one in found])
    middle = {name: float(np.median([one[name] for one in found])) for name in ("contexts", "seconds_guide")}
    a_draw = np.median([one["seconds_draws"] / one["draws"] for one in found])
    report.row(
        f"guide of order {found[0]['order']}, {len(found)} sets: contexts", f"{middle['contexts']:,.0f} (median)"
    )
    quantiles = ", ".join(f"{value:.4f}" for value in np.quantile(share, [0.1, 0.5, 0.9]))
    report.row("  ESS/N, quantiles 10, 50, 90 %", quantiles)
    report.row("  Pareto k, quantiles 10, 50, 90 %", ", ".join(f"{v:.2f}" for v in np.nanquantile(k, [0.1, 0.5, 0.9])))
    report.row(f"  sets with Pareto k at most {TRUSTED}", f"{(k <= TRUSTED).mean():.0%}")
    report.row(
        "  median time of the guide, of 1,000 draws", f"{middle['seconds_guide']:.2f} s, {1000 * float(a_draw):.2f} s"
    )


def main() -> None:
    """Measure, and print the table."""

    def more(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--orders", default="2,3,0", help="guide orders, 0 the model's own; default 2,3,0")
        parser.add_argument("--draws", type=int, default=1000)
        parser.add_argument("--threads", type=int, default=2)
        parser.add_argument("--every", type=int, default=5, metavar="K", help="take each K-th set; default 5")

    with options("importance", more) as (flags, report):
        file = shared("tasks", "keywords-en.txt")
        if file is None:
            return
        if flags.quick:
            flags.draws, flags.every, flags.orders = 200, 43, "2"
        source = ngram_source(threads=flags.threads)
        sets = [line for line in file.read_text(encoding="utf-8").split("\n") if line.count(",") in (1, 2)]
        for order in map(int, flags.orders.split(",")):
            found = [measure(source, line, order, flags.draws) for line in sets[:: flags.every]]
            report.numbers[f"order {order}"] = found
            summary(report, found)


if __name__ == "__main__":
    main()
