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
        from searchgen.jobs.explain import explain as explained

        source = load_source(request.model.ngram, request.neural, raw_tokens)
    if request.model.scores_texts:
        note(f"{request.lm} scores texts whole: these numbers are those of {source.ref.name}, which proposes to it")
    with compiling("importance", "smc"):
        found = explained(source, stated_law(request))
    write_json(_row(found)) if json else _print(found)


def _row(found: "Explained") -> dict[str, Any]:
    row = {**vars(found), "log_p_given_window": found.log_p_given_window, "bottleneck": found.bottleneck}
    row["factor"] = found.factor
    row |= {"advice": found.advice[0], "reason": found.advice[1], "window": list(found.window)}
    return {name: plain(value) for name, value in row.items()}


def _chance(log_p: float) -> str:
    """Return a probability as people read it: a share, or one in so many."""
    if log_p == -math.inf:
        return "impossible"
    if log_p > math.log(0.01):
        return f"{math.exp(log_p):.1%}"
    return f"1 in {math.exp(min(-log_p, 700)):.2g}"


def _estimate(found: "Explained") -> str:
    """Return the estimate of the model's log P and how far to trust it; weights all alike have no tail."""
    tail = f", Pareto k {found.pareto_k:.2f}" if math.isfinite(found.pareto_k) else ""
    claim = "" if found.pareto_k <= 0.7 else ": heavy tails, no claim"
    return f"log P {found.log_p_model:.2f} ± {found.log_p_model_error:.2f}{tail}{claim}"


def _columns(name: str) -> int:
    """Return how many columns of a terminal a name takes: two for each Chinese character."""
    from rich.cells import cell_len

    return cell_len(name)


def _print(found: "Explained") -> None:
    low, high = found.window
    window = f"{low} to {high} words"
    write_line(f"P(constraints | {window}), guide   {_chance(found.log_p_given_window)}  (exact)")
    write_line(f"P(constraints, {window}), guide    {_chance(found.log_p_joint)}  (exact)")
    log_p, error = (found.log_p_model, _estimate(found)) if found.log_p_exact is None else (found.log_p_exact, "exact")
    write_line(f"P(constraints, {window}), model    {_chance(log_p)}  ({error})")
    width = max(map(_columns, found.alone), default=0)
    if found.alone:
        write_line(f"{'':{width}}  {'alone':>12}  {'all others':>12}  {'beside them':>12}")
    for name, alone in found.alone.items():
        mark = "  <- bottleneck" if name == found.bottleneck and len(found.alone) > 1 else ""
        cells = "  ".join(f"{_chance(p):>12}" for p in (alone, found.without[name], found.factor[name]))
        write_line(f"{name}{'':{width - _columns(name)}}  {cells}{mark}")
    for sampler, count in found.needed.items():
        write_line(
            f"{sampler:11} about {count:.3g} {NEEDS[sampler]}" if math.isfinite(count) else f"{sampler:11} no estimate"
        )
    write_line("mh, gibbs   not to be told before a run: searchgen compare")
    write_line(f"take --sampler {found.advice[0]}: {found.advice[1]}")
