"""Answering requests and printing the results, one request or one a line of stdin."""

import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any

from searchgen.cli.loading import load_source, refuse_other_model, repeating, source_cache, starting
from searchgen.cli.output import complain, complain_of, highlighted, note, progress, write_json, write_line, write_text
from searchgen.cli.parts.looks import Looks
from searchgen.cli.requests import with_keywords
from searchgen.errors import Impossible, ModelRefusal, NothingFound, Outage, RequestError, SearchgenError, not_utf8
from searchgen.lm.protocol import KeepsKeyValues
from searchgen.record import on_one_line, partial_record
from searchgen.request.model_ref import ModelRef, default_model
from searchgen.request.request import Request

if TYPE_CHECKING:
    from searchgen.cli.loading import Ahead
    from searchgen.record import Record
    from searchgen.samplers.chains.observer import Observer
    from searchgen.search.outcome import Outcome
    from searchgen.search.searcher import Searcher
    from searchgen.sources.cache import SourceCache

__all__ = ["LONGEST_LINE", "Answers", "of_keywords", "status_of"]


#: The sampler of a request to search.
SEARCH = "anneal"

#: The longest line of stdin, in bytes.
LONGEST_LINE = 100_000

#: How a note begins that does not depend on the words.
OF_MODEL = "the model has "


#: All but what a line says, the line, the model that the user named, and what chooses one, to a request.
OfLine = Callable[[Request, str, str | None, Callable[[str], str]], Request]


def of_keywords(template: Request, text: str, lm: str | None, usual: Callable[[str], str]) -> Request:
    """Return the request of a line that is a keyword set.

    Raises:
        RequestError: it names a file, or lists nothing.
    """
    if text.startswith("@"):
        raise RequestError(f"{text[:40]!r}: a line of stdin cannot name a file; write \\@ for the sign itself")
    return with_keywords(template, [text], lm, usual)


