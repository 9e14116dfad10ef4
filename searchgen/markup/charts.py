"""Charts as inline SVG, drawn by leather; colours are CSS variables of the page, so that it can be dark or light."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from html import escape
from math import isfinite
from typing import Any

__all__ = ["COLOURS", "Line", "bar_chart", "error_chart", "line_chart"]

#: Name and points (x, y) of a line; a y of None interrupts it.
Line = tuple[str, Sequence[tuple[float, float | None]]]

#: A chart is drawn for a phone; on wider screens it grows.
WIDTH, HEIGHT = 480, 260

#: Height of a bar with its gap, and of the rest of a chart of bars.
BAR, AROUND_BARS = 26, 70

#: Where a page names no colours, as in a notebook, these are used.
COLOURS = {
    "--line-1": "#2563a8",
    "--line-2": "#b4530a",
    "--line-3": "#3f7d3a",
    "--line-4": "#8a4f9e",
    "--line-5": "#6b6b6b",
}
FAINT, INK = "var(--faint, #dddddd)", "var(--ink, #555555)"

#: Digits behind the point of a place in a chart.
LONG_NUMBER = re.compile(r"(-?\d+\.\d)\d+")
ATTRIBUTE = re.compile(r'="[^"]*"')


def line_chart(lines: Sequence[Line], across: str, up: str, label: str) -> str:
    """Return lines as SVG, "" if there is no point to draw.

    Args:
        lines: each in a colour of its own.
        across: name of the horizontal axis.
        up: name of the vertical axis.
        label: says in words what the chart shows, for those who cannot see it.
    """
    drawn = [(name, _finite(points)) for name, points in lines]
    drawn = [(name, points) for name, points in drawn if any(y is not None for _, y in points)]
    if not drawn:
        return ""
    with _theme() as leather:
        chart = leather.Chart()
        for (name, points), colour in zip(drawn, _colours(len(drawn)), strict=True):
            if len(points) == 1:
                chart.add_dots(points, name=name, fill_color=colour)
            else:
                chart.add_line(points, name=name, stroke_color=colour, width=1.5)
        _fit(chart, [point for _, points in drawn for point in points])
        chart.add_x_axis(name=across, tick_formatter=_tick)
        chart.add_y_axis(name=up, tick_formatter=_tick)
        return _finished(chart, HEIGHT, label)


def bar_chart(bars: Sequence[tuple[str, float]], across: str, label: str) -> str:
    """Return horizontal bars as SVG, "" if there are none.

    Args:
        bars: name and length of each, from the top.
        across: name of the horizontal axis.
        label: says in words what the chart shows.
    """
    bars = [(name, value) for name, value in bars if isfinite(value)]
    if not bars:
        return ""
    with _theme() as leather:
        chart = leather.Chart()
        chart.add_bars([(value, name) for name, value in bars], fill_color=_colours(1)[0])
        low, high = min(0.0, *(value for _, value in bars)), max(0.0, *(value for _, value in bars))
        chart.add_x_scale(low, high if high > low else low + 1.0)
        chart.add_x_axis(name=across, tick_formatter=_tick)
        return _finished(chart, AROUND_BARS + BAR * len(bars), label)


def error_chart(points: Sequence[tuple[str, float, float]], across: str, label: str, true: float | None = None) -> str:
    """Return points with error bars as SVG, one a row, "" if there are none.

    Args:
        points: name, value and standard error of each, from the top.
        across: name of the horizontal axis.
        label: says in words what the chart shows.
        true: the exact value, as a vertical line, if it is known.
    """
    points = [(name, value, error) for name, value, error in points if isfinite(value) and isfinite(error)]
    if not points:
        return ""
    ends = [value + sign * 2 * error for _, value, error in points for sign in (-1, 1)] + (
        [] if true is None else [true]
    )
    low, high = min(ends), max(ends)
    room = 0.05 * (high - low) or 0.5
    with _theme() as leather:
        chart, colour = leather.Chart(), _colours(1)[0]
        names = [name for name, _, _ in reversed(points)]
        chart.set_y_scale(leather.Ordinal(names))
        chart.add_x_scale(low - room, high + room)
        series = leather.Series([(value, name) for name, value, _ in reversed(points)])
        chart.add_series(series, _error_bars({name: error for name, _, error in points}, colour, true))
        chart.add_x_axis(name=across, tick_formatter=_tick)
        return _finished(chart, AROUND_BARS + BAR * len(points), label)


def _error_bars(errors: dict[str, float], colour: str, true: float | None) -> Any:
    """Return a shape of leather: a point and a bar of two standard errors to each side."""
    from xml.etree.ElementTree import Element

    from leather.shapes import Shape

    class ErrorBars(Shape):  # type: ignore[misc]
        def validate_series(self, series: Any) -> None:
            """Take any series."""

        def to_svg(self, width: Any, height: Any, x_scale: Any, y_scale: Any, series: Any, palette: Any) -> Any:
            group = Element("g")
            if true is not None:
                at = str(x_scale.project(true, 0, width))
                group.append(Element("line", {"x1": at, "x2": at, "y1": "0", "y2": str(height), "stroke": INK}))
            for point in series.data():
                middle = y_scale.project(point.y, height, 0)
                x1, x, x2 = (
                    str(x_scale.project(point.x + sign * 2 * errors[point.y], 0, width)) for sign in (-1, 0, 1)
                )
                y = str(middle)
                group.append(
                    Element("line", {"x1": x1, "x2": x2, "y1": y, "y2": y, "stroke": colour, "stroke-width": "2"})
                )
                group.append(Element("circle", {"cx": x, "cy": y, "r": "4", "fill": colour}))
            return group

    return ErrorBars()


def _colours(count: int) -> list[str]:
    named = [f"var({name}, {value})" for name, value in COLOURS.items()]
    return [named[i % len(named)] for i in range(count)]


def _finite(points: Sequence[tuple[float, float | None]]) -> list[tuple[float, float | None]]:
    return [(x, y if y is not None and isfinite(y) else None) for x, y in points]


def _fit(chart: Any, points: Sequence[tuple[float, float | None]]) -> None:
    """Give a chart scales that hold all points; leather's own begin at 0."""
    for ends, add in (
        ([x for x, _ in points], chart.add_x_scale),
        ([y for _, y in points if y is not None], chart.add_y_scale),
    ):
        low, high = min(ends), max(ends)
        room = 0.0 if high > low else 0.5
        add(low - room, high + room)


