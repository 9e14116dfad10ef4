"""The schedule of a search under a model that scores printed texts."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from searchgen.request.request import LONGER_CHAINS, MORE_STEPS, Request

__all__ = ["EVALUATIONS_PER_SECOND", "MAX_PER_PARENT", "TransformerPlan"]

#: Texts a second that a budget in seconds stands for: a small model on one core (measured: 8 million parameters, 12 words).
EVALUATIONS_PER_SECOND = 300

#: Chains for each text asked for, so that enough different ones are found.
CHAINS_PER_TEXT = 4

#: Texts of a single restart that are scored whatever the budget.
LEAST_SCORED = 40

#: So many times the usual restarts explore for a large model.
EXPLORING = 2.4

#: Edits of one text that are scored together, at most: several texts get on.
MAX_PER_PARENT = 2


@dataclass(frozen=True)
class TransformerPlan:
    """The schedule: restarts of annealing, then rounds of edits, or rounds of tests where the model does not state what it expects.

    Attributes:
        restarts: times that the n-gram density, fitted so far, is annealed.
        restart_chains: chains of each restart.
        restart_steps: steps of each of these chains.
        restart_scored: texts of each restart that the model scores, of one a chain; the others are hardly ever the best.
        edit_rounds: times that edits of the best texts are scored.
        edits_scored: edits that the model scores in each round.
        parents: the best texts, which are edited; of each at most `MAX_PER_PARENT` edits are scored in a round.
        test_chains: chains that go on from the best texts where the model does not state what it expects.
        test_rounds: tests of each of these chains.
        steps_between_tests: n-gram steps to each test.
        test_hot: first temperature T of the model's density.
        test_cold: last one.
        proposal_temperature: temperature T' of the fitted density.
        patience: rounds of edits without a better text after which the search ends.
    """

    restarts: int = 5
    restart_chains: int = 16
    restart_steps: int = 2400
    restart_scored: int = 8
    edit_rounds: int = 5
    edits_scored: int = 24
    parents: int = 16
    test_chains: int = 8
    test_rounds: int = 15
    steps_between_tests: int = 200
    test_hot: float = 1.0
    test_cold: float = 0.5
    proposal_temperature: float = 0.7
    patience: int = 99

    @staticmethod
    def of(request: Request, explored: bool = False) -> "TransformerPlan":
        """Return the schedule of a request: more chains for more texts, restarts and rounds by its budget.

        Args:
            request: the job.
            explored: whether another model has found texts to begin with.
        """
        large, annealing = EXPLORED if explored else LARGE, request.annealing
        plan = large if request.model.is_large else _small(request)
        chains = max(plan.test_chains, CHAINS_PER_TEXT * request.count)
        factor = chains // plan.test_chains
        wider = replace(
            plan,
            restart_chains=factor * plan.restart_chains,
            restart_scored=factor * plan.restart_scored,
            edits_scored=factor * plan.edits_scored,
            parents=factor * plan.parents,
            test_chains=chains,
        )
        if annealing.is_usual(request.count):
            return wider
        return wider.times(annealing.expected_seconds * EVALUATIONS_PER_SECOND / plan.evaluations)

    def exploring(self) -> "TransformerPlan":
        """Return the schedule with more restarts, so that a large model has more texts to choose from (notes/reading.md)."""
        return replace(self, restarts=round(EXPLORING * self.restarts))

    def for_many_keywords(self) -> "TransformerPlan":
        """Return the schedule with fewer and longer chains in each restart: orders of many keywords take long to be tried."""
        chains = max(self.restart_scored, self.restart_chains // LONGER_CHAINS)
        return replace(self, restart_chains=chains, restart_steps=LONGER_CHAINS * MORE_STEPS * self.restart_steps)

    @property
    def evaluations(self) -> int:
        """The most texts that the model scores."""
        return self.restarts * self.restart_scored + self.edit_rounds * self.edits_scored  # or as many by tests

    def passes(self, edits: bool) -> int:
        """Return how often the model is asked; `edits`: whether it states which pieces it expects."""
        return self.restarts + (self.edit_rounds if edits else self.test_rounds)

    def times(self, factor: float) -> "TransformerPlan":
        """Return a schedule with `factor` times the restarts and the rounds; of a single restart fewer texts are scored."""
        single = max(LEAST_SCORED, round(factor * self.restart_scored)) if self.restarts == 1 else self.restart_scored
        return replace(
            self,
            restart_scored=min(self.restart_scored, single),
            restarts=max(1, round(factor * self.restarts)),
            edit_rounds=max(1, round(factor * self.edit_rounds)),
            test_rounds=max(1, round(factor * self.test_rounds)),
        )

    def powers(self) -> npt.NDArray[np.float64]:
        """Return 1 / T of every round of tests, (test_rounds,)."""
        return 1.0 / np.geomspace(self.test_hot, self.test_cold, self.test_rounds)


#: Within a few edits of a source there are few texts, of which many short chains find more than few long ones (measured).
OF_A_SOURCE = TransformerPlan(restarts=2, restart_chains=64, restart_steps=200, restart_scored=32)

#: In the gaps of a template the best text is found early (measured).
OF_A_TEMPLATE = TransformerPlan(patience=2)

#: N-grams of Chinese characters lead less far than those of English words; more restarts find better texts (notes/models.md).
IN_CHINESE = TransformerPlan(restarts=10)

#: The schedule under a model that costs a hundred times more: 100 texts at most, most of them edits of few.
LARGE = TransformerPlan(
    restarts=3, restart_scored=10, edit_rounds=7, edits_scored=10, parents=6, test_rounds=8, patience=3
)

#: The same behind a search under the embedded mixture: first its best texts, then edits of few.
EXPLORED = replace(LARGE, restarts=1, restart_scored=80, edit_rounds=6, parents=8)


def _small(request: Request) -> TransformerPlan:
    """The schedule under a small model, before its budget."""
    if request.source:
        return OF_A_SOURCE
    if request.template:
        return OF_A_TEMPLATE
    return IN_CHINESE if request.model.language == "zh" else TransformerPlan()
