"""Trace plots: log-density and temperature over the steps of a run."""

from statistics import median
from typing import Any

from searchgen.markup.charts import Line, line_chart
from searchgen.report.page import safe
from searchgen.samplers.chains.observer import Observer, Stage
from searchgen.samplers.method import Draws

__all__ = ["draws_traces", "search_traces"]

#: Chains that a plot shows, and points of each line.
CHAINS, POINTS = 4, 400

#: A chart, and the sentence below it.
Trace = tuple[Any, str]


def search_traces(observer: Observer, found: tuple[Stage, int] | None) -> list[Trace]:
    """Return the trace plots of a search.

    Args:
        observer: has seen it.
        found: the stage and the chain that found the first text, or what it was made of; None: it is not known.
    """
    traces: list[Trace] = []
    if found is not None:
        stage, chain = found
        own = stage.series(chain)
        others = [stage.series(other) for other in range(len(stage.starts))]
        middle = [(row[0][0], median(value for _, value, _ in row)) for row in zip(*others, strict=False)]
        lines: list[Line] = [
            ("chain of the text", [(step, value) for step, value, _ in own]),
            ("median of all chains", middle),
        ]
        law = "" if stage.law == "target" else f" under the {stage.law} model"
        traces += _trace(lines, "step of the chain", "log-density", f"Log-density{law} over the steps of {stage.name}.")
        heat: Line = ("temperature", [(step, temperature) for step, _, temperature in own])
        traces += _trace(
            [heat], "step of the chain", "temperature", "Temperature: high at first, so that bad moves are taken too."
        )
    best, line = None, list[tuple[float, float | None]]()
    for number, stage in enumerate((stage for stage in observer.stages if stage.law == "transformer"), 1):
        scores = [event.after for event in stage.own if event.after is not None]
        best = max([*scores, *([] if best is None else [best])], default=best)
        line.append((number, best))
    if line:
        traces += _trace(
            [("best", line)],
            "pass of the transformer",
            "log-density",
            "Best log-density under the transformer after each of its passes.",
        )
    return traces


def draws_traces(draws: Draws, stage: Stage | None) -> list[Trace]:
    """Return the trace plot of draws: the log-density of the first chains, or of all draws in order.

    Args:
        draws: of one run.
        stage: of the chains, if they were seen; None: there were none.
    """
    if stage is not None and stage.ring is not None and stage.series(0):
        chains = range(min(CHAINS, len(stage.starts)))
        lines: list[Line] = [(f"chain {c + 1}", [(step, value) for step, value, _ in stage.series(c)]) for c in chains]
        return _trace(
            lines,
            "step",
            "log-density",
            "Log-density of the first chains, burn-in included. Chains that mix look alike.",
        )
    values = draws.log_density.tolist()
    if not values:
        return []
    if draws.chains:
        parts = [values[c :: draws.chains] for c in range(min(CHAINS, draws.chains))]
        lines = [(f"chain {c + 1}", _thinned(part)) for c, part in enumerate(parts)]
        return _trace(
            lines,
            "kept state",
            "log-density",
            "Log-density of the kept states of the first chains. Chains that mix look alike.",
        )
    return _trace(
        [("draws", _thinned(values))],
        "draw",
        "log-density",
        "Log-density of the draws in the order in which they were made.",
    )


def _trace(lines: list[Line], across: str, up: str, sentence: str) -> list[Trace]:
    chart = line_chart(lines, across, up, sentence)
    return [(safe(chart), sentence)] if chart else []


def _thinned(values: list[float]) -> list[tuple[float, float | None]]:
    every = max(1, -(-len(values) // POINTS))
    return [(number, values[number]) for number in range(0, len(values), every)]
