"""Rewriting texts and printing the results, one text or one a line of stdin."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace

from searchgen.cli.loading import load_source, source_cache, starting
from searchgen.cli.output import complain_of, highlighted, progress, write_json, write_line
from searchgen.cli.parts.answers import LONGEST_LINE, status_of
from searchgen.cli.parts.default_models import SearchModels
from searchgen.errors import NothingFound, Outage, RequestError, SearchgenError, not_utf8
from searchgen.record import partial_record
from searchgen.request.request import Annealing, Request
from searchgen.rewriting.rewriter import Rewriter, Rewritten
from searchgen.search.searcher import Searcher
from searchgen.sources.cache import SourceCache

__all__ = ["Rewrites", "schedule"]

#: Steps of a chain: few edits leave little to search.
STEPS = 3_000


def schedule(budget: float | None, count: int) -> Annealing:
    """Return the schedule of each search."""
    return Annealing(steps=STEPS) if budget is None else Annealing().for_budget(budget, count)


@dataclass
class Rewrites:
    """What a run rewrites by, and how it prints.

    Attributes:
        request: constraints, number of texts, seed, schedule.
        lm: the model that the user named.
        most: edits; None: the fewest possible and some more.
        protect: phrases that stay untouched.
        closeness: what an edit costs, in nats.
        json: print JSON lines.
        diff: print what changed.
    """

    request: Request
    lm: str | None
    most: int | None
    protect: tuple[str, ...]
    closeness: float
    json: bool = False
    diff: bool = False
    usual: SearchModels = field(default_factory=SearchModels)
    sources: SourceCache = field(default_factory=source_cache)
    rewriters: dict[str, Rewriter] = field(default_factory=dict)

    def one(self, text: str) -> None:
        """Rewrite one text.

        Raises:
            RequestError: it cannot be rewritten.
            NothingFound: there is no answer; empty lines are printed.
        """
        try:
            rewriter, results = self._rewritten(text)
        except NothingFound as error:
            self._print_nothing(text, None, range(self.request.count), error)
            raise
        self._print(rewriter, text, None, results)

    def stream(self, lines: Iterable[bytes]) -> None:
        """Rewrite one text a line, in order, each printed before the next is read.

        Raises:
            NothingFound: at the end, when a line had no answer.
            Outage: a server or the memory gave out.
        """
        failed = total = 0
        for number, line in enumerate(lines, 1):
            total += 1
            text = ""
            try:
                text = _text_of(line)
                rewriter, results = self._rewritten(text)
            except Outage:
                raise
            except SearchgenError as error:
                failed += 1
                complain_of(error, f"line {number}: ")
                self._print_nothing(text, number, range(self.request.count), error)
            else:
                self._print(rewriter, text, number, results)
        if failed:
            raise NothingFound(f"no answer for {failed} of {total} lines")

    def _rewritten(self, text: str) -> tuple[Rewriter, list[Rewritten]]:
        rewriter = self._rewriter(text)
        with progress("searching"):
            return rewriter, rewriter.rewrite(text)

    def _rewriter(self, text: str) -> Rewriter:
        """The rewriter under the model of a text, loaded once.

        Raises:
            RequestError: the text is empty, or the model cannot be opened.
        """
        if not text.strip():
            raise RequestError("the text is empty; give one to rewrite")
        name = self.lm or self.usual(text)
        if name not in self.rewriters:
            request = replace(self.request, lm=name)
            with starting():
                source = load_source(request.model, request.reading, False, self.sources)
            searcher = Searcher.of(source)
            self.rewriters[name] = Rewriter(searcher, request, self.most, self.protect, self.closeness)
        return self.rewriters[name]

    def _print(self, rewriter: Rewriter, text: str, number: int | None, results: list[Rewritten]) -> None:
        for rank, result in enumerate(results, 1):
            if self.json:
                write_json(self._row(rewriter, text, number, rank, result))
            else:
                marked = highlighted(result.text, [(one.start, one.start + len(one.new)) for one in result.changes])
                write_line(f"{marked}\t{_difference(result)}" if self.diff else marked)
        missing = range(len(results), self.request.count)
        self._print_nothing(text, number, missing, NothingFound("no other text was found"))

    def _row(
        self, rewriter: Rewriter, text: str, number: int | None, rank: int, result: Rewritten
    ) -> dict[str, object]:
        return partial_record(
            text=result.text,
            tokens=result.tokens,
            log_prob=result.log_prob,
            log_density=result.score,
            kind="search",
            satisfied=result.satisfied,
            spans=[asdict(span) for span in rewriter.judge.spans_in(result.text)],
            sampler="anneal",
            lm=rewriter.searcher.source.label,
            seed=self.request.seed,
            rank=rank,
            line=number,
            source=text,
            edits=result.edits,
            changes=[change._asdict() for change in result.changes],
            status="ok",
            error=None,
        )

    def _print_nothing(self, text: str, number: int | None, ranks: range, error: SearchgenError) -> None:
        for rank in ranks:
            if self.json:
                more = {"source": text, "edits": None, "changes": None}
                status = status_of(error)
                write_json(partial_record(text="", line=number, rank=rank + 1, **more, status=status, error=str(error)))
            else:
                write_line("")


def _difference(result: Rewritten) -> str:
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
