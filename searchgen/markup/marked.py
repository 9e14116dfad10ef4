"""Where the tokens of a text stand in it as it is printed, and the text as HTML with some of them marked."""

from collections.abc import Collection, Mapping, Sequence
from html import escape
from itertools import pairwise

__all__ = ["marked", "table", "token_spans"]


def token_spans(text: str, tokens: Sequence[str], places: Collection[int]) -> list[tuple[int, int]]:
    """Return begin and end of some tokens in a printed text: its tokens occur there in order, whatever their case.

    Args:
        text: as it is printed.
        tokens: of the text.
        places: of the tokens that are asked for.

    Example:
        >>> token_spans("Dogs bark.", ["dogs", "bark", "."], {0, 2})
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


def marked(text: str, kinds: Mapping[str, Collection[tuple[int, int]]]) -> str:
    """Return a text as HTML with parts marked: each kind is a class of its `mark` elements.

    Args:
        text: as it is printed.
        kinds: begin and end, in characters, of the parts of each kind; parts may overlap.

    Example:
        >>> marked("A <dog>", {"demanded": [(2, 7)]})
        'A <mark class="demanded">&lt;dog&gt;</mark>'
        >>> marked("abc", {"demanded": [(0, 2)], "changed": [(1, 3)]})[-37:]
        '</mark><mark class="changed">c</mark>'
    """
    edges = sorted({0, len(text), *(edge for spans in kinds.values() for span in spans for edge in span)})
    parts = []
    for begin, end in pairwise(edges):
        names = [kind for kind, spans in kinds.items() if any(low <= begin and end <= high for low, high in spans)]
        part = escape(text[begin:end])
        parts.append(f'<mark class="{" ".join(names)}">{part}</mark>' if names else part)
    return "".join(parts)


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
