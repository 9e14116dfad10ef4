"""Honest diagnostics of draws: how far to trust them, from the draws themselves.

For chains: rank-normalised split R-hat, bulk and tail effective sample size (Vehtari, Gelman, Simpson, Carpenter and Buerkner,
"Rank-normalization, folding, and localization", Bayesian Analysis 2021) of the log-density, the length and the presence of words. For
weighted draws: effective sample size, largest share and Pareto k of the weights. Never of one feature only: a chain that is stuck in
one order of two keywords looks perfect in its log-density. Words that every text must hold say nothing, and are not traced; where a
demanded word has several forms or alternatives, which of them it is, is: chains seldom change it.
"""

from collections import Counter
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt

from searchgen.kernels.shares import WORD
from searchgen.plain_json import plain
from searchgen.samplers.diagnostics.weights import effective_sample_size as weighted_size
from searchgen.samplers.diagnostics.weights import largest_share, pareto_k
from searchgen.samplers.method import Draws, Method
from searchgen.target import Target

__all__ = ["arrays", "bulk_size", "diagnose", "effective_sample_size", "r_hat", "tail_size"]

Array = npt.NDArray[np.float64]

#: Beyond these a run is not to be trusted.
LARGEST_R_HAT, LEAST_SIZE, LARGEST_PARETO_K = 1.1, 100.0, 0.7

#: Draws a chain, below which nothing can be said.
FEWEST = 4

#: Words whose presence is looked at: those that are in 5 to 95 % of the texts, the most frequent first; free and demanded ones apart.
WORDS, RARE, COMMON = 5, 0.05, 0.95


def _split(values: Array) -> Array:
    """Return (2 C, n / 2): each chain's halves."""
    half = values.shape[1] // 2
    return np.concatenate([values[:, :half], values[:, values.shape[1] - half :]])


def _ranked(values: Array) -> Array:
    """Return the normal scores of average ranks (Blom 1958)."""
    flat = values.ravel()
    order = np.argsort(flat, kind="stable")
    _, first, inverse, count = np.unique(flat[order], return_index=True, return_inverse=True, return_counts=True)
    ranks = np.empty(len(flat))
    ranks[order] = (first + (count + 1) / 2)[inverse]
    scores = map(NormalDist().inv_cdf, (ranks - 0.375) / (len(flat) + 0.25))
    return np.fromiter(scores, np.float64, len(flat)).reshape(values.shape)


def _plain_r_hat(values: Array) -> float:
    n = values.shape[1]
    within = values.var(axis=1, ddof=1).mean()
    between = n * values.mean(axis=1).var(ddof=1)
    if within == 0:
        return 1.0 if between == 0 else np.inf
    return float(np.sqrt(((n - 1) / n * within + between / n) / within))


def r_hat(values: Array) -> float:
    """Return rank-normalised split R-hat, the larger of the bulk's and the folded one; nan with fewer than 4 draws a chain.

    Args:
        values: (C, n) a feature of every draw, chain by chain.

    Example:
        >>> stuck = np.array([[0.0] * 9 + [0.1], [5.0] * 9 + [5.1]])
        >>> r_hat(stuck) > 2
        True
    """
    values = np.asarray(values, np.float64)
    if values.shape[1] < FEWEST:
        return float("nan")
    halves = _split(values)
    folded = np.abs(halves - np.median(halves))
    return max(_plain_r_hat(_ranked(halves)), _plain_r_hat(_ranked(folded)))


def effective_sample_size(values: Array) -> float:
    """Return the effective number of independent draws behind a mean, by Geyer's initial monotone sequence (1992) over all chains.

    Args:
        values: (C, n) a feature of every draw; split chains, at least 4 draws each, else nan.
    """
    values = np.asarray(values, np.float64)
    chains, n = values.shape
    if n < FEWEST:
        return float("nan")
    covariance = np.stack([_autocovariance(row) for row in values])
    means = values.mean(axis=1)
    within = covariance[:, 0].mean() * n / (n - 1)
    whole = within * (n - 1) / n + (means.var(ddof=1) if chains > 1 else 0.0)
    if whole == 0:
        return float(chains * n)
    rho = 1 - (within - covariance.mean(axis=0)) / whole
    rho[0] = 1.0
    time = _correlation_time(rho, n)
    return float(chains * n / max(time, 1 / np.log10(chains * n)))


def _correlation_time(rho: Array, n: int) -> float:
    """Return -1 + 2 * sum of autocorrelations over Geyer's initial positive, then monotone, sequence of pairs."""
    pairs = [(rho[0], rho[1])]
    t, last = 1, (rho[0], rho[1])
    while t < n - 3 and sum(last) > 0:
        last = (rho[t + 1], rho[t + 2])
        if sum(last) >= 0:
            pairs.append(last)
        t += 2
    ended = (
        t > 1 and sum(last) >= 0
    )  # by the length of the chain: its last pair is cut off, as where a pair falls below 0
    kept = pairs[:-1] if ended else pairs
    for i in range(1, len(kept)):
        if sum(kept[i]) > sum(kept[i - 1]):
            kept[i] = (sum(kept[i - 1]) / 2, sum(kept[i - 1]) / 2)
    return float(-1 + 2 * sum(sum(pair) for pair in kept) + max(last[0], 0.0))


