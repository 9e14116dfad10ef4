"""`constrain` under a transformer: annealing of its own density, by rounds of compiled steps, kind `search`.

    log density(x) = beta * log p_transformer(printed x) + sum over tokens of weight(token)

1. The n-gram model's annealing makes texts; the transformer scores them, and the best are the chains' starts.
2. In every round each chain makes m steps on the n-gram density ** (1 / T'), and one batch of the transformer tests where they led, by
   the surrogate rule on the true density ** (1 / T). T falls geometrically from round to round, T' stays.
3. The densest of all texts that were ever scored are returned, accepted or not.

Temperatures that change make this a search: no law is claimed for its texts.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from searchgen.randomness import counter, key_of
from searchgen.request import Annealing, Request
from searchgen.samplers.anneal import Annealed, anneal
from searchgen.samplers.chain import enter, new_chains
from searchgen.samplers.constrain import Outcome, Searcher
from searchgen.samplers.scorer import Floats, Lengths, Scorer, Tokens, scorer_of
from searchgen.samplers.surrogate import Rounds
from searchgen.samplers.transformer import TransformerSource
from searchgen.target import Target

__all__ = ["NeuralPlan", "TransformerSearcher"]

#: Texts a second that a budget in seconds stands for: a small model on one core (measured: 8 million parameters, 12 words).
EVALUATIONS_PER_SECOND = 300

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
        return replace(plan, rounds=max(1, round(annealing.expected_seconds * EVALUATIONS_PER_SECOND / plan.chains)))

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


@dataclass(frozen=True, eq=False)
class TransformerSearcher(TransformerSource, Searcher):
    """A transformer with the n-gram model that proposes to it, ready to search the targets of requests."""

    @cached_property
    def classes(self) -> None:
        """None: the transformer has the last word on the ranking."""
        return None

    def search(
        self, request: Request, progress: Callable[[float], None] | None = None, line: int | None = None
    ) -> Outcome:
        """Search the target of a request; see `Searcher.search`. Ctrl-C ends the rounds with what has been found."""
        proposal, guide = self._look_ahead(request)
        request = replace(request, min_words=proposal.window[0], max_words=proposal.window[1])
        plan = NeuralPlan.of(request)
        key = key_of(request.seed, request.canonical())
        start_key = key_of(request.seed, request.canonical(), "starts")
        counters = np.stack([counter(key, chain).word for chain in range(plan.starts)])
        start_counters = np.stack([counter(start_key, chain).word for chain in range(plan.starts)])
        starts = guide.draw_texts(start_counters, threads=self.threads)
        first = anneal(
            proposal.problem, starts, counters, Annealing(chains=plan.starts, steps=plan.steps), threads=self.threads
        )
        # Only now the transformer is needed: until here its libraries were imported by another thread.
        target = replace(proposal, text_model=self.transformer)
        finds = Finds(scorer_of(target))
        interrupted, rounds = False, None
        try:
            rounds = _entered(target, finds, first.texts, plan, counters, self.threads)
            for number, power in enumerate(plan.powers()):
                rounds.true_power = float(power)
                rounds.advance(1)
                if progress is not None:
                    progress((number + 1) / plan.rounds)
        except KeyboardInterrupt:
            interrupted = True
            if not finds.density:
                raise
        texts, density = finds.ranked()
        tally = first.tally if rounds is None else first.tally + rounds.chains.tally.sum(axis=0)
        found = Annealed(texts, density, int(tally[:, 0].sum()), interrupted, tally)
        outcome = self._outcome(request, target, guide, found, line)
        report = {
            "tested": rounds.tested if rounds else 0,
            "accepted": rounds.accepted if rounds else 0,
            "scored": len(texts),
            **self.transformer.counted(),
        }
        return replace(outcome, interrupted=interrupted, report=report)

    def target(self, request: Request) -> Target:
        """Return the n-gram target that proposes; the transformer joins it when it has been loaded."""
        return Target.of(request, self.model, self.known)


def _entered(
    target: Target, finds: Finds, texts: list[tuple[int, ...]], plan: NeuralPlan, counters: np.ndarray, threads: int
) -> Rounds:
    """Return chains that stand at the best of the texts the n-gram model has found."""
    finds.score(*_padded(texts, target.room))
    best = finds.ranked()[0][: plan.chains]
    rounds = Rounds(
        cheap=target.problem,
        scorer=finds.score,
        chains=new_chains(len(best), target.room),
        true=np.array([finds.density[text] for text in best]),
        counters=counters[: len(best)],
        inner=plan.inner,
        inverse_temperature=1.0 / plan.proposal,
        threads=threads,
        number=plan.steps,
    )
    enter(rounds.cheap, rounds.chains, *_padded(best, target.room))
    return rounds


def _padded(texts: list[tuple[int, ...]], room: int) -> tuple[Tokens, Lengths]:
    tokens = np.zeros((len(texts), room), np.int32)
    for row, text in zip(tokens, texts, strict=True):
        row[: len(text)] = text
    return tokens, np.array([len(text) for text in texts], np.int64)
