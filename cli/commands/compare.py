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

SHORT = "Run several samplers on one target and print how they did."

HELP = """Run several samplers on the same target, each for the same time, and print what they are, what they found and how far to trust it.

Columns: the share of texts that satisfies everything, mean and best log-density, effective draws a second, different texts, scored texts,
R-hat of the log-density, and log Z with its standard error, against the exact value where a guide of the model's own order is small enough.
A sampler that the diagnostics do not trust has a star. Searches stand apart: their texts follow no law, so they have no effective
sample size and no log Z.

Example: searchgen compare --keywords "doctor,letter" --samplers rejection,importance,smc,mh --budget 2
"""

#: Samplers that are compared unless others are named: under n-gram models, and under what scores texts whole.
USUAL, USUAL_WHOLE = "rejection,importance,smc,mh,tempering,anneal", "importance,smc,surrogate"

Samplers = typer.Option("--samplers", metavar="LIST", help="Names, separated by commas; by default the usual ones.")
#: The most seconds of a sampler; more is a mistake.
LONGEST = 86_400

Budget = typer.Option("--budget", metavar="SECONDS", parser=decimal, help="For each sampler.")
Evaluations = typer.Option(
    "--evaluations", metavar="N", parser=whole, help="Scored texts for each, instead of seconds."
)
Repeat = typer.Option("--repeat", metavar="R", parser=whole, help="Runs of each.")


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
        names = [one.name for one in sorted(map(method, listed), key=lambda one: one.kind == "search")]
        source = load_source(request.model, request.neural, raw_tokens)
    _run(source, [replace(stated_law(request), sampler=name) for name in names], budget, evaluations, repeat, json)


def _run(
    source: "Source", asked: "list[Request]", budget: float, evaluations: int | None, repeat: int, json: bool
) -> None:
    """Try every sampler, measure each `repeat` times, and print."""
    from searchgen.cli.loading import compiling
    from searchgen.jobs.compare import measured, refuse_too_small, trial
    from searchgen.jobs.exact_mass import exact_log_z

    trials: list[Trial] = []
    rows: list[Row] = []
    with progress() as show:
        for one in asked:
            with compiling(one.sampler):
                trials.append(trial(source, one))
        refuse_too_small(trials, budget, evaluations)
        log_z = exact_log_z(source, asked[0])
        jobs = [(one, tried, run) for one, tried in zip(asked, trials, strict=True) for run in range(1, repeat + 1)]
        for one, tried, run in jobs:
            if show:
                show(one.sampler, len(rows) / len(jobs))
            rows.append(measured(source, one, tried, budget=budget, evaluations=evaluations, run=run))
    _print(rows, log_z, source.model.order, json)
    if all(row.error for row in rows):
        raise NothingFound("no sampler of the list has a draw")


def _names(samplers: str) -> list[str]:
    names = [name.strip() for name in samplers.split(",") if name.strip()]
    if not names:
        raise RequestError("--samplers names none; searchgen list samplers shows them")
    return list(dict.fromkeys(names))


def _print(rows: "list[Row]", log_z: float | None, order: int, json: bool) -> None:
    why = f"the guide of the model's own order {order} has it"
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