def _autocovariance(row: Array) -> Array:
    n = len(row)
    spectrum = np.fft.rfft(row - row.mean(), 2 * n)
    return np.asarray(np.fft.irfft(spectrum * np.conj(spectrum))[:n] / n)


def bulk_size(values: Array) -> float:
    """Return the effective sample size of the ranks: how well the centre of the distribution is known."""
    return effective_sample_size(_ranked(_split(np.asarray(values, np.float64))))


def tail_size(values: Array) -> float:
    """Return the least effective sample size of the 5 % and 95 % quantiles' indicators."""
    values = np.asarray(values, np.float64)
    return min(effective_sample_size(_split((values <= np.quantile(values, q)).astype(float))) for q in (0.05, 0.95))


def arrays(draws: Draws, target: Target) -> dict[str, Array]:
    """Return the features of draws as (chain, draw) arrays, the form that ArviZ takes; no chains: one row.

    Args:
        draws: of one run.
        target: what they were drawn from.
    """
    texts, chains = draws.texts(), max(1, draws.chains)
    whole = len(texts) // chains * chains
    word = target.problem.token["word"]
    features = {
        "log_density": draws.log_density,
        "length": np.array([float(word[list(text)].sum() & 255) for text in texts]),
    }
    appearances = Counter(i for text in texts for i in set(text) if word[i] == WORD)
    often = [i for i, n in appearances.most_common() if RARE * len(texts) <= n <= COMMON * len(texts)]
    for verb, words in (
        ("has", [i for i in often if i not in target.demanded]),
        (
            "has demanded form",
            [i for i in often if i in target.demanded],
        ),  # "doctor" or "Doctor", one alternative or another
    ):
        for i in words[:WORDS]:
            features[f"{verb} {target.vocabulary.decode([i])[0]}"] = np.array([float(i in text) for text in texts])
    return {name: values[:whole].reshape(-1, chains).T for name, values in features.items()}


def diagnose(method: Method, draws: Draws, target: Target) -> dict[str, Any]:
    """Return a run's diagnostics as plain JSON values, `trusted` among them, and the reasons if it is not.

    Args:
        method: the sampler.
        draws: its draws.
        target: what they were drawn from.
    """
    kind = draws.kind or method.kind
    report: dict[str, Any] = {
        "sampler": method.name,
        "kind": kind,
        "draws": len(draws.lengths),
        "distinct": len(set(draws.texts())),
        "evaluations": draws.evaluations,
        "counts": dict(draws.counts),
        "moves": {
            name: {"proposed": p, "legal": q, "accepted": a, "stays": p - a, "acceptance": a / max(1, p)}
            for name, (p, q, a) in draws.moves.items()
        },
        "log_z": draws.log_z,
        "log_z_error": draws.log_z_error,
        **draws.report,
    }
    doubts: list[str] = []
    if draws.chains and kind == "markov":
        report["features"], doubts = _chain_features(arrays(draws, target))
        if report["distinct"] == 1 < report["draws"]:  # every feature is constant, so nothing else would tell
            doubts.append("all draws are the same text: the chains are stuck, or the target has only this one")
    elif kind == "pseudo":
        doubts = [
            "pseudo-Gibbs: the draws follow no known law, because a masked model's conditionals do not define one"
        ]
    elif kind == "weighted" and len(draws.log_weight):
        of_weights = {"ess": weighted_size(draws.log_weight), "largest_share": largest_share(draws.log_weight)}
        of_weights["pareto_k"] = pareto_k(draws.log_weight)
        # Draws of a pool have equal weights, and are worth what the pool is.
        report |= of_weights | {name: draws.report[name] for name in of_weights if draws.report.get(name) is not None}
        doubts = _weight_doubts(report)
    elif kind == "approximate":
        doubts = [f"the law of the draws is about {report['total_variation']:.2f} from the target, in total variation"]
    report["trusted"], report["doubts"] = (None if kind == "search" else not doubts), doubts
    return {name: plain(value) for name, value in report.items()}


def _chain_features(features: dict[str, Array]) -> tuple[dict[str, dict[str, float]], list[str]]:
    result: dict[str, dict[str, float]] = {}
    doubts: list[str] = []
    if next(iter(features.values())).shape[1] < FEWEST:
        return result, [f"fewer than {FEWEST} draws a chain are too few to judge how well the chains mix"]
    for name, values in features.items():
        row = {"mean": float(values.mean()), "r_hat": r_hat(values)}
        row |= {"ess_bulk": bulk_size(values), "ess_tail": tail_size(values)}
        result[name] = row
        if not row["r_hat"] <= LARGEST_R_HAT:
            doubts.append(f"R-hat of {name} is {row['r_hat']:.2f}, above {LARGEST_R_HAT}")
        least = min(row["ess_bulk"], row["ess_tail"])
        if not least >= LEAST_SIZE:
            doubts.append(f"effective sample size of {name} is {least:.0f}, below {LEAST_SIZE:.0f}")
    return result, doubts


def _weight_doubts(report: dict[str, Any]) -> list[str]:
    doubts: list[str] = []
    if not report["ess"] >= LEAST_SIZE:
        doubts.append(f"effective sample size is {report['ess']:.0f}, below {LEAST_SIZE:.0f}")
    if report["pareto_k"] > LARGEST_PARETO_K:
        doubts.append(
            f"Pareto k is {report['pareto_k']:.2f}, above {LARGEST_PARETO_K}: estimates from these weights are unreliable"
        )
    return doubts