@dataclass
class Answers:
    """What a run has loaded and how it prints.

    Attributes:
        json: print JSON lines.
        verbose: show on stderr the request and the work done.
        raw_tokens: the user knows that the model's tokens are printed as they stand.
        shown: notes already shown; each is shown once.
        ahead: models that are being opened, by name and how they are read.
        usual: the model of some words where none is asked for.
        cloze: print gaps for the demanded words, and the words after a tab.
        of_line: makes the request of a line of stdin of all the rest, the line, the model that the user named, and `usual`.
        noun: what a line of stdin is.
        looks: what the user wants to see of a search, besides its texts.
    """

    json: bool
    verbose: bool
    raw_tokens: bool = False
    shown: set[str] = field(default_factory=set)
    ahead: "Ahead" = field(default_factory=dict)
    usual: Callable[[str], str] = default_model
    cloze: bool = False
    of_line: OfLine = of_keywords
    noun: str = "keyword set"
    looks: Looks = field(default_factory=Looks)

    @cached_property
    def sources(self) -> "SourceCache":
        """The models that are open."""
        return source_cache(self.ahead)

    def one(self, request: Request, loaded: "Searcher | None" = None) -> None:
        """Answer one request; the failure that ended its search early is raised once its texts are printed.

        Args:
            request: the request.
            loaded: its model, ready to search; None: it is opened.
        """
        outcome = self._looked_at(request, loaded) if self.looks.any else self._search(request, loaded)
        try:
            self._print(outcome)
        finally:  # a full disk loses no text, and a closed pipe no report
            if self.looks.any:
                self._write_looks(outcome)
        if outcome.failure is not None:
            raise outcome.failure

    def exactly(self, request: Request) -> None:
        """Answer one request with as many lines as it asks for texts, empty ones where fewer are found.

        Raises:
            NothingFound: nothing was found; the lines are printed.
        """
        try:
            outcome = self._search(request)
        except NothingFound as error:
            self._print_line(None, error, request.count)
            raise
        self._print_line(None, outcome, request.count)
        if outcome.failure is not None:
            raise outcome.failure

    def repeat(self, signature: str, lm: str | None) -> None:
        """Answer the request of a signature again.

        Args:
            signature: as a JSON result shows it.
            lm: where the model's file is now; None: where it was.

        Raises:
            RequestError: it is no signature of this version, or the model is another one.
        """
        request, wanted = Request.from_signature(signature)
        if request.sampler != SEARCH:
            raise RequestError(
                f"the signature belongs to draws of {request.sampler}; repeat them with searchgen sample --again"
            )
        with repeating(request, lm):
            searcher = self._searcher(replace(request, lm=lm or request.lm))
        refuse_other_model(searcher.source, wanted)
        self.one(request, searcher)

    def stream(self, lines: Iterable[bytes], template: Request, lm: str | None, share: int = 1) -> None:
        """Answer one line after the other, in order, each printed before the next is read.

        Args:
            lines: UTF-8, each a keyword set unless `of_line` says otherwise.
            template: all but what the line says.
            lm: the model that the user named, if any.
            share: sets that are read, searched and printed together, because they share a transformer's passes.

        Raises:
            NothingFound: at the end, when a line had no answer.
            Outage: a server or the memory gave out; the texts found until then are printed.
        """
        if lm and not ModelRef.parse(lm).scores_texts:
            self._searcher(replace(template, lm=lm))
        failed = total = 0
        numbered = enumerate(lines, 1)
        while part := list(islice(numbered, share)):
            total += len(part)
            ends: list[BaseException] = []
            for (number, _), outcome in zip(part, self._answered(part, template, lm), strict=True):
                error = outcome if isinstance(outcome, BaseException) else outcome.failure
                if isinstance(error, SearchgenError) and not isinstance(error, Outage):
                    failed += 1
                    complain_of(error, f"line {number}: ")
                elif error is not None:
                    ends.append(error)
                self._print_line(number, outcome, template.count)
            if ends:
                raise ends[0]
        if failed:
            raise NothingFound(f"no answer for {failed} of {total} lines")

    def _searcher(self, request: Request) -> "Searcher":
        """Return the model of a request ready to search, loaded once.

        Raises:
            RequestError: there is no such model, or its tokens are not raw and should be.
        """
        with starting():
            source = load_source(request.model, request.reading, self.raw_tokens, self.sources)
            from searchgen.search.searcher import Searcher

        return Searcher.of(source)

    def _answered(
        self, part: list[tuple[int, bytes]], template: Request, lm: str | None
    ) -> "list[Outcome | BaseException]":
        """Return the outcomes of some lines of stdin; requests under a transformer are searched together."""
        outcomes: dict[int, Outcome | BaseException] = {}
        requests: dict[int, Request] = {}
        for number, line in part:
            try:
                requests[number] = self.of_line(template, _text_of(line, number, self.noun), lm, self.usual)
                if len(part) == 1:
                    outcomes[number] = self._search(requests[number], line=number)
            except SearchgenError as error:
                unopened = lm and number in requests and self._searcher(requests[number]).source.failure
                # No other line can be answered under a model that cannot be opened.
                outcomes[number] = ModelRefusal(unopened) if unopened else error
        if len(part) > 1 and requests:
            from searchgen.search.searcher import search_together

            jobs = [(self._searcher(request), request) for request in requests.values()]
            started = time.perf_counter()
            with progress(f"searching {len(jobs)} sets") as show:
                on_progress = (lambda share: show(f"searching {len(jobs)} sets", share)) if show else None
                outcomes.update(zip(requests, search_together(jobs, on_progress), strict=True))
            for number in requests:
                self._report(outcomes[number], time.perf_counter() - started, number)
        return [outcomes[number] for number, _ in part]

    def _search(self, request: Request, loaded: "Searcher | None" = None, line: int | None = None) -> "Outcome":
        searcher, started = loaded or self._searcher(request), time.perf_counter()
        with self._seen() as observer, progress("searching") as show:
            on_progress = (lambda share: show("searching", share)) if show else None
            try:
                outcome = searcher.search(request, on_progress, observer)
            except Impossible as error:
                raise _named(error, searcher, request) if line is None else error from None
        self._report(outcome, time.perf_counter() - started, line)
        return outcome

    def _seen(self) -> "AbstractContextManager[Observer | None]":
        """What sees a search whose looks nobody asked for: by default nothing."""
        return nullcontext()

    def _row(self, record: "Record", outcome: "Outcome") -> dict[str, Any]:
        """The JSON line of a text."""
        del outcome
        return {**record.as_json(), "status": "ok", "error": None}

    def _looked_at(self, request: Request, loaded: "Searcher | None" = None) -> "Outcome":
        """Search while somebody looks; the report of a search that fails is written."""
        searcher, started, looks = loaded or self._searcher(request), time.perf_counter(), self.looks
        try:
            with looks.looking("searching") as (observer, on_progress):
                outcome = searcher.search(request, on_progress, observer)
        except NothingFound as error:
            told = _named(error, searcher, request) if isinstance(error, Impossible) else error
            looks.write_failed("constrain", request, told)
            raise told from None
        self._report(outcome, time.perf_counter() - started, None)
        return outcome

    def _report(self, outcome: "Outcome | BaseException", seconds: float, line: int | None) -> None:
        """Show the notes of an outcome, of a line of stdin with its number, and with -v the request and the work done."""
        if isinstance(outcome, BaseException):
            return
        for remark in outcome.notes:
            # What is said of the model holds for every line.
            known = remark if line is None or remark.startswith(OF_MODEL) else f"line {line}: {remark}"
            if known not in self.shown:
                self.shown.add(known)
                note(known)
        if self.verbose:
            _describe(outcome, seconds)
            self._report_caches()

    def _report_caches(self) -> None:
        """Show, once, which transformers keep no keys and values, and why."""
        for source in self.sources.kept():
            model = source.text_model
            uncached: Mapping[str, str] = model.uncached if isinstance(model, KeepsKeyValues) else {}
            for name, reason in uncached.items():
                line = f"{name} keeps no keys and values: {reason}"
                if line not in self.shown:
                    self.shown.add(line)
                    complain(line)

    def _write_looks(self, outcome: "Outcome") -> None:
        from searchgen.jobs.batch_job import searched
        from searchgen.report.run_page import search_page

        self.looks.write(
            outcome.records[0].signature,
            lambda observer: search_page(outcome, observer),
            lambda: searched(outcome)[1],
        )

    def _print(self, outcome: "Outcome") -> None:
        for record in outcome.records:
            if self.json:
                write_json(self._row(record, outcome))
            elif record.line is not None or self.cloze:
                write_line(on_one_line(self._line(record)))
            else:
                write_text(self._line(record), first=record.rank == 1)

    def _line(self, record: "Record") -> str:
        if self.cloze:
            from searchgen.cli.parts.cloze import cloze_line

            return cloze_line(record)
        return highlighted(record.text, [(span.start, span.end) for span in record.spans])

    def _print_line(self, number: int | None, outcome: "Outcome | BaseException", count: int) -> None:
        """Print the outcome of a line of stdin: as many lines as the request has texts, unless the run ends here."""
        if not isinstance(outcome, BaseException):
            self._print(outcome.on_line(number))
            missing = range(len(outcome.records), count)
            self._print_nothing(number, missing, "not found", "no other text differs enough")
        elif isinstance(outcome, SearchgenError) and not isinstance(outcome, Outage):
            self._print_nothing(number, range(count), status_of(outcome), str(outcome))

    def _print_nothing(self, number: int | None, ranks: range, status: str, error: str) -> None:
        for rank in ranks:
            if self.json:
                write_json(partial_record(text="", line=number, rank=rank + 1, status=status, error=error))
            else:
                write_line("")


