"""`constrain` under a transformer, kind `search`: one request, or several whose texts go through the transformer together."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from searchgen.errors import RequestError, SearchgenError
from searchgen.lm.mixture import Mixture
from searchgen.ranking.association import WEIGHT, Floats, opinions, ranked
from searchgen.request.request import Request
from searchgen.samplers.optimise.annealing_loop import Annealed
from searchgen.search.lockstep import in_step
from searchgen.search.ngram_search import Outcome, Searcher
from searchgen.search.piece_words import PieceWords
from searchgen.search.transformer_steps import NeuralPlan, NeuralSearch
from searchgen.sources.transformer import TransformerSource
from searchgen.target import Target

__all__ = ["TransformerSearcher", "search_together"]


@dataclass(frozen=True, eq=False)
class TransformerSearcher(TransformerSource, Searcher):
    """A transformer with the n-gram model that proposes to it, ready to search the targets of requests."""

    def ranked(self, found: Annealed, target: Target, request: Request) -> Annealed:
        """Return the texts in the order in which they are to be printed; models that know no beginnings leave it as it is."""
        opinion = self.opinions(found, target, request)
        return found if opinion is None else ranked(found, opinion)

    def opinions(self, found: Annealed, target: Target, request: Request) -> Floats | None:
        """Return what is thought of the densest texts, (n,), natural log; None of models that know no beginnings."""
        weight = WEIGHT if request.association_weight is None else request.association_weight
        model = self.transformer.without_ngrams() if isinstance(self.transformer, Mixture) else self.transformer
        if not weight or not hasattr(model, "beginnings"):
            return None
        vocabulary, known = target.vocabulary, self.known.log_unigram
        extra = [vocabulary.spelling_log_probability(token) for token in range(len(known), len(vocabulary))]
        log_unigram = np.append(known, extra)
        try:
            return opinions(found, target, model, log_unigram, weight)
        except RequestError:  # masked models, and tokenizers that do not tell where their pieces stand
            return None

    def search(
        self, request: Request, progress: Callable[[float], None] | None = None, line: int | None = None
    ) -> Outcome:
        """Search the target of a request; see `Searcher.search`. What ends the rounds early is the outcome's `failure`."""
        (outcome,) = search_together([(self, request, line)], progress)
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    def target(self, request: Request) -> Target:
        """Return the n-gram target that proposes; the transformer joins it when it has been loaded."""
        return Target.of(request, self.model, self.known)

    @cached_property
    def piece_words(self) -> PieceWords | None:
        """The tokens of the n-gram model that the transformer's pieces are; None: it does not tell which it expects."""
        pieces = getattr(self.transformer, "expectable", None)
        return None if pieces is None else PieceWords(self.known.vocabulary, pieces)

    def begin(self, request: Request, line: int | None) -> NeuralSearch:
        """Do what needs no transformer: look ahead, and anneal under the n-gram model.

        Raises:
            RequestError: the request contradicts itself.
            Impossible: no text satisfies it.
        """
        proposal, guide = self._look_ahead(request)
        request = replace(request, min_words=proposal.window[0], max_words=proposal.window[1])
        plan = NeuralPlan.of(request)
        return NeuralSearch(
            request, line, proposal, guide, plan, self.threads, self.segmentation, lambda: self.piece_words
        )

    def finish(self, search: NeuralSearch, counts: dict[str, int]) -> Outcome:
        """Return what a search has found.

        Args:
            search: at its end, or ended early with something found.
            counts: of the passes that served it.

        Raises:
            NotFound: it has found nothing.
        """
        assert search.target is not None
        report = {**search.counted(), **counts}
        outcome = self._outcome(
            search.request, search.target, search.guide.log_mass, search.found(), search.line, neural=report
        )
        notes = outcome.notes
        if report["tested"] and not report["accepted"] and search.failure is None:
            notes = (
                *notes,
                f"not one of {report['tested']} tests was accepted: these are texts of {self.name}, ranked by the transformer; "
                "raise --budget, or try another model",
            )
        return replace(outcome, failure=search.failure, report=report, notes=notes)


def search_together(
    jobs: Sequence[tuple[TransformerSearcher, Request, int | None]],
    progress: Callable[[float], None] | None = None,
) -> list[Outcome | BaseException]:
    """Search the targets of requests in step, sharing the passes of one transformer.

    Args:
        jobs: searcher, request and number of the input line of each; the searchers have one transformer.
        progress: called with the share of the rounds done.

    Returns:
        the outcome of each, or why it has none.
    """
    outcomes: dict[int, Outcome | BaseException] = {}
    searches: dict[int, NeuralSearch] = {}
    for i, (searcher, request, line) in enumerate(jobs):
        try:
            searches[i] = searcher.begin(request, line)
        except SearchgenError as error:
            outcomes[i] = error
    if searches:
        # Only now the transformer is needed: until here its libraries were imported by another thread.
        model = jobs[0][0].transformer
        # Scores of other jobs were computed beside other texts, and may differ in their last bits.
        model.forget()
        before = model.counted()
        in_step(list(searches.values()), model, progress)
        counts = {name: count - before.get(name, 0) for name, count in model.counted().items()}
        shared = {"shared": len(searches)} if len(searches) > 1 else {}
        for i, search in searches.items():
            outcomes[i] = _outcome_of(jobs[i][0], search, {**counts, **shared})
    return [outcomes[i] for i in range(len(jobs))]


def _outcome_of(searcher: TransformerSearcher, search: NeuralSearch, counts: dict[str, int]) -> Outcome | BaseException:
    """Return what a search has found; if that is nothing, why."""
    if search.failure is not None and not (search.finds and search.finds.density):
        return search.failure
    try:
        return searcher.finish(search, counts)
    except SearchgenError as error:
        return error
