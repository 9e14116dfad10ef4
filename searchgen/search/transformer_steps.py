"""One search under a transformer, step by step: what it wants scored next, and what it does with the scores.

    log density(x) = beta * log p_transformer(printed x) + sum over tokens of weight(token)

1. Waves. The n-gram model's annealing makes texts; the transformer scores the densest of them that are new. Token weights are fitted to
   what it has scored (`token_fit.py`), and the next wave anneals the n-gram density with them: it knows better what to look for.
2. Edits. Where the transformer tells which pieces it expected in a text, the neighbours of the best texts that it should like best are
   scored next, and theirs after them (`edits.py`).
   Rounds, where it does not tell. The best texts of all waves are the starts of chains. In every round each makes m steps on the fitted
   density ** (1 / T'), and one batch of the transformer tests where they led, by the surrogate rule on the true density ** (1 / T). T
   falls geometrically from round to round, T' stays.
3. All texts that were ever scored are returned, accepted or not, densest first; `association.py` ranks them.

Temperatures that change make this a search: no law is claimed for its texts.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import cast

import numpy as np
import numpy.typing as npt

from searchgen.guide import Guide
from searchgen.kernels.randomness import counter, key_of
from searchgen.lm.segmentation import Segmentation
from searchgen.problem import Problem
from searchgen.ranking.whole_words import whole_words_first
from searchgen.request.request import Annealing, Request
from searchgen.samplers.chains.chains import enter, new_chains
from searchgen.samplers.chains.moves import MOVES
from searchgen.samplers.chains.scorer import Floats, Lengths, Scorer, Tokens, padded, score_texts, scorer_of
from searchgen.samplers.mcmc.delayed_acceptance import Rounds
from searchgen.samplers.optimise.annealing_loop import Annealed, anneal
from searchgen.search.neighbours import Edits, Expecting
from searchgen.search.piece_words import PieceWords
from searchgen.search.token_weights import fitted
from searchgen.target import Target, TextModel

__all__ = ["EVALUATIONS_PER_SECOND", "Finds", "NeuralPlan", "NeuralSearch"]

#: Texts a second that a budget in seconds stands for: a small model on one core (measured: 8 million parameters, 12 words).
EVALUATIONS_PER_SECOND = 300

#: Chains for each text asked for, so that enough different ones are found.
CHAINS_PER_TEXT = 4

#: Neighbours of one text that are scored together, at most: several texts get on.
OF_EACH = 2


@dataclass(frozen=True)
class NeuralPlan:
    """The schedule of the waves and rounds.

    Attributes:
        waves: times that the n-gram density, fitted so far, is annealed.
        starts: chains of each.
        steps: of each of them.
        scored: texts that the transformer scores of each, of one a chain; the others are hardly ever the best.
        edits: times that neighbours of the best texts are scored.
        edited: texts that the transformer scores of each.
        changed: the best texts, whose neighbours they are; no more than OF_EACH are one text's.
        chains: chains that go on from the best texts where the transformer does not tell what it expects.
        rounds: tests of each chain.
        inner: n-gram steps to each.
        hot: first temperature T of the transformer's density.
        cold: last one.
        proposal: the fitted density's temperature T'.
    """

    waves: int = 5
    starts: int = 16
    steps: int = 2400
    scored: int = 8
    edits: int = 5
    edited: int = 24
    changed: int = 16
    chains: int = 8
    rounds: int = 15
    inner: int = 200
    hot: float = 1.0
    cold: float = 0.5
    proposal: float = 0.7

    @staticmethod
    def of(request: Request) -> "NeuralPlan":
        """Return the schedule of a request: more chains for more texts, waves and rounds by its budget."""
        plan, annealing = NeuralPlan(), request.annealing
        chains = max(plan.chains, CHAINS_PER_TEXT * request.count)
        each = chains // plan.chains
        wider = replace(
            plan,
            starts=each * plan.starts,
            scored=each * plan.scored,
            edited=each * plan.edited,
            changed=each * plan.changed,
            chains=chains,
        )
        if annealing.for_texts(request.count) == Annealing().for_texts(request.count):
            return wider
        return wider.times(annealing.expected_seconds * EVALUATIONS_PER_SECOND / plan.evaluations)

    @property
    def evaluations(self) -> int:
        """The most texts that the transformer scores."""
        return self.waves * self.scored + self.edits * self.edited  # or as many by rounds

    def times(self, factor: float) -> "NeuralPlan":
        """Return a schedule of so many times the waves, the edits and the rounds."""
        counts = {name: max(1, round(factor * getattr(self, name))) for name in ("waves", "edits", "rounds")}
        return replace(self, **counts)

    def powers(self) -> Floats:
        """Return 1 / T of every round, (rounds,)."""
        return 1.0 / np.geomspace(self.hot, self.cold, self.rounds)


@dataclass(eq=False)
class Finds:
    """Every text that the transformer scored, with its density.

    Attributes:
        scorer: the target's.
        density: by text.
    """

    scorer: Scorer
    density: dict[tuple[int, ...], float] = field(default_factory=dict)

    def score(self, tokens: Tokens, lengths: Lengths) -> Floats:
        """Score texts, and remember them."""
        scores = self.scorer(tokens, lengths)
        for row, length, score in zip(tokens, lengths, scores.tolist(), strict=True):
            if score > -np.inf:
                self.density[tuple(row[:length].tolist())] = score
        return scores

    def ranked(self) -> tuple[list[tuple[int, ...]], Floats]:
        """Return the texts, densest first, and their densities."""
        order = sorted(self.density.items(), key=lambda item: (-item[1], item[0]))
        return [text for text, _ in order], np.array([score for _, score in order])


@dataclass(eq=False)
class NeuralSearch:
    """The search of one request, under way.

    Attributes:
        request: its window spelled out.
        line: number of its input line.
        proposal: its target under the n-gram model, which proposes.
        guide: draws the starts.
        plan: its schedule.
        threads: for the compiled steps.
        segmentation: of a language whose tokens are characters. Texts that hide no demanded word are scored first, and start the rounds.
        piece_words: tells the tokens that the transformer's pieces are; None if it does not tell which it expects.
        target: its target under the transformer; None: it has not been loaded yet.
        finds: every text scored so far.
        rounds: the chains; None: no text has been scored.
        tally: of the waves.
        wave: number of the next.
        failure: what ended the search before its time.
    """

    request: Request
    line: int | None
    proposal: Target
    guide: Guide
    plan: NeuralPlan
    threads: int
    segmentation: Segmentation | None = None
    piece_words: Callable[[], PieceWords | None] = lambda: None
    target: Target | None = None
    finds: Finds | None = None
    rounds: Rounds | None = None
    tally: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros((len(MOVES), 3), np.int64))
    wave: int = 0
    failure: BaseException | None = None

    def __post_init__(self) -> None:
        """Anneal the first wave: it needs no transformer, which may still be loading."""
        self.fitted = self.proposal.problem
        self.first = self._annealed()

    @property
    def passes(self) -> int:
        """How often the transformer is asked."""
        return self.plan.waves + (self.plan.rounds if self.piece_words() is None else self.plan.edits)

    def steps(self, text_model: TextModel) -> Iterator[list[str]]:
        """Yield, before each step, the printed texts that it will ask the model for."""
        target = self.target = replace(self.proposal, text_model=text_model)
        finds = self.finds = Finds(scorer_of(target))
        texts, asked = self.first, set[tuple[int, ...]]()
        while True:
            texts = self._whole_first([text for text in texts if text not in asked])[: self.plan.scored]
            asked.update(texts)
            yield [target.printed(text) for text in texts]
            finds.score(*padded(texts, target.room))
            self.fitted = self._fitted(finds)
            if self.wave >= self.plan.waves:
                break
            texts = self._annealed()
        words = self.piece_words()
        yield from self._rounds(target, finds) if words is None else self._edits(target, finds, words)

    def _edits(self, target: Target, finds: Finds, words: PieceWords) -> Iterator[list[str]]:
        """Score neighbours of the best texts, again and again."""
        plan, model, edits = self.plan, cast(Expecting, target.text_model), Edits(self.proposal, words)
        for _ in range(plan.edits):
            best = finds.ranked()[0][: 2 * plan.changed]
            edits.guess(finds.density, self._whole_first(best)[: plan.changed], model)
            texts = edits.best(plan.edited, OF_EACH)
            yield [target.printed(text) for text in texts]
            if texts:
                finds.score(*padded(texts, target.room))

    def _rounds(self, target: Target, finds: Finds) -> Iterator[list[str]]:
        """Test where chains of cheap steps lead."""
        rounds = self.rounds = self._entered(target, finds)
        for power in self.plan.powers():
            rounds.true_power = float(power)
            before, moved = rounds.propose()
            chains = rounds.chains
            yield [target.printed(chains.token[i, : chains.length[i]].tolist()) for i in moved]
            rounds.settle(before, moved)

    def found(self) -> Annealed:
        """Return the texts that were scored, densest first, with what was done."""
        texts, density = self.finds.ranked() if self.finds else ([], np.zeros(0))
        tally = self.tally if self.rounds is None else self.tally + self.rounds.chains.tally.sum(axis=0)
        return Annealed(texts, density, int(tally[:, 0].sum()), self.failure is not None, tally)

    def counted(self) -> dict[str, int]:
        """Return what its tests came to, by name."""
        return {
            "tested": self.rounds.tested if self.rounds else 0,
            "accepted": self.rounds.accepted if self.rounds else 0,
            "scored": len(self.finds.density) if self.finds else 0,
        }

    def _annealed(self) -> list[tuple[int, ...]]:
        """Return the texts of the next wave, those that the fitted density likes best first."""
        plan, problem = self.plan, self.fitted
        starts = self.guide.draw_texts(self._counters("starts", self.wave, plan.starts), threads=self.threads)
        schedule = Annealing(chains=plan.starts, steps=plan.steps)
        found = anneal(problem, starts, self._counters("wave", self.wave, plan.starts), schedule, threads=self.threads)
        self.tally += found.tally
        self.wave += 1
        return found.texts

    def _fitted(self, finds: Finds) -> Problem:
        """Return the n-gram density with token weights fitted to all that was scored."""
        problem = self.proposal.problem
        texts, density = finds.ranked()
        if not texts:
            return problem
        return fitted(problem, texts, density - score_texts(problem, *padded(texts, self.proposal.room)))

    def _whole_first(self, texts: list[tuple[int, ...]]) -> list[tuple[int, ...]]:
        return [texts[i] for i in whole_words_first(texts, self.proposal, self.segmentation)]

    def _counters(self, purpose: str, number: int, count: int) -> npt.NDArray[np.uint64]:
        key = key_of(self.request.seed, self.request.canonical(), f"{purpose} {number}")
        return np.stack([counter(key, chain).word for chain in range(count)])

    def _entered(self, target: Target, finds: Finds) -> Rounds:
        """Return chains that stand at the best of the texts found so far."""
        best = self._whole_first(finds.ranked()[0])[: self.plan.chains]
        rounds = Rounds(
            cheap=self.fitted,
            scorer=finds.score,
            chains=new_chains(len(best), target.room),
            true=np.array([finds.density[text] for text in best]),
            counters=self._counters("rounds", 0, self.plan.chains)[: len(best)],
            inner=self.plan.inner,
            inverse_temperature=1.0 / self.plan.proposal,
            threads=self.threads,
        )
        enter(rounds.cheap, rounds.chains, *padded(best, target.room))
        return rounds
