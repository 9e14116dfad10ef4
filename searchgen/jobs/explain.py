"""Before any time is spent: how probable the constraints are, which of them costs most, and which sampler to take.

Under the guide probabilities are exact: total masses with and without a constraint, for the same window of words. Under the model they are
estimated from draws of the guide, with an error and Pareto k.
"""

from dataclasses import dataclass, replace

import numpy as np

from searchgen.constraints import CONSTRAINTS, Length
from searchgen.demands.demands import Demands
from searchgen.errors import Contradiction, Impossible, RequestError, SearchgenError
from searchgen.guide import Guide
from searchgen.jobs.draws import usual_sampler
from searchgen.jobs.exact_mass import exact_log_z
from searchgen.kernels.randomness import key_of
from searchgen.plain_json import rounded
from searchgen.request.request import Request
from searchgen.samplers.diagnostics.weights import effective_sample_size, pareto_k
from searchgen.samplers.method import Job
from searchgen.samplers.weighted.importance import METHOD as IMPORTANCE
from searchgen.samplers.weighted.smc.sampler import METHOD as SMC
from searchgen.search.conflict import naming_conflict
from searchgen.sources.source import Source

__all__ = ["Explained", "explain"]

#: Draws of the guide for the model's own probability, and particles of the pilot run of sequential Monte Carlo.
DRAWS, PARTICLES = 2_000, 256

#: The effective sample size that the needs of weighted samplers are given for.
WORTH = 100

#: Attempts of rejection that are still sensible for one text, draws for `WORTH`, and Pareto k up to which weights can be trusted.
FEW_ATTEMPTS, FEW_DRAWS, LARGEST_PARETO_K = 20_000, 1e6, 0.7


@dataclass(frozen=True)
class Explained:
    """What is known of a request before it is run; all logs are natural.

    Attributes:
        window: fewest and most words.
        log_p_window: the guide's mass of all texts of the window.
        log_p_joint: the guide's mass of the texts that satisfy everything, the window included.
        log_p_model: the same under the model, estimated.
        log_p_model_error: its standard error.
        log_p_exact: the same exactly, where the guide of the model's own order is small; else None.
        ess: effective sample size of the estimate's draws, of `draws`.
        pareto_k: of its weights; above 0.7 no claim is made.
        draws: how many they were.
        alone: for each constraint, log of its probability alone, given the window.
        without: for each constraint, log of the probability of all others, given the window.
        needed: by sampler: attempts of rejection for one text; draws of importance sampling and particles of sequential Monte Carlo for
            weights worth 100 draws, by their own estimates; infinite where there is none.
        advice: the recommended sampler, and why.
    """

    window: tuple[int, int]
    log_p_window: float
    log_p_joint: float
    log_p_model: float
    log_p_model_error: float
    log_p_exact: float | None
    ess: float
    pareto_k: float
    draws: int
    alone: dict[str, float]
    without: dict[str, float]
    needed: dict[str, float]
    advice: tuple[str, str]

    @property
    def log_p_given_window(self) -> float:
        """Log of the probability of the constraints given the window, under the guide."""
        return self.log_p_joint - self.log_p_window

    @property
    def bottleneck(self) -> str:
        """The constraint least probable given the others; "" without constraints."""
        return min(self.factor, key=lambda name: self.factor[name], default="")

    @property
    def factor(self) -> dict[str, float]:
        """For each constraint, log of its probability given all others: P(all) / P(all others).

        Every row has a guide of its own, which may keep other contexts: the ratio of two is never taken for more than certain.
        """
        joint = self.log_p_given_window
        return {
            name: min(joint - others, 0.0) if others > -np.inf else -np.inf for name, others in self.without.items()
        }


def _parts(request: Request) -> dict[str, tuple[Request, Request]]:
    """Return, by name, requests with one part of the demands each, and requests with all but it; lengths are kept in both."""
    free = _free(request)
    return {
        name: (free.but(**alone), request.but(**others))
        for constraint in CONSTRAINTS.values()
        for name, alone, others in constraint.apart(request.demands)
    }


def _free(request: Request) -> Request:
    """Return the request without any demand but its window of lengths."""
    kept = {flag.key: request.demands[flag.key] for flag in Length.flags}
    return request.but(demands=Demands.nothing(**kept))


