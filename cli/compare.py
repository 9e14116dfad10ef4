"""`searchgen compare`: samplers side by side on one target."""

import secrets
from typing import TYPE_CHECKING, Annotated, Any

import typer

from searchgen.cli import options
from searchgen.cli.numbers import decimal, whole
from searchgen.cli.output import complain, progress, write_json, write_line
from searchgen.errors import RequestError

if TYPE_CHECKING:
    from searchgen.samplers.compare import Row

__all__ = ["HELP", "SHORT", "compare"]

SHORT = "Run several samplers on one target and print how they did."

HELP = """Run several samplers on the same target, each for the same time, and print what they are, what they found and how far to trust it.

Searches stand apart: their texts follow no law, so they have no effective sample size.

Example: searchgen compare --keywords "doctor,letter" --samplers rejection,importance,smc,mh --budget 2
"""

DEFAULT = "rejection,importance,smc,mh,tempering,anneal"

Samplers = typer.Option("--samplers", metavar="LIST", help="Names, separated by commas.")
Budget = typer.Option("--budget", metavar="SECONDS", parser=decimal, help="For each sampler.")
Evaluations = typer.Option(
    "--evaluations", metavar="N", parser=whole, help="Scored texts for each, instead of seconds."
)
Repeat = typer.Option("--repeat", metavar="R", parser=whole, help="Runs of each.")

HEAD = f"{'sampler':11} {'kind':9} {'draws':>7} {'distinct':>8} {'satisfy':>7} {'mean':>8} {'best':>8} {'ESS/s':>8} {'R-hat':>6}  log Z"


def compare(
    keywords: Annotated[list[str] | None, options.Keywords] = None,
    ordered: Annotated[bool, options.Ordered] = False,
    forbid: Annotated[list[str] | None, options.Forbid] = None,
    starts_with: Annotated[str | None, options.Starts] = None,
    ends_with: Annotated[str | None, options.Ends] = None,
    sentence: Annotated[bool, options.OneSentence] = False,
    min_words: Annotated[int | None, options.Words] = None,
    max_words: Annotated[int | None, options.MaxWords] = None,
    lm: Annotated[str | None, options.Model] = None,
    raw_tokens: Annotated[bool, options.Raw] = False,
    samplers: Annotated[str, Samplers] = DEFAULT,
    budget: Annotated[float, Budget] = 2.0,
    evaluations: Annotated[int | None, Evaluations] = None,
    repeat: Annotated[int, Repeat] = 1,
    seed: Annotated[int | None, options.Seed] = None,
    json: Annotated[bool, options.Json] = False,
) -> None:
    """Compare, a row as soon as it is there; searches last."""
    from searchgen.cli.loading import compiling, load_model, starting
    from searchgen.cli.requests import law_request

    if not budget > 0 or repeat < 1 or (evaluations is not None and evaluations < 1):
        raise RequestError("give a budget above 0 seconds, at least 1 evaluation and at least 1 repetition")
    request = law_request(
        keywords=keywords,
        ordered=ordered,
        forbid=forbid,
        starts_with=starts_with,
        ends_with=ends_with,
        sentence=sentence,
        min_words=min_words,
        max_words=max_words,
        lm=lm,
        seed=secrets.randbits(32) if seed is None else seed,
    )
    with starting():
        from searchgen.samplers.compare import compare as compared
        from searchgen.samplers.registry import method
        from searchgen.samplers.sampling import stated_law
        from searchgen.samplers.source import Source

        chosen = sorted((method(name.strip()) for name in samplers.split(",")), key=lambda one: one.kind == "search")
        source = load_model(Source, request.lm, raw_tokens)
    request = stated_law(request)
    rows: list[Row] = []
    for one in chosen:
        with progress() as show, compiling(one.name):
            if show:
                show(one.name, len(rows) / len(chosen))
            rows += compared(source, request, [one.name], budget=budget, evaluations=evaluations, repeat=repeat)
    if not json:
        write_line(HEAD)
    for row in rows:
        write_json(vars(row)) if json else write_line(_line(row))
        if row.error and not json:
            complain(f"{row.sampler}: {row.error}")


def _line(row: "Row") -> str:
    def shown(value: Any, form: str) -> str:
        return "-" if value is None else format(value, form)

    mass = "-" if row.log_z is None else f"{row.log_z:.2f} +- {shown(row.log_z_error, '.2f')}"
    doubt = "  not trusted" if row.trusted is False else ""
    pace, hat = shown(row.ess_per_second, ".0f"), shown(row.r_hat, ".2f")
    return (
        f"{row.sampler:11} {row.kind:9} {shown(row.draws, 'd'):>7} {shown(row.distinct, 'd'):>8} {shown(row.satisfied, '.0%'):>7} "
        f"{shown(row.mean, '.2f'):>8} {shown(row.best, '.2f'):>8} {pace:>8} {hat:>6}  {mass}{doubt}"
    )
