"""How sure a success rate is: Clopper and Pearson's interval, by the incomplete beta function."""

from math import exp, lgamma, log, log1p

__all__ = ["beta_quantile", "clopper_pearson", "incomplete_beta"]

#: Of the continued fraction; it needs O(sqrt(max(a, b))) terms.
MOST_TERMS = 100_000
LEAST = 1e-300


def incomplete_beta(a: float, b: float, x: float) -> float:
    """Return I_x(a, b), the distribution function of a beta variable, by Lentz's method for its continued fraction.

    Example:
        >>> round(incomplete_beta(2, 1, 0.5), 12), round(incomplete_beta(1, 3, 0.5), 12)
        (0.25, 0.875)
    """
    if x <= 0.0 or x >= 1.0:
        return float(x >= 1.0)
    if x > (a + 1) / (a + b + 2):
        return 1.0 - incomplete_beta(b, a, 1.0 - x)
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x)) / a
    d = 1.0 / _away_from_zero(1.0 - (a + b) * x / (a + 1.0))
    c, value = 1.0, d
    for m in range(1, MOST_TERMS):
        for term in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1.0 / _away_from_zero(1.0 + term * d)
            c = _away_from_zero(1.0 + term / c)
            value *= c * d
        if abs(c * d - 1.0) < 1e-15:
            break
    return front * value


def _away_from_zero(x: float) -> float:
    return x if abs(x) > LEAST else LEAST


def beta_quantile(p: float, a: float, b: float) -> float:
    """Return x with I_x(a, b) = p, by bisection.

    Example:
        >>> round(beta_quantile(0.25, 2, 1), 12)
        0.5
    """
    low, high = 0.0, 1.0
    for _ in range(200):
        middle = 0.5 * (low + high)
        if middle in (low, high):
            break
        if incomplete_beta(a, b, middle) < p:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)


def clopper_pearson(successes: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the exact interval of a success rate (Clopper and Pearson 1934).

    It covers the rate at least so often whether the number of trials was fixed, or they went on until the last success.

    Example:
        >>> [round(p, 4) for p in clopper_pearson(0, 10)], [round(p, 4) for p in clopper_pearson(5, 10)]
        ([0.0, 0.3085], [0.1871, 0.8129])
    """
    tail = 0.5 * (1.0 - confidence)
    low = beta_quantile(tail, successes, trials - successes + 1) if successes else 0.0
    high = beta_quantile(1.0 - tail, successes + 1, trials - successes) if successes < trials else 1.0
    return low, high
