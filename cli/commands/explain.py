"""`searchgen explain`: how hard a request is, before any time is spent on it."""

import math
from typing import TYPE_CHECKING, Annotated, Any

from searchgen.cli import options
from searchgen.cli.output import note, write_json, write_line
from searchgen.cli.parts.demands import NO_DEMANDS, Given, takes_demands
from searchgen.plain_json import plain

if TYPE_CHECKING:
    from searchgen.jobs.explain import Explained

__all__ = ["HELP", "SHORT", "explain"]

SHORT = "Print how probable the constraints are, the bottleneck, and which sampler to take."

HELP = """Print how probable the constraints are, which costs most, how much samplers would need, and which to take.

Under the guide, a model of lower order, probabilities are exact; under the model they are estimated from weighted draws, with an error
and Pareto k. Each constraint: its probability alone, that of all others, and what it costs beside them. Exit code 3 if it is proved
that no text can satisfy them.

Example: searchgen explain --keywords "doctor,letter,zebra" --max-words 8
"""


#: What the numbers of `Explained.needed` count.
NEEDS = {
    "rejection": "attempts a text",
    "importance": "draws worth 100 of the target",
    "smc": "particles worth 100 of the target",
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
        note(f"{request.lm} scores texts whole: these numbers are those of {source.ref.name}, which proposes to it")
    with compiling("importance", "smc"):
        explained = explain_request(source, stated_law(request))
    write_json(_row(explained)) if json else _print(explained)


def _row(explained: "Explained") -> dict[str, Any]:
    row = {**vars(explained), "log_p_given_window": explained.log_p_given_window, "bottleneck": explained.bottleneck}
    row["factor"] = explained.factor
    row |= {"advice": explained.advice[0], "reason": explained.advice[1], "window": list(explained.window)}
    return {name: plain(value) for name, value in row.items()}


def _chance(log_p: float) -> str:
    """Return a probability as people read it: a share, or one in so many."""
    if log_p == -math.inf:
        return "impossible"
    if log_p > math.log(0.01):
        return f"{math.exp(log_p):.1%}"
    return f"1 in {math.exp(min(-log_p, 700)):.2g}"


def _estimate(explained: "Explained") -> str:
    """Return the estimate of the model's log P and how far to trust it; weights all alike have no tail."""
    tail = f", Pareto k {explained.pareto_k:.2f}" if math.isfinite(explained.pareto_k) else ""
    claim = "" if explained.pareto_k <= 0.7 else ": heavy tails, no claim"
    return f"log P {explained.log_p_model:.2f} ± {explained.log_p_model_error:.2f}{tail}{claim}"


def _columns(name: str) -> int:
    """Return how many columns of a terminal a name takes: two for each Chinese character."""
    from rich.cells import cell_len

    return cell_len(name)


def _print(explained: "Explained") -> None:
    low, high = explained.window
    window = f"{low} to {high} words"
    write_line(f"P(constraints | {window}), guide   {_chance(explained.log_p_given_window)}  (exact)")
    write_line(f"P(constraints, {window}), guide    {_chance(explained.log_p_joint)}  (exact)")
    log_p, error = (
        (explained.log_p_model, _estimate(explained))
        if explained.log_p_exact is None
        else (explained.log_p_exact, "exact")
    )
    write_line(f"P(constraints, {window}), model    {_chance(log_p)}  ({error})")
    width = max(map(_columns, explained.alone), default=0)
    if explained.alone:
        write_line(f"{'':{width}}  {'alone':>12}  {'all others':>12}  {'beside them':>12}")
    for name, alone in explained.alone.items():
        mark = "  <- bottleneck" if name == explained.bottleneck and len(explained.alone) > 1 else ""
        cells = "  ".join(f"{_chance(p):>12}" for p in (alone, explained.without[name], explained.factor[name]))
        write_line(f"{name}{'':{width - _columns(name)}}  {cells}{mark}")
    for sampler, count in explained.needed.items():
        write_line(
            f"{sampler:11} about {count:.3g} {NEEDS[sampler]}" if math.isfinite(count) else f"{sampler:11} no estimate"
        )
    write_line("mh, gibbs   not to be told before a run: searchgen compare")
    write_line(f"take --sampler {explained.advice[0]}: {explained.advice[1]}")
