"""Answers of `infill`: with JSON and -v each comes with the text that was given, and with the edits that led to it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from searchgen.cli.loading import compiling
from searchgen.cli.parts.answers import Answers
from searchgen.cli.parts.revisions import complain_of_trail
from searchgen.kernels.precompile import TRACE
from searchgen.rewriting.trail import Step, trail_of
from searchgen.samplers.chains.observer import Observer

if TYPE_CHECKING:
    from searchgen.record import Record
    from searchgen.search.outcome import Outcome

__all__ = ["FilledGaps"]


@dataclass
class FilledGaps(Answers):
    """What a run has loaded and how it prints.

    Attributes:
        observer: has seen the last search; None: nobody looked.
    """

    observer: Observer | None = None

    @contextmanager
    def _seen(self) -> Iterator[Observer | None]:
        if not (self.json or self.verbose):
            yield None
            return
        self.observer = Observer("accepted")
        with compiling(TRACE):
            yield self.observer

    def _print(self, outcome: "Outcome") -> None:
        if self.verbose:
            for record in outcome.records:
                complain_of_trail(self._trail(record))
        super()._print(outcome)

    def _row(self, record: "Record", outcome: "Outcome") -> dict[str, Any]:
        trail = [step._asdict() for step in self._trail(record)]
        return {**super()._row(record, outcome), "source": outcome.request.template, "trail": trail}

    def _trail(self, record: "Record") -> tuple[Step, ...]:
        """The edits that led to a text."""
        if self.observer is None or self.observer.target is None:
            return ()
        ids = self.observer.target.vocabulary.encode(record.tokens)
        return trail_of(self.observer, tuple(ids.tolist()))
