"""One search under a transformer, step by step: what it wants scored next, and what it does with the scores.

    log density(x) = beta * log p_transformer(printed x) + sum over tokens of weight(token)

1. The n-gram model's annealing makes texts; the transformer scores them, and the best are the chains' starts.
2. In every round each chain makes m steps on the n-gram density ** (1 / T'), and one batch of the transformer tests where they led, by
   the surrogate rule on the true density ** (1 / T). T falls geometrically from round to round, T' stays.
3. The densest of all texts that were ever scored are returned, accepted or not.

Temperatures that change make this a search: no law is claimed for its texts.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from searchgen.request import Annealing, Request
from searchgen.samplers.anneal import Annealed
from searchgen.samplers.chain import enter, new_chains
from searchgen.samplers.scorer import Floats, Lengths, Scorer, Tokens, scorer_of
from searchgen.samplers.surrogate import Rounds
from searchgen.target import Target, TextModel

__all__ = ["EVALUATIONS_PER_SECOND", "Finds", "NeuralPlan", "NeuralSearch"]

#: Texts a second that a budget in seconds stands for: a small model on one core (measured: 8 million parameters, 12 words).
EVALUATIONS_PER_SECOND = 300

#: A larger budget goes into starts as well, up to so many times as many.
MOST_STARTS = 10

#: Chains for each text asked for, so that enough different ones are found.
CHAINS_PER_TEXT = 4


@dataclass(frozen=True)
class NeuralPlan:
    """The schedule of the rounds.

    Attributes:
        starts: chains of the n-gram annealing; the transformer scores the densest text of each.
        steps: of each of them.
        chains: chains that go on, from the best of those.
        rounds: tests of each chain.
        inner: n-gram steps to each.
        hot: first temperature T of the transformer's density.
        cold: last one.
        proposal: the n-gram density's temperature T'.
    """

    starts: int = 48
    steps: int = 2400
    chains: int = 6
    rounds: int = 24
    inner: int = 200
    hot: float = 1.0
    cold: float = 0.3
    proposal: float = 0.7

    @staticmethod
    def of(request: Request) -> "NeuralPlan":
        """Return the schedule of a request: more chains for more texts, rounds by its budget."""
        plan, annealing = NeuralPlan(), request.annealing
        chains = max(plan.chains, CHAINS_PER_TEXT * request.count)
        plan = replace(plan, starts=plan.starts // plan.chains * chains, chains=chains)
        if annealing.for_texts(request.count) == Annealing().for_texts(request.count):
            return plan
        return plan.times(annealing.expected_seconds * EVALUATIONS_PER_SECOND / (plan.chains * plan.rounds))

    def times(self, factor: float) -> "NeuralPlan":
        """Return a schedule of so many times the rounds, and of more starts if there are more rounds."""
        more = int(min(MOST_STARTS, max(1.0, factor)))
        return replace(self, starts=more * self.starts, rounds=max(1, round(factor * self.rounds)))

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
        log_mass: of the guide.
        first: what the n-gram model's annealing found.
        plan: its schedule.
        counters: (chains, 6) uint64.
        threads: for the compiled steps.
        target: its target under the transformer; None: it has not been loaded yet.
        finds: every text scored so far.
        rounds: the chains; None: no text has been scored.
        failure: what ended the search before its time.
    """

    request: Request
    line: int | None
    proposal: Target
    log_mass: float
    first: Annealed
    plan: NeuralPlan
    counters: npt.NDArray[np.uint64]
    threads: int
    target: Target | None = None
    finds: Finds | None = None
    rounds: Rounds | None = None
    failure: BaseException | None = None

    def steps(self, text_model: TextModel) -> Iterator[list[str]]:
        """Yield, before each step, the printed texts that it will ask the model for."""
        target = self.target = replace(self.proposal, text_model=text_model)
        finds = self.finds = Finds(scorer_of(target))
        yield [target.printed(text) for text in self.first.texts]
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
        tally = self.first.tally if self.rounds is None else self.first.tally + self.rounds.chains.tally.sum(axis=0)
        return Annealed(texts, density, int(tally[:, 0].sum()), self.failure is not None, tally)

    def counted(self) -> dict[str, int]:
        """Return what its tests came to, by name."""
        return {
            "tested": self.rounds.tested if self.rounds else 0,
            "accepted": self.rounds.accepted if self.rounds else 0,
            "scored": len(self.finds.density) if self.finds else 0,
        }

    def _entered(self, target: Target, finds: Finds) -> Rounds:
        """Return chains that stand at the best of the texts the n-gram model has found."""
        finds.score(*_padded(self.first.texts, target.room))
        best = finds.ranked()[0][: self.plan.chains]
        rounds = Rounds(
            cheap=target.problem,
            scorer=finds.score,
            chains=new_chains(len(best), target.room),
            true=np.array([finds.density[text] for text in best]),
            counters=self.counters[: len(best)],
            inner=self.plan.inner,
            inverse_temperature=1.0 / self.plan.proposal,
            threads=self.threads,
            number=self.plan.steps,
        )
        enter(rounds.cheap, rounds.chains, *_padded(best, target.room))
        return rounds


def _padded(texts: list[tuple[int, ...]], room: int) -> tuple[Tokens, Lengths]:
    tokens = np.zeros((len(texts), room), np.int32)
    for row, text in zip(tokens, texts, strict=True):
        row[: len(text)] = text
    return tokens, np.array([len(text) for text in texts], np.int64)
