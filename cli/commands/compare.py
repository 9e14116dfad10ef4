"""`searchgen compare`: samplers side by side on one target."""

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from searchgen.cli import options
from searchgen.cli.numbers import decimal, whole
from searchgen.cli.output import complain, progress, terminal_width, write_json, write_line
from searchgen.cli.parts.demands import NO_DEMANDS, Given, takes_demands
from searchgen.errors import NothingFound, RequestError

if TYPE_CHECKING:
    from searchgen.jobs.compare import Row, Trial
    from searchgen.request.request import Request
    from searchgen.sources.source import Source

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

#: Samplers that are compared unless others are named: under n-gram models, and under models that score whole texts.
USUAL, USUAL_WHOLE = "rejection,importance,smc,mh,tempering,anneal", "importance,smc,surrogate"

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
) -> None:
    """Try every sampler once, refuse a budget too small, then compare; searches last."""
    from searchgen.cli.loading import load_source, starting
    from searchgen.cli.requests import law_request

    if not 0 < budget <= LONGEST:
        raise RequestError(f"--budget {budget:g}: give a number of seconds above 0, at most {LONGEST:,} (a day)")
    if evaluations is not None and evaluations < 1:
        raise RequestError(f"--evaluations {evaluations}: give at least 1")
    if repeat < 1:
        raise RequestError(f"--repeat {repeat}: give at least 1")
    request = law_request(demands.demands(), beta=beta, lm=lm, seed=secrets.randbits(32) if seed is None else seed)
    with starting():
        from searchgen.jobs.draws import stated_law
        from searchgen.samplers.registry import method

        usual = USUAL_WHOLE if request.model.scores_texts else USUAL
        listed = _names(usual if samplers is None else samplers)
        names = [sampler.name for sampler in sorted(map(method, listed), key=lambda sampler: sampler.kind == "search")]
        source = load_source(request.model, request.neural, raw_tokens)
    _run(source, [replace(stated_law(request), sampler=name) for name in names], budget, evaluations, repeat, json)


def _run(
    source: "Source", requests: "list[Request]", budget: float, evaluations: int | None, repeat: int, json: bool
) -> None:
    """Try every sampler, measure each `repeat` times, and print."""
    from searchgen.cli.loading import compiling
    from searchgen.jobs.compare import measured, refuse_too_small, trial
    from searchgen.jobs.draws import job_of
    from searchgen.jobs.exact_mass import exact_log_z

    trials: list[Trial] = []
    rows: list[Row] = []
    with progress() as show:
        for request in requests:
            job_of(source, request)  # refuses what the sampler cannot serve, before its loops are compiled
        with compiling(*(request.sampler for request in requests)):
            trials += [trial(source, request) for request in requests]
        refuse_too_small(trials, budget, evaluations)
        log_z = exact_log_z(source, requests[0])
        jobs = [
            (request, tried, run)
            for request, tried in zip(requests, trials, strict=True)
            for run in range(1, repeat + 1)
        ]
        for request, tried, run in jobs:
            if show:
                show(request.sampler, len(rows) / len(jobs))
            rows.append(measured(source, request, tried, budget=budget, evaluations=evaluations, run=run))
    _print(rows, log_z, source.model.order, json)
    if all(row.error for row in rows):
        raise NothingFound("no sampler of the list made a draw")


def _names(samplers: str) -> list[str]:
    names = [name.strip() for name in samplers.split(",") if name.strip()]
    if not names:
        raise RequestError("--samplers is empty; searchgen list samplers shows the names")
    return list(dict.fromkeys(names))


def _print(rows: "list[Row]", log_z: float | None, order: int, json: bool) -> None:
    why = f"exact, from a guide of the model's order {order}"
    if log_z is None:
        why = f"a guide of order {order} is too large for the exact value"
    if json:
        for row in rows:
            write_json({**vars(row), "log_z_exact": None if row.kind == "search" else log_z})
        return
    from searchgen.cli.parts.compare_table import lines

    for line in lines(rows, log_z, why, terminal_width()):
        write_line(line)
    for error in dict.fromkeys(f"{row.sampler}: {row.error}" for row in rows if row.error):
        complain(error)
