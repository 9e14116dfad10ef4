"""Surrogate transitions: m cheap steps, then one test against the true target; see `delayed_acceptance.py`."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

import numpy as np
import numpy.typing as npt

from searchgen.errors import NotFound, Outage, RequestError
from searchgen.lm.protocol import TextModel
from searchgen.problem import Problem
from searchgen.samplers.chains.chains import advance, check_totals, enter, new_chains, recompute
from searchgen.samplers.chains.moves import MOVES, Chains, labels, step
from searchgen.samplers.chains.scorer import Floats, scorer_of
from searchgen.samplers.kept_states import Plan, allowed_starts
from searchgen.samplers.mcmc.delayed_acceptance import LOOK, STATE, Rounds, cheap_problem, log_acceptance
from searchgen.samplers.mcmc.early_rejection import early_scorer, whole_by
from searchgen.samplers.mcmc.masked_moves import hash_of_proposer, masked_rounds
from searchgen.samplers.method import Draws, Job, Method
from searchgen.samplers.proofs.exactness import STATIONARY, Finding, World, imbalance, is_irreducible, transition_matrix
from searchgen.target import Target

__all__ = ["METHOD", "Options", "surrogate_matrix"]

#: Rounds before the first kept state, and between kept states.
BURN_IN, THIN = 50, 2

#: Rounds before the first kept state under a transformer, which the n-gram model's law is far from.
NEURAL_BURN_IN = 100

#: Cheap steps a round, and the order of the cheap model, where nothing is asked for.
INNER, ORDER = 16, 2

#: The most cheap steps a round that may be asked for: Ctrl-C is answered between rounds.
MOST_ASKED = 1_000_000

#: The share of the burn-in in which the number of cheap steps is tuned.
TUNED_SHARE = 0.7

#: Steps on the n-gram target before the first test against a transformer: its starts are near the n-gram law for nothing.
HEAD_START = 5000


@dataclass(frozen=True)
class Options:
    """How the chains run; 0 stands for the default.

    Attributes:
        chains: independent chains.
        inner: cheap steps m to each true test; by default 16, under a transformer tuned in the burn-in to an acceptance of 0.3 to 0.5.
        order: of the cheap model, cut out of the n-gram model; by default 2, under a transformer the whole.
        temperature: of the cheap target, frozen: the inner kernel is reversible for cheap density ** (1 / temperature).
        burn_in: rounds before the first state is kept.
        thin: rounds from one kept state to the next.
        early: under a transformer, stop reading a text once its partial score decides the test; the chain stays the same.
        masked: folder or hub name of a masked transformer that, after every round, proposes a word of each text anew; tested exactly.
        masked_hash: of its files; a signature holds it, and refuses files that have changed.
        anneal: refused; a temperature that changes inside a round leaves no law invariant.
    """

    chains: int = 64
    inner: int = 0
    order: int = 0
    temperature: float = 1.0
    burn_in: int = 0
    thin: int = 0
    early: bool = False
    masked: str = ""
    masked_hash: str = ""
    anneal: bool = False

    def spelled_out(self, target: Target) -> "Options":
        """Return the options with the hash of the masked model.

        Raises:
            RequestError: there is no such model, or it has another hash than the one given.
        """
        if not self.masked:
            if self.masked_hash:
                raise RequestError(
                    f"masked_hash={self.masked_hash[:12]} needs the model that it belongs to; name it with masked="
                )
            return self
        file_hash = hash_of_proposer(self.masked)
        if self.masked_hash not in ("", file_hash):
            raise RequestError(
                f"masked={self.masked} has changed: its files have the hash {file_hash[:12]}, not {self.masked_hash[:12]}; "
                "restore the old model, or drop masked_hash"
            )
        return replace(self, masked_hash=file_hash)


def draw(job: Job) -> Draws:
    """Run chains on the cheap target with a true test after every `inner` steps, and keep states after burn-in."""
    options = job.options
    if options.anneal:
        raise RequestError(
            "--sampler surrogate: anneal=true has no exact acceptance test, because steps at changing temperatures are no reversible "
            "kernel; drop it, or search with --sampler anneal"
        )
    if not 0 <= options.inner <= MOST_ASKED or options.order < 0 or not options.temperature > 0:
        raise RequestError(
            f"--sampler surrogate: give 1 to {MOST_ASKED:,} inner steps, an order of 1 or more and a temperature above 0"
        )
    whole = job.target.text_model is not None
    burn_in = options.burn_in or (NEURAL_BURN_IN if whole else BURN_IN)
    plan = Plan.of(job, options.chains, burn_in, options.thin or THIN)
    early = early_scorer(job.target) if options.early else None
    scorer = scorer_of(job.target) if early is None else whole_by(early)
    rounds = _kind_of_rounds(options.masked, job.target)(
        cheap=cheap_problem(job.target.problem, options.order or (job.target.model.order if whole else ORDER)),
        scorer=scorer,
        chains=new_chains(plan.chains, job.target.max_tokens),
        true=np.zeros(0),
        counters=plan.counters,
        inner=options.inner or INNER,
        inverse_temperature=1.0 / options.temperature,
        threads=job.threads,
        early=early,
    )
    tokens, lengths, rounds.true = allowed_starts(job, plan, scorer)
    enter(rounds.cheap, rounds.chains, tokens, lengths)
    if whole and not job.target.opaque:
        _head_start(rounds)
    if job.observer is not None:
        job.observer.begin("rounds", "target", rounds.chains)
        rounds.observer = job.observer
    return _collect(job, plan, rounds)


def _kind_of_rounds(masked: str, target: Target) -> Callable[..., Rounds]:
    """Return what makes rounds: plain ones, or each followed by a proposal of a masked model."""
    return masked_rounds(masked, target) if masked else Rounds


def _head_start(rounds: Rounds) -> None:
    """Move every chain towards the law of the cheap target, and score where it stands; a start may be anything that is possible."""
    chains, betas = rounds.chains, np.array([rounds.inverse_temperature])
    before = Chains._make(column.copy() for column in chains)
    advance(rounds.cheap, chains, rounds.counters, labels(), betas, HEAD_START, 0, rounds.threads)
    rounds.number = HEAD_START
    true = rounds.scorer(chains.token, chains.length)
    back = np.flatnonzero(np.isneginf(true))  # texts that the transformer's tokenizer cannot spell
    for name in STATE:
        getattr(chains, name)[back] = getattr(before, name)[back]
    rounds.true = np.where(np.isneginf(true), rounds.true, true)


def _collect(job: Job, plan: Plan, rounds: Rounds) -> Draws:
    """Burn in, then keep every chain's state at equal distances."""
    chains, text_model = rounds.chains, job.target.text_model
    tuned = int(TUNED_SHARE * plan.burn_in) if text_model is not None and not job.options.inner else 0
    if job.progress is not None:
        rounds.after_round = _counting(job.progress, plan.burn_in + plan.kept * plan.thin)
    rounds.tune(tuned)
    rounds.advance(plan.burn_in - tuned // LOOK * LOOK)
    before = rounds.tested, rounds.accepted
    rounds.tested = rounds.accepted = 0
    tokens = np.zeros((plan.kept, *chains.token.shape), np.int32)
    lengths = np.zeros((plan.kept, plan.chains), np.int64)
    density = np.zeros((plan.kept, plan.chains))
    failure: BaseException | None = None
    for k in range(plan.kept):
        try:
            rounds.advance(plan.thin)
        except (Outage, KeyboardInterrupt) as error:
            if k == 0:
                raise
            # Where a run stops does not depend on its states, so those kept so far have the law they would have had.
            failure, tokens, lengths, density = error, tokens[:k], lengths[:k], density[:k]
            break
        tokens[k], lengths[k], density[k] = chains.token, chains.length, rounds.true
    if failure is None:  # else a round may have ended half-way
        check_totals(rounds.cheap, chains)
    tested, accepted = before[0] + rounds.tested, before[1] + rounds.accepted
    if text_model is not None and tested and not accepted:
        raise NotFound(f"{text_model.label} accepted no proposal in {tested} tests; try --option inner=1")
    tests = plan.chains * len(tokens) * plan.thin
    tally = chains.tally.sum(axis=0)
    return Draws(
        tokens=tokens.reshape(-1, tokens.shape[-1])[: job.count],
        lengths=lengths.ravel()[: job.count],
        log_density=density.ravel()[: job.count],
        log_weight=np.zeros(min(job.count, tokens.shape[0] * plan.chains)),
        chains=plan.chains,
        evaluations=rounds.tested,
        failure=failure,
        counts={
            "rounds": tests,
            "tested": rounds.tested,
            "accepted": rounds.accepted,
            "inner": rounds.inner,
            **rounds.counted(),
        },
        moves={name: tuple(row.tolist()) for name, row in zip(MOVES, tally, strict=True) if row[0]},
        report={"acceptance": rounds.accepted / max(1, rounds.tested), **_usage(text_model)},
    )


def _counting(progress: Callable[[float], None], whole: int) -> Callable[[], None]:
    """Return what tells, called after every round, which share of them is made."""
    made = count(1)
    return lambda: progress(min(1.0, next(made) / whole))


def _usage(text_model: TextModel | None) -> dict[str, Any]:
    return {} if text_model is None else {"transformer": text_model.counted()}


def proof(world: World) -> list[Finding]:
    """Return whether m steps on the model of order 2 and the true test leave the true target invariant, by powers of the exact matrix."""
    findings: list[Finding] = []
    cheap = cheap_problem(world.problem, 1 if int(world.problem.ngram.order[0]) == 2 else 2)
    scores = _scores(cheap, world)
    cheap_world = World(cheap, world.texts, scores, world.max_tokens)
    for temperature, counts in ((1.0, (1, 2, 7)), (2.0, (2,))):
        table = labels(span=1, any_span=1, relocate=1, longest=2)
        inner = transition_matrix(cheap_world, step, table, 1.0 / temperature)
        for m in counts:
            matrix = surrogate_matrix(np.linalg.matrix_power(inner, m), world.log_density, scores, temperature)
            what = f"{m} inner steps" if temperature == 1.0 else f"{m} inner steps at temperature {temperature:g}"
            findings.append(Finding(f"{what}: stationary", imbalance(world, matrix), STATIONARY))
            findings.append(Finding(f"{what}: irreducible", 0.0 if is_irreducible(matrix) else np.inf, 0.0))
    return findings


def _scores(problem: Problem, world: World) -> Floats:
    chains = new_chains(1, world.max_tokens)
    scores = np.empty(len(world.texts))
    for i, text in enumerate(world.texts):
        chains.token[0, : len(text)] = text
        chains.length[0] = len(text)
        scores[i] = recompute(problem, chains, 0)
    return scores


def surrogate_matrix(inner: npt.NDArray[Any], true: Floats, cheap: Floats, temperature: float = 1.0) -> Floats:
    """Return the transition matrix of one round, given that of its inner steps, both log-densities and the cheap temperature."""
    ratio = log_acceptance(true[None, :], true[:, None], cheap[None, :], cheap[:, None], 1.0 / temperature)
    matrix: Floats = inner * np.minimum(1.0, np.exp(np.minimum(ratio, 0.0)))
    np.fill_diagonal(matrix, 0.0)
    np.fill_diagonal(matrix, 1.0 - matrix.sum(axis=1))
    return matrix


METHOD = Method(
    name="surrogate",
    kind="markov",
    summary="Delayed acceptance: cheap n-gram steps and one exact test per round, for transformers and your own functions.",
    draw=draw,
    proof=proof,
    options=Options,
    opaque=True,
    observed=True,
)
