"""Where a printed text holds what was demanded: the item, the form in which it stands, and its characters."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from searchgen.automata import Ids
from searchgen.constraints.base import Constraint
from searchgen.record import Span
from searchgen.text import TextForm
from searchgen.vocabulary import Vocabulary

__all__ = ["spans_of", "token_offsets"]


#: What the names in the output begin with, before the words of the user.
PREFIX = re.compile(r"\A(keyword|starts with|ends with) ")


class _Offsets(NamedTuple):
    start: int
    end: int


def spans_of(
    constraints: Iterable[Constraint], ids: Ids, text: str, vocabulary: Vocabulary, written: Mapping[str, str]
) -> tuple[Span, ...]:
    """The spans of a text, from left to right.

    Args:
        constraints: of a request.
        ids: the text.
        text: the same as it is printed.
        vocabulary: its tokens.
        written: the name that each part of a constraint has in the output.

    Returns:
        One for each place of each constraint.
    """
    held = [place for constraint in constraints for place in constraint.places(ids, vocabulary)]
    if not held:
        return ()
    offsets = token_offsets(vocabulary.decode(ids), text, vocabulary.form)
    spans = []
    for part, first, end in held:
        if len(offsets) >= end > first:
            name = PREFIX.sub("", written.get(part, part))
            start, stop = offsets[first].start, offsets[end - 1].end
            spans.append(Span(name, text[start:stop], start, stop))
    return tuple(sorted(spans, key=lambda span: (span.start, span.end)))


def token_offsets(tokens: Sequence[str], text: str, form: TextForm) -> list[_Offsets]:
    """Where each token stands in a text.

    Args:
        tokens: of the text.
        text: as `form` prints it, or as somebody else wrote it.
        form: of the text.

    Returns:
        Begin and end of each; fewer than there are tokens where one is written in another way.

    >>> from searchgen.text import text_form
    >>> [tuple(place) for place in token_offsets(["the", "dog", "."], "The dog.", text_form("en"))]
    [(0, 3), (4, 7), (7, 8)]
    """
    if form.detokenise(tokens) == text:
        # Text forms print from left to right, and a capital takes no more room than the letter.
        ends = [len(form.detokenise(tokens[: count + 1])) for count in range(len(tokens))]
        return [_Offsets(end - len(token), end) for token, end in zip(tokens, ends, strict=True)]
    return list(_found(tokens, text))


def _found(tokens: Sequence[str], text: str) -> Iterator[_Offsets]:
    folded, at = text.lower(), 0
    for token in tokens if len(folded) == len(text) else ():
        begin = folded.find(token.lower(), at)
        if begin < 0:
            return
        at = begin + len(token)
        yield _Offsets(begin, at)
