"""Charts are SVG that a page can hold, whatever the numbers."""

import math
from xml.etree.ElementTree import fromstring

import leather
import pytest

from searchgen.markup.charts import bar_chart, error_chart, line_chart


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in fromstring(svg).iter() if element.tag.endswith("text")]


@pytest.mark.parametrize(
    "points",
    [[(0, -1.0), (5, -3.5)], [(0, 2.0)], [(0, 1.0), (1, 1.0)], [(0, 1.0), (1, None), (2, math.inf), (3, 2.0)]],
    ids=["line", "one point", "level", "holes"],
)
def test_lines(points: list[tuple[float, float | None]]) -> None:
    drawn = line_chart([("chain <1>", points), ("other", [(0, 0.0), (3, 1.0)])], "step", "log-density", 'a "label"')
    assert {"chain <1>", "other", "step", "log-density"} <= set(texts(drawn))
    assert fromstring(drawn).get("aria-label") == 'a "label"'
    assert "nan" not in drawn
    assert "inf" not in drawn.replace("info", "")


def test_nothing_to_draw() -> None:
    assert line_chart([], "x", "y", "") == line_chart([("a", [(0, None)])], "x", "y", "") == ""
    assert bar_chart([("a", math.nan)], "x", "") == error_chart([("a", 1.0, math.inf)], "x", "") == ""


def test_bars_are_as_long_as_their_numbers() -> None:
    drawn = bar_chart([("short", 1.0), ("long", 4.0)], "share", "")
    bars = [element for element in fromstring(drawn).iter() if element.tag.endswith("rect") and element.get("y") != "0"]
    widths = sorted(float(bar.get("width", "")) for bar in bars)
    assert widths[1] == pytest.approx(4 * widths[0], rel=0.01)


def test_errors_reach_two_standard_errors_to_each_side() -> None:
    drawn = fromstring(error_chart([("mh", 1.0, 0.1), ("smc", 2.0, 0.2)], "log Z", "", true=1.5))
    bars = [element for element in drawn.iter() if element.get("stroke-width") == "2"]
    points = [element for element in drawn.iter() if element.tag.endswith("circle")]
    lengths = [float(bar.get("x2", "")) - float(bar.get("x1", "")) for bar in bars]
    apart = abs(float(points[0].get("cx", "")) - float(points[1].get("cx", "")))
    assert sorted(length / apart for length in lengths) == pytest.approx([0.4, 0.8], abs=0.01)


def test_the_theme_of_the_library_is_its_own_again() -> None:
    before = {name: value for name, value in vars(leather.theme).items() if not name.startswith("_")}
    bar_chart([("a", 1.0)], "x", "")
    assert {name: value for name, value in vars(leather.theme).items() if not name.startswith("_")} == before
