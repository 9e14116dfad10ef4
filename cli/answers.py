"""Answering requests and printing the results, one request or one a line of stdin."""

import os
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from searchgen.cli.output import complain, highlighted, progress_line, write_json, write_line
from searchgen.errors import RequestError, SearchgenError

if TYPE_CHECKING:
    from searchgen.record import Record
    from searchgen.request import Request
    from searchgen.samplers.constrain import Outcome, Searcher

__all__ = ["Answers"]


@dataclass
class Answers:
    """What a run has loaded and how it prints.

    Attributes:
        json: print JSON lines.
        verbose: show on stderr what was asked and done.
        loaded: models by name.
        said: notes already shown; each is shown once.
    """

    json: bool
    verbose: bool
    loaded: "dict[str, Searcher]" = field(default_factory=dict)
    said: set[str] = field(default_factory=set)

    def one(self, keywords: Sequence[str], flags: Mapping[str, Any]) -> None:
        """Answer one request given by flags."""
        from searchgen.cli.requests import requests

        self._print(self._search(requests(keywords, flags), None))

    def repeat(self, signature: str) -> None:
        """Answer the request of a signature again, with the same model only."""
        from searchgen.request import Request

        request, wanted = Request.from_signature(signature)
        searcher = self._searcher(request.lm)
        if searcher.model.hash != wanted:
            raise RequestError(
                f"the signature is of another model than {request.lm} "
                f"({wanted[:12]}, this one is {searcher.model.hash[:12]}); give it the same file"
            )
        self._print(self._search(request, None))

    def stream(self, lines: Iterable[bytes], flags: Mapping[str, Any]) -> None:
        """Answer one keyword set a line, in order, each printed before the next is read.

        Raises:
            SearchgenError: with exit code 3 at the end, when a line had no answer.
        """
        failed = total = 0
        for number, line in enumerate(lines, 1):
            total += 1
            try:
                self._print(self._line(line, number, flags), padded=flags["count"])
            except SearchgenError as error:
                failed += 1
                self._print_failure(error, number, flags["count"])
        if failed:
            error = SearchgenError(f"{failed} of {total} lines have no answer")
            error.exit_code = 3
            raise error

    def _line(self, line: bytes, number: int, flags: Mapping[str, Any]) -> "Outcome":
        from searchgen.cli.requests import requests

        try:
            text = line.decode("utf-8").strip()
        except UnicodeDecodeError as error:
            raise RequestError(f"not UTF-8: {error.reason} at byte {error.start}") from None
        if not text:
            raise RequestError("the line is empty; write a keyword set")
        if text.startswith("@"):
            raise RequestError(f"{text[:40]!r}: a line of stdin cannot name a file; write \\@ for the sign itself")
        return self._search(requests([text], flags), number)

    def _searcher(self, name: str) -> "Searcher":
        if name not in self.loaded:
            from searchgen.samplers.constrain import Searcher

            self.loaded[name] = Searcher.load(name, complain, threads=min(2, os.cpu_count() or 1))
        return self.loaded[name]

    def _search(self, request: "Request", number: int | None) -> "Outcome":
        begun = time.perf_counter()
        with progress_line() as progress:
            outcome = self._searcher(request.lm).search(request, progress, number)
        for note in outcome.notes:
            if note not in self.said:
                self.said.add(note)
                complain(note)
        if self.verbose:
            self._tell(request, outcome, time.perf_counter() - begun)
        return outcome

    def _tell(self, request: "Request", outcome: "Outcome", seconds: float) -> None:
        proposed, legal, accepted = outcome.annealed.count.sum(axis=0).tolist()
        complain(f"request {request.canonical()}, seed {request.seed}, window {outcome.window[0]}-{outcome.window[1]} words")
        complain(
            f"{outcome.annealed.steps} steps in {seconds:.2f} s, {legal / max(1, proposed):.0%} legal, "
            f"{accepted / max(1, legal):.0%} of them accepted; P(constraints) = exp({outcome.log_mass:.1f}) under the guide"
        )

    def _print(self, outcome: "Outcome", padded: int = 0) -> None:
        for record in outcome.records:
            if self.json:
                write_json({**record.as_json(), "status": "ok"})
            else:
                write_line(highlighted(record.text, _demanded_spans(record)))
        for rank in range(len(outcome.records), padded):
            self._print_nothing(outcome.records[0].line, rank + 1, "not found", "no other text differs enough")

    def _print_failure(self, error: SearchgenError, number: int, count: int) -> None:
        complain(f"line {number}: {error}")
        status = "infeasible" if error.exit_code == 3 else "error"
        for rank in range(count):
            self._print_nothing(number, rank + 1, status, str(error))

    def _print_nothing(self, number: int | None, rank: int, status: str, error: str) -> None:
        if self.json:
            write_json({"text": "", "line": number, "rank": rank, "status": status, "error": error})
        else:
            write_line("")


def _demanded_spans(record: "Record") -> list[tuple[int, int]]:
    """Return where the demanded words stand in the printed text: its tokens occur there in order."""
    spans, at, text = [], 0, record.text.casefold()
    if len(text) != len(record.text):
        return []
    for token in record.tokens:
        begin = text.find(token.casefold(), at)
        if begin >= 0:
            at = begin + len(token)
            if token in record.demanded:
                spans.append((begin, at))
    return spans
