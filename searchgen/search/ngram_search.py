"""The search under an n-gram model: guide draws as start states, annealing over many chains, ranked with its word classes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from searchgen.errors import SearchgenError
from searchgen.guide import Guide
from searchgen.kernels.randomness import counter, key_of
from searchgen.problem import Problem
from searchgen.ranking.word_classes import ranked
from searchgen.request.request import Annealing, Request
from searchgen.samplers.chains.observer import Observer
from searchgen.samplers.optimise.annealing_loop import Annealed, anneal
from searchgen.search.look_ahead import look_ahead
from searchgen.search.outcome import Outcome, outcome_of
from searchgen.search.preferences import Preferred, merged, preferred, with_terms
from searchgen.search.tested_rounds import tested
from searchgen.sources.source import Source
from searchgen.target import Target

__all__ = ["NGramSearch"]

#: A schedule of no more steps begins at draws of the unigrams' guide: it costs an eighth, and long chains lose nothing (docs/batch.md).
UNIGRAM_STEPS = 60_000

#: The clock's safety net: a run may take SAFETY_FACTOR times its budget plus SAFETY_SECONDS before it is stopped.
SAFETY_FACTOR, SAFETY_SECONDS = 5.0, 10.0


@dataclass(eq=False)
class NGramRun:
    """The search of one request.

    Attributes:
        source: the model.
        request: its window spelled out.
        target: what is searched.
        guide: draws the starts.
        plan: chains, steps and temperatures.
        preferred: where its preferences hold; None: it has none.
        observer: sees the chains; None: nobody looks.
    """

    source: Source
    request: Request
    target: Target
    guide: Guide
    plan: Annealing
    preferred: Preferred | None = None
    observer: Observer | None = None

    @property
    def proposal(self) -> Target:
        """The target under the n-gram model: the one that is searched."""
        return self.target

    def annealed(self, progress: Callable[[float], None] | None) -> Annealed:
        """Anneal from draws of the guide, half of the chains where preferences hold; return the densest texts, terms included."""
        found = with_terms(self._by_chains(progress), self.target)
        counters = self._counters("rounds", range(self.plan.chains))
        return tested(found, self.target, self.plan, counters, self.source.threads)

    def _by_chains(self, progress: Callable[[float], None] | None) -> Annealed:
        problem, every = self.target.problem, range(self.plan.chains)
        if self.preferred is None:
            return self._annealed(problem, self.guide, every, progress)
        half = (len(every) + 1) // 2
        first = self._annealed(problem, self.guide, every[:half], _part(progress, 0.0))
        problem, guide = self.preferred.of(problem), self.preferred.guide
        second = self._annealed(problem, guide, every[half:], _part(progress, 0.5))
        return merged(first, second)

    def _annealed(
        self, problem: Problem, guide: Guide, chains: range, progress: Callable[[float], None] | None
    ) -> Annealed:
        plan, threads = self.plan, self.source.threads
        return anneal(
            problem,
            guide.draw_texts(self._counters("starts", chains), threads=threads),
            self._counters("", chains),
            plan,
            threads=threads,
            allowance=SAFETY_SECONDS + SAFETY_FACTOR * plan.expected_seconds,
            progress=progress,
            observer=self.observer,
        )

    def _counters(self, purpose: str, chains: range) -> npt.NDArray[np.uint64]:
        """What the chains draw by, for a purpose of its own."""
        request = self.request
        key = key_of(request.seed, request.canonical(), *filter(None, [purpose]))
        return np.stack([counter(key, chain).word for chain in chains])


def _part(progress: Callable[[float], None] | None, done: float) -> Callable[[float], None] | None:
    """Return what is called with the share done of one half."""
    return None if progress is None else lambda share: progress(done + share / 2)


@dataclass(frozen=True)
class NGramSearch:
    """The strategy of an n-gram model: requests are searched one after the other."""

    def begin(self, source: Source, request: Request, observer: Observer | None = None) -> NGramRun:
        """Look ahead.

        Raises:
            RequestError: the request contradicts itself.
            Impossible: no text satisfies it.
        """
        plan = request.annealing.for_texts(request.count)
        target, guide = look_ahead(source, request, order=1 if plan.chains * plan.steps <= UNIGRAM_STEPS else 2)
        if target.many is not None:
            plan = plan.for_many_keywords(request.count)
        # A window spelled out is the same request as the default one, and the signature pins it.
        request = request.but(min_words=target.window[0], max_words=target.window[1])
        if observer is not None:
            observer.target = target
        held = preferred(source, request, target, guide.order) if plan.chains > 1 else None
        return NGramRun(source, request, target, guide, plan, held, observer)

    def finish(
        self, runs: Sequence[NGramRun], progress: Callable[[float], None] | None
    ) -> list[Outcome | BaseException]:
        """Anneal each, rank its texts, and return the outcome of each, or its error."""
        return [self._outcome(run, progress) for run in runs]

    def _outcome(self, run: NGramRun, progress: Callable[[float], None] | None) -> Outcome | BaseException:
        classes, weight = run.source.classes, run.request.class_weight
        try:
            annealed = run.annealed(progress)
            if classes is not None and weight:
                annealed = ranked(annealed, run.target, classes, weight)
            return outcome_of(run.source, run.request, run.target, annealed, run.guide.log_mass, {})
        except SearchgenError as error:
            return error
