"""Rounds of delayed acceptance: m cheap steps of every chain, then one test of each against the true target.

Liu, "Monte Carlo Strategies in Scientific Computing" (2001), section 9.4.3; m = 1 is delayed acceptance (Christen and Fox 2005). With a
kernel K reversible for the cheap density r', y drawn from K^m(x, .) is accepted with probability min(1, r(y) r'(x) / (r(x) r'(y))): no
other term appears. K must be one reversible kernel, or a random mixture of such, at one frozen temperature: a schedule inside, as in
annealing, makes K^m irreversible and the test wrong.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from searchgen.errors import RequestError
from searchgen.kernels.acceptance import accepts_each, log_threshold
from searchgen.kernels.compiled import kernel
from searchgen.kernels.randomness import Counter, start_step
from searchgen.lm.ngram.tables import BEGIN
from searchgen.lm.ngram.truncate import truncated
from searchgen.problem import Problem
from searchgen.samplers.chains.chains import advance
from searchgen.samplers.chains.moves import Chains, labels
from searchgen.samplers.chains.observer import Event, Observer
from searchgen.samplers.chains.scorer import Floats, Scorer
from searchgen.samplers.mcmc.early_rejection import EarlyScorer

__all__ = ["LOOK", "STATE", "Rounds", "cheap_problem", "log_acceptance", "thresholds"]

#: What a chain's state is made of.
STATE = ("token", "context", "state", "log_p", "length", "words", "log_density")

#: The acceptance that tuning aims at, the rounds it looks at, and the factor it changes m by.
AIM, LOOK, FACTOR = (0.3, 0.5), 4, 1.5

#: So many steps at most: where one text has much of the mass, more of them move no more chains.
MOST_INNER = 20_000

#: The least share of rounds that change the text: below it rounds cost nothing and do nothing, however well they are accepted.
LEAST_CHANGED = 0.9


def cheap_problem(problem: Problem, order: int) -> Problem:
    """Return the same target under a model of lower order."""
    tables = truncated(problem.ngram, order)
    return problem._replace(ngram=tables, begin=tables.node["state"][[1 + BEGIN]].astype(np.int64))


def log_acceptance(true_y: Any, true_x: Any, cheap_y: Any, cheap_x: Any, inverse_temperature: float) -> Any:
    """Return log [r(y) r'(x) / (r(x) r'(y))], r' = cheap density ** inverse_temperature; -inf where r(y) = 0.

    Example:
        >>> log_acceptance(-3.0, -5.0, -2.0, -2.5, 1.0)
        1.5
    """
    return (true_y - true_x) - inverse_temperature * (cheap_y - cheap_x)


@kernel
def thresholds(counters: Any, number: Any, log_u: Any) -> None:
    """Draw log U of every chain's test in a round."""
    for c in range(len(log_u)):
        rng = Counter(counters[c])
        start_step(rng, number)
        log_u[c] = log_threshold(rng)


