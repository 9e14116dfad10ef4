"""`searchgen similar`: the lines of a file whose meaning is most like that of a text."""

from typing import Annotated

import typer

from searchgen.cli import options
from searchgen.cli.numbers import whole
from searchgen.errors import RequestError

__all__ = ["HELP", "SHORT", "VECTORS", "similar"]

SHORT = "Print the lines of a file that are most like a text."

HELP = """Print the lines of a file that are most like a text, each after its similarity and a tab.

Similarity is the cosine of two sentence vectors: 1 for the same words in any order, about 0 for unrelated lines. It knows nothing of
the order of words, and little of negation.

Without TEXT, each line of stdin is a text. Each gives exactly -n lines, empty ones where the file has fewer. A text without a known
word gives empty lines, and the exit code is 3.

Example: searchgen similar "a cup of coffee" --among lines.txt -n 5
"""

VECTORS = "Folder of a sentence-embedding model that measures similarity, in the place of the vectors of the language."

Text = typer.Argument(metavar="[TEXT]", help="The text. Without it, each line of stdin is one.", show_default=False)
Among = typer.Option("--among", metavar="FILE", help="UTF-8 file with a text a line; - reads stdin.")
Vectors = typer.Option("--vectors", metavar="FOLDER", help=VECTORS)
Count = typer.Option("-n", metavar="N", parser=whole, help="Number of lines.")


def similar(
    text: Annotated[str | None, Text] = None,
    among: Annotated[str | None, Among] = None,
    vectors: Annotated[str, Vectors] = "",
    count: Annotated[int, Count] = 5,
    json: Annotated[bool, options.Json] = False,
    quiet: Annotated[bool, options.Quiet] = False,
) -> None:
    """Compare each text with all lines before the next text is read."""
    from searchgen.cli.meaning.lines import Similar
    from searchgen.cli.stdin import lines, standard_input
    from searchgen.meaning.nearest import MOST

    if among is None:
        raise RequestError("no lines to compare with; give --among FILE")
    if not 1 <= count <= MOST:
        raise RequestError(f"-n {count}: give a number from 1 to {MOST:,}")
    if text is None and among == "-":
        raise RequestError("--among - reads stdin, and so do texts; give TEXT, or a file")
    finder = Similar(among, count, json, vectors)
    if text is not None:
        finder.one(text)
    else:
        finder.stream(lines(standard_input("similar without a text")))
