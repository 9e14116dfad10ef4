"""`searchgen paraphrase`: given texts in other words. Hidden: too few of its texts mean the same."""

from typing import Annotated

import typer

from searchgen.cli import options
from searchgen.cli.numbers import decimal, whole
from searchgen.errors import RequestError

__all__ = ["HELP", "SHORT", "paraphrase"]

SHORT = "Say texts in other words (on trial)."

#: What it says when it is called.
TRIAL = "paraphrase is on trial: nearly all of its texts mean something else; read them"

HELP = """Say a text, or each line of stdin, in other words.

On trial: many results mean something else, so no list of commands names it.

Words are replaced by ones that stand in like company. Both bounds hold for every result. What is kept has the characters of the source.

One line in gives -n lines out, in order. A line without an answer gives empty lines, and the exit code is 3.

Example: searchgen paraphrase "He fell asleep over his book." -n 3
"""

Text = typer.Argument(metavar="[TEXT]", help="The text. Without it, each line of stdin is one.", show_default=False)
Least = typer.Option("--min-similarity", metavar="X", parser=decimal, help="Least similarity to the source, -1 to 1.")
Most = typer.Option("--max-overlap", metavar="X", parser=decimal, help="Largest share of words in common, 0 to 1.")
Protect = typer.Option("--protect", metavar="LIST", help="Words and phrases of the text that stay untouched.")
Count = typer.Option("-n", metavar="N", parser=whole, help="Number of texts, all different from each other.")
Diff = typer.Option("--diff", help="Print after each text a tab and what changed: -old +new.")

#: The most texts of one source.
MOST_TEXTS = 24


def paraphrase(
    text: Annotated[str | None, Text] = None,
    min_similarity: Annotated[float, Least] = 0.5,
    max_overlap: Annotated[float, Most] = 0.7,
    protect: Annotated[list[str] | None, Protect] = None,
    diff: Annotated[bool, Diff] = False,
    lm: Annotated[str | None, options.Model] = None,
    count: Annotated[int, Count] = 1,
    json: Annotated[bool, options.Json] = False,
    quiet: Annotated[bool, options.Quiet] = False,
) -> None:
    """Paraphrase each text before the next is read."""
    from searchgen.cli.meaning.paraphrases import Paraphrases
    from searchgen.text.items.lists import parse_items

    if not -1 <= min_similarity <= 1:
        raise RequestError(f"--min-similarity {min_similarity:g}: give a number from -1 to 1")
    if not 0 <= max_overlap <= 1:
        raise RequestError(f"--max-overlap {max_overlap:g}: give a number from 0 to 1")
    if not 1 <= count <= MOST_TEXTS:
        raise RequestError(f"-n {count}: give a number from 1 to {MOST_TEXTS}")
    protected = tuple(word for item in parse_items(protect) for word in item) if protect else ()
    Paraphrases(lm, count, min_similarity, max_overlap, protected, json, diff).run(text, "paraphrase", TRIAL)
