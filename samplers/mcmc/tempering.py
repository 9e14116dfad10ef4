"""Parallel tempering: copies of the chain at falling inverse temperatures, which exchange their texts.

Geyer 1991; Hukushima and Nemoto 1996. A group of R rungs has the product of density ** b_r as its law; two neighbours swap with
probability min(1, exp((b_i - b_j) (log density_j - log density_i))). Only the texts of the cold rung, b = 1, are kept. The
ladder is placed by a pilot run at equal shares of rejected swaps (Syed, Bouchard-Cote, Deligiannidis and Doucet 2022), then frozen.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from searchgen.errors import RequestError
from searchgen.kernels.acceptance import accepts, log_threshold
from searchgen.kernels.compiled import inner, kernel
from searchgen.kernels.randomness import Counter, below, bernoulli, counter, key_of, start_step
from searchgen.samplers.chains.chains import check_totals, draft_for, enter, new_chains
from searchgen.samplers.chains.moves import MOVES, Chains, labels, step
from searchgen.samplers.chains.threads import over_chains
from searchgen.samplers.kept_states import Plan, retain, starts
from searchgen.samplers.method import Draws, Job, Method
from searchgen.samplers.proofs.exactness import STATIONARY, Finding, World, pair_matrix
from searchgen.target import Target

__all__ = ["METHOD", "Options", "exchange", "proof_on", "rung_step", "small_world", "spaced"]

Array = npt.NDArray[np.float64]

ATTEMPTED, SWAPPED = 0, 1

#: Share of rejected swaps that the pilot run aims at, and how many rungs it may take.
REJECTED, FEWEST_RUNGS, MOST_RUNGS = 0.6, 2, 24

#: Rungs of the first pilot run, runs, and events of each rung in a run.
PILOT_RUNGS, PILOT_RUNS, PILOT_EVENTS = 8, 4, 500

#: Texts of a world whose pairs are enumerated.
MOST_TEXTS = 40


@dataclass(frozen=True)
class Options:
    """How the chains run; 0 stands for the default.

    Attributes:
        chains: independent groups of rungs.
        burn_in: rounds before the first state is kept; a round is one event for each rung; default: 50 times the thinning.
        thin: rounds from one kept state to the next; default: 4 times the most words.
        rungs: how many inverse temperatures; default: as the pilot run finds.
        hottest: the lowest inverse temperature.
        swap: share of the events that are swaps.
    """

    chains: int = 64
    burn_in: int = 0
    thin: int = 0
    rungs: int = 0
    hottest: float = 0.4
    swap: float = 0.2


@inner
def _swap_rows(array: Any, i: Any, j: Any, count: Any) -> None:
    """Exchange the beginnings of two rows."""
    for at in range(count):
        kept = array[i, at]
        array[i, at] = array[j, at]
        array[j, at] = kept


@inner
def exchange(chains: Any, i: Any, j: Any) -> None:
    """Exchange the texts of two chains, with everything that is kept about them."""
    longest = max(chains.length[i], chains.length[j])
    _swap_rows(chains.token, i, j, longest)
    _swap_rows(chains.context, i, j, longest + 1)
    _swap_rows(chains.state, i, j, longest + 1)
    _swap_rows(chains.log_p, i, j, longest + 1)
    chains.length[i], chains.length[j] = chains.length[j], chains.length[i]
    chains.words[i], chains.words[j] = chains.words[j], chains.words[i]
    chains.log_density[i], chains.log_density[j] = chains.log_density[j], chains.log_density[i]


@inner
def rung_step(
    problem: Any, chains: Any, first: Any, draft: Any, table: Any, ladder: Any, share: Any, swaps: Any, rng: Any
) -> None:
    """Make one event of a group: a swap of two neighbours with probability `share`, else a step of one rung.

    Args:
        problem: the target.
        chains: rung r of the group is chain first + r.
        first: the group's cold chain.
        draft: room for the proposal.
        table: the mix of moves.
        ladder: (R,) inverse temperatures, 1 first.
        share: probability of a swap.
        swaps: (R - 1, 2) int64 counts of swaps attempted and made, of this group.
        rng: a `Counter` or a `Script`.
    """
    rungs = len(ladder)
    if not bernoulli(rng, share):
        rung = below(rng, rungs)
        step(problem, chains, first + rung, draft, table, ladder[rung], rng)
        return
    rung = below(rng, rungs - 1)
    i, j = first + rung, first + rung + 1
    swaps[rung, ATTEMPTED] += 1
    log_alpha = (ladder[rung] - ladder[rung + 1]) * (chains.log_density[j] - chains.log_density[i])
    if accepts(rng, log_threshold(rng), log_alpha):
        exchange(chains, i, j)
        swaps[rung, SWAPPED] += 1


@kernel
def _run(
    problem: Any,
    chains: Any,
    which: Any,
    draft: Any,
    table: Any,
    ladder: Any,
    share: Any,
    swaps: Any,
    counters: Any,
    first_event: Any,
) -> None:
    """Make `which[2]` events of groups `which[0] ... which[1] - 1`."""
    rungs = len(ladder)
    for group in range(which[0], which[1]):
        rng = Counter(counters[group])
        for number in range(first_event, first_event + which[2]):
            start_step(rng, number)
            rung_step(problem, chains, group * rungs, draft, table, ladder, share, swaps[group], rng)


class _Groups:
    """Groups of rungs on one ladder."""

    def __init__(self, target: Target, ladder: Array, texts: Any, counters: Any, share: float, threads: int) -> None:
        self.problem, self.ladder, self.share, self.threads = target.problem, ladder, share, threads
        self.count, self.rungs, self.counters = len(counters), len(ladder), counters
        self.chains = new_chains(self.count * self.rungs, target.max_tokens)
        self.swaps = np.zeros((self.count, self.rungs - 1, 2), np.int64)
        enter(self.problem, self.chains, *(np.repeat(column, self.rungs, axis=0) for column in texts))

    def go(self, rounds: int, first: int) -> None:
        """Make rounds of one event a rung; the result does not depend on the number of threads."""

        def run(low: int, high: int) -> None:
            which = np.array([low, high, rounds * self.rungs], np.int64)
            draft, first_event = draft_for(self.chains), first * self.rungs
            _run(
                self.problem,
                self.chains,
                which,
                draft,
                TABLE,
                self.ladder,
                self.share,
                self.swaps,
                self.counters,
                first_event,
            )

        over_chains(self.count, self.threads, run)

    def copy_cold(self, cold: Chains) -> None:
        """Make the states of the cold rungs those of other chains."""
        for name in Chains._fields:
            getattr(cold, name)[:] = getattr(self.chains, name)[:: self.rungs]

    def rates(self) -> Array:
        """Return the share of swaps made, (R - 1,) for each pair of neighbours."""
        attempted, made = self.swaps.sum(axis=0).T
        return np.asarray(made / np.maximum(1, attempted), np.float64)


TABLE = labels()


def spaced(ladder: Array, rejected: Array, rungs: int) -> Array:
    """Return a ladder between the same ends whose neighbours reject equal shares of swaps, by the shares of another.

    Example:
        >>> spaced(np.array([1.0, 0.8, 0.4]), np.array([0.6, 0.2]), 3).round(3).tolist()
        [1.0, 0.867, 0.4]
    """
    barrier = np.concatenate([[0.0], np.cumsum(np.maximum(rejected, 1e-3))])
    placed = np.interp(np.linspace(0, barrier[-1], rungs), barrier, ladder)
    return np.asarray(placed, np.float64)


def _ladder(job: Job, texts: Any) -> Array:
    """Return the inverse temperatures, by pilot runs whose states are thrown away."""
    options: Options = job.options
    rungs = options.rungs
    ladder = np.geomspace(1.0, options.hottest, rungs or PILOT_RUNGS)
    for run in range(PILOT_RUNS):
        key = key_of(job.key, "pilot", str(run))
        counters = np.stack([counter(key, group).word for group in range(len(texts[1]))])
        groups = _Groups(job.target, ladder, texts, counters, 0.5, job.threads)
        groups.go(PILOT_EVENTS, 0)
        rejected = 1.0 - groups.rates()
        wanted = int(np.ceil(rejected.sum() / REJECTED)) + 1
        ladder = spaced(ladder, rejected, rungs or min(max(wanted, FEWEST_RUNGS), MOST_RUNGS))
    return ladder


def draw(job: Job) -> Draws:
    """Run groups of rungs, and keep the cold rung's states at equal distances after burn-in.

    Raises:
        RequestError: an option is out of range.
    """
    options = job.options
    if not 0.0 < options.hottest < 1.0:
        raise RequestError(
            f"--sampler tempering: hottest={options.hottest:g} is out of range; give a number between 0 and 1"
        )
    if options.rungs not in (0, *range(FEWEST_RUNGS, MOST_RUNGS + 1)):
        raise RequestError(
            f"--sampler tempering: rungs={options.rungs} is out of range; give {FEWEST_RUNGS} to {MOST_RUNGS}, or 0 for the default"
        )
    if not 0.0 < options.swap < 1.0:
        raise RequestError(f"--sampler tempering: swap={options.swap:g} is out of range; give a share between 0 and 1")
    plan = Plan.of(job, options.chains, options.burn_in, options.thin)
    texts = starts(job, plan)
    groups = _Groups(job.target, _ladder(job, texts), texts, plan.counters, options.swap, job.threads)
    cold = new_chains(plan.chains, job.target.max_tokens)

    def go(_: Chains, rounds: int, first: int) -> None:
        if first == plan.burn_in:
            groups.swaps[:] = 0
            groups.chains.tally[:] = 0
        groups.go(rounds, first)
        groups.copy_cold(cold)

    if job.observer is not None:
        groups.copy_cold(cold)
        job.observer.begin("cold chains", "target", cold)
    draws = retain(job, plan, cold, go, MOVES)
    check_totals(job.target.problem, groups.chains)
    rates = groups.rates()
    report = {"inverse_temperatures": groups.ladder.round(4).tolist(), "swap_rates": rates.round(4).tolist()}
    low = f"the lowest swap rate is {rates.min():.2f}; give more rungs or a larger hottest"
    notes = (low,) if rates.min() < 0.1 else ()
    return replace(draws, evaluations=draws.evaluations * groups.rungs, report=report, notes=notes)


def small_world(world: World) -> World:
    """Return the world with its longest texts left out until pairs of texts can be enumerated."""
    while len(world.texts) > MOST_TEXTS:
        window = world.problem.window - np.array([0, 1])
        world = World.of(world.problem._replace(window=window), world.max_tokens - 1)
    return world


def proof_on(world: World, event: Any, *arguments: Any, ladder: tuple[float, float]) -> list[Finding]:
    """Return whether a kernel on two rungs leaves the product of both laws invariant, and reaches every pair of texts."""
    matrix = pair_matrix(world, event, *arguments)
    laws = [np.exp(b * (world.log_density - world.log_density.max())) for b in ladder]
    law = np.outer(laws[0] / laws[0].sum(), laws[1] / laws[1].sum()).ravel()
    whole = np.allclose(matrix.sum(axis=1), 1.0, atol=1e-12, rtol=0)
    error = float(np.abs(law @ matrix - law).max()) if whole else np.inf
    reached = all(_reached(edges > 0).all() for edges in (matrix, matrix.T))
    return [
        Finding(f"two rungs, b = {ladder[1]:g}: stationary", error, STATIONARY),
        Finding(f"two rungs, b = {ladder[1]:g}: irreducible", 0.0 if reached else np.inf, 0.0),
    ]


def _reached(linked: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Return which states are reached from the first."""
    reached = np.zeros(len(linked), np.bool_)
    reached[0], before = True, 0
    while before < reached.sum():
        before = int(reached.sum())
        reached |= linked[reached].any(axis=0)
    return reached


def proof(world: World) -> list[Finding]:
    """Return how far two rungs on a small world are from leaving the product of their laws invariant."""
    table = labels(span=0, any_span=1, relocate=1, longest=2)
    ladder, swaps = (1.0, 0.4), np.zeros((1, 2), np.int64)
    return proof_on(small_world(world), rung_step, table, np.array(ladder), 0.5, swaps, ladder=ladder)


METHOD = Method(
    name="tempering",
    kind="markov",
    summary="Parallel tempering: hot copies carry the chain between modes, such as orders of the keywords.",
    draw=draw,
    proof=proof,
    options=Options,
    observed=True,
)
