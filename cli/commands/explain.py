"""`searchgen explain`: how hard a request is, before any time is spent on it."""

import math
from typing import TYPE_CHECKING, Annotated, Any

from searchgen.cli import options
from searchgen.cli.output import note, progress, terminal_width, write_json, write_line
from searchgen.cli.parts.columns import columns, display_width
from searchgen.cli.parts.demands import NO_DEMANDS, Given, takes_demands
from searchgen.plain_json import plain, rounded

if TYPE_CHECKING:
    from searchgen.jobs.explain import Explained

__all__ = ["HELP", "SHORT", "explain"]

SHORT = "Print how probable the constraints are, and the best sampler."

HELP = """Print how probable the constraints are, which one costs most, and which sampler to use.

Probabilities under the guide, a model of lower order, are exact. Those under the model are estimated from weighted draws, with a
standard error and Pareto k.

The table has a row for each constraint: its probability alone, that of all others, and its probability given the others. If the constraints
are proved impossible, the exit code is 3.

Example: searchgen explain --keywords "doctor,letter,zebra" --max-words 8
"""


#: What the numbers of `Explained.needed` count.
NEEDS = {
    "rejection": "attempts per text",
    "importance": "draws for an effective sample of 100",
    "smc": "particles for an effective sample of 100",
}


@takes_demands("law")
def explain(
    demands: Given = NO_DEMANDS,
    lm: Annotated[str | None, options.LawModel] = None,
    raw_tokens: Annotated[bool, options.Raw] = False,
    json: Annotated[bool, options.Json] = False,
) -> None:
    """Explain the request."""
    from searchgen.cli.loading import compiling, load_source, starting
    from searchgen.cli.requests import law_request

    request = law_request(demands.demands(), lm=lm)
    with starting():
        from searchgen.jobs.draws import stated_law
        from searchgen.jobs.explain import explain as explain_request

        source = load_source(request.model.ngram, request.neural, raw_tokens)
    if request.model.scores_texts:
        note(f"{request.lm} scores whole texts; these numbers are those of {source.ref.name}, which proposes to it")
    with progress("explaining"), compiling("importance", "smc"):
        explained = explain_request(source, stated_law(request))
    write_json(_row(explained)) if json else _print(explained, request.model.scores_texts)


def _row(explained: "Explained") -> dict[str, Any]:
    row = {**vars(explained), "log_p_given_window": explained.log_p_given_window, "bottleneck": explained.bottleneck}
    row["factor"] = explained.factor
    row |= {"advice": explained.advice[0], "reason": explained.advice[1], "window": list(explained.window)}
    return {name: plain(value) for name, value in row.items()}


def _chance(log_p: float) -> str:
    """Return a probability as people read it: a percentage, or 1 in N."""
    if log_p == -math.inf:
        return "impossible"
    if log_p > math.log(0.01):
        return f"{math.exp(log_p):.1%}"
    return f"1 in {rounded(math.exp(min(-log_p, 700)))}"


def _estimate(explained: "Explained") -> str:
    """Return the estimate of the model's log P and how far to trust it; weights all alike have no tail."""
    tail = f", Pareto k {explained.pareto_k:.2f}" if math.isfinite(explained.pareto_k) else ""
    claim = "" if explained.pareto_k <= 0.7 else ": unreliable (heavy tails)"
    return f"log P {explained.log_p_model:.2f} ± {explained.log_p_model_error:.2f}{tail}{claim}"


def _print(explained: "Explained", whole_texts: bool) -> None:
    """Print the probabilities, what each constraint costs, what samplers need, and the advice."""
    _print_probabilities(explained)
    width = max(map(display_width, explained.alone), default=0)
    if explained.alone:
        write_line(f"{'':{width}}  {'alone':>12}  {'all others':>12}  {'given others':>12}")
    for name, alone in explained.alone.items():
        mark = "  <- bottleneck" if name == explained.bottleneck and len(explained.alone) > 1 else ""
        cells = "  ".join(f"{_chance(p):>12}" for p in (alone, explained.without[name], explained.factor[name]))
        write_line(f"{name}{'':{width - display_width(name)}}  {cells}{mark}")
    # Under a model that scores whole texts the weights are others: what samplers need is not known.
    for sampler, count in () if whole_texts else explained.needed.items():
        known = math.isfinite(count)
        write_line(f"{sampler:11} about {rounded(count)} {NEEDS[sampler]}" if known else f"{sampler:11} no estimate")
    others = "surrogate, importance, smc" if whole_texts else "mh, gibbs  "
    write_line(f"{others} no estimate before a run; try searchgen compare")
    for line in columns([[f"use --sampler {explained.advice[0]}: {explained.advice[1]}"]], terminal_width()):
        write_line(line)


def _print_probabilities(explained: "Explained") -> None:
    low, high = explained.window
    write_line(f"P(constraints), {low} to {high} words")
    log_p, error = (
        (explained.log_p_model, _estimate(explained))
        if explained.log_p_exact is None
        else (explained.log_p_exact, "exact")
    )
    rows = [
        ["  guide, given the length", _chance(explained.log_p_given_window), "exact"],
        ["  guide, with the length", _chance(explained.log_p_joint), "exact"],
        ["  model, with the length", _chance(log_p), error],
    ]
    for line in columns(rows, terminal_width()):
        write_line(line)
