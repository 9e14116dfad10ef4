"""The one accept rule, `log u < log alpha`, for one proposal of a compiled loop and for an array of them.

Its uniform number is drawn first, so that a hopeless proposal stops early.
"""

from typing import Any

import numpy as np
from numba.extending import overload

from searchgen.kernels.randomness import Counter, Willing, bernoulli, uniform

__all__ = ["accepts", "accepts_each", "log_threshold"]


def log_threshold(rng: Any) -> Any:
    """Return the log of the uniform number of an acceptance test, drawn first so that a hopeless proposal stops early."""


@overload(log_threshold)
def _log_threshold(rng: Any) -> Any:
    if rng.instance_class is Willing:

        def willing(rng: Any) -> Any:
            uniform(rng.word)  # what is drawn next is what a counter draws
            return -np.inf

        return willing

    if rng.instance_class is Counter:

        def from_counter(rng: Any) -> Any:
            return np.log(uniform(rng.word))

        return from_counter

    def from_script(rng: Any) -> Any:
        return -np.inf

    return from_script


def accepts(rng: Any, log_u: Any, log_alpha: Any) -> Any:
    """Return whether a proposal is accepted: the one accept rule, `log u < log alpha`."""


def accepts_each(log_u: Any, log_alpha: Any) -> Any:
    """Return whether each of several proposals is accepted, (n,) bool: the accept rule for arrays.

    Args:
        log_u: (n,) natural log of a uniform number for each.
        log_alpha: (n,) natural log of the acceptance ratio.

    Example:
        >>> accepts_each(np.log([0.5, 0.5]), np.log([0.4, 2.0])).tolist()
        [False, True]
    """
    return log_u < log_alpha


@overload(accepts)
def _accepts(rng: Any, log_u: Any, log_alpha: Any) -> Any:
    if issubclass(rng.instance_class, Counter):

        def from_counter(rng: Any, log_u: Any, log_alpha: Any) -> Any:
            return log_u < log_alpha

        return from_counter

    def from_script(rng: Any, log_u: Any, log_alpha: Any) -> Any:
        return bernoulli(rng, min(1.0, np.exp(log_alpha)))

    return from_script
