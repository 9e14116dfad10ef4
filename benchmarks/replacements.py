"""Replacing a word by one of like company, against replacing it by any word: acceptance and effective sample size.

    python -m benchmarks.replacements [--kappa 4] [--steps 400]

Two proposals of a chain on texts of eight words, at a random place, over the 4,000 most frequent words that both know:

    q(v) = p(v)                             unigrams
    q(v | u) = exp(kappa <e_u, e_v>) / Z(u)     words of like company; Z over the whole list

The target is the n-gram model on these words. The acceptance has the exact factor q(u | v) / q(v | u) = Z(u) / Z(v), by the symmetry of the
inner product. At the start the factor is proved on a toy of 16 texts: the exact transition matrix leaves the target invariant, and without
the factor it does not.
"""

import argparse
import time
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.common import ngram_source
from searchgen.lm.ngram.scoring import score_sequences
from searchgen.meaning.vectors import vectors_of

__all__ = ["effective", "imbalance", "log_proposals", "main"]

Array = npt.NDArray[Any]

#: Words of the list, chains, words of a text, and steps before the first that counts, as a share.
LIST, CHAINS, LENGTH, BURN_IN = 4_000, 256, 8, 0.5


def log_proposals(units: Array, kappa: float) -> Array:
    """Return log q(v | u) as a matrix [u, v].

    Args:
        units: (V, D) vectors of length 1.
        kappa: concentration.

    Example:
        >>> rows = np.exp(log_proposals(np.eye(3), 2.0))
        >>> bool(np.allclose(rows.sum(axis=1), 1) and rows[0, 0] > rows[0, 1])
        True
    """
    inner = kappa * (units @ units.T)
    largest = inner.max(axis=1, keepdims=True)
    return np.asarray(inner - largest - np.log(np.exp(inner - largest).sum(axis=1, keepdims=True)))


def imbalance(with_factor: bool, kappa: float = 3.0) -> float:
    """Return max |pi P - pi| of the chain on all texts of two words out of four, with or without the exact factor.

    Example:
        >>> bool(imbalance(True) < 1e-12 < 1e-5 < imbalance(False))
        True
    """
    draw = np.random.default_rng(5)
    units = draw.standard_normal((4, 3))
    log_q = log_proposals(units / np.linalg.norm(units, axis=1, keepdims=True), kappa)
    pi = np.exp(draw.standard_normal(16))
    pi /= pi.sum()
    matrix = np.zeros((16, 16))
    for x in range(16):
        for other in (4, 1):  # texts are 4 * first + second
            u = x // other % 4
            for v in range(4):
                y = x + (v - u) * other
                ratio = np.log(pi[y] / pi[x]) + (log_q[v, u] - log_q[u, v] if with_factor else 0.0)
                matrix[x, y] += 0.5 * np.exp(log_q[u, v]) * min(1.0, np.exp(ratio)) if v != u else 0.0
        matrix[x, x] += 1.0 - matrix[x].sum()
    return float(np.abs(pi @ matrix - pi).max())


def effective(values: Array) -> float:
    """Return the effective sample size of chains, by the initial positive sequence of Geyer 1992.

    Args:
        values: (steps, chains).
    """
    steps, chains = values.shape
    centred = values - values.mean()
    power = np.abs(np.fft.rfft(centred, 2 * steps, axis=0)) ** 2
    covariance = np.fft.irfft(power, axis=0)[:steps].mean(axis=1) / steps
    pairs = (covariance[: steps // 2 * 2 : 2] + covariance[1::2][: steps // 2]) / covariance[0]
    ends = np.flatnonzero(pairs <= 0)
    return float(steps * chains / max(1.0, 2 * pairs[: ends[0] if len(ends) else len(pairs)].sum() - 1))


def _drawn(cumulative: Array, row: Array, uniform: Array) -> Array:
    """Return a column for each row of a table of cumulative sums, by halving."""
    low, high = np.zeros(len(row), np.int64), np.full(len(row), cumulative.shape[1] - 1)
    while (low < high).any():
        middle = (low + high) // 2
        below = cumulative[row, middle] < uniform
        low, high = np.where(below, middle + 1, low), np.where(below, high, middle)
    return low


def _run(model: Any, ids: Array, cumulative: Array, log_q: Array, steps: int) -> tuple[float, float, float]:
    """Return acceptance of changes, ESS of log p for 1,000 steps of a chain, and the same for a second."""
    draw, every = np.random.default_rng(7), np.arange(CHAINS)
    texts = draw.integers(len(ids), size=(CHAINS, LENGTH))
    offsets = np.arange(CHAINS + 1, dtype=np.int64) * LENGTH

    def scores(texts: Array) -> Array:
        return score_sequences(model.tables, ids[texts].ravel().astype(np.int32), offsets)

    log_p, trace, accepted, begun = scores(texts), [], 0, time.process_time()
    for _ in range(steps):
        place = draw.integers(LENGTH, size=CHAINS)
        old = texts[every, place]
        new = _drawn(cumulative, old % len(cumulative), draw.random(CHAINS))
        proposed = texts.copy()
        proposed[every, place] = new
        factor = log_q[new % len(log_q), old] - log_q[old % len(log_q), new]
        log_new = scores(proposed)
        taken = np.log(draw.random(CHAINS)) < log_new - log_p + factor
        texts[taken], log_p = proposed[taken], np.where(taken, log_new, log_p)
        accepted += int((taken & (new != old)).sum())
        trace.append(log_p)
    seconds = time.process_time() - begun
    kept = np.array(trace)[int(BURN_IN * steps) :]
    size = effective(kept)
    return accepted / steps / CHAINS, 1000 * size / kept.size, size / (seconds * (1 - BURN_IN))


def main() -> None:
    """Prove, run, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.replacements", description=__doc__)
    parser.add_argument("--kappa", type=float, nargs="+", default=[4.0, 8.0])
    parser.add_argument("--steps", type=int, default=2000)
    flags = parser.parse_args()
    print(f"toy: max |pi P - pi| {imbalance(True):.1e}, without the factor {imbalance(False):.1e}")
    model, vectors = ngram_source().model, vectors_of("en")
    number_of = {word: place for place, word in enumerate(vectors.words)}
    words = [word for word in model.vocabulary[3:] if word in number_of][:LIST]
    ids = model.ids(words)
    rows = vectors.stored[[number_of[word] for word in words]].astype(np.float32)
    units = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    unigram = np.log(vectors.count[[number_of[word] for word in words]].astype(np.float64))
    unigram -= np.log(np.exp(unigram).sum())
    kinds = {"unigrams": unigram[None, :]} | {f"like words, kappa {k:g}": log_proposals(units, k) for k in flags.kappa}
    for name, log_q in kinds.items():
        cumulative = np.cumsum(np.exp(log_q.astype(np.float64)), axis=1).astype(np.float32)
        accepted, size, speed = _run(model, ids, cumulative, log_q, flags.steps)
        print(f"{name:<24} accepted {accepted:.4f}, ESS for 1,000 steps {size:.2f}, a second {speed:.0f}", flush=True)


if __name__ == "__main__":
    main()
