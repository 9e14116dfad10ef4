"""Sequential Monte Carlo: particles that grow token by token, guided by an exact look-ahead of lower order.

    log weight = log Z of the guide + sum over tokens of log (normaliser of the next token's best law / the guide's value),

proper for the target: the mean of weight x f(text) has the expectation sum of density(x) f(x), so the mean weight estimates Z without
bias (Del Moral 2004; fully adapted proposals: Pitt and Shephard 1999). `samplers/weighted/smc/steps.py` derives the normaliser.
"""

from dataclasses import asdict, dataclass, replace

import numpy as np
import numpy.typing as npt

from searchgen.errors import NotFound, RequestError
from searchgen.kernels.randomness import key_of
from searchgen.samplers.chains.chains import enter, new_chains
from searchgen.samplers.chains.moves import MOVES, Chains
from searchgen.samplers.chains.scorer import scorer_of
from searchgen.samplers.diagnostics.weights import log_mean_exp
from searchgen.samplers.method import Draws, Job, Method
from searchgen.samplers.weighted.smc.ladder import FLAT, Compiled, Rung, climb, flattened, placed, weights_of
from searchgen.samplers.weighted.smc.ladder_proof import prove
from searchgen.samplers.weighted.smc.run import Run, run
from searchgen.samplers.weighted.smc.twist import Twist
from searchgen.target import Target

__all__ = ["METHOD", "Options", "Run", "effective", "relative_variance", "run"]

MOST_REJUVENATION, MOST_RUNGS = 1_000_000, 1_000


@dataclass(frozen=True)
class Options:
    """How particles grow.

    Attributes:
        order: order of the guide that looks ahead; 0: the model's own, which with near=0 makes every weight the same.
        near: if above 0, contexts of the guide beyond order 2 are those that lead to a demanded word within so many words; 0: all.
        threshold: particles are resampled when their effective number falls below this share of them; 0: never.
        rejuvenate: steps of Metropolis-Hastings of every finished particle, which tell copies apart; with a ladder so many at each
            rung, 0 standing for as many as a text may have words.
        ladder: if above 0, particles grow under beta 1 and are then led to a larger beta over so many rungs.
    """

    order: int = 0
    near: int = 1
    threshold: float = 0.5
    rejuvenate: int = 0
    ladder: int = 0

    def spelled_out(self, target: Target) -> "Options":
        """Return the options with their defaults for a target."""
        order = self.order or int(target.problem.ngram.order[0])
        steps = target.window[1] if self.ladder and not self.rejuvenate else self.rejuvenate
        return replace(self, order=order, rejuvenate=steps)


def effective(log_weight: npt.NDArray[np.float64]) -> float:
    """Return the effective number of weights, (sum w)^2 / sum w^2.

    Example:
        >>> effective(np.log([0.5, 0.5, 1e-9]))
        2.0
    """
    weight = np.exp(log_weight - log_weight.max())
    return round(float(weight.sum() ** 2 / (weight**2).sum()), 6)


def relative_variance(log_weight: npt.NDArray[np.float64], ancestor: npt.NDArray[np.int64], resamplings: int) -> float:
    """Estimate the relative variance of the mean weight from one run (Lee and Whiteley 2018).

    What the descendants of each first particle share of the weight tells how far runs would differ. Without resampling this is the
    usual variance of a mean. Unbiased on the scale of Z^2 for multinomial resampling; systematic resampling varies less.

    Example:
        >>> relative_variance(np.log([1.0, 3.0]), np.arange(2), 0)
        0.25
    """
    count = len(log_weight)
    weight = np.exp(log_weight - log_weight.max())
    share = np.bincount(ancestor, weight, count) / weight.sum()
    apart = 1.0 - float((share**2).sum())
    return max(0.0, 1.0 - (count / (count - 1)) ** (resamplings + 1) * apart)


def draw(job: Job) -> Draws:
    """Grow `job.count` particles and return them with their weights, in the order of their descent."""
    options: Options = job.options.spelled_out(job.target)
    _check(options, job.target)
    guide = _growing(job, options).guide(options.order, options.near)
    if not guide.tables.ends[-1] > 0.0:
        raise NotFound(
            "the texts that satisfy all constraints are too improbable for floating-point numbers; loosen a constraint"
        )
    done = 0

    def step_done() -> None:
        nonlocal done
        done += 1
        if job.progress is not None:
            job.progress(min(1.0, done / guide.max_tokens))

    text_model = job.target.text_model
    twist = None if text_model is None else Twist.of(job.target, scorer_of(job.target), job.count)
    grown = run(guide, job.count, job.key, options.threshold, job.threads, step_done, twist)
    alive = np.flatnonzero((grown.particles.length >= 0) & (grown.particles.log_weight > -np.inf))
    if len(alive) == 0:
        raise NotFound(f"no particle of {job.count} could be completed; give a larger -n, or use --sampler importance")
    led = _led(job, options, grown, alive)
    variance = relative_variance(*led.whole(job.count), led.resamplings) if job.count > 1 else None
    error = None if variance is None else float(np.sqrt(variance))
    ancestors = len(np.unique(led.ancestor))
    tally = led.chains.tally.sum(axis=0)
    return Draws(
        tokens=led.chains.token,
        lengths=led.chains.length,
        log_density=led.chains.log_density if twist is None else twist.density[alive],
        log_weight=led.log_weight,
        evaluations=job.count + len(alive) * options.rejuvenate * max(1, options.ladder),
        log_z=led.log_z,
        log_z_error=error,
        counts={"particles": job.count, "steps": grown.steps, "dead": job.count - len(alive)},
        moves={name: tuple(row.tolist()) for name, row in zip(MOVES, tally, strict=True) if row[0]},
        report={
            "ess": effective(led.log_weight),
            "log_z": led.log_z,
            "log_z_error": error,
            "log_z_error_by": "shares of the first ancestors (Lee and Whiteley 2018), one run",
            "resamplings": led.resamplings,
            "resampled_at": list(grown.resamplings),
            "ancestors": ancestors,
            "guide_order": guide.order,
            "guide_log_z": guide.log_mass,
            **({"ladder": [asdict(rung) for rung in led.rungs]} if led.rungs else {}),
            **({} if text_model is None else {"transformer": text_model.counted()}),
        },
        notes=_notes(job.count, ancestors, options),
    )


