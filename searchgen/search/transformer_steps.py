"""One search under a model that scores printed texts, step by step: it yields the texts to be scored next, and uses their scores.

    log density(x) = beta * log p_transformer(printed x) + sum over tokens of weight(token)

1. Restarts. The n-gram model's annealing makes texts; the transformer scores the densest of them that are new. Token weights are fitted to
   these scores (`token_weights.py`), and the next restart anneals the n-gram density with them.
2. Edits. Where the transformer states which pieces it expected in a text, the neighbours of the best texts with the best estimates are
   scored next, and their neighbours after them (`neighbours.py`).
   Tests, where it does not. The best texts of all restarts are the starts of chains. In every round each makes m steps on the fitted
   density ** (1 / T'), and one batch of the transformer tests where they led, by the surrogate rule on the true density ** (1 / T). T
   falls geometrically from round to round, T' stays.
3. All texts that were ever scored and break nothing are returned, accepted or not, densest first; `ranking/association.py` ranks them.

Under a large model a whole search of the embedded mixture comes first. Its best texts take the place of the restarts, and its model is
heard as well (`expert.py`), in the order of the texts too.

Temperatures that change make this a search: no law is claimed for its texts.
"""

import heapq
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from operator import itemgetter
from typing import cast

import numpy as np
import numpy.typing as npt

from searchgen.errors import RequestError
from searchgen.guide import Guide
from searchgen.kernels.randomness import counter, key_of
from searchgen.lm.neural.settings import NeuralSettings
from searchgen.lm.protocol import ExpectsPieces, TextModel
from searchgen.lm.turns import turn_with
from searchgen.problem import Problem
from searchgen.ranking.whole_words import whole_words_first
from searchgen.request.request import Annealing, Request
from searchgen.samplers.chains.chains import enter, new_chains
from searchgen.samplers.chains.moves import MOVES, Chains
from searchgen.samplers.chains.observer import Event, Observer, Text
from searchgen.samplers.chains.scorer import Scorer, padded, score_texts, scorer_of
from searchgen.samplers.mcmc.delayed_acceptance import Rounds
from searchgen.samplers.optimise.annealing_loop import Annealed, anneal
from searchgen.search.expert import Expert, rewards
from searchgen.search.look_ahead import look_ahead
from searchgen.search.neighbours import EXPECTED, Edits
from searchgen.search.preferences import Preferred, merged, preferred
from searchgen.search.scored_texts import ScoredTexts, by_density
from searchgen.search.softening import Softening, without_counted
from searchgen.search.token_weights import fitted
from searchgen.search.transformer_plan import MAX_PER_PARENT, TransformerPlan
from searchgen.sources.piece_words import PieceWords
from searchgen.sources.source import Source
from searchgen.target import Target

__all__ = ["TransformerRun"]

#: Best texts that an observer is shown.
LEADERS = 8


