"""Changing one text, or one a line of stdin, and printing each answer: what every verb that changes texts does alike."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Generic, Protocol, TypeVar

from searchgen.cli.output import complain_of, highlighted, note
from searchgen.cli.parts.answers import LONGEST_LINE
from searchgen.cli.stdin import lines, standard_input
from searchgen.errors import NothingFound, Outage, RequestError, SearchgenError, not_utf8
from searchgen.text.edits.printing import Change

__all__ = ["ChangedTexts"]


class Changed(Protocol):
    """A text, and where it differs from the given one."""

    @property
    def text(self) -> str:
        """The text."""

    @property
    def changes(self) -> Sequence[Change]:
        """Each stretch that differs."""


Result = TypeVar("Result", bound=Changed)


class ChangedTexts(ABC, Generic[Result]):
    """The way of texts through a verb; `results` changes a text, and `show` prints what came of it."""

    diff: bool

    @abstractmethod
    def results(self, text: str) -> list[Result]:
        """Change a text.

        Raises:
            SearchgenError: it cannot be changed, or there is no answer.
        """

    @abstractmethod
    def ready(self) -> None:
        """Open what every text needs.

        Raises:
            RequestError: it cannot be opened, so no text can be changed.
        """

    @abstractmethod
    def show(self, text: str, number: int | None, results: list[Result], error: SearchgenError | None = None) -> None:
        """Print what was found for a text, of this line of stdin, and what is missing."""

    def run(self, text: str | None, verb: str, trial: str = "") -> None:
        """Change the text, or without one those of stdin; errors as those of `one` and `stream`.

        Args:
            text: the one text.
            verb: as the user wrote it.
            trial: what to say first of a verb that is on trial.
        """
        stream = None if text is not None else standard_input(f"{verb} without a text")
        if trial:
            note(trial)
        if text is not None:
            self.one(text)
        elif stream is not None:
            self.stream(lines(stream))

    def one(self, text: str) -> None:
        """Change one text.

        Raises:
            RequestError: it cannot be changed.
            NothingFound: there is no answer; empty lines are printed.
        """
        try:
            results = self.results(text)
        except NothingFound as error:
            self.show(text, None, [], error)
            raise
        self.show(text, None, results)

    def stream(self, texts: Iterable[bytes]) -> None:
        """Change one text a line, in order, each printed before the next is read.

        Raises:
            NothingFound: at the end, when a line had no answer.
            Outage: a server or the memory gave out.
        """
        self.ready()
        failed = total = 0
        for total, line in enumerate(texts, 1):
            text = ""
            try:
                text = _text_of(line)
                results = self.results(text)
            except Outage:
                raise
            except SearchgenError as error:
                failed += 1
                complain_of(error, f"line {total}: ")
                self.show(text, total, [], error)
            else:
                self.show(text, total, results)
        if failed:
            raise NothingFound(f"no answer for {failed} of {total} lines")

    def written(self, result: Result) -> str:
        """Return the line of a result, what differs marked on a terminal; with `diff` as `-old +new`, changes apart by commas."""
        marked = highlighted(result.text, [(one.start, one.start + len(one.new)) for one in result.changes])
        if not self.diff:
            return marked
        signs = ([f"-{one.old}"] * bool(one.old) + [f"+{one.new}"] * bool(one.new) for one in result.changes)
        return f"{marked}\t{', '.join(' '.join(parts) for parts in signs)}"


def _text_of(line: bytes) -> str:
    """A line without its end; a carriage return stays, so that what is kept stays as it is."""
    if len(line) > LONGEST_LINE:
        raise RequestError(f"the line has {len(line):,} bytes; a text may have at most {LONGEST_LINE:,}")
    try:
        return line.decode().removesuffix("\n")
    except UnicodeDecodeError as error:
        raise RequestError(not_utf8(error)) from None
