"""Finding similar lines and printing them, for one text or one a line of stdin."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from searchgen.cli.output import complain_of, progress, write_json, write_line
from searchgen.cli.parts.answers import status_of
from searchgen.cli.stdin import lines as lines_of
from searchgen.cli.stdin import standard_input
from searchgen.errors import NothingFound, RequestError, SearchgenError, not_utf8
from searchgen.jobs.similar_job import record_of
from searchgen.meaning.measures import SentenceVectors, sentence_vectors
from searchgen.meaning.nearest import Kept, Near, nearest
from searchgen.record import partial_record
from searchgen.text import detect

__all__ = ["Similar"]


@dataclass
class Similar:
    """What lines are looked for in, and how they are printed.

    Attributes:
        among: name of the file, `-` for stdin.
        count: lines for each text.
        json: print JSON lines.
        model: folder of a sentence-embedding model; "": the vectors of the language.
    """

    among: str
    count: int
    json: bool = False
    model: str = ""

    def one(self, text: str) -> None:
        """Print the lines most like one text.

        Raises:
            RequestError: the text is empty, or the file cannot be read or has no line.
            NothingFound: no word of the text is known; empty lines are printed.
        """
        try:
            with progress("reading"):
                found = nearest(self._vectors(text), text, self._lines(), self.count)
        except NothingFound as error:
            self._print(text, None, [], error)
            raise
        self._print(text, None, found)

    def stream(self, texts: Iterable[bytes]) -> None:
        """Print the lines most like each text, before the next is read.

        Raises:
            RequestError: the file or the model cannot be read, or there are too many lines to keep.
            NothingFound: at the end, when a text had no answer.
        """
        if self.model:
            self._vectors("")  # no text can be compared without
        failed = total = 0
        for total, line in enumerate(texts, 1):
            kept, text = self._kept, ""
            try:
                text = _decoded(line).removesuffix("\n").removesuffix("\r")
                found = kept.nearest(self._vectors(text), text, self.count)
            except SearchgenError as error:
                failed += 1
                complain_of(error, f"line {total}: ")
                self._print(text, total, [], error)
            else:
                self._print(text, total, found)
        if failed:
            raise NothingFound(f"no answer for {failed} of {total} lines")

    def _vectors(self, text: str) -> SentenceVectors:
        return sentence_vectors(detect(text), self.model)

    @cached_property
    def _kept(self) -> Kept:
        return Kept.of(self._lines())

    def _lines(self) -> Iterator[str]:
        """The lines of the file, without their ends.

        Raises:
            RequestError: it cannot be read, or is not UTF-8.
        """
        if self.among == "-":
            yield from (_decoded(line).rstrip("\r\n") for line in lines_of(standard_input("--among -")))
            return
        try:
            with open(self.among, "rb") as file:
                for number, line in enumerate(file, 1):
                    yield _decoded(line, f"{self.among}, line {number}: ").rstrip("\r\n")
        except OSError as error:
            raise RequestError(f"--among {self.among}: {error.strerror}; name a file with a text a line") from None

    def _print(self, text: str, number: int | None, found: list[Near], error: SearchgenError | None = None) -> None:
        """Print what was found, and what is missing."""
        for rank, near in enumerate(found, 1):
            if self.json:
                write_json(record_of(near, text, rank, self._vectors(text), number))
            else:
                write_line(f"{near.similarity:.3f}\t{near.line}")
        missing = error or NothingFound("there are no further lines")
        for rank in range(len(found), self.count if number is not None or error else len(found)):
            if self.json:
                more = {
                    "source": text,
                    "similarity": None,
                    "among": None,
                    "vectors": None,
                    "status": status_of(missing),
                }
                write_json(partial_record(text="", line=number, rank=rank + 1, **more, error=str(missing)))
            else:
                write_line("")


def _decoded(line: bytes, where: str = "") -> str:
    try:
        return line.decode()
    except UnicodeDecodeError as error:
        raise RequestError(f"{where}{not_utf8(error)}") from None
