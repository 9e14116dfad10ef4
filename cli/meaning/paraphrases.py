"""Paraphrasing texts and printing the results, one text or one a line of stdin."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from searchgen.cli.loading import load_source, source_cache, starting
from searchgen.cli.output import complain_of, highlighted, progress, write_json, write_line
from searchgen.cli.parts.answers import LONGEST_LINE, status_of
from searchgen.cli.parts.default_models import SearchModels
from searchgen.errors import NothingFound, Outage, RequestError, SearchgenError, not_utf8
from searchgen.record import partial_record
from searchgen.request.request import Request
from searchgen.rewriting.paraphraser import Paraphrase, Paraphraser
from searchgen.sources.cache import SourceCache

__all__ = ["Paraphrases"]


@dataclass
class Paraphrases:
    """What a run paraphrases by, and how it prints.

    Attributes:
        lm: the model that the user named.
        count: texts for each.
        least: similarity.
        most: overlap.
        protect: phrases that stay untouched.
        json: print JSON lines.
        diff: print what changed.
    """

    lm: str | None
    count: int
    least: float
    most: float
    protect: tuple[str, ...] = ()
    json: bool = False
    diff: bool = False
    usual: SearchModels = field(default_factory=SearchModels)
    sources: SourceCache = field(default_factory=source_cache)
    made: dict[str, Paraphraser] = field(default_factory=dict)

    def one(self, text: str) -> None:
        """Paraphrase one text.

        Raises:
            RequestError: it cannot be paraphrased.
            NothingFound: there is no answer; empty lines are printed.
        """
        try:
            results = self._results(text)
        except NothingFound as error:
            self._print(text, None, [], error)
            raise
        self._print(text, None, results)

    def stream(self, lines: Iterable[bytes]) -> None:
        """Paraphrase one text a line, in order, each printed before the next is read.

        Raises:
            NothingFound: at the end, when a line had no answer.
            Outage: a server or the memory gave out.
        """
        failed = total = 0
        for total, line in enumerate(lines, 1):
            text = ""
            try:
                text = _text_of(line)
                results = self._results(text)
            except Outage:
                raise
            except SearchgenError as error:
                failed += 1
                complain_of(error, f"line {total}: ")
                self._print(text, total, [], error)
            else:
                self._print(text, total, results)
        if failed:
            raise NothingFound(f"no answer for {failed} of {total} lines")

    def _results(self, text: str) -> list[Paraphrase]:
        """Paraphrase under the model of a text, loaded once."""
        if not text.strip():
            raise RequestError("the text is empty; give one to paraphrase")
        name = self.lm or self.usual(text)
        if name not in self.made:
            request = Request(lm=name)
            with starting():
                source = load_source(request.model, request.reading, False, self.sources)
            self.made[name] = Paraphraser(source, self.count, self.least, self.most, self.protect)
        with progress("searching"):
            return self.made[name].paraphrases(text)

    def _print(
        self, text: str, number: int | None, results: list[Paraphrase], error: SearchgenError | None = None
    ) -> None:
        """Print what was found, and what is missing."""
        for rank, one in enumerate(results, 1):
            if self.json:
                more = {"source": text, "edits": one.edits, "similarity": one.similarity, "overlap": one.overlap}
                more |= {"changes": [change._asdict() for change in one.changes], "status": "ok", "error": None}
                row = partial_record(text=one.text, log_prob=one.log_prob, kind="search", line=number, rank=rank)
                write_json(row | {"spans": []} | more)
            else:
                marked = highlighted(
                    one.text, [(change.start, change.start + len(change.new)) for change in one.changes]
                )
                write_line(f"{marked}\t{_difference(one)}" if self.diff else marked)
        missing = error or NothingFound("no other text was found")
        for rank in range(len(results) + 1, self.count + 1):
            if self.json:
                more = {"source": text, "edits": None, "similarity": None, "overlap": None, "changes": None}
                row = partial_record(text="", line=number, rank=rank, status=status_of(missing), error=str(missing))
                write_json(row | more)
            else:
                write_line("")


def _difference(result: Paraphrase) -> str:
    """What changed: `-old +new`, changes apart by commas."""
    signs = ([f"-{one.old}"] * bool(one.old) + [f"+{one.new}"] * bool(one.new) for one in result.changes)
    return ", ".join(" ".join(parts) for parts in signs)


def _text_of(line: bytes) -> str:
    """A line without its end; a carriage return stays, so that what is kept stays as it is."""
    if len(line) > LONGEST_LINE:
        raise RequestError(f"the line has {len(line):,} bytes; a text may have at most {LONGEST_LINE:,}")
    try:
        return line.decode().removesuffix("\n")
    except UnicodeDecodeError as error:
        raise RequestError(not_utf8(error)) from None
