"""Changing texts and printing the results, one text or one a line of stdin."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from searchgen.cli.loading import load_source, refuse_other_model, repeating, source_cache, starting
from searchgen.cli.output import complain, complain_of, highlighted, progress, write_json, write_line
from searchgen.cli.parts.answers import LONGEST_LINE, status_of
from searchgen.cli.parts.default_models import SearchModels
from searchgen.errors import NothingFound, Outage, RequestError, SearchgenError, not_utf8
from searchgen.record import partial_record
from searchgen.rewriting.revision import Reviser, Revision
from searchgen.rewriting.rewriter import Rewritten
from searchgen.sources.cache import SourceCache
from searchgen.sources.source import Source

__all__ = ["Revisions", "repeat"]


@dataclass
class Revisions:
    """What a run changes texts by, and how it prints.

    Attributes:
        revision: the verb with its numbers; its model is that of the text.
        lm: the model that the user named.
        json: print JSON lines.
        diff: print what changed.
        verbose: show on stderr the edits that led to each text.
    """

    revision: Revision
    lm: str | None
    json: bool = False
    diff: bool = False
    verbose: bool = False
    usual: SearchModels = field(default_factory=SearchModels)
    sources: SourceCache = field(default_factory=source_cache)
    revisers: dict[str, tuple[Reviser, Source]] = field(default_factory=dict)

    def one(self, text: str) -> None:
        """Change one text.

        Raises:
            RequestError: it cannot be changed.
            NothingFound: there is no answer; empty lines are printed.
        """
        try:
            results = self._revised(text)
        except NothingFound as error:
            self._print_nothing(text, None, range(self.revision.request.count), error)
            raise
        self._print(text, None, results)

    def stream(self, lines: Iterable[bytes]) -> None:
        """Change one text a line, in order, each printed before the next is read.

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
                results = self._revised(text)
            except Outage:
                raise
            except SearchgenError as error:
                failed += 1
                complain_of(error, f"line {number}: ")
                self._print_nothing(text, number, range(self.revision.request.count), error)
            else:
                self._print(text, number, results)
        if failed:
            raise NothingFound(f"no answer for {failed} of {total} lines")

    def source(self, text: str) -> Source:
        """Return the model of a text, opened once."""
        return self._reviser(text)[1]

    def _revised(self, text: str) -> list[Rewritten]:
        reviser, _ = self._reviser(text)
        with progress("searching"):
            return reviser.revise(text)

    def _reviser(self, text: str) -> tuple[Reviser, Source]:
        """What changes a text, and its model, loaded once.

        Raises:
            RequestError: the text is empty, or the model cannot be opened.
        """
        if not text.strip():
            raise RequestError("the text is empty; give one to change")
        name = self.lm or self.usual(text)
        if name not in self.revisers:
            request = replace(self.revision.request, lm=name)
            with starting():
                source = load_source(request.model, request.reading, False, self.sources)
            self.revisers[name] = replace(self.revision, request=request).reviser(source), source
        return self.revisers[name]

    def _print(self, text: str, number: int | None, results: list[Rewritten]) -> None:
        reviser, source = self._reviser(text)
        revision = replace(self.revision, request=replace(self.revision.request, lm=source.ref.name))
        for rank, result in enumerate(results, 1):
            if self.verbose:
                for step in result.trail:
                    complain(f"{step.kind} {step.gain:+.2f}: {step.text}")
            if self.json:
                write_json({**revision.record(text, result, rank, reviser, source), "line": number})
            else:
                marked = highlighted(result.text, [(one.start, one.start + len(one.new)) for one in result.changes])
                write_line(f"{marked}\t{_difference(result)}" if self.diff else marked)
        missing = range(len(results), revision.request.count)
        self._print_nothing(text, number, missing, NothingFound("no other text was found"))

    def _print_nothing(self, text: str, number: int | None, ranks: range, error: SearchgenError) -> None:
        for rank in ranks:
            if self.json:
                more = {"source": text, "edits": None, "changes": None}
                status = status_of(error)
                write_json(partial_record(text="", line=number, rank=rank + 1, **more, status=status, error=str(error)))
            else:
                write_line("")


def repeat(
    command: str, signature: str, lm: str | None, json: bool = False, diff: bool = False, verbose: bool = False
) -> None:
    """Change the text of a signature again.

    Args:
        command: the verb.
        signature: as a JSON result shows it.
        lm: where the model's file is now; None: where it was.
        json: as for `Revisions`, and the others.
        diff: what changed.
        verbose: the edits that led to each text.

    Raises:
        RequestError: it is no signature of this verb and version, or the model is another one.
    """
    revision, text, wanted = Revision.from_signature(signature, command)
    revisions = Revisions(revision, lm or revision.request.lm, json, diff, verbose)
    with repeating(revision.request, lm):
        source = revisions.source(text)
    refuse_other_model(source, wanted)
    revisions.one(text)


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
