"""A comparison of samplers as a whole: its rows, what is true, and both in words and pictures."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace

from searchgen.errors import RequestError
from searchgen.jobs.compare import Row, Trial, measured, refuse_too_small, trial
from searchgen.jobs.draws import job_of, stated_law
from searchgen.jobs.exact_mass import exact_log_z
from searchgen.request.request import Request
from searchgen.samplers.registry import method
from searchgen.sources.source import Source

__all__ = ["COLUMNS", "Chart", "Compared", "cells", "compact", "compare", "remarks", "requests_of"]

#: Samplers that are compared unless others are named: under n-gram models, and under models that score whole texts.
USUAL, USUAL_WHOLE = "rejection,importance,smc,mh,tempering,anneal", "importance,smc,surrogate"

COLUMNS = ("kind", "satisfied", "mean", "best", "ESS/s", "distinct", "evaluations", "R-hat", "log Z")

#: A heading, a chart as SVG, and the sentence below it.
Chart = tuple[str, str, str]


@dataclass(frozen=True)
class Compared:
    """What samplers made of one target.

    Attributes:
        request: the target; its sampler is the first one.
        rows: of each sampler and run, searches last.
        log_z: the exact log of the total mass; None: a guide of the model's order is too large.
        order: of the model.
    """

    request: Request
    rows: tuple[Row, ...]
    log_z: float | None
    order: int

    @property
    def why(self) -> str:
        """A remark on `log_z`."""
        if self.log_z is None:
            return f"a guide of order {self.order} is too large for the exact value"
        return f"exact, from a guide of the model's order {self.order}"

    @property
    def remarks(self) -> list[str]:
        """What else should be known, one line each."""
        return remarks(self.rows, self.why, self.log_z)

    @property
    def table(self) -> str:
        """The rows as an HTML table."""
        from searchgen.markup.marked import table

        repeated = any(row.run > 1 for row in self.rows)
        return table(["sampler", *COLUMNS], [cells(row, repeated) for row in self.rows])

    def charts(self) -> list[Chart]:
        """Return pictures of the rows: what each sampler estimates, with errors, and how fast."""
        from searchgen.markup.charts import bar_chart, error_chart

        named = [(_name(row, any(other.run > 1 for other in self.rows)), row) for row in self.rows if not row.error]
        mass = [(name, row.log_z, row.log_z_error or 0.0) for name, row in named if row.log_z is not None]
        means = [
            (name, row.mean, row.mean_error)
            for name, row in named
            if row.mean is not None and row.mean_error is not None
        ]
        speeds = [(name, row.ess_per_second) for name, row in named if row.ess_per_second is not None]
        exact = "" if self.log_z is None else " The vertical line is the exact value."
        charts = [
            (
                "log Z",
                error_chart(mass, "log Z", "estimates of log Z by sampler", self.log_z),
                f"Log of the total mass, with two standard errors to each side.{exact}",
            ),
            (
                "Mean log-density",
                error_chart(means, "mean log-density", "mean log-density by sampler"),
                "Mean log-density of the draws, with two standard errors to each side. Samplers of one law agree within them.",
            ),
            ("Effective draws a second", bar_chart(speeds, "ESS/s", "ESS a second by sampler"), "Longer is faster."),
        ]
        return [chart for chart in charts if chart[1]]

    def _repr_html_(self) -> str:
        """Return what a notebook shows: the table, its remarks, and the charts."""
        from html import escape

        notes = "".join(f"<p>{escape(remark)}</p>" for remark in self.remarks)
        charts = "".join(f"<h4>{title}</h4>{chart}<p>{note}</p>" for title, chart, note in self.charts())
        return f"{self.table}{notes}{charts}"


def requests_of(request: Request, samplers: str | Sequence[str] | None) -> list[Request]:
    """Return the request for the stated law with each of some samplers, searches last.

    Args:
        request: the target.
        samplers: their names, also with commas between; None: the usual ones for the model.

    Raises:
        RequestError: there are none, or there is none of such a name.
    """
    if samplers is None:
        samplers = USUAL_WHOLE if request.model.scores_texts else USUAL
    given = samplers.split(",") if isinstance(samplers, str) else samplers
    names = list(dict.fromkeys(name.strip() for name in given if name.strip()))
    if not names:
        raise RequestError("--samplers is empty; searchgen list samplers shows the names")
    law = stated_law(request)
    methods = sorted(map(method, names), key=lambda sampler: sampler.kind == "search")
    return [replace(law, sampler=sampler.name) for sampler in methods]


def compare(
    source: Source,
    requests: Sequence[Request],
    *,
    budget: float = 2.0,
    evaluations: int | None = None,
    repeat: int = 1,
    progress: Callable[[str, float], None] | None = None,
    compiling: Callable[..., AbstractContextManager[None]] = lambda *_: nullcontext(),
) -> Compared:
    """Try every sampler once, refuse a budget too small, then measure each.

    Args:
        source: the model.
        requests: as `requests_of` gives them.
        budget: seconds for each sampler.
        evaluations: texts that each scores, in place of seconds.
        repeat: number of runs of each.
        progress: called with what is done, and the share of all that is.
        compiling: takes the names of the samplers that are tried inside it, as their loops may have to be compiled.

    Raises:
        RequestError: the budget is too small, or a sampler cannot serve the target.
        Impossible: no text satisfies the request.
    """
    for request in requests:
        job_of(source, request)  # refuses what the sampler cannot serve, before its loops are compiled
    whole, done = len(requests) * (1 + repeat), 0
    trials: list[Trial] = []
    rows: list[Row] = []
    with compiling(*(request.sampler for request in requests)):
        for request in requests:
            if progress is not None:
                progress(f"trying {request.sampler}", done / whole)
            trials.append(trial(source, request))
            done += 1
    refuse_too_small(trials, budget, evaluations)
    log_z = exact_log_z(source, requests[0])
    for request, tried in zip(requests, trials, strict=True):
        for run in range(1, repeat + 1):
            if progress is not None:
                progress(request.sampler, done / whole)
            rows.append(measured(source, request, tried, budget=budget, evaluations=evaluations, run=run))
            done += 1
    return Compared(requests[0], tuple(rows), log_z, source.model.order)


def compact(number: float | None) -> str:
    """Return a count or a rate in at most five signs.

    Example:
        >>> [compact(value) for value in (None, 0.25, 87.6, 1234, 98765, 12345678)]
        ['-', '0.25', '88', '1234', '99k', '12M']
    """
    if number is None:
        return "-"
    if abs(number) < 10:
        return f"{number:.2g}"
    for unit, least in (("G", 1e10), ("M", 1e7), ("k", 1e4)):
        if abs(number) >= least:
            return f"{number / {'G': 1e9, 'M': 1e6, 'k': 1e3}[unit]:.0f}{unit}"
    return f"{number:.0f}"


def cells(row: Row, repeated: bool, narrow: bool = False) -> list[str]:
    """Return a row as texts: the sampler's name, then `COLUMNS`.

    Args:
        row: of a comparison.
        repeated: whether samplers have several runs.
        narrow: with fewer digits.
    """
    gap, digits = ("", ".1f") if narrow else (" ", ".2f")
    name = _name(row, repeated) + (f"{gap}*" if row.trusted is False else "")
    if row.error:
        return [name, row.kind, *["-"] * (len(COLUMNS) - 1)]
    mass = "-"
    if row.log_z is not None:
        mass = format(row.log_z, ".2f" if abs(row.log_z) < 100 else ".1f") + (
            "" if row.log_z_error is None else f"{gap}±{row.log_z_error:.2f}"
        )
    return [
        name,
        row.kind,
        "-" if row.satisfied is None else f"{row.satisfied:.0%}",
        "-" if row.mean is None else format(row.mean, digits),
        "-" if row.best is None else format(row.best, digits),
        compact(row.ess_per_second),
        compact(row.distinct),
        compact(row.evaluations),
        "-" if row.r_hat is None else f"{row.r_hat:.2f}",
        mass,
    ]


def remarks(rows: Sequence[Row], why: str, log_z: float | None) -> list[str]:
    """Return what else should be known of rows, one line each.

    Args:
        rows: in the order in which they are shown.
        why: a remark on the exact value.
        log_z: that value, if it is known.
    """
    lines = []
    laws, searches = (any((row.kind == "search") is search for row in rows) for search in (False, True))
    if why and laws:
        lines.append(f"log Z {'is ' + format(log_z, '.4f') if log_z is not None else 'is estimated only'}: {why}")
    if laws and searches:
        lines.append("searches are below the line: their texts follow no law")
    repeated = any(row.run > 1 for row in rows)
    return [
        *lines,
        *(f"* {_name(row, repeated)}: {row.doubts[0]}" for row in rows if row.trusted is False and row.doubts),
    ]


def _name(row: Row, repeated: bool) -> str:
    return row.sampler + (f" {row.run}" if repeated else "")
