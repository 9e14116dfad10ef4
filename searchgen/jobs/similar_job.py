"""A job that finds lines like a text: its row has a result for each line, as `similar` prints them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from searchgen.batch.rows import answered_by, unanswered
from searchgen.errors import NothingFound, RequestError
from searchgen.meaning.measures import SentenceVectors, sentence_vectors
from searchgen.meaning.nearest import MOST, Near, nearest
from searchgen.record import partial_record
from searchgen.request.from_values import BESIDES, SPELLINGS, Defaults, fields_of
from searchgen.request.json_values import typed
from searchgen.text import detect

__all__ = ["SimilarJob", "record_of"]

#: Fields of such a job, and lines that it gives unless it says otherwise.
FIELDS, USUAL = ("command", "text", "among", "count", "vectors"), 5


def record_of(near: Near, source: str, rank: int, vectors: SentenceVectors, line: int | None = None) -> dict[str, Any]:
    """Return a line that was found as plain values of JSON.

    Args:
        near: the line.
        source: the text that it is like.
        rank: 1 for the most alike.
        vectors: that compared both.
        line: number of the text's line of stdin.
    """
    return partial_record(
        text=near.line,
        rank=rank,
        line=line,
        source=source,
        similarity=near.similarity,
        among=near.number,
        vectors=_label(vectors),
        status="ok",
        error=None,
    )


@dataclass(frozen=True)
class SimilarJob:
    """What a job looks for.

    Attributes:
        name: its id.
        text: that the lines are compared with.
        among: the lines.
        count: lines to return.
        model: folder of a sentence-embedding model; "": the vectors of the language.
    """

    name: str | int
    text: str
    among: tuple[str, ...]
    count: int = USUAL
    model: str = ""

    @staticmethod
    def of_values(name: str | int, values: Mapping[str, Any], defaults: Defaults) -> "SimilarJob":
        """Return what the values of a job describe.

        Raises:
            RequestError: a field is missing, belongs to other commands, or has another type or an impossible value.
        """
        given = {SPELLINGS.get(key, key): value for key, value in fields_of(values, defaults).items()}
        foreign = next((key for key in given if key not in (*FIELDS, *BESIDES)), None)
        if foreign is not None or "budget" in given:
            raise RequestError(f"field {foreign or 'budget'!r} does not go with similar; drop it")
        if not isinstance(given.get("text"), str):
            raise RequestError("the field 'text' is missing; give the text to compare with")
        if not given.get("among"):
            raise RequestError("similar needs the field 'among', a list of lines")
        among = typed("among", given["among"], tuple[str, ...])
        count = USUAL if given.get("count") is None else typed("count", given["count"], int)
        if not 1 <= count <= MOST:
            raise RequestError(f"n = {count}: give a number from 1 to {MOST:,}")
        return SimilarJob(name, given["text"], among, count, typed("vectors", given.get("vectors") or "", str))

    def rows(self) -> tuple[dict[str, Any], str, None, tuple[dict[str, Any], ...]]:
        """Return the row, its status, no language model, and no further results.

        Raises:
            RequestError: the text is empty, or there are no such vectors.
        """
        vectors = sentence_vectors(detect(self.text), self.model)
        try:
            found = nearest(vectors, self.text, self.among, self.count)
        except NothingFound as error:
            return unanswered(self.name, error, None), "infeasible", None, ()
        records = [record_of(near, self.text, rank, vectors) for rank, near in enumerate(found, 1)]
        return answered_by(self.name, records, {"notes": []}), "ok", None, ()


def _label(vectors: SentenceVectors) -> str:
    return f"{vectors.language}#{vectors.hash[:16]}"
