"""Mixing between modes: two keywords whose two orders are both probable, under the shipped English model.

Each sampler draws from the same law, at most 10 words. The results are effective sample sizes of the log-density and of "the first keyword
stands before the second". They are divided by the processor time of the whole run, set-up and burn-in included.
"""

import time
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from benchmarks.chains import effective
from benchmarks.common import Report, keyword_request, ngram_source, options
from searchgen.jobs.draws import job_of, stated_law
from searchgen.samplers.method import Draws
from searchgen.sources.source import Source

KEYWORDS = (("doctor", "letter"), ("king", "queen"))
SAMPLERS = ("mh", "gibbs", "tempering")
DRAWS, QUICK_DRAWS = 6_400, 640


def order_of(draws: Draws, first: set[int], second: set[int]) -> npt.NDArray[np.float64]:
    """Return 1 for each draw in which a token of `first` stands before any of `second`."""
    found = np.zeros(len(draws.lengths))
    for i, text in enumerate(draws.texts()):
        found[i] = next(token in first for token in text if token in first | second)
    return found


def pooled(draws: Draws, series: npt.NDArray[np.float64]) -> float:
    """Return the effective sample size of all chains: that within chains, reduced where the chains disagree."""
    kept = len(series) // draws.chains
    chains = series[: kept * draws.chains].reshape(kept, draws.chains).T
    within = float(chains.var(axis=1, ddof=1).mean())
    between = kept * float(chains.mean(axis=1).var(ddof=1))
    mixed = sum(map(effective, chains))
    independent = draws.chains * within * kept / between if between > 0 else mixed  # by the spread of the chains' means
    return min(mixed, independent)


def measure(report: Report, source: Source, words: tuple[str, str], sampler: str, draws: int) -> None:
    """Print and keep the effective draws per second of one sampler on one pair of keywords."""
    request = stated_law(keyword_request(",".join(words), max_words=10, finite_verb=False))
    _, method, job = job_of(source, replace(request, sampler=sampler, count=draws, seed=1))
    # once before the clock: code is compiled, and the model is indexed
    method.draw(replace(job, count=1, options=replace(job.options, burn_in=1, thin=1)))
    _, method, job = job_of(source, replace(request, sampler=sampler, count=draws, seed=1))
    begun = time.process_time()
    found = method.draw(job)
    spent = time.process_time() - begun
    ids = [set(job.target.vocabulary.matching(word)) for word in words]
    order = order_of(found, ids[0], ids[1])
    sizes = pooled(found, found.log_density), pooled(found, order)
    name = f"{' / '.join(words)}: {sampler}"
    report.row(f"{name}, ESS/s of the log-density", f"{sizes[0] / spent:,.1f} /s")
    report.row("  of the order of the keywords", f"{sizes[1] / spent:,.1f} /s")
    report.row(f"  P({words[0]} first); {found.chains} chains, {spent:.1f} s", f"{order.mean():.3f}")
    rates = found.report.get("swap_rates")
    if rates:
        report.row(f"  {len(rates) + 1} rungs, swap rates", f"{min(rates):.2f} to {max(rates):.2f}")
    report.numbers[name] = {
        "seconds": spent,
        "ess_log_density": sizes[0],
        "ess_order": sizes[1],
        "first": float(order.mean()),
        "chains": found.chains,
        **found.counts,
        **found.report,
    }


def main() -> None:
    """Measure, and print the table."""
    with options("modes") as (flags, report):
        source = ngram_source()
        for words in KEYWORDS[:1] if flags.quick else KEYWORDS:
            for sampler in SAMPLERS:
                measure(report, source, words, sampler, QUICK_DRAWS if flags.quick else DRAWS)


if __name__ == "__main__":
    main()
