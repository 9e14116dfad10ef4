"""Texts that `rewrite`, `fix` and `shorten` change, and how the results are printed."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from searchgen.cli.loading import compiling, load_source, refuse_other_model, repeating, source_cache, starting
from searchgen.cli.output import complain, progress, write_json, write_line
from searchgen.cli.parts.answers import status_of
from searchgen.cli.parts.changed_texts import ChangedTexts
from searchgen.cli.parts.default_models import SearchModels
from searchgen.errors import NothingFound, RequestError, SearchgenError
from searchgen.kernels.precompile import TRACE
from searchgen.record import partial_record
from searchgen.rewriting.revision import NOTHING, Reviser, Revision
from searchgen.rewriting.rewriter import Rewritten
from searchgen.rewriting.trail import Step
from searchgen.sources.cache import SourceCache
from searchgen.sources.source import Source

__all__ = ["Revisions", "complain_of_trail", "repeat"]


@dataclass
class Revisions(ChangedTexts[Rewritten]):
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

    def source(self, text: str) -> Source:
        """Return the model of a text, opened once."""
        return self._reviser(text)[1]

    def ready(self) -> None:
        """Open the models that the user named; raises as its base."""
        if self.lm is not None:
            _ = self._opened(self.lm)[1].text_model
        if self.revision.vectors:
            from searchgen.meaning.measures import sentence_vectors

            sentence_vectors("", self.revision.vectors)

    def results(self, text: str) -> list[Rewritten]:
        """Change a text; errors as those of its reviser."""
        reviser, _ = self._reviser(text)
        writes_moves = self.revision.command == "rewrite" and (self.json or self.verbose)
        with progress("searching"), compiling(*[TRACE] * writes_moves):
            return reviser.revise(text)

    def _reviser(self, text: str) -> tuple[Reviser, Source]:
        """What changes a text, and its model, loaded once.

        Raises:
            RequestError: the text is empty, or the model cannot be opened.
        """
        if not text.strip():
            raise RequestError("the text is empty; give one to change")
        return self._opened(self.lm or self.usual(text))

    def _opened(self, name: str) -> tuple[Reviser, Source]:
        if name not in self.revisers:
            request = replace(self.revision.request, lm=name)
            with starting():
                source = load_source(request.model, request.reading, False, self.sources)
            trails = self.json or self.verbose
            self.revisers[name] = replace(self.revision, request=request).reviser(source, trails), source
        return self.revisers[name]

    def show(
        self, text: str, number: int | None, results: list[Rewritten], error: SearchgenError | None = None
    ) -> None:
        """Print what was found for a text, and what is missing."""
        for rank, result in enumerate(results, 1):
            if self.verbose:
                complain_of_trail(result.trail)
            if self.json:
                reviser, source = self._reviser(text)
                revision = replace(self.revision, request=replace(self.revision.request, lm=source.ref.name))
                write_json({**revision.record(text, result, rank, reviser, source), "line": number})
            else:
                write_line(self.written(result))
        missing = error or NothingFound("no other text was found")
        for rank in range(len(results), self.revision.request.count):
            if self.json:
                more = {"source": text, **NOTHING, "status": status_of(missing), "error": str(missing)}
                write_json(partial_record(text="", line=number, rank=rank + 1, **more))
            else:
                write_line("")


def complain_of_trail(trail: Sequence[Step]) -> None:
    """Show on stderr the edits that led to a text."""
    for step in trail:
        complain(f"{step.kind}{'' if step.gain is None else f' {step.gain:+.2f}'}: {step.text}")


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
