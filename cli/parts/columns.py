"""Rows of cells as lines; the last column, a sentence, is wrapped where a terminal ends."""

from collections.abc import Sequence

__all__ = ["columns", "display_width", "wrapped"]

#: Columns of a terminal that a sentence needs at least; with fewer left it is not wrapped.
LEAST = 20


def columns(rows: Sequence[Sequence[str]], width: int | None = None) -> list[str]:
    """Return rows as lines whose cells stand below each other.

    Args:
        rows: the cells, equally many in each row.
        width: of the terminal; None: stdout is no terminal, and no line is wrapped.

    Example:
        >>> columns([["mh", "a chain of moves"], ["beam", "a search"]])
        ['mh    a chain of moves', 'beam  a search']
        >>> columns([["mh", "a chain of many small moves"]], 26)
        ['mh  a chain of many small', '    moves']
    """
    widths = [max(map(display_width, column)) for column in zip(*rows, strict=True)][:-1]
    indent = sum(widths) + 2 * len(widths)
    lines: list[str] = []
    for *cells, sentence in rows:
        head = "".join(cell + " " * (size - display_width(cell) + 2) for cell, size in zip(cells, widths, strict=True))
        first, *others = wrapped(sentence, None if width is None else width - indent)
        lines += [f"{head}{first}".rstrip(), *(" " * indent + line for line in others)]
    return lines


def wrapped(sentence: str, width: int | None) -> list[str]:
    """Return a sentence as lines that break between words only.

    Args:
        sentence: its words, separated by spaces. A word that is wider than a line has a line to itself.
        width: of a line; None, or too few columns for a sentence: nothing is wrapped.

    Example:
        >>> wrapped("a chain of many small moves", 22)
        ['a chain of many small', 'moves']
    """
    if width is None or width < LEAST:
        return [sentence]
    lines = [""]
    for word in sentence.split(" "):
        longer = f"{lines[-1]} {word}" if lines[-1] else word
        if lines[-1] and display_width(longer) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def display_width(text: str) -> int:
    """Return the columns of a terminal that a text takes: two for a Chinese character.

    Example:
        >>> display_width("dog"), display_width("狗")
        (3, 2)
    """
    if text.isascii() and text.isprintable():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)
