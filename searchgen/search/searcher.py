"""`constrain`, kind `search`: a model and the strategy that suits it, for one request or several at once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from searchgen.errors import SearchgenError
from searchgen.request.request import Request
from searchgen.samplers.chains.observer import Observer
from searchgen.search.ngram_search import NGramSearch
from searchgen.search.outcome import Outcome
from searchgen.sources.source import Source

__all__ = ["Searcher", "Strategy", "search_together"]


class Strategy(Protocol):
    """How the targets of requests are searched."""

    def begin(self, source: Source, request: Request, observer: Observer | None = None) -> Any:
        """Return a run of one request, all done that needs no text model; an observer sees its chains.

        Raises:
            RequestError: the request contradicts itself.
            Impossible: no text satisfies it.
        """

    def finish(
        self, runs: Sequence[Any], progress: Callable[[float], None] | None
    ) -> Sequence[Outcome | BaseException]:
        """Return the outcome of each run of this strategy, or its error; `progress` is called with the share done."""


@dataclass(frozen=True, eq=False)
class Searcher:
    """A loaded model, ready to search the targets of requests.

    Attributes:
        source: the model.
        strategy: how it is searched.
    """

    source: Source
    strategy: Strategy

    @staticmethod
    def of(source: Source) -> "Searcher":
        """Return the searcher of a model: one that scores printed texts leads the search."""
        if source.opened is None:
            return Searcher(source, NGramSearch())
        from searchgen.search.transformer_search import TransformerSearch

        return Searcher(source, TransformerSearch())

    def search(
        self, request: Request, progress: Callable[[float], None] | None = None, observer: Observer | None = None
    ) -> Outcome:
        """Search the target of a request. If the search ended early with texts found, the reason is the outcome's `failure`.

        Args:
            request: the job.
            progress: called with the share done.
            observer: sees the chains; it changes nothing.

        Raises:
            RequestError: the request contradicts itself.
            Impossible: no text satisfies it.
            NotFound: no text was found.
        """
        (outcome,) = self.strategy.finish([self.strategy.begin(self.source, request, observer)], progress)
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome


def search_together(
    jobs: Sequence[tuple[Searcher, Request]], progress: Callable[[float], None] | None = None
) -> list[Outcome | BaseException]:
    """Search the targets of requests in step, where their model allows that.

    Args:
        jobs: searcher and request of each; the searchers share one model, and may have n-gram models of different languages.
        progress: called with the share done.

    Returns:
        the outcome of each, or its error.
    """
    outcomes: dict[int, Outcome | BaseException] = {}
    runs: dict[int, Any] = {}
    for i, (searcher, request) in enumerate(jobs):
        try:
            runs[i] = searcher.strategy.begin(searcher.source, request)
        except SearchgenError as error:
            outcomes[i] = error
    if runs:
        outcomes.update(zip(runs, jobs[0][0].strategy.finish(list(runs.values()), progress), strict=True))
    return [outcomes[i] for i in range(len(jobs))]
