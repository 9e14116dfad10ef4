"""Texts that `paraphrase` says in other words, and how the results are printed."""

from dataclasses import dataclass, field

from searchgen.cli.loading import load_source, source_cache, starting
from searchgen.cli.output import progress, write_json, write_line
from searchgen.cli.parts.answers import status_of
from searchgen.cli.parts.changed_texts import ChangedTexts
from searchgen.cli.parts.default_models import SearchModels
from searchgen.errors import NothingFound, RequestError, SearchgenError
from searchgen.record import partial_record
from searchgen.request.request import Request
from searchgen.rewriting.paraphraser import Paraphrase, Paraphraser
from searchgen.sources.cache import SourceCache

__all__ = ["Paraphrases"]


@dataclass
class Paraphrases(ChangedTexts[Paraphrase]):
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

    def results(self, text: str) -> list[Paraphrase]:
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

    def show(
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
                write_line(self.written(one))
        missing = error or NothingFound("no other text was found")
        for rank in range(len(results) + 1, self.count + 1):
            if self.json:
                more = {"source": text, "edits": None, "similarity": None, "overlap": None, "changes": None}
                row = partial_record(text="", line=number, rank=rank, status=status_of(missing), error=str(missing))
                write_json(row | more)
            else:
                write_line("")
