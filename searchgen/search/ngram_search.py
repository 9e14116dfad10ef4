"""The main job: guide draws as start states, annealing over many chains, the best texts that differ."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from searchgen.errors import Impossible, NotFound
from searchgen.guide import Budget, Guide
from searchgen.kernels.randomness import counter, key_of
from searchgen.lm import load_classes, load_segmentation, load_training_sentences
from searchgen.lm.ngram.word_classes import WordClasses
from searchgen.lm.segmentation import Segmentation
from searchgen.lm.training_sentences import TrainingSentences
from searchgen.ranking.diversity import diverse
from searchgen.ranking.whole_words import whole_words_first
from searchgen.ranking.word_classes import ranked
from searchgen.record import Record
from searchgen.request.request import Request
from searchgen.samplers.optimise.annealing_loop import Annealed, anneal
from searchgen.sources.ngram import Source
from searchgen.target import Target

__all__ = ["Outcome", "Searcher"]

#: Start states need no sharper look-ahead: a third of the guide's usual work loses nothing after annealing (measured).
QUICK = Budget(work=1.5e8, words=500)

#: A schedule of no more steps begins at draws of the unigrams' guide: it costs an eighth, and long chains lose nothing (docs/batch.md).
UNIGRAM_STEPS = 60_000

#: The clock's safety net: a run may take so many times its budget, and at least so many seconds, before it is cut short.
SAFETY_FACTOR, SAFETY_SECONDS = 5.0, 10.0


@dataclass(frozen=True)
class Outcome:
    """The texts of one request, and what the user should know.

    Attributes:
        records: the texts, best first.
        notes: one line each, for stderr.
        request: what was searched, the window spelled out.
        annealed: the run behind them.
        log_mass: natural log of the guide's mass of accepted texts.
        failure: what ended the search before its time, an outage or Ctrl-C; None: nothing did.
        report: what else was counted, by name.
    """

    records: tuple[Record, ...]
    notes: tuple[str, ...]
    request: Request
    annealed: Annealed
    log_mass: float
    failure: BaseException | None = None
    report: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Searcher(Source):
    """A loaded model, ready to search the targets of requests."""

    @cached_property
    def classes(self) -> WordClasses | None:
        """The word classes that come with the model, None: it has none."""
        return load_classes(self.model)

    @cached_property
    def segmentation(self) -> Segmentation | None:
        """Where words begin and end, None: tokens are words."""
        return load_segmentation(self.model)

    @cached_property
    def known_sentences(self) -> TrainingSentences:
        """The sentences that the model was trained on, as far as that is known."""
        return load_training_sentences(self.model)

    def search(
        self, request: Request, progress: Callable[[float], None] | None = None, line: int | None = None
    ) -> Outcome:
        """Search the target of a request.

        Args:
            request: the job.
            progress: called with the share of the chains that are done.
            line: number of the input line, for the records.

        Raises:
            RequestError: the request contradicts itself.
            Impossible: no text satisfies it.
            NotFound: none was found.
        """
        plan = request.annealing.for_texts(request.count)
        target, guide = self._look_ahead(request, order=1 if plan.chains * plan.steps <= UNIGRAM_STEPS else 2)
        # A window spelled out is the same request as the default one, and the signature pins it.
        request = replace(request, min_words=target.window[0], max_words=target.window[1])
        key = key_of(request.seed, request.canonical())
        start_key = key_of(request.seed, request.canonical(), "starts")
        counters = np.stack([counter(key, chain).word for chain in range(plan.chains)])
        start_counters = np.stack([counter(start_key, chain).word for chain in range(plan.chains)])
        starts = guide.draw_texts(start_counters, threads=self.threads)
        found = anneal(
            target.problem,
            starts,
            counters,
            plan,
            threads=self.threads,
            allowance=SAFETY_SECONDS + SAFETY_FACTOR * plan.expected_seconds,
            progress=progress,
        )
        return self._outcome(request, target, guide.log_mass, found, line)

    def _look_ahead(self, request: Request, order: int = 2) -> tuple[Target, Guide]:
        """Return the target and its guide of an order; a finite verb is wished for, not demanded, where it makes the rest impossible."""
        try:
            target = self.target(request)
            return target, Guide.build(
                target.problem,
                order=order,
                room=target.room,
                bigrams=target.bigrams,
                budget=QUICK,
                threads=self.threads,
            )
        except Impossible:
            if not request.finite_verb:
                raise
        target, guide = self._look_ahead(replace(request, finite_verb=False), order)
        return replace(target, notes=(*target.notes, "no such text with a verb of its own; found without")), guide

    def ranked(self, found: Annealed, target: Target, request: Request) -> Annealed:
        """Return the texts of a search in the order in which they are to be printed."""
        if self.classes is None or not request.class_weight:
            return found
        return ranked(found, target, self.classes, request.class_weight)

    def _outcome(
        self,
        request: Request,
        target: Target,
        log_mass: float,
        found: Annealed,
        line: int | None,
        neural: dict[str, int] | None = None,
    ) -> Outcome:
        if not found.texts:
            raise NotFound(f"not found in {found.steps} steps; raise --budget or widen the window")
        found = self.ranked(found, target, request)
        order = whole_words_first(found.texts, target, self.segmentation)
        found = replace(found, texts=[found.texts[i] for i in order], log_density=found.log_density[order])
        notes = list(target.notes)
        new = [i for i, text in enumerate(found.texts) if target.vocabulary.decode(text) not in self.known_sentences]
        if not new:
            notes.append("only sentences of the training text were found; raise --budget or widen the window")
            new = list(range(len(found.texts)))
        words = [[i for i in found.texts[at] if target.problem.token["word"][i]] for at in new]
        chosen = [new[at] for at in diverse(words, request.count)]
        if len(chosen) < request.count:
            notes.append(
                f"{len(chosen)} of {request.count} texts: no others were found that differ enough; raise --budget"
            )
        signature = request.signature(self.hash)
        records = tuple(
            replace(self._record(request, target, found, chosen[rank], rank + 1, line, signature), neural=neural)
            for rank in range(len(chosen))
        )
        return Outcome(records, tuple(notes), request, found, log_mass)

    def _record(
        self, request: Request, target: Target, found: Annealed, i: int, rank: int, line: int | None, signature: str
    ) -> Record:
        ids = found.texts[i]
        tokens = tuple(target.vocabulary.decode(ids))
        log_prob = target.log_prob(ids)
        return Record(
            text=target.form.detokenise(tokens),
            tokens=tokens,
            log_prob=log_prob,
            log_prob_per_token=log_prob / (len(ids) + 1),
            log_density=float(found.log_density[i]),
            log_weight=0.0,
            kind="search",
            satisfied=target.satisfied(ids),
            sampler="anneal",
            lm=self.label,
            seed=request.seed,
            steps=found.steps,
            window=target.window,
            signature=signature,
            rank=rank,
            line=line,
            stopped_early=found.stopped_early,
            demanded=target.demanded_places(ids),
        )
