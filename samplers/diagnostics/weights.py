"""What weighted draws are worth: effective sample size, largest share, Pareto k, and the log of the mean weight.

Vehtari, Simpson, Gelman, Yao and Gabry, "Pareto smoothed importance sampling", JMLR 25 (2024); Zhang and Stephens, "A new and efficient
estimation method for the generalized Pareto distribution", Technometrics 51 (2009).
"""

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = [
    "NO_CLAIM_ABOVE",
    "effective_sample_size",
    "fit_pareto",
    "largest_share",
    "log_mean_exp",
    "pareto_k",
    "weight_report",
]

Reals = npt.NDArray[np.float64]

#: Above this Pareto k no claim is made: the mean weight converges too slowly to be trusted.
NO_CLAIM_ABOVE = 0.7

#: The fewest draws in the tail that the fit takes.
LEAST_TAIL = 5

#: Weights that differ by less than this, relatively, are equal but for rounding.
ROUNDING = 1e-6

#: Zhang and Stephens' prior for the scale, and Vehtari et al.'s for the shape: ten draws at k = 0.5.
PRIOR_SCALE, PRIOR_DRAWS, PRIOR_SHAPE = 3.0, 10.0, 0.5


def effective_sample_size(log_weight: Reals) -> float:
    """Return (sum w)^2 / sum w^2.

    Example:
        >>> round(effective_sample_size(np.log([1.0, 1.0, 2.0, 1e-300])), 9)  # 16 / 6
        2.666666667
    """
    weight = _relative(log_weight)
    return float(weight.sum() ** 2 / (weight**2).sum())


def largest_share(log_weight: Reals) -> float:
    """Return the largest weight over the sum of all.

    Example:
        >>> largest_share(np.zeros(4))
        0.25
    """
    return float(1.0 / _relative(log_weight).sum())


def log_mean_exp(log_weight: Reals) -> tuple[float, float]:
    """Return the natural log of the mean weight and its standard error, by the delta method; 0 draws of weight 0 count too.

    Example:
        >>> log_mean_exp(np.full(10, 3.0))
        (3.0, 0.0)
    """
    n = len(log_weight)
    weight = _relative(log_weight)
    mean = weight.mean()
    error = float(weight.std(ddof=1) / mean / np.sqrt(n)) if n > 1 else float("inf")
    return float(np.log(mean) + log_weight.max()), error


def pareto_k(log_weight: Reals) -> float:
    """Return the shape of the generalised Pareto law of the largest weights; infinite if there are too few, -inf if all are equal.

    The tail is the min(n / 5, 3 sqrt(n)) largest weights, above the largest of the others.
    """
    weight = np.sort(_relative(log_weight))
    if weight[0] >= 1.0 - ROUNDING:
        return float("-inf")
    size = int(np.ceil(min(0.2 * len(weight), 3.0 * np.sqrt(len(weight)))))
    if size < LEAST_TAIL:
        return float("inf")
    tail = weight[-size:] - weight[-size - 1]
    if tail[-1] <= ROUNDING:  # many draws share the largest weight: a bounded tail
        return float("-inf")
    tail = tail[tail > 0.0]
    return fit_pareto(tail)[0] if len(tail) >= LEAST_TAIL else float("inf")


def fit_pareto(excess: Reals) -> tuple[float, float]:
    """Return shape k and scale of a generalised Pareto law fitted to positive numbers in rising order.

    The posterior mean of theta = -k / scale over a grid, weighted by the profile likelihood, gives k; a weak prior draws k to 0.5.
    """
    n = len(excess)
    grid = 30 + int(np.sqrt(n))
    rank = np.arange(1, grid + 1)
    quartile = excess[int(n / 4 + 0.5) - 1]
    theta = 1.0 / excess[-1] + (1.0 - np.sqrt(grid / (rank - 0.5))) / (PRIOR_SCALE * quartile)
    shapes = np.log1p(-theta[:, None] * excess).mean(axis=1)
    # At theta = 0 the law is exponential, and the ratio has the limit 1 / mean.
    ratio = np.divide(-theta, shapes, out=np.full(grid, 1.0 / excess.mean()), where=shapes != 0.0)
    likelihood = n * (np.log(ratio) - shapes - 1.0)
    weight = np.exp(likelihood - likelihood.max())
    best = float((theta * weight).sum() / weight.sum())
    shape = float(np.log1p(-best * excess).mean())
    scale = -shape / best if best else float(excess.mean())
    return (shape * n + PRIOR_DRAWS * PRIOR_SHAPE) / (n + PRIOR_DRAWS), scale


def weight_report(log_weight: Reals) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return ESS, largest share and Pareto k as JSON values, and the notes that they call for."""
    ess, k = effective_sample_size(log_weight), pareto_k(log_weight)
    finite = bool(np.isfinite(k))
    report = {"ess": ess, "largest_share": largest_share(log_weight), "pareto_k": k if finite else None}
    if k == np.inf:
        return report, (f"{len(log_weight)} draws are too few to judge their weights; draw 25 or more",)
    if k > NO_CLAIM_ABOVE:
        way_out = "more draws, a guide of higher order (--option order=0), or --sampler smc"
        return report, (
            f"Pareto k of the weights is {k:.2f}, above {NO_CLAIM_ABOVE}: estimates are unreliable; try {way_out}",
        )
    return report, ()


def _relative(log_weight: Reals) -> Reals:
    """Return the weights, the largest 1."""
    return np.asarray(np.exp(log_weight - log_weight.max()))
