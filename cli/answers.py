"""Answering requests and printing the results, one request or one a line of stdin."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from searchgen.cli.loading import load_beside, load_model, refuse_other_model, starting
from searchgen.cli.output import complain, complain_of, highlighted, note, progress, write_json, write_line
from searchgen.cli.requests import with_keywords
from searchgen.errors import Impossible, NothingFound, RequestError, SearchgenError
from searchgen.lm.whole_text import scores_whole_texts
from searchgen.record import partial_record
from searchgen.request import Request

if TYPE_CHECKING:
    from searchgen.record import Record
    from searchgen.samplers.constrain import Outcome, Searcher

__all__ = ["Answers"]


#: The sampler of a request to search.
SEARCH = "anneal"

#: The longest line of stdin, in bytes.
LONGEST_LINE = 100_000


@dataclass
class Answers:
    """What a run has loaded and how it prints.

    Attributes:
        json: print JSON lines.
        verbose: show on stderr what was asked and done.
        raw_tokens: the user knows that the model's tokens are printed as they stand.
        loaded: models by name, and for transformers the language of the words.
        said: notes already shown; each is shown once.
    """

    json: bool
    verbose: bool
    raw_tokens: bool = False
    loaded: "dict[tuple[str, str], Searcher]" = field(default_factory=dict)
    said: set[str] = field(default_factory=set)

    def one(self, request: Request) -> None:
        """Answer one request."""
        self._print(self._search(request, None))

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
                f"the signature is of draws by {request.sampler}; repeat it with searchgen sample --again"
            )
        searcher = self.searcher(replace(request, lm=lm or request.lm))
        refuse_other_model(searcher, wanted)
        self._print(self._search(request, None, searcher))

    def stream(self, lines: Iterable[bytes], template: Request, lm: str | None) -> None:
        """Answer one keyword set a line, in order, each printed before the next is read.

        Args:
            lines: UTF-8.
            template: all but the keywords.
            lm: the model asked for, if any.

        Raises:
            NothingFound: at the end, when a line had no answer.
        """
        if lm and not scores_whole_texts(lm):
            self.searcher(replace(template, lm=lm))
        failed = total = 0
        for number, line in enumerate(lines, 1):
            total += 1
            try:
                outcome = self._search(with_keywords(template, [_keyword_set(line, number)], lm), number)
            except SearchgenError as error:
                failed += 1
                complain_of(error, f"line {number}: ")
                self._print_nothing(number, range(template.count), _status(error), str(error))
            else:
                self._print(outcome)
                missing = range(len(outcome.records), template.count)
                self._print_nothing(number, missing, "not found", "no other text differs enough")
        if failed:
            raise NothingFound(f"no answer for {failed} of {total} lines")

    def searcher(self, request: Request) -> "Searcher":
        """Return the model of a request ready to search, loaded once.

        Raises:
            RequestError: there is no such model, or its tokens are not raw and should be.
        """
        if scores_whole_texts(request.lm):
            return self._beside(request)
        key = request.lm, ""
        if key not in self.loaded:
            with starting():
                from searchgen.samplers.constrain import Searcher

                self.loaded[key] = load_model(Searcher, request.lm, self.raw_tokens)
        return self.loaded[key]

    def _beside(self, request: Request) -> "Searcher":
        with starting():
            from searchgen.samplers.neural_search import TransformerSearcher
            from searchgen.samplers.transformer import language

            key = request.lm, language(request)
            if key not in self.loaded:
                same = [found for (name, _), found in self.loaded.items() if name == request.lm]
                opened = getattr(same[0], "opened", None) if same else None
                self.loaded[key] = load_beside(TransformerSearcher, request, self.raw_tokens, opened)
        return self.loaded[key]

    def _search(self, request: Request, number: int | None, loaded: "Searcher | None" = None) -> "Outcome":
        searcher, begun = loaded or self.searcher(request), time.perf_counter()
        with progress() as show:
            tell = (lambda share: show("searching", share)) if show else None
            outcome = searcher.search(request, tell, number)
        for one in outcome.notes:
            if one not in self.said:
                self.said.add(one)
                note(one)
        if self.verbose:
            _describe(outcome, time.perf_counter() - begun)
        return outcome

    def _print(self, outcome: "Outcome") -> None:
        for record in outcome.records:
            if self.json:
                write_json({**record.as_json(), "status": "ok", "error": None})
            else:
                write_line(highlighted(record.text, _demanded_spans(record)))
        if outcome.interrupted:
            raise KeyboardInterrupt

    def _print_nothing(self, number: int, ranks: range, status: str, error: str) -> None:
        for rank in ranks:
            if self.json:
                write_json(partial_record(text="", line=number, rank=rank + 1, status=status, error=error))
            else:
                write_line("")


def _keyword_set(line: bytes, number: int) -> str:
    try:
        text = line.decode("utf-8-sig" if number == 1 else "utf-8").strip()
    except UnicodeDecodeError as error:
        raise RequestError(f"not UTF-8: {error.reason} at byte {error.start + 1}") from None
    if not text:
        raise RequestError("the line is empty; write a keyword set")
    if len(line) > LONGEST_LINE:
        raise RequestError(f"the line has {len(line):,} bytes; a keyword set may have {LONGEST_LINE:,}")
    if text.startswith("@"):
        raise RequestError(f"{text[:40]!r}: a line of stdin cannot name a file; write \\@ for the sign itself")
    return text


def _status(error: SearchgenError) -> str:
    if isinstance(error, Impossible):
        return "impossible"
    return "not found" if isinstance(error, NothingFound) else "malformed"


def _describe(outcome: "Outcome", seconds: float) -> None:
    request = outcome.request
    low, high = request.min_words, request.max_words
    complain(f"request {replace(request, min_words=None, max_words=None).canonical()}")
    complain(f"window {low}-{high} words, seed {request.seed}, model {outcome.records[0].lm}")
    proposed, legal, accepted = outcome.annealed.tally.sum(axis=0).tolist()
    complain(
        f"{outcome.annealed.steps} steps in {seconds:.2f} s, {legal / max(1, proposed):.0%} legal, "
        f"{accepted / max(1, legal):.0%} of them accepted; P(constraints) = exp({outcome.log_mass:.1f}) under the guide"
    )
    if outcome.report:
        complain(", ".join(f"{name} {count}" for name, count in outcome.report.items()))
    complain(f"signature {outcome.records[0].signature}")


def _demanded_spans(record: "Record") -> list[tuple[int, int]]:
    """Return where the demanded words stand in the printed text: its tokens occur there in order."""
    spans: list[tuple[int, int]] = []
    at, text = 0, record.text.casefold()
    if len(text) != len(record.text):
        return spans
    for place, token in enumerate(record.tokens):
        begin = text.find(token.casefold(), at)
        if begin < 0:
            continue
        at = begin + len(token)
        if place in record.demanded:
            spans.append((begin, at))
    return spans
