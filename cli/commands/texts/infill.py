"""`searchgen infill`: templates with their gaps filled, from the command line or one a line of stdin."""

import secrets
from collections.abc import Callable
from dataclasses import replace
from typing import Annotated

import typer

from searchgen.cli import options
from searchgen.cli.parts.demands import NO_DEMANDS, Given, takes_demands
from searchgen.errors import RequestError

__all__ = ["HELP", "SHORT", "infill"]

SHORT = "Fill the gaps of texts."

HELP = """Fill the gaps of a text, or of each line of stdin. ___ is one word, ___{2..4} two to four words, ___* any number.

One line in gives -n lines out, in order, each printed before the next is read. A line without an answer gives empty lines, and the exit
code is 3. Other constraints hold, too.

Example: searchgen infill "She opened the door and ___{2..6}." -n 3
"""

Text = typer.Argument(
    metavar="[TEXT]", help="A text with gaps. Without it, each line of stdin is one.", show_default=False
)


@takes_demands("law")
def infill(
    template: Annotated[str | None, Text] = None,
    demands: Given = NO_DEMANDS,
    lm: Annotated[str | None, options.Model] = None,
    count: Annotated[int, options.Count] = 1,
    seed: Annotated[int | None, options.Seed] = None,
    budget: Annotated[float | None, options.Budget] = None,
    json: Annotated[bool, options.Json] = False,
    quiet: Annotated[bool, options.Quiet] = False,
    verbose: Annotated[bool, options.Verbose] = False,
) -> None:
    """Make a request of each template, answer it, and print."""
    from searchgen.cli.parts.default_models import SearchModels
    from searchgen.cli.parts.filled_gaps import FilledGaps
    from searchgen.cli.stdin import lines, standard_input
    from searchgen.request.request import Annealing, Request

    if demands.from_stdin:
        raise RequestError("infill reads templates from stdin; give the keywords themselves")
    if template is not None and not template.strip():
        raise RequestError(f"the text {template!r} is empty; give one with gaps, such as: The ___ of the ___.")
    stream = None if template else standard_input("infill without a text")
    seed = secrets.randbits(32) if seed is None else seed
    annealing = Annealing() if budget is None else Annealing().for_budget(budget, count)
    # The fillers of slots wait for the template of a line.
    slots = demands["slot"] and demands.read("slot")
    rest = Request(demands.demands(template="", slot=()), count=count, seed=seed, annealing=annealing)

    def of_template(rest: Request, text: str, lm: str | None, usual: Callable[[str], str]) -> Request:
        request = rest.but(template=text, slot=slots or ())
        return replace(request, lm=lm or usual(request.words))

    answers = FilledGaps(json, verbose, usual=SearchModels(), of_line=of_template, noun="text with gaps")
    if stream is None and template is not None:
        answers.exactly(of_template(rest, template, lm, answers.usual))
    elif stream is not None:
        answers.stream(lines(stream), rest, lm)
