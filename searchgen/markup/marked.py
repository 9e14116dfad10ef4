"""Where the tokens of a text stand in it as it is printed, and the text as HTML with some of them marked."""

from collections.abc import Collection, Mapping, Sequence
from html import escape

__all__ = ["marked", "spans_of", "table"]


def spans_of(text: str, tokens: Sequence[str], places: Collection[int]) -> list[tuple[int, int]]:
    """Return begin and end of some tokens in a printed text: its tokens occur there in order, whatever their case.

    Args:
        text: as it is printed.
        tokens: of the text.
        places: of the tokens that are asked for.

    Example:
        >>> spans_of("Dogs bark.", ["dogs", "bark", "."], {0, 2})
        [(0, 4), (9, 10)]
    """
    spans: list[tuple[int, int]] = []
    at, folded = 0, text.casefold()
    if len(folded) != len(text):
        return spans
    for place, token in enumerate(tokens):
        begin = folded.find(token.casefold(), at)
        if begin < 0:
            continue
        at = begin + len(token)
        if place in places:
            spans.append((begin, at))
    return spans


def marked(text: str, tokens: Sequence[str], kinds: Mapping[str, Collection[int]]) -> str:
    """Return a text as HTML with tokens marked: each kind is a class of its `mark` elements.

    Args:
        text: as it is printed.
        tokens: of the text.
        kinds: the places of the tokens of each kind.

    Example:
        >>> marked("A <dog>", ["a", "<dog>"], {"demanded": {1}})
        'A <mark class="demanded">&lt;dog&gt;</mark>'
    """
    classes: dict[tuple[int, int], list[str]] = {}
    for kind, places in kinds.items():
        for span in spans_of(text, tokens, places):
            classes.setdefault(span, []).append(kind)
    parts, at = [], 0
    for (begin, end), names in sorted(classes.items()):
        parts += [escape(text[at:begin]), f'<mark class="{" ".join(names)}">{escape(text[begin:end])}</mark>']
        at = end
    return "".join([*parts, escape(text[at:])])


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return cells as an HTML table; the first cell of a row is its heading.

    Example:
        >>> table(["sampler", "ESS"], [["mh", "<12"]])[-63:]
        '<tr><th scope="row">mh</th><td>&lt;12</td></tr></tbody></table>'
    """
    top = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in head)
    body = "".join(
        f'<tr><th scope="row">{escape(row[0])}</th>{"".join(f"<td>{escape(cell)}</td>" for cell in row[1:])}</tr>'
        for row in rows
    )
    return f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"
