"""Sequential Monte Carlo: particles that grow token by token, guided by an exact look-ahead of lower order.

    log weight = log Z of the guide + sum over tokens of log (normaliser of the next token's best law / the guide's value),

proper for the target: the mean of weight x f(text) has the expectation sum of density(x) f(x), so the mean weight estimates Z without
bias (Del Moral 2004; fully adapted proposals: Pitt and Shephard 1999). `samplers/weighted/smc/steps.py` derives the normaliser.
"""

from dataclasses import asdict, dataclass, replace

import numpy as np
import numpy.typing as npt

from searchgen.errors import NotFound
from searchgen.kernels.randomness import key_of
from searchgen.samplers.chains.chains import enter, new_chains
from searchgen.samplers.chains.moves import MOVES, Chains
from searchgen.samplers.chains.scorer import scorer_of
from searchgen.samplers.diagnostics.weights import log_mean_exp
from searchgen.samplers.method import Draws, Job, Method
from searchgen.samplers.weighted.smc.bridge import Compiled as Bridging
from searchgen.samplers.weighted.smc.bridge import Crossed, Functions, cross
from searchgen.samplers.weighted.smc.bridge_proof import prove
from searchgen.samplers.weighted.smc.ladder import FLAT, Compiled, Rung, climb, flattened, placed, weights_of
from searchgen.samplers.weighted.smc.options import Options
from searchgen.samplers.weighted.smc.run import Run, run
from searchgen.samplers.weighted.smc.twist import Twist

__all__ = ["METHOD", "Options", "Run", "effective", "relative_variance", "run"]


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
    options.check(job.target)
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
        log_density=led.log_density if twist is None else twist.density[alive],
        log_weight=led.log_weight,
        evaluations=job.count + led.evaluations,
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
            **({"soften" if options.soften else "ladder": [asdict(rung) for rung in led.rungs]} if led.rungs else {}),
            **({} if text_model is None else {"transformer": text_model.counted()}),
        },
        notes=_notes(job.count, ancestors, options),
    )


def _growing(job: Job, options: Options) -> Job:
    """Return the job whose target particles are grown for: with a ladder, the model's own law instead of a power of it."""
    if not options.ladder:
        return job
    return replace(job, target=replace(job.target, problem=flattened(job.target.problem, FLAT)))


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
        log_density: (n,) of the texts.
        rungs: what happened on the ladder.
        evaluations: texts that were scored on it.
    """

    chains: Chains
    alive: npt.NDArray[np.int64]
    log_weight: npt.NDArray[np.float64]
    ancestor: npt.NDArray[np.int64]
    log_z: float
    resamplings: int
    log_density: npt.NDArray[np.float64]
    rungs: tuple[Rung | Crossed, ...] = ()
    evaluations: int = 0

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
    if options.soften:
        return _bridged(job, options, _Led(chains, alive, log_weight, ancestor, 0.0, resamplings, chains.log_density))
    key, evaluations = key_of(job.key, "rejuvenate"), len(alive) * options.rejuvenate * max(1, options.ladder)
    engine = Compiled(problem, chains, weights, key, options.threshold, options.rejuvenate, job.threads)
    if options.ladder:
        rungs = climb(placed(FLAT / float(problem.beta[0]), options.ladder), chains, weights, engine)
        resamplings += sum(rung.resampled for rung in rungs)
        log_z = log_mean_exp(weights.log_weight)[0]
        return _Led(
            chains,
            alive,
            weights.log_weight,
            weights.ancestor,
            log_z,
            resamplings,
            chains.log_density,
            rungs,
            evaluations,
        )
    if options.rejuvenate:
        engine.move(1.0, 1)
    return _Led(
        chains, alive, log_weight, ancestor, grown.log_z, resamplings, chains.log_density, evaluations=evaluations
    )


def _bridged(job: Job, options: Options, grown: _Led) -> _Led:
    """Return the texts after the ladder from soft to hard functions.

    Raises:
        NotFound: no text keeps the hard ones.
    """
    target, chains = job.target, grown.chains
    functions = Functions(target, options.soften, options.width)
    weights = weights_of(grown.log_weight, grown.ancestor)
    key = key_of(job.key, "soften")
    bridge = Bridging(
        target.problem, functions, chains, weights, key, options.threshold, options.rejuvenate, job.threads
    )
    rungs = tuple(cross(rung, chains, weights, bridge) for rung in range(1, options.soften + 1))
    left = np.flatnonzero(weights.log_weight > -np.inf)
    if len(left) == 0:
        names = ", ".join(term.name for term in target.opaque if term.hard)
        raise NotFound(
            f"no particle of {job.count} keeps {names}; give a larger -n, or more rungs with --option soften"
        )
    log_weight = weights.log_weight[left] + np.log(len(left) / len(grown.alive))  # the mean over those left is Z
    density = (chains.log_density + bridge.log_chi(options.soften))[left]
    return _Led(
        Chains._make(column[left] for column in chains),
        grown.alive[left],
        log_weight,
        weights.ancestor[left],
        log_mean_exp(log_weight)[0],
        grown.resamplings + sum(rung.resampled for rung in rungs),
        density,
        rungs,
        functions.counted,
    )


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
    softens=True,
    unnormalised=True,
)
