"""Rejection with an estimated bound of the ratio: approximate, with an estimate of how far its law is from the target.

Where the ratio exceeds the bound M a text is accepted for certain, so accepted texts follow nu = min(rho, M q) / Z' instead of
pi = rho / Z. With o = max(1, rho / (M q)), pi / nu = o / E_nu[o] and the total variation distance is E_nu |o / E_nu[o] - 1| / 2.
"""

import numpy as np

from searchgen.errors import NotFound
from searchgen.kernels.randomness import key_of
from searchgen.samplers.diagnostics.intervals import clopper_pearson
from searchgen.samplers.method import Draws, Job
from searchgen.samplers.rejection.ancestral import Proposal
from searchgen.samplers.rejection.attempts import attempts

__all__ = ["draw_quasi", "total_variation"]


def total_variation(log_over: np.ndarray) -> float:
    """Return the estimated distance from the target of accepted texts with log rho / (M q) as given.

    Example:
        >>> total_variation(np.log([0.5, 0.1, 1.0])), round(total_variation(np.log([1.0, 3.0])), 12)
        (0.0, 0.25)
    """
    over = np.exp(np.maximum(log_over, 0.0))
    return float(np.abs(over / over.mean() - 1.0).mean() / 2)


def draw_quasi(job: Job, proposal: Proposal) -> Draws:
    """Estimate the bound from a pilot run, then accept by it.

    Raises:
        NotFound: no text satisfied the constraints in the pilot, or none was accepted.
    """
    options, anything = job.options, proposal._replace(log_bound=np.array([-np.inf]))
    pilot = attempts(job, anything, key_of(job.key, "quasi pilot"), options.pilot, options.pilot)
    if len(pilot.lengths) == 0:
        n = pilot.made
        raise NotFound(
            f"no pilot attempt of {n:,} met the constraints: their probability is below 3/n = {3 / n:.2g}; use --sampler smc or importance"
        )
    bound = float(pilot.log_ratio.max())
    by_bound = proposal._replace(log_bound=np.array([bound]))
    accepted = attempts(job, by_bound, key_of(job.key, "rejection"), options.attempts, job.count)
    k, n = len(accepted.lengths), accepted.made
    if k == 0:
        raise NotFound(
            f"no attempt of {n:,} was accepted: the acceptance rate is below 3/n = {3 / n:.2g}; use --sampler smc or mh"
        )
    over = np.maximum(accepted.log_ratio - bound, 0.0)
    distance, exceeding = total_variation(over), int((over > 0).sum())
    mean = float(np.exp(over).mean())
    error = float(np.sqrt((1 - k / n) / k + np.exp(over).var() / (k * mean**2)))
    notes = [
        f"approximate: the bound is estimated from {pilot.made:,} attempts, and {exceeding} of {k} texts exceed it; the estimated "
        f"total-variation distance from the target is {distance:.2g}, and texts not seen yet may make it larger"
    ]
    notes += (
        [] if k == job.count else [f"only {k:,} of {job.count:,} texts: all {n:,} attempts are used up; raise attempts"]
    )
    return Draws(
        tokens=accepted.tokens,
        lengths=accepted.lengths,
        log_density=accepted.log_density,
        log_weight=np.zeros(k),
        evaluations=pilot.made + n,
        log_z=float(np.log(k / n) + bound + np.log(mean)),
        log_z_error=error,
        counts={"attempts": n, "accepted": k, "pilot": pilot.made, "above_bound": exceeding},
        report={
            "log_bound": bound,
            "total_variation": distance,
            "acceptance_rate": k / n,
            "acceptance_interval": list(clopper_pearson(k, n)),
            "confidence": 0.95,
        },
        notes=tuple(notes),
        kind="approximate",
    )
