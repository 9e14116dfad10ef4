"""`searchgen fix`: given texts without their slips."""

from typing import Annotated, Any

import typer

from searchgen.cli import options
from searchgen.cli.commands.texts.rewrite import Diff, Protect, Text
from searchgen.cli.numbers import decimal, whole
from searchgen.cli.parts.demands import refuse_beside
from searchgen.errors import RequestError

__all__ = ["HELP", "SHORT", "fix"]

SHORT = "Mend slips of texts: grammar, order, typing."

HELP = """Mend the slips of a text, or of each line of stdin, with the fewest changes.

A word changes only if the model wants that badly: log p must gain more than the edit costs. Names and numbers stay. What is kept has the
characters of the source.

One line in gives -n lines out, in order, each printed before the next is read. A line without a word gives empty lines, and the exit
code is 3.

Example: searchgen fix "She have a old dog."
"""

Most = typer.Option("--max-edits", metavar="K", parser=whole, help="Most words and marks that change.")
Weight = typer.Option(
    "--weight",
    metavar="WEIGHT",
    parser=decimal,
    help="How much edits cost: 1 is usual, 2 is twice as careful. A spec has the costs in nats.",
)
Spec = typer.Option("--spec", metavar="FILE", help="Spec file in TOML, for its costs; flags override it.")


def fix(
    context: typer.Context,
    text: Annotated[str | None, Text] = None,
    max_edits: Annotated[int | None, Most] = None,
    protect: Annotated[list[str] | None, Protect] = None,
    weight: Annotated[float | None, Weight] = None,
    spec: Annotated[str | None, Spec] = None,
    diff: Annotated[bool, Diff] = False,
    lm: Annotated[str | None, options.Model] = None,
    count: Annotated[int | None, options.Count] = None,
    again: Annotated[str | None, options.Again] = None,
    json: Annotated[bool, options.Json] = False,
    quiet: Annotated[bool, options.Quiet] = False,
    verbose: Annotated[bool, options.Verbose] = False,
) -> None:
    """Mend each text before the next is read."""
    from searchgen.cli.parts.revisions import Revisions, repeat
    from searchgen.cli.requests import phrases
    from searchgen.demands.demands import Demands
    from searchgen.request.request import Request
    from searchgen.rewriting.revision import Revision

    if again is not None:
        refuse_beside(context, BESIDE_AGAIN, "--again repeats a result unchanged")
        return repeat("fix", again, lm, json=json, diff=diff, verbose=verbose)
    values = _of_spec(spec)
    count = values.get("count", 1) if count is None else count
    request = Request(Demands.nothing(), count=count)
    revision = Revision(
        "fix",
        request,
        max_edits,
        phrases("--protect", protect) if protect else (),
        weight=values.get("weight") if weight is None else weight,
        costs=values.get("costs", {}),
    )
    Revisions(revision, lm or values.get("lm"), json or bool(values.get("json")), diff, verbose).run(text, "fix")


#: Parameters that may stand beside `--again`: the rest is in the signature.
BESIDE_AGAIN = {"again", "lm", "json", "diff", "quiet", "verbose"}

#: Keys of a spec that go with `fix`.
OF_SPEC = ("lm", "seed", "count", "weight", "costs")


def _of_spec(path: str | None) -> dict[str, Any]:
    """The values of a spec; constraints are refused."""
    if path is None:
        return {}
    from searchgen.request.from_toml import read_spec

    spec = read_spec(path)
    other = next((name for name in spec.values if name not in OF_SPEC), None)
    if other is not None:
        raise RequestError(f"{path}: {other} does not go with fix, which takes lm, count and the table [fix]; drop it")
    return {**spec.values, "json": spec.json}