def _growing(job: Job, options: Options) -> Job:
    """Return the job whose target particles are grown for: with a ladder, the model's own law instead of a power of it."""
    if not options.ladder:
        return job
    return replace(job, target=replace(job.target, problem=flattened(job.target.problem, FLAT)))


def _check(options: Options, target: Target) -> None:
    """Refuse options outside their ranges, and those that cannot serve a target."""
    if options.order < 0:
        raise RequestError(
            f"--sampler smc: order={options.order} is negative; give the order of a guide, or 0 for the model's own"
        )
    if options.near < 0:
        raise RequestError(f"--sampler smc: near={options.near} is negative; give 0 or more words")
    if not 0.0 <= options.threshold <= 1.0:
        raise RequestError(
            f"--sampler smc: threshold={options.threshold:g} is out of range; give a share of particles from 0 to 1"
        )
    if not 0 <= options.rejuvenate <= MOST_REJUVENATION:
        raise RequestError(
            f"--sampler smc: rejuvenate={options.rejuvenate} is out of range; give 0 to {MOST_REJUVENATION:,} steps"
        )
    if not 0 <= options.ladder <= MOST_RUNGS:
        raise RequestError(
            f"--sampler smc: ladder={options.ladder} is out of range; give 0 (no ladder) to {MOST_RUNGS:,} rungs"
        )
    moves = f"ladder={options.ladder}" if options.ladder else f"rejuvenate={options.rejuvenate}"
    if target.text_model is not None and (options.ladder or options.rejuvenate):
        raise RequestError(
            f"--sampler smc: {moves} changes words by the n-gram model alone, without {target.text_model.label}; drop it"
        )
    if target.model.unnormalised and (options.ladder or options.rejuvenate):
        raise RequestError(
            f"--sampler smc: {moves} draws words from the model, and {target.model.unnormalised}; drop it, or normalise the model"
        )
    beta = float(target.problem.beta[0])
    if options.ladder and not beta > FLAT:
        raise RequestError(f"--sampler smc: {moves} needs a beta above {FLAT:g}, and --beta is {beta:g}; drop it")


@dataclass(frozen=True, eq=False)
class _Led:
    """Finished particles that are properly weighted for the target.

    Attributes:
        chains: the texts.
        alive: (n,) which particles they were.
        log_weight: (n,) natural log; their mean estimates Z.
        ancestor: (n,) the first particles they descend from.
        log_z: natural log of the estimate.
        resamplings: how many there were, on the ladder too.
        rungs: what happened on the ladder.
    """

    chains: Chains
    alive: npt.NDArray[np.int64]
    log_weight: npt.NDArray[np.float64]
    ancestor: npt.NDArray[np.int64]
    log_z: float
    resamplings: int
    rungs: tuple[Rung, ...] = ()

    def whole(self, count: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
        """Return log weights and ancestors of all particles, the dead ones with weight 0."""
        log_weight, ancestor = np.full(count, -np.inf), np.zeros(count, np.int64)
        log_weight[self.alive], ancestor[self.alive] = self.log_weight, self.ancestor
        return log_weight, ancestor


def _led(job: Job, options: Options, grown: Run, alive: npt.NDArray[np.int64]) -> _Led:
    """Return the finished texts after the ladder, or after as many steps of Metropolis-Hastings as the options say."""
    particles, problem = grown.particles, job.target.problem
    max_tokens = max(job.target.max_tokens, particles.token.shape[1])
    chains = new_chains(len(alive), max_tokens)
    enter(problem, chains, np.ascontiguousarray(particles.token[alive]), particles.length[alive])
    log_weight = particles.log_weight[alive] + np.log(len(alive) / job.count)  # the mean over those left is Z
    ancestor, resamplings = particles.ancestor[alive], len(grown.resamplings)
    weights = weights_of(log_weight, ancestor)
    key = key_of(job.key, "rejuvenate")
    engine = Compiled(problem, chains, weights, key, options.threshold, options.rejuvenate, job.threads)
    if options.ladder:
        rungs = climb(placed(FLAT / float(problem.beta[0]), options.ladder), chains, weights, engine)
        resamplings += sum(rung.resampled for rung in rungs)
        log_z = log_mean_exp(weights.log_weight)[0]
        return _Led(chains, alive, weights.log_weight, weights.ancestor, log_z, resamplings, rungs)
    if options.rejuvenate:
        engine.move(1.0, 1)
    return _Led(chains, alive, log_weight, ancestor, grown.log_z, resamplings)


def _notes(count: int, ancestors: int, options: Options) -> tuple[str, ...]:
    """Return what a reader should know of a run."""
    if ancestors * 20 >= count:
        return ()
    way_out = (
        ""
        if options.near and options.order > 2
        else "; try --option order=0 --option near=1, a guide that looks further ahead"
    )
    return (f"all texts descend from {ancestors} of {count} first particles, so the error of log Z is rough{way_out}",)


METHOD = Method(
    name="smc",
    kind="weighted",
    summary="Sequential Monte Carlo: weighted draws and an unbiased estimate of Z, where a guide of full order is too large.",
    draw=draw,
    proof=prove,
    options=Options,
    whole_text=True,
    unnormalised=True,
)