def _tick(value: Any, _number: int, _count: int) -> str:
    """Return a tick's number in few signs."""
    number = float(value)
    if abs(number) >= 1e6:
        return f"{number / 1e6:g}M"
    return f"{number / 1e3:g}k" if abs(number) >= 1e4 else f"{number:g}"


@contextmanager
def _theme() -> Iterator[Any]:
    """Give leather with our theme, and set its own again: a notebook may use it too."""
    import leather
    from leather import theme

    fonts = {name: "system-ui, sans-serif" for name in vars(theme) if name.endswith("font_family")}
    inks = {name: INK for name in ("title_color", "legend_color", "axis_title_color", "label_color")}
    ours = {**fonts, **inks, "background_color": "none", "tick_color": FAINT, "zero_color": FAINT, "margin": 0.04}
    before = {name: getattr(theme, name) for name in ours}
    try:
        for name, value in ours.items():
            setattr(theme, name, value)
        yield leather
    finally:
        for name, value in before.items():
            setattr(theme, name, value)


def _finished(chart: Any, height: int, label: str) -> str:
    """Return a chart as SVG that fits its place, its numbers cut to a digit behind the point."""
    drawn = str(chart.to_svg(width=WIDTH, height=height))
    drawn = ATTRIBUTE.sub(lambda found: LONG_NUMBER.sub(r"\1", found.group()), drawn)
    whole = f'width="{WIDTH}" height="{height}" version="1.1" xmlns="http://www.w3.org/2000/svg"'
    fitting = f'viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" style="max-width:100%;height:auto" role="img" aria-label="{escape(label)}"'
    return drawn.replace(whole, fitting, 1)