@dataclass(eq=False)
class TransformerRun:
    """The search of one request, under way.

    Attributes:
        source: the model, with the n-gram model that proposes to it.
        request: its window spelled out.
        proposal: its target under the n-gram model, which proposes.
        guide: draws the starts.
        plan: its schedule.
        fitted: the n-gram density, with token weights fitted to the scored texts.
        softening: the terms whose violations are counted.
        first: the texts of the first restart.
        target: its target under the model; None: the model has not been needed yet.
        scored: every text scored so far.
        rounds: the chains of the tests; None: there are none yet.
        tally: of the restarts.
        restart: number of the next.
        failure: the error that ended the search early.
        observer: sees the chains and the scored texts; None: nobody looks.
        preferred: where its preferences hold; None: it has none.
        expert: a second model, which has explored; None: there is none.
    """

    source: Source
    request: Request
    proposal: Target
    guide: Guide
    plan: TransformerPlan
    fitted: Problem
    softening: Softening
    first: list[tuple[int, ...]] = field(default_factory=list)
    target: Target | None = None
    scored: ScoredTexts | None = None
    rounds: Rounds | None = None
    tally: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros((len(MOVES), 3), np.int64))
    restart: int = 0
    failure: BaseException | None = None
    observer: Observer | None = None
    preferred: Preferred | None = None
    expert: Expert | None = None

    @staticmethod
    def begin(
        source: Source, request: Request, observer: Observer | None = None, *, explores: bool = False
    ) -> "TransformerRun":
        """Look ahead, and make the first restart, or explore: neither needs the model that scores texts, which may still be loading.

        Args:
            source: the model.
            request: the job.
            observer: sees the chains and the scored texts.
            explores: whether a larger model goes on from the texts.

        Raises:
            RequestError: the request contradicts itself.
            Impossible: no text satisfies it.
        """
        if source.explorer is not None:
            same = request.but(lm=source.explorer.ref.name, neural=NeuralSettings())
            with suppress(RequestError):  # of texts that the explorer cannot read: they are too long
                return TransformerRun.begin(source.explorer, same, observer, explores=True)._explored(source, request)
        proposal, guide = look_ahead(source, request)
        request = request.but(min_words=proposal.window[0], max_words=proposal.window[1])
        plan = TransformerPlan.of(request)
        if explores:
            plan = plan.exploring()
        if proposal.many is not None:
            plan = plan.for_many_keywords()
        softening = Softening.of(proposal)
        run = TransformerRun(source, request, proposal, guide, plan, proposal.problem, softening, observer=observer)
        if softening.soft:
            run.preferred = preferred(source, request, proposal)
        if observer is not None:
            observer.target = proposal
        run.first = run._annealed()
        return run

    def _explored(self, source: Source, request: Request) -> "TransformerRun":
        """Return a run under a larger model with the same n-gram model, whose first texts are the best that this one finds."""
        model = self.source.text_model
        assert model is not None
        with turn_with(model):
            model.forget()
            cast(ExpectsPieces, model).note_expected(EXPECTED)
            for _ in self.steps(model):
                pass
            model.forget()
        request = request.but(min_words=self.request.min_words, max_words=self.request.max_words)
        plan = TransformerPlan.of(request, explored=True)
        first = self.first
        if self.scored is not None and self.scored.density:
            texts, density = self.scored.ranked()
            first = [texts[i] for i in np.argsort(-density - rewards(texts, self.proposal), kind="stable")]
        run = replace(self, source=source, request=request, plan=plan, first=first, restart=1)
        run.expert, run.scored, run.target = Expert(model), None, None
        return run

    def steps(self, text_model: TextModel) -> Iterator[list[str]]:
        """Yield, before each step, the printed texts that it will ask the model for."""
        target = self.target = replace(self.proposal, text_model=text_model)
        scored = self.scored = ScoredTexts(self._scorer(target), self.softening)
        texts, queued = self.first, set[tuple[int, ...]]()
        while True:
            texts = self._whole_first([text for text in texts if text not in queued])[: self.plan.restart_scored]
            queued.update(texts)
            yield [target.printed(text) for text in texts]
            scored.score(*padded(texts, target.max_tokens))
            name = "texts explored" if self.expert else f"scores of restart {self.restart}"
            self._look(name, "score", scored, {text: None for text in texts})
            self.fitted = self._fitted(scored)
            if self.restart >= self.plan.restarts:
                break
            texts = self._annealed()
        words = self.source.piece_words
        yield from self._rounds(target, scored) if words is None else self._edits(target, scored, words)

    def _scorer(self, target: Target) -> Scorer:
        scorer = scorer_of(without_counted(target) if self.softening else target)
        return scorer if self.expert is None else self.expert.beside(scorer, target)

    def _edits(self, target: Target, scored: ScoredTexts, words: PieceWords) -> Iterator[list[str]]:
        """Score neighbours of the best texts, again and again."""
        plan, model = self.plan, cast(ExpectsPieces, target.text_model)
        edits = Edits(self.proposal, words, scored.softening if scored.softening else None)
        leader, patience = None, plan.patience
        for number in range(1, plan.edit_rounds + 1):
            best = scored.ranked()[0][: 2 * plan.parents]
            patience = plan.patience if best[:1] != leader else patience - 1
            if patience == 0:
                break
            leader = best[:1]
            edits.expand(scored.own, self._whole_first(best)[: plan.parents], model)
            parents = {text: parent for text, (_, parent) in edits.estimates.items()} if self.observer else {}
            texts = edits.best(plan.edits_scored, MAX_PER_PARENT)
            yield [target.printed(text) for text in texts]
            if texts:
                scored.score(*padded(texts, target.max_tokens))
                self._look(f"edits, round {number}", "edit", scored, {text: parents.get(text) for text in texts})

    def _rounds(self, target: Target, scored: ScoredTexts) -> Iterator[list[str]]:
        """Test where chains of cheap steps lead."""
        rounds = self.rounds = self._entered(target, scored)
        for number, power in enumerate(self.plan.powers(), 1):
            rounds.true_power = float(power)
            before, moved = rounds.propose()
            chains = rounds.chains
            yield [target.printed(chains.token[i, : chains.length[i]].tolist()) for i in moved]
            proposed = {_row(chains, i): _row(before, i) for i in moved}
            rounds.settle(before, moved)
            self._look(f"tests, round {number}", "test", scored, proposed)

    def result(self) -> tuple[Annealed, dict[str, int]]:
        """Return the scored texts, best first, with the steps made; and the counts of the tests, by name."""
        texts, density = self.scored.allowed() if self.scored else ([], np.zeros(0))
        if self.expert is not None:
            density = self.expert.without(texts, density)
        tally = self.tally if self.rounds is None else self.tally + self.rounds.chains.tally.sum(axis=0)
        counts = {
            "tested": self.rounds.tested if self.rounds else 0,
            "accepted": self.rounds.accepted if self.rounds else 0,
            "scored": len(self.scored.own) if self.scored else 0,
        }
        return Annealed(texts, density, int(tally[:, 0].sum()), self.failure is not None, tally), counts

    def _annealed(self) -> list[tuple[int, ...]]:
        """Return the texts of the next restart, those of the largest fitted density first."""
        chains = self.plan.restart_chains
        if self.preferred is None:
            annealed = self._wave(self.fitted, self.guide, slice(chains))
        else:
            problem, half = self.preferred.of(self.fitted), (chains + 1) // 2
            plain = self._wave(self.fitted, self.guide, slice(half))
            annealed = merged(plain, self._wave(problem, self.preferred.guide, slice(half, chains)))
        self.tally += annealed.tally
        self.restart += 1
        softening = self.softening
        if not softening:
            return annealed.texts
        charged = annealed.log_density + np.array([softening.charge(text) for text in annealed.texts])
        return [annealed.texts[i] for i in np.argsort(-charged, kind="stable")]

    def _wave(self, problem: Problem, guide: Guide, chains: slice) -> Annealed:
        """Anneal some chains of a restart."""
        number, count, threads = self.restart, self.plan.restart_chains, self.source.threads
        starts = guide.draw_texts(self._counters("starts", number, count)[chains], threads=threads)
        return anneal(
            problem,
            starts,
            self._counters("wave", number, count)[chains],
            Annealing(chains=len(starts[1]), steps=self.plan.restart_steps),
            threads=threads,
            observer=self.observer,
            stage=(f"restart {number + 1}", "n-gram"),
        )

    def _look(self, name: str, move: str, scored: ScoredTexts, parents: Mapping[Text, Text | None]) -> None:
        """Show the observer what a pass of the model scored: each text with the one that it was made of, if any."""
        if self.observer is None:
            return
        stage = self.observer.begin(name, "transformer")
        for text, parent in parents.items():
            after, before = scored.density.get(text), None if parent is None else scored.density.get(parent)
            better = after is not None and (before is None or after > before)
            verdict = "accepted" if better else "rejected"
            event = Event(
                name, -1, 0, move, verdict, None, self._shown(parent, before), self._shown(text, after), text, parent
            )
            stage.add(event)
            if parent is not None:
                self.observer.made_by.setdefault(text, event)
        leaders = heapq.nlargest(LEADERS, scored.density.items(), key=itemgetter(1))
        stage.leaders = [(text, cast(float, self._shown(text, density))) for text, density in leaders]
        self.observer.look(stage)

    def _shown(self, text: Text | None, density: float | None) -> float | None:
        """The density of a text under the model alone."""
        if self.expert is None or text is None or density is None:
            return density
        return density - self.expert.added[text]

    def _fitted(self, scored: ScoredTexts) -> Problem:
        """Return the n-gram density with token weights fitted to all that was scored."""
        problem = self.proposal.problem
        texts, density = by_density(scored.unforced())
        if not texts:
            return problem
        return fitted(problem, texts, density - score_texts(problem, *padded(texts, self.proposal.max_tokens)))

    def _whole_first(self, texts: list[tuple[int, ...]]) -> list[tuple[int, ...]]:
        return [texts[i] for i in whole_words_first(texts, self.proposal, self.source.segmentation)]

    def _counters(self, purpose: str, number: int, count: int) -> npt.NDArray[np.uint64]:
        key = key_of(self.request.seed, self.request.canonical(), f"{purpose} {number}")
        return np.stack([counter(key, chain).word for chain in range(count)])

    def _entered(self, target: Target, scored: ScoredTexts) -> Rounds:
        """Return chains that stand at the best of the texts found so far."""
        best = self._whole_first(scored.ranked()[0])[: self.plan.test_chains]
        rounds = Rounds(
            cheap=self.fitted,
            scorer=scored.score,
            chains=new_chains(len(best), target.max_tokens),
            true=np.array([scored.density[text] for text in best]),
            counters=self._counters("rounds", 0, self.plan.test_chains)[: len(best)],
            inner=self.plan.steps_between_tests,
            inverse_temperature=1.0 / self.plan.proposal_temperature,
            threads=self.source.threads,
        )
        enter(rounds.cheap, rounds.chains, *padded(best, target.max_tokens))
        return rounds


def _row(chains: Chains, i: int) -> Text:
    return tuple(chains.token[i, : chains.length[i]].tolist())