@dataclass(eq=False)
class Rounds:
    """Chains on the cheap target whose every m-th state is tested against the true one.

    Attributes:
        cheap: the cheap target.
        scorer: the true log-density.
        chains: the states, kept as the cheap target sees them.
        true: (C,) the true log-density of each, stored, never computed again.
        counters: (C, 6) uint64.
        inner: cheap steps a round.
        inverse_temperature: of the cheap target.
        true_power: of the true density; 1 unless the true target itself is annealed, which is a search.
        threads: for the cheap steps.
        tested: rounds whose y differed from x; each cost one true evaluation.
        accepted: of them.
        number: of the next step: no random number is used twice.
        early: scores of texts that may stop, with -inf, once a score cannot exceed what acceptance needs; None: all are scored whole.
        observer: sees the tests as moves of its last stage; None: nobody looks.
        after_round: called after every round; None: nothing is.
    """

    cheap: Problem
    scorer: Scorer
    chains: Chains
    true: Floats
    counters: npt.NDArray[np.uint64]
    inner: int
    inverse_temperature: float
    true_power: float = 1.0
    threads: int = 1
    tested: int = 0
    accepted: int = 0
    number: int = 0
    early: EarlyScorer | None = None
    observer: Observer | None = None
    after_round: Callable[[], None] | None = None

    def counted(self) -> dict[str, int]:
        """Return what else was counted, by name."""
        return {}

    def advance(self, rounds: int) -> None:
        """Make rounds of every chain."""
        for _ in range(rounds):
            self.settle(*self.propose())

    def propose(self) -> tuple[Chains, npt.NDArray[np.int64]]:
        """Make the cheap steps of a round; return the states before them, and the chains that moved: y = x needs no test."""
        chains = self.chains
        before = Chains._make(column.copy() for column in chains)
        betas = np.array([self.inverse_temperature])
        advance(self.cheap, chains, self.counters, labels(), betas, self.inner, self.number, self.threads)
        return before, np.flatnonzero((chains.token != before.token).any(axis=1) | (chains.length != before.length))

    def tune(self, rounds: int) -> None:
        """Make rounds, and change m after every few of them towards the acceptance aimed at, but not below what moves at all."""
        for _ in range(rounds // LOOK):
            tested, accepted = self.tested, self.accepted
            self.advance(LOOK)
            changed = self.tested - tested
            rate = (self.accepted - accepted) / max(1, changed)
            if rate > AIM[1] or changed < LEAST_CHANGED * LOOK * len(self.true):
                self.inner = min(MOST_INNER, int(np.ceil(self.inner * FACTOR)))
            elif rate < AIM[0]:
                self.inner = max(1, int(self.inner / FACTOR))

    def settle(self, before: Chains, moved: npt.NDArray[np.int64]) -> None:
        """Accept or take back what `propose` changed."""
        chains = self.chains
        log_u = np.empty(len(chains.length))
        thresholds(self.counters, self.number + self.inner, log_u)
        cheap = self.inverse_temperature * (chains.log_density[moved] - before.log_density[moved])
        proposed = np.zeros(0)
        if len(moved) and self.early is not None:
            # log U first: only a score above this is accepted, and partial sums may fall below it long before the text's end.
            least = self.true[moved] + (log_u[moved] + cheap) / self.true_power
            proposed = self.early(chains.token[moved], chains.length[moved], least)
        elif len(moved):
            proposed = self.scorer(chains.token[moved], chains.length[moved])
        if np.isnan(proposed).any():
            raise RequestError("the true target gave the score nan; its log-density must be a number or -inf")
        power = self.true_power
        ratio = log_acceptance(
            power * proposed,
            power * self.true[moved],
            chains.log_density[moved],
            before.log_density[moved],
            self.inverse_temperature,
        )
        good = accepts_each(log_u[moved], ratio)
        if self.observer is not None:
            self._show(self.observer, before, moved, proposed, good)
        self.true[moved[good]] = proposed[good]
        back = moved[~good]
        for name in STATE:
            getattr(chains, name)[back] = getattr(before, name)[back]
        self.tested += len(moved)
        self.accepted += int(good.sum())
        self.number += self.inner + 1
        if self.after_round is not None:
            self.after_round()

    def _show(
        self, observer: Observer, before: Chains, moved: npt.NDArray[np.int64], proposed: Floats, good: npt.NDArray[Any]
    ) -> None:
        """Show an observer the tests of a round, before rejected texts are taken back."""
        stage, chains = observer.stages[-1], self.chains
        for i, score, accepted in zip(moved.tolist(), proposed.tolist(), good.tolist(), strict=True):
            stage.add(
                Event(
                    stage=stage.name,
                    chain=i,
                    step=self.number,
                    move="test",
                    verdict="accepted" if accepted else "rejected",
                    temperature=1.0 / self.true_power,
                    before=float(self.true[i]),
                    after=score if np.isfinite(score) else None,
                    text=tuple(chains.token[i, : chains.length[i]].tolist()),
                    parent=tuple(before.token[i, : before.length[i]].tolist()),
                )
            )
        observer.look(stage, len(chains.length) * self.inner)