def explain(source: Source, request: Request) -> Explained:
    """Return what is known of a request before it is run.

    Args:
        source: the model; of a model that scores whole texts the n-gram model that proposes to it.
        request: with its lengths given (`stated_law`).

    Raises:
        RequestError: the request contradicts itself.
        Impossible: it is proved that no text satisfies it; the demands that exclude each other are named.
    """
    try:
        target = source.proposal(request)
    except Contradiction as error:
        raise Impossible(f"proved impossible: {error}") from None
    except Impossible as error:
        raise naming_conflict(error, source, request) from None

    if target.opaque:
        raise RequestError(f"explain sums over automata, and {target.opaque[0].name!r} has none; drop it")

    def log_mass(part: Request) -> float:
        try:
            proposal = source.proposal(part)
            return Guide.build(
                proposal.problem, max_tokens=proposal.max_tokens, bigrams=proposal.bigrams, threads=source.threads
            ).log_mass
        except Impossible:
            return -np.inf

    job = Job(target, DRAWS, key_of(request.seed, "explain"), IMPORTANCE.options(), source.threads)
    try:
        joint = job.guide().log_mass
    except Impossible as error:
        raise naming_conflict(error, source, request) from None
    window = log_mass(_free(request))
    drawn = IMPORTANCE.draw(job)
    parts = _parts(request)
    log_p = drawn.log_z if drawn.log_z is not None else -np.inf
    exact = exact_log_z(source, request)
    ess, k = effective_sample_size(drawn.log_weight), pareto_k(drawn.log_weight)
    whole = request.model.scores_texts
    served = request.beta == 1 and not source.model.unnormalised and not whole
    needed = {
        "rejection": float(np.exp(-(log_p if exact is None else exact))) if served else np.inf,
        "importance": WORTH * DRAWS / ess,
        "smc": _particles(job),
    }
    return Explained(
        window=target.window,
        log_p_window=window,
        log_p_joint=joint,
        log_p_model=log_p,
        log_p_model_error=drawn.log_z_error if drawn.log_z_error is not None else np.inf,
        log_p_exact=exact,
        ess=ess,
        pareto_k=k,
        draws=DRAWS,
        alone={name: log_mass(alone) - window for name, (alone, _) in parts.items()},
        without={name: log_mass(others) - window for name, (_, others) in parts.items()},
        needed=needed,
        advice=_advice_for_whole_texts(request) if whole else _advice(needed, k, exact is not None),
    )


def _particles(job: Job) -> float:
    """Return the particles that make the relative variance of Z one over `WORTH`, by a pilot run."""
    try:
        error = SMC.draw(replace(job, count=PARTICLES, options=SMC.options())).log_z_error
    except SearchgenError:
        return np.inf
    return np.inf if error is None else max(float(WORTH), PARTICLES * error**2 * WORTH)


def _advice_for_whole_texts(request: Request) -> tuple[str, str]:
    """Return the sampler to take under a model that scores whole texts; the needs known are those of the n-gram model, not its own."""
    return (
        usual_sampler(request.lm),
        f"its chains have the law of {request.lm}; importance and smc serve it, too, but their weights are not known before a run",
    )


def _advice(needed: dict[str, float], k: float, is_exact: bool) -> tuple[str, str]:
    """Return the sampler to take, and why; `is_exact`: the attempts of rejection are known, not estimated."""
    attempts = needed["rejection"]
    if attempts <= FEW_ATTEMPTS:
        doubt = "" if is_exact or k <= LARGEST_PARETO_K else f"; the estimate is unreliable (Pareto k {k:.2f})"
        return "rejection", f"exact, and one text takes about {rounded(attempts)} attempts{doubt}"
    dear = "rejection does not apply"
    if attempts < np.inf:
        dear = f"rejection would take {rounded(attempts)} attempts a text"
    if k <= LARGEST_PARETO_K and needed["importance"] <= FEW_DRAWS:
        return "importance", f"{dear}, and the weights are well behaved (Pareto k {k:.2f})"
    heavy = f"plain weights are heavy-tailed (Pareto k {k:.2f})" if k > LARGEST_PARETO_K else "weights are too uneven"
    if needed["smc"] <= FEW_DRAWS:
        return "smc", f"{dear}, and {heavy}"
    return "mh", f"{dear}, {heavy}, and so are those of smc; look at R-hat"