def _text_of(line: bytes, number: int, noun: str) -> str:
    try:
        text = line.decode("utf-8-sig" if number == 1 else "utf-8").strip()
    except UnicodeDecodeError as error:
        raise RequestError(not_utf8(error)) from None
    if not text:
        raise RequestError(f"the line is empty; write a {noun}")
    if len(line) > LONGEST_LINE:
        raise RequestError(f"the line has {len(line):,} bytes; a {noun} may have at most {LONGEST_LINE:,}")
    return text


def _named(error: Impossible, searcher: "Searcher", request: Request) -> Impossible:
    """Return the error with the demands that exclude each other, if they are few enough to look through."""
    from searchgen.search.conflict import MOST_PARTS, naming_conflict

    return naming_conflict(error, searcher.source, request, MOST_PARTS)


def status_of(error: SearchgenError) -> str:
    """Return what a JSON line says of an error."""
    if isinstance(error, Impossible):
        return "impossible"
    return "not found" if isinstance(error, NothingFound) else "malformed"


def _describe(outcome: "Outcome", seconds: float) -> None:
    request = outcome.request
    low, high = request.min_words, request.max_words
    complain(f"request {request.but(min_words=None, max_words=None).canonical()}")
    complain(f"window {low}-{high} words, seed {request.seed}, model {outcome.records[0].lm}")
    proposed, legal, accepted = outcome.annealed.tally.sum(axis=0).tolist()
    complain(
        f"{outcome.annealed.steps:,} steps in {seconds:.2f} s: {legal / max(1, proposed):.0%} legal, "
        f"{accepted / max(1, legal):.0%} of those accepted"
    )
    complain(f"P(constraints) = exp({outcome.log_mass:.1f}) under the guide")
    if outcome.report:
        complain(", ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in outcome.report.items() if count))
    complain(f"signature {outcome.records[0].signature}")
