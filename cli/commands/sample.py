"""`searchgen sample`: draws from the stated law."""

import secrets
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from searchgen.cli import options
from searchgen.cli.numbers import whole
from searchgen.cli.parts.demands import NO_DEMANDS, Given, takes_demands
from searchgen.errors import RequestError

if TYPE_CHECKING:
    from searchgen.demands.demands import Demands
    from searchgen.request.request import Request

__all__ = ["HELP", "SHORT", "sample"]

SHORT = "Draw texts from a language model, given the constraints."

HELP = """Draw texts from the law p(x)^beta, restricted to the texts that satisfy every constraint.

Draws are printed in the order in which they are made, repeats included. The JSON field 'kind' classifies them:

\b
- exact: independent draws
- weighted: draws with weights, in the JSON field 'log_weight'
- markov: states of Markov chains
- search: texts found by an optimiser, without a law
- approximate: draws from a nearby law, at an estimated distance (--quasi)
- pseudo: draws from an unknown law (--sampler gibbs with a masked model)

Example: searchgen sample --keywords "doctor,letter" --max-words 10 -n 5
"""


MaxWords = typer.Option(
    "--max-words", "--max-chars", metavar="N", help="Maximum number of words (in Chinese: characters); 20 by default."
)
Sampler = typer.Option(
    "--sampler",
    metavar="NAME",
    help="Sampler; by default mh, or surrogate under a transformer. searchgen list samplers shows all.",
)
Memory = typer.Option("--memory", help="For rejection: remember rejected prefixes and avoid them.")
Quasi = typer.Option("--quasi", help="For rejection: accept with an estimated bound; the draws are approximate.")
Moves = typer.Option("--moves", metavar="NAME", help="For mh: 'all' moves, or only those that change one 'site'.")
Option = typer.Option("--option", metavar="NAME=VALUE", help="Set an option of the sampler; may be repeated.")
Term = typer.Option(
    "--term",
    metavar="FILE.py:NAME",
    help="Python function of the text that weighs or forbids it. The file is executed.",
)
Draws = typer.Option("-n", metavar="N", parser=whole, help="Number of draws.")
Text = typer.Option(
    "--text", metavar="TEXT", help="For --sampler gibbs with a masked model: the text at which the chains start."
)
Report = typer.Option(
    "--report", metavar="FILE", help="Write the diagnostics of the run to this file: a page (FILE.html), or JSON."
)


def most_words(text: str) -> int:
    """Return an upper bound on words; 0 for the word `none`.

    Raises:
        RequestError: the bound is 0 itself.
    """
    if str(text).strip().lower() == "none":
        return 0
    most = whole(text)
    if most == 0:
        raise RequestError("--max-words 0: a text has at least one word")
    return most


@takes_demands("law")
def sample(
    context: typer.Context,
    spec: Annotated[str | None, options.Spec] = None,
    demands: Given = NO_DEMANDS,
    max_words: Annotated[str | None, MaxWords] = None,
    beta: Annotated[float, options.Beta] = 1.0,
    sampler: Annotated[str | None, Sampler] = None,
    memory: Annotated[bool, Memory] = False,
    quasi: Annotated[bool, Quasi] = False,
    moves: Annotated[str | None, Moves] = None,
    option: Annotated[list[str] | None, Option] = None,
    term: Annotated[list[str] | None, Term] = None,
    text: Annotated[str, Text] = "",
    lm: Annotated[str | None, options.LawModel] = None,
    raw_tokens: Annotated[bool, options.Raw] = False,
    count: Annotated[int, Draws] = 1,
    seed: Annotated[int | None, options.Seed] = None,
    json: Annotated[bool, options.Json] = False,
    report: Annotated[str | None, Report] = None,
    quiet: Annotated[bool, options.Quiet] = False,
    again: Annotated[str | None, options.Again] = None,
    end: Annotated[str, options.End] = "eos",
    prompt: Annotated[str, options.Prompt] = "",
    examples: Annotated[str, options.Examples] = "",
    device: Annotated[str, options.Device] = "auto",
    dtype: Annotated[str, options.Dtype] = "auto",
    watch: Annotated[bool, options.Watch] = False,
    trace: Annotated[str | None, options.Trace] = None,
    trace_all: Annotated[bool, options.TraceAll] = False,
) -> None:
    """Parse the flags into one request, draw, and print."""
    from searchgen.black_box_terms import pinned
    from searchgen.cli.parts.draws import print_draws, repeat_draws
    from searchgen.cli.parts.looks import Looks
    from searchgen.jobs.draws import stated_law

    looks = Looks.of(watch, trace, trace_all, report)
    if again is not None:
        repeat_draws(again, lm, json=json, raw_tokens=raw_tokens, looks=looks)
        return
    if demands.from_stdin:
        raise RequestError("sample draws for one request; use constrain to read keyword sets from stdin")
    given = [*(option or []), *_switches(memory=memory, quasi=quasi), *([] if moves is None else [f"moves={moves}"])]
    most = None if max_words is None else most_words(max_words)
    fields: dict[str, Any] = {"options": given, "opaque": list(map(pinned, term or [])), "start": text}
    drawn = secrets.randbits(32) if seed is None else seed
    if spec is not None:
        fields["max_words"] = most
        request, as_json = _of_spec(
            spec, context, demands, {name: value for name, value in fields.items() if value}, drawn
        )
    else:
        request, as_json = _of_flags(context.params, demands.demands(max_words=most or None), fields, drawn), False
    request = stated_law(request, bounded=most != 0)
    print_draws(request, json=json or as_json, raw_tokens=raw_tokens, looks=looks)


def _of_flags(params: dict[str, Any], demands: "Demands", given: dict[str, Any], seed: int) -> "Request":
    """Return the request of the flags alone."""
    from searchgen.cli.requests import law_request, neural_settings
    from searchgen.jobs.draws import usual_sampler
    from searchgen.lm.neural.settings import NEURAL_FIELDS

    neural = {name: params[name] for name in NEURAL_FIELDS}
    return law_request(
        demands,
        params["lm"],
        beta=params["beta"],
        count=params["count"],
        sampler=params["sampler"] or usual_sampler(params["lm"]),
        start=given["start"],
        options=tuple(given["options"]),
        opaque=tuple(given["opaque"]),
        seed=seed,
        neural=neural_settings(params["lm"], **neural),
    )


def _of_spec(
    path: str, context: typer.Context, demands: Given, given: dict[str, Any], seed: int
) -> "tuple[Request, bool]":
    """Return the request of a spec and the flags beside it, and whether the spec asks for JSON."""
    from searchgen.cli.parts.specs import law_beside
    from searchgen.request.from_toml import read_spec

    spec = read_spec(path)
    return law_beside(spec, context, demands, given, seed), bool(spec.json)


def _switches(**given: bool) -> Sequence[str]:
    return [f"{name}=true" for name, value in given.items() if value]
