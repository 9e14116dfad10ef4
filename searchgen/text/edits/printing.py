"""An edited text as it is printed: what is kept has the characters of the source, what is new those of the text form."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

from searchgen.text.edits.alignment import Held, Step, alignment
from searchgen.text.edits.places import TokenPlace
from searchgen.text.form import TextForm

__all__ = ["Change", "Source", "Written", "written"]


class Change(NamedTuple):
    """What an edited text has in the place of a part of its source.

    Attributes:
        old: the characters of the source; "": it is an insertion.
        new: those of the text; "": it is a deletion.
        start: where the new ones begin in the text.
    """

    old: str
    new: str
    start: int


class Written(NamedTuple):
    """An edited text.

    Attributes:
        text: as it is printed.
        edits: words and marks inserted, deleted or replaced.
        changes: from left to right; edits side by side are one.
    """

    text: str
    edits: int
    changes: tuple[Change, ...]


@dataclass(frozen=True)
class Source:
    """A text to edit.

    Attributes:
        text: as it was given, blanks at its ends and all.
        tokens: as its form reads it.
        places: of the tokens.
        held: spans of tokens that stay untouched.
    """

    text: str
    tokens: tuple[str, ...]
    places: tuple[TokenPlace, ...]
    held: Held = ()


def written(source: Source, tokens: Sequence[str], form: TextForm) -> Written:
    """Return an edited text with the spelling and spacing of its source wherever that is kept.

    Args:
        source: what was edited.
        tokens: of the edited text.
        form: of both.

    Example:
        >>> from searchgen.text import text_form
        >>> from searchgen.text.edits.places import token_places
        >>> form, text = text_form("en", {"the": 2, "a": 1}), 'The  dog "ran"…'
        >>> tokens = tuple(form.tokenise(text))
        >>> written(Source(text, tokens, tuple(token_places(tokens, text))), ["a", "big", *tokens[1:]], form)
        Written(text='A big  dog "ran"…', edits=2, changes=(Change(old='The', new='A big', start=0),))
    """
    fold = form.fold
    steps = alignment([*map(fold, source.tokens)], [*map(fold, tokens)], source.held)
    pieces = _pieces(source, tokens, steps, form)
    changes, size = [], source.places[0].begin
    for is_same, group in groupby(zip(steps, pieces, strict=True), lambda pair: pair[0].same):
        pairs = list(group)
        whole = "".join(piece for _, piece in pairs)
        if not is_same:
            old = [source.places[step.source] for step, _ in pairs if step.source is not None]
            new = whole.strip()
            start = size + len(whole) - len(whole.lstrip())
            changes.append(Change(source.text[old[0].begin : old[-1].end] if old else "", new, start))
        size += len(whole)
    text = "".join([source.text[: source.places[0].begin], *pieces, source.text[source.places[-1].end :]])
    return Written(text, sum(not step.same for step in steps), tuple(changes))


def _pieces(source: Source, tokens: Sequence[str], steps: Sequence[Step], form: TextForm) -> list[str]:
    """What each step prints, with what stands before it."""
    printed, gaps = _of_form(tokens, form)
    first, first_kept = form.first_word(tokens), form.first_word(source.tokens)
    pieces = []
    for before, step in zip([None, *steps], steps, strict=False):
        if step.place is None:
            pieces.append("")
            continue
        gap = _gap(source, before, step, gaps[step.place]) if step.place else ""
        piece = _kept(source, step, step.place == first, first_kept, form) if step.same else printed[step.place]
        pieces.append(gap + piece)
    return pieces


def _of_form(tokens: Sequence[str], form: TextForm) -> tuple[list[str], list[str]]:
    """Each token as its form prints it, and what it prints before each."""
    whole = form.detokenise(tokens)
    ends = [len(form.detokenise(tokens[: count + 1])) for count in range(len(tokens))]
    begins = [end - len(token) for end, token in zip(ends, tokens, strict=True)]
    printed = [whole[begin:end] for begin, end in zip(begins, ends, strict=True)]
    return printed, [whole[end:begin] for end, begin in zip([0, *ends], begins, strict=False)]


def _gap(source: Source, before: Step | None, step: Step, of_form: str) -> str:
    """What stands between two tokens: what stood there in the source, if both have their places there side by side."""
    if before is None or before.place is None or before.source is None or step.source is None:
        return of_form
    own = source.text[source.places[before.source].end : source.places[step.source].begin]
    return own if (before.same and step.same) or bool(own) == bool(of_form) else of_form


def _kept(source: Source, step: Step, is_first: bool, first_kept: int, form: TextForm) -> str:
    """A token of the source in its own characters, but for the capital that the first word gains or loses."""
    assert step.source is not None
    place, token = source.places[step.source], source.tokens[step.source]
    own = source.text[place.begin : place.end]
    if is_first == (step.source == first_kept):
        return own
    return form.firsts([own])[0] if is_first else (token if form.fold(token) == form.fold(own) else own)
