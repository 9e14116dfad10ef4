"""`searchgen constrain`: texts that contain the required words."""

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from searchgen.cli import options
from searchgen.cli.parts.demands import NO_DEMANDS, Given, refuse_beside, takes_demands
from searchgen.errors import RequestError

if TYPE_CHECKING:
    from searchgen.cli.loading import Ahead
    from searchgen.cli.parts.answers import Answers
    from searchgen.cli.parts.looks import Looks
    from searchgen.request.request import Request

__all__ = ["HELP", "SHORT", "constrain"]

SHORT = "Print texts that contain the required words."

HELP = """Print texts that contain the required words.

Every printed text satisfies every constraint. Without such a text, the command reports the reason and exits with code 3.

Commas separate the entries of a list. '|' separates alternatives, '\\,' is a literal comma, and '@FILE' reads one entry per line.
'--keywords -' reads one set per line from stdin and answers each line before it reads the next.

Example: searchgen constrain --keywords "dog,new york|boston" -n 3 --seed 7
"""


Report = typer.Option(
    "--report", metavar="FILE", help="Write a page about the search (FILE.html), or its counts as JSON."
)


@takes_demands("search")
def constrain(
    context: typer.Context,
    demands: Given = NO_DEMANDS,
    lm: Annotated[str | None, options.Model] = None,
    raw_tokens: Annotated[bool, options.Raw] = False,
    count: Annotated[int, options.Count] = 1,
    seed: Annotated[int | None, options.Seed] = None,
    budget: Annotated[float | None, options.Budget] = None,
    json: Annotated[bool, options.Json] = False,
    cloze: Annotated[bool, options.Cloze] = False,
    spec: Annotated[str | None, options.Spec] = None,
    again: Annotated[str | None, options.Again] = None,
    quiet: Annotated[bool, options.Quiet] = False,
    verbose: Annotated[bool, options.Verbose] = False,
    end: Annotated[str, options.End] = "eos",
    prompt: Annotated[str, options.Prompt] = "",
    examples: Annotated[str, options.Examples] = "",
    device: Annotated[str, options.Device] = "auto",
    dtype: Annotated[str, options.Dtype] = "auto",
    share: Annotated[int, options.Share] = 1,
    watch: Annotated[bool, options.Watch] = False,
    trace: Annotated[str | None, options.Trace] = None,
    trace_all: Annotated[bool, options.TraceAll] = False,
    report: Annotated[str | None, Report] = None,
) -> None:
    """Parse the flags into one request a set, answer each, and print."""
    ahead = _ahead(context.params, demands)
    from searchgen.cli.parts.answers import Answers
    from searchgen.cli.parts.default_models import SearchModels
    from searchgen.cli.requests import refuse_share
    from searchgen.cli.stdin import refuse_twice

    looks = _looks(context.params, demands)
    answers = Answers(json, verbose, raw_tokens, ahead=ahead, usual=SearchModels(), cloze=cloze, looks=looks)
    if again is not None:
        refuse_beside(context, BESIDE_AGAIN, "--again repeats a result unchanged")
        return answers.repeat(again, lm)
    refuse_twice(demands["keywords"] or [], "--keywords")
    if spec is not None:
        return _answer_spec(answers, spec, context, demands)
    refuse_share(share, lm, demands.from_stdin)
    _refuse_empty(demands)
    template = _template(context.params, demands)
    _answer(answers, demands, template, lm, share)
    if not demands.from_stdin:
        _tell(template, lm)


def _looks(params: dict[str, Any], demands: Given) -> "Looks":
    """Return what the user wants to see of the search besides its texts."""
    from searchgen.cli.parts.looks import Looks

    if params["cloze"] and params["json"]:
        raise RequestError("--cloze prints plain lines; with --json take the spans, or drop one of the two")
    looks = Looks.of(params["watch"], params["trace"], params["trace_all"], params["report"])
    if looks.any and demands.from_stdin:
        raise RequestError(
            "--watch, --trace and --report show one search, and --keywords - makes many; drop them, or use batch --report"
        )
    return looks


