"""`searchgen compare`: samplers side by side on one target."""

import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from searchgen.cli import options
from searchgen.cli.numbers import decimal, whole
from searchgen.cli.output import complain, progress, terminal_width, write_json, write_line
from searchgen.cli.parts.demands import NO_DEMANDS, Given, takes_demands
from searchgen.cli.parts.outputs import output_place
from searchgen.errors import NothingFound, RequestError

if TYPE_CHECKING:
    from searchgen.jobs.compared import Compared

__all__ = ["HELP", "SHORT", "compare"]

SHORT = "Run several samplers on one target and print a table."

HELP = """Run several samplers on one target, each for the same time, and print a table of the results.

\b
- satisfied: share of the texts that satisfy every constraint
- mean, best: log-density of the draws
- ESS/s: effective draws per second
- distinct: number of different texts
- evaluations: number of scored texts
- R-hat: of the log-density
- log Z: estimate and standard error of the log of the total mass

The exact log Z is printed below the table if a guide of the model's order is small enough. A star marks a sampler with doubtful
diagnostics. Searches are listed separately: their texts follow no law, so they have no ESS and no log Z.

Example: searchgen compare --keywords "doctor,letter" --samplers smc,mh
"""

#: The most seconds of a sampler; more is a mistake.
LONGEST = 86_400

Samplers = typer.Option(
    "--samplers", metavar="LIST", help="Samplers, separated by commas; by default the usual ones for the model."
)
Budget = typer.Option("--budget", metavar="SECONDS", parser=decimal, help="Seconds for each sampler.")
Evaluations = typer.Option(
    "--evaluations", metavar="N", parser=whole, help="Texts that each sampler scores, in place of --budget."
)
Repeat = typer.Option("--repeat", metavar="R", parser=whole, help="Number of runs of each sampler.")

Report = typer.Option(
    "--report", metavar="FILE", help="Write the comparison to this file: a page (FILE.html), or JSON."
)


@takes_demands("law")
def compare(
    demands: Given = NO_DEMANDS,
    beta: Annotated[float, options.Beta] = 1.0,
    lm: Annotated[str | None, options.LawModel] = None,
    raw_tokens: Annotated[bool, options.Raw] = False,
    samplers: Annotated[str | None, Samplers] = None,
    budget: Annotated[float, Budget] = 2.0,
    evaluations: Annotated[int | None, Evaluations] = None,
    repeat: Annotated[int, Repeat] = 1,
    seed: Annotated[int | None, options.Seed] = None,
    json: Annotated[bool, options.Json] = False,
    report: Annotated[str | None, Report] = None,
) -> None:
    """Try every sampler once, refuse a budget too small, then compare; searches last."""
    from searchgen.cli.loading import compiling, load_source, starting
    from searchgen.cli.requests import law_request

    if not 0 < budget <= LONGEST:
        raise RequestError(f"--budget {budget:g}: give a number of seconds above 0, at most {LONGEST:,} (a day)")
    if evaluations is not None and evaluations < 1:
        raise RequestError(f"--evaluations {evaluations}: give at least 1")
    if repeat < 1:
        raise RequestError(f"--repeat {repeat}: give at least 1")
    place = None if report is None else output_place("--report", report)
    request = law_request(demands.demands(), beta=beta, lm=lm, seed=secrets.randbits(32) if seed is None else seed)
    with starting():
        from searchgen.jobs.compared import compare as compare_samplers
        from searchgen.jobs.compared import requests_of

        requests = requests_of(request, samplers)
        source = load_source(request.model, request.neural, raw_tokens)
    with progress("comparing") as show:
        compared = compare_samplers(
            source,
            requests,
            budget=budget,
            evaluations=evaluations,
            repeat=repeat,
            progress=show,
            compiling=compiling,
        )
    if place is not None:
        _report(place, compared)
    _print(compared, json)
    if all(row.error for row in compared.rows):
        raise NothingFound("no sampler of the list made a draw")


def _report(place: Path, compared: "Compared") -> None:
    """Write the comparison as a page, or as JSON."""
    from searchgen.cli.parts.report import write_report
    from searchgen.report.compare_page import compare_page
    from searchgen.report.page import is_page, write_page

    if is_page(place):
        write_page(place, compare_page(compared))
    else:
        write_report(place, {"rows": [vars(row) for row in compared.rows], "log_z_exact": compared.log_z})


def _print(compared: "Compared", json: bool) -> None:
    if json:
        for row in compared.rows:
            write_json({**vars(row), "log_z_exact": None if row.kind == "search" else compared.log_z})
        return
    from searchgen.cli.parts.compare_table import lines

    for line in lines(compared.rows, compared.log_z, compared.why, terminal_width()):
        write_line(line)
    for error in dict.fromkeys(f"{row.sampler}: {row.error}" for row in compared.rows if row.error):
        complain(error)
