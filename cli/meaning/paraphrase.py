"""`searchgen paraphrase`: given texts in other words. Hidden: too few of its texts mean the same."""

from typing import Annotated

import typer

from searchgen.cli import options
from searchgen.cli.meaning.similar import VECTORS
from searchgen.cli.numbers import decimal
from searchgen.cli.output import note
from searchgen.cli.parts.demands import refuse_beside

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
Least = typer.Option(
    "--min-similarity", metavar="X", parser=decimal, help="Least similarity to the source, -1 to 1. Default: 0.5."
)
Most = typer.Option(
    "--max-overlap", metavar="X", parser=decimal, help="Largest share of words in common, 0 to 1. Default: 0.7."
)
Protect = typer.Option("--protect", metavar="LIST", help="Words and phrases of the text that stay untouched.")
Vectors = typer.Option("--vectors", metavar="FOLDER", help=VECTORS)
Diff = typer.Option("--diff", help="Print after each text a tab and what changed: -old +new.")


def paraphrase(
    context: typer.Context,
    text: Annotated[str | None, Text] = None,
    min_similarity: Annotated[float | None, Least] = None,
    max_overlap: Annotated[float | None, Most] = None,
    protect: Annotated[list[str] | None, Protect] = None,
    vectors: Annotated[str, Vectors] = "",
    diff: Annotated[bool, Diff] = False,
    lm: Annotated[str | None, options.Model] = None,
    count: Annotated[int, options.Count] = 1,
    again: Annotated[str | None, options.Again] = None,
    json: Annotated[bool, options.Json] = False,
    quiet: Annotated[bool, options.Quiet] = False,
) -> None:
    """Paraphrase each text before the next is read."""
    from searchgen.cli.parts.revisions import Revisions, repeat
    from searchgen.cli.requests import phrases
    from searchgen.demands.demands import Demands
    from searchgen.request.request import Request
    from searchgen.rewriting.revision import Revision

    if again is not None:
        note(TRIAL)
        refuse_beside(context, {"again", "lm", "json", "diff", "quiet"}, "--again repeats a result unchanged")
        return repeat("paraphrase", again, lm, json, diff)
    revision = Revision(
        "paraphrase",
        Request(Demands.nothing(), count=count),
        protect=phrases("--protect", protect) if protect else (),
        min_similarity=min_similarity,
        max_overlap=max_overlap,
        vectors=vectors,
    )
    Revisions(revision, lm, json, diff).run(text, "paraphrase", TRIAL)