def _template(params: dict[str, Any], demands: Given) -> "Request":
    """Return the request that flags describe; sets of stdin add their keywords."""
    from searchgen.cli.requests import neural_settings
    from searchgen.lm.neural.settings import NEURAL_FIELDS
    from searchgen.request.request import Annealing, Request

    budget, count = params["budget"], params["count"]
    return Request(
        demands.demands(),
        count=count,
        seed=secrets.randbits(32) if params["seed"] is None else params["seed"],
        annealing=Annealing() if budget is None else Annealing().for_budget(budget, count),
        # Either language's model is a mixture, which heeds them as much.
        neural=neural_settings(params["lm"] or "en", **{name: params[name] for name in NEURAL_FIELDS}),
    )


def _tell(template: "Request", lm: str | None) -> None:
    """Name, once, a better model and the flag for inflections, where they would help."""
    from searchgen.cli.parts.default_models import tell_of_better, tell_of_forms

    if lm is None:
        tell_of_better(template.words)
    if not (template.inflect or template.forms_of):
        tell_of_forms(template.keywords)


def _ahead(params: dict[str, Any], demands: Given) -> "Ahead":
    """Begin to open the model where the flags alone name it, before all else is imported."""
    from searchgen.cli.loading import open_ahead
    from searchgen.lm.neural.settings import NEURAL_FIELDS, NeuralSettings
    from searchgen.request.default_models import default_models

    words = demands.words
    if params["again"] is not None or params["spec"] is not None or not any(words) or words[0] == "-":
        return {}
    if params["lm"] is None and default_models():
        return {}  # which model it is takes the words that files may hold
    settings = NeuralSettings(**{name: params[name] for name in NEURAL_FIELDS})
    return open_ahead(params["lm"], words, settings)


def _answer(answers: "Answers", demands: Given, template: "Request", lm: str | None, share: int) -> None:
    from searchgen.cli.stdin import lines, standard_input

    if demands.from_stdin:
        answers.stream(lines(standard_input("--keywords -")), template, lm, share)
    else:
        answers.one(replace(template, lm=lm or answers.usual(template.words)))


def _answer_spec(answers: "Answers", path: str, context: typer.Context, demands: Given) -> None:
    from searchgen.cli.parts.specs import request_beside
    from searchgen.cli.requests import refuse_share
    from searchgen.cli.stdin import lines, standard_input
    from searchgen.request.from_toml import read_spec

    spec, params = read_spec(path), context.params
    answers.json = answers.json or bool(spec.json)
    request = request_beside(spec, context, demands, secrets.randbits(32) if params["seed"] is None else params["seed"])
    lm = params["lm"] or spec.values.get("lm")
    refuse_share(params["share"], lm, demands.from_stdin)
    if demands.from_stdin:
        answers.stream(lines(standard_input("--keywords -")), request, lm, params["share"])
    else:
        # A sampler that the spec names draws from a law, which is that of the embedded n-gram model.
        searches = lm is None and request.sampler == "anneal"
        answers.one(replace(request, lm=answers.usual(request.words)) if searches else request)


#: Parameters that may stand beside `--again`: the rest is in the signature.
BESIDE_AGAIN = {
    *("again", "lm", "raw_tokens", "json", "cloze", "quiet", "verbose"),
    *("watch", "trace", "trace_all", "report"),
}


def _refuse_empty(demands: Given) -> None:
    """Refuse edges without a word, and a line that requires no word at all."""
    for flag in ("starts-with", "ends-with"):
        text = demands[flag.replace("-", "_")]
        if text is not None and not text.strip():
            raise RequestError(f"--{flag} {text!r} is empty; give at least one word, or drop it")
    if not demands["keywords"] and not any(demands.words):
        raise RequestError("nothing is required; give --keywords, --starts-with or another constraint")
