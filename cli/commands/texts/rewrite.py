"""`searchgen rewrite`: given texts, changed by a few words so that they satisfy the constraints."""

import secrets
from typing import Annotated

import typer

from searchgen.cli import options
from searchgen.cli.numbers import decimal, whole
from searchgen.cli.parts.demands import NO_DEMANDS, Given, refuse_beside, takes_demands
from searchgen.errors import RequestError

__all__ = ["HELP", "SHORT", "rewrite"]

SHORT = "Change a few words of texts, so that they satisfy the constraints."

HELP = """Change a few words of a text, or of each line of stdin, so that it satisfies every constraint.

A text that satisfies them is printed as it is. What is kept of others has the characters of the source. An edit inserts, deletes or
replaces one word or mark, in Chinese one character or mark.

One line in gives -n lines out, in order, each printed before the next is read. A line without an answer gives empty lines, and the exit
code is 3.

Example: searchgen rewrite "The lazy dog sleeps." --without-letters z
"""

Text = typer.Argument(metavar="[TEXT]", help="The text. Without it, each line of stdin is one.", show_default=False)
Most = typer.Option(
    "--max-edits", metavar="K", parser=whole, help="Most edits. Default: the fewest possible and one more."
)
Protect = typer.Option("--protect", metavar="LIST", help="Words and phrases of the text that stay untouched.")
Closeness = typer.Option(
    "--closeness",
    metavar="WEIGHT",
    parser=decimal,
    help="Cost of an edit, in nats, when texts are ranked by log p.",
)
Diff = typer.Option("--diff", help="Print after each text a tab and what changed: -old +new.")


@takes_demands("law")
def rewrite(
    context: typer.Context,
    source: Annotated[str | None, Text] = None,
    demands: Given = NO_DEMANDS,
    max_edits: Annotated[int | None, Most] = None,
    protect: Annotated[list[str] | None, Protect] = None,
    closeness: Annotated[float | None, Closeness] = None,
    diff: Annotated[bool, Diff] = False,
    lm: Annotated[str | None, options.Model] = None,
    count: Annotated[int, options.Count] = 1,
    seed: Annotated[int | None, options.Seed] = None,
    budget: Annotated[float | None, options.Budget] = None,
    again: Annotated[str | None, options.Again] = None,
    json: Annotated[bool, options.Json] = False,
    quiet: Annotated[bool, options.Quiet] = False,
    verbose: Annotated[bool, options.Verbose] = False,
) -> None:
    """Change each text before the next is read."""
    from searchgen.cli.parts.revisions import Revisions, repeat
    from searchgen.request.request import Annealing, Request
    from searchgen.rewriting.revision import Revision

    if again is not None:
        refuse_beside(context, BESIDE_AGAIN, "--again repeats a result unchanged")
        return repeat("rewrite", again, lm, json=json, diff=diff, verbose=verbose)
    if demands.from_stdin:
        raise RequestError("rewrite reads the texts from stdin; give the keywords themselves")
    wanted = demands.demands(source="", max_edits=None, protect=(), closeness=None)
    annealing = Annealing() if budget is None else Annealing().for_budget(budget, count)
    request = Request(wanted, count=count, seed=secrets.randbits(32) if seed is None else seed, annealing=annealing)
    protected = demands.read("protect") if protect else ()
    revision = Revision("rewrite", request, max_edits, protected, closeness)
    Revisions(revision, lm, json, diff, verbose).run(source, "rewrite")


#: Parameters that may stand beside `--again`: the rest is in the signature.
BESIDE_AGAIN = {"again", "lm", "json", "diff", "quiet", "verbose"}
