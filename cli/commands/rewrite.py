"""`searchgen rewrite`: given texts, changed by a few words so that they satisfy the constraints."""

import secrets
from typing import Annotated

import typer

from searchgen.cli import options
from searchgen.cli.numbers import decimal, whole
from searchgen.cli.parts.demands import NO_DEMANDS, Given, takes_demands
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
    source: Annotated[str | None, Text] = None,
    demands: Given = NO_DEMANDS,
    max_edits: Annotated[int | None, Most] = None,
    protect: Annotated[list[str] | None, Protect] = None,
    closeness: Annotated[float, Closeness] = 10.0,
    diff: Annotated[bool, Diff] = False,
    lm: Annotated[str | None, options.Model] = None,
    count: Annotated[int, options.Count] = 1,
    seed: Annotated[int | None, options.Seed] = None,
    budget: Annotated[float | None, options.Budget] = None,
    json: Annotated[bool, options.Json] = False,
    quiet: Annotated[bool, options.Quiet] = False,
) -> None:
    """Rewrite each text before the next is read."""
    from searchgen.cli.parts.rewrites import Rewrites, schedule
    from searchgen.cli.stdin import lines, standard_input
    from searchgen.constraints.words.edits import MOST_EDITS
    from searchgen.demands.demands import Demands
    from searchgen.request.request import Request

    if demands.from_stdin:
        raise RequestError("rewrite reads the texts from stdin; give the keywords themselves")
    if max_edits is not None and not 1 <= max_edits <= MOST_EDITS:
        raise RequestError(f"--max-edits {max_edits}: give a number from 1 to {MOST_EDITS}")
    if not 0 <= closeness <= 100:
        raise RequestError(f"--closeness {closeness:g}: give a number from 0 to 100")
    wanted = demands.demands(source="", max_edits=None, protect=())
    if wanted == Demands.nothing():
        raise RequestError("nothing is required; give --keywords, --without-letters or another constraint")
    stream = None if source is not None else standard_input("rewrite without a text")
    seed = secrets.randbits(32) if seed is None else seed
    request = Request(wanted, count=count, seed=seed, annealing=schedule(budget, count))
    protected = demands.read("protect") if protect else ()
    rewrites = Rewrites(request, lm, max_edits, protected, closeness, json, diff)
    if source is not None:
        rewrites.one(source)
    elif stream is not None:
        rewrites.stream(lines(stream))
