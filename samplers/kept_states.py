"""Chains as samples: start states, burn-in, thinning, and the states kept."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import numpy.typing as npt

from searchgen.errors import NotFound, RequestError
from searchgen.kernels.randomness import counter, key_of
from searchgen.samplers.chains.chains import check_totals
from searchgen.samplers.chains.moves import Chains
from searchgen.samplers.chains.observer import Event, Observer
from searchgen.samplers.chains.scorer import Floats, Lengths, Scorer, Tokens
from searchgen.samplers.edit_levels import draw_starts, guides
from searchgen.samplers.method import Draws, Job
from searchgen.target import Target

__all__ = ["ChainOptions", "Plan", "allowed_starts", "retain", "starts"]

#: Burn-in, in units of the thinning.
BURN_IN = 50

#: Steps from one kept state to the next, for each word a text may have.
THIN_PER_WORD = 4

MOST_CHAINS = 4096

#: The most steps to a kept state; more would run for weeks.
MOST_STEPS = 10**9

#: Steps that compiled code makes at a stretch: signals are answered in between.
STRETCH = 4096

#: Draws of the guide for each chain, in search of a start that hard black-box terms allow.
MOST_TRIES = 200


@dataclass(frozen=True)
class ChainOptions:
    """How chains run; 0 stands for the default.

    Attributes:
        chains: independent chains.
        burn_in: steps of each chain before the first state is kept; default: 50 times the thinning.
        thin: steps from one kept state to the next; default: 4 times the most words.
    """

    chains: int = 64
    burn_in: int = 0
    thin: int = 0

    def spelled_out(self, target: Target) -> Self:
        """Return the options with their defaults for a target."""
        thin = self.thin or THIN_PER_WORD * target.window[1]
        return replace(self, thin=thin, burn_in=self.burn_in or min(BURN_IN * thin, MOST_STEPS))


@dataclass(frozen=True, eq=False)
class Plan:
    """How many chains run how long.

    Attributes:
        chains: number of chains C, at most the number of draws.
        burn_in: steps before the first kept state.
        thin: steps from one kept state to the next.
        kept: states kept of each chain.
        counters: (C, 6) uint64, one `Counter` row a chain.
    """

    chains: int
    burn_in: int
    thin: int
    kept: int
    counters: npt.NDArray[np.uint64]

    @property
    def steps(self) -> int:
        """Steps of each chain, burn-in included."""
        return self.burn_in + self.kept * self.thin

    @staticmethod
    def of(job: Job, chains: int, burn_in: int, thin: int) -> "Plan":
        """Return the plan of a job; 0 stands for a default.

        Raises:
            RequestError: a number is negative or too large.
        """
        if not 1 <= chains <= MOST_CHAINS:
            raise RequestError(f"chains={chains} is out of range; give 1 to {MOST_CHAINS:,}")
        for name, steps in (("thin", thin), ("burn_in", burn_in)):
            if not 0 <= steps <= MOST_STEPS:
                raise RequestError(
                    f"{name}={steps} is out of range; give 1 to {MOST_STEPS:,} steps, or 0 for the default"
                )
        thin = thin or THIN_PER_WORD * int(job.target.window[1])
        chains = min(chains, job.count)
        counters = np.stack([counter(job.key, chain).word for chain in range(chains)])
        return Plan(chains, burn_in or min(BURN_IN * thin, MOST_STEPS), thin, -(-job.count // chains), counters)


def starts(job: Job, plan: Plan) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
    """Return start states: exact draws of the guide of order 2, tokens (C, M) int32 and lengths (C,) int64."""
    key = key_of(job.key, "starts")
    rows = np.stack([counter(key, chain).word for chain in range(plan.chains)])
    return job.guide().draw_texts(rows, threads=job.threads)


def allowed_starts(job: Job, plan: Plan, scorer: Scorer) -> tuple[Tokens, Lengths, Floats]:
    """Return a start for every chain, drawn from the guide, by what edits cost, until the whole target allows it, and its log-density.

    Raises:
        NotFound: some chain has none after 200 draws.
    """
    key = key_of(job.key, "starts")
    rows = np.stack([counter(key, chain).word for chain in range(plan.chains)])
    parts = guides(job)
    tokens, lengths = draw_starts(parts, rows, 0, job.threads)
    score = scorer(tokens, lengths)
    for number in range(1, MOST_TRIES):
        bad = np.flatnonzero(score == -np.inf)
        if not len(bad):
            return tokens, lengths, score
        tokens[bad], lengths[bad] = draw_starts(parts, rows[bad], number, job.threads)
        score[bad] = scorer(tokens[bad], lengths[bad])
    if (score == -np.inf).any():
        model = job.target.text_model
        names = [*(term.name for term in job.target.opaque), *([] if model is None else [model.label])]
        raise NotFound(
            f"{', '.join(names) or 'the target'} allows no start text in {MOST_TRIES} draws of each chain; "
            "loosen the constraints, or name another model"
        )
    return tokens, lengths, score


def retain(job: Job, plan: Plan, chains: Chains, go: Callable[[Chains, int, int], None], moves: Sequence[str]) -> Draws:
    """Run chains and keep their states.

    Args:
        job: what is asked for.
        plan: how long.
        chains: with their first states.
        go: makes so many steps of every chain, given the number of the first.
        moves: names of the moves, in the order of `chains.tally`.
    """

    def advance(steps: int, first: int) -> None:
        for done in range(0, steps, STRETCH):
            go(chains, min(STRETCH, steps - done), first + done)

    sight = _Sight(job, plan, chains)
    for first in sight.pieces:
        count = min(sight.piece, plan.burn_in - first)
        advance(count, first)
        sight.look(count, first + count)
    chains.tally[:] = 0
    max_tokens = chains.token.shape[1]
    tokens = np.zeros((plan.kept, plan.chains, max_tokens), np.int32)
    lengths = np.zeros((plan.kept, plan.chains), np.int64)
    density = np.zeros((plan.kept, plan.chains))
    for k in range(plan.kept):
        advance(plan.thin, plan.burn_in + k * plan.thin)
        tokens[k], lengths[k], density[k] = chains.token, chains.length, chains.log_density
        sight.look(plan.thin, plan.burn_in + (k + 1) * plan.thin)
    check_totals(job.target.problem, chains)
    tally = chains.tally.sum(axis=0)
    steps = plan.chains * plan.steps
    return Draws(
        tokens=tokens.reshape(-1, max_tokens)[: job.count],
        lengths=lengths.ravel()[: job.count],
        log_density=density.ravel()[: job.count],
        log_weight=np.zeros(job.count),
        chains=plan.chains,
        evaluations=steps,
        counts={"chains": plan.chains, "burn_in": plan.burn_in, "thin": plan.thin, "steps": steps},
        moves={name: tuple(row.tolist()) for name, row in zip(moves, tally, strict=True) if row[0]},
    )


#: Pieces of the burn-in where somebody looks.
PIECES = 50


class _Sight:
    """Shows chains to the observer of a job, and how far they are to its progress."""

    def __init__(self, job: Job, plan: Plan, chains: Chains) -> None:
        """Begin; where nobody looks, the burn-in is one piece."""
        self.job, self.plan, self.chains = job, plan, chains
        seen = job.progress is not None or job.observer is not None
        self.piece = max(1, -(-plan.burn_in // PIECES)) if seen else plan.burn_in
        self.pieces = range(0, plan.burn_in, self.piece)
        self.before = list(self._observer.stages[-1].starts) if self._observer else []

    @property
    def _observer(self) -> Observer | None:
        """The observer, if a stage was begun for these chains."""
        observer = self.job.observer
        return observer if observer is not None and observer.stages else None

    def look(self, count: int, done: int) -> None:
        """Show the states after `count` more steps of each chain, `done` in all."""
        if self.job.progress is not None:
            self.job.progress(done / self.plan.steps)
        if self._observer is None:
            return
        stage = self._observer.stages[-1]
        if stage.ring is None and stage.recorded:
            self._add_states(done)
        self._observer.look(stage, count * self.plan.chains)

    def _add_states(self, done: int) -> None:
        """Write down where the chains stand, as steps of their own: this sampler's moves are not seen one by one."""
        stage = self.job.observer.stages[-1]  # type: ignore[union-attr]
        rows = zip(self.chains.token, self.chains.length.tolist(), self.chains.log_density.tolist(), strict=True)
        for chain, (row, length, density) in enumerate(rows):
            text, (parent, before) = tuple(row[:length].tolist()), self.before[chain]
            if text != parent or stage.recorded == "proposed":
                verdict = "accepted" if text != parent else "rejected"
                stage.add(Event(stage.name, chain, done, "state", verdict, 1.0, before, density, text, parent))
                self.before[chain] = text, density
