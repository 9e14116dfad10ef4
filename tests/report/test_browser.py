"""Pages in a browser: what a person sees of them, at two widths, with and without scripts, by mouse and by keys, and on paper."""

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest

from searchgen.report.run_page import search_page
from tests.browser import Browser, browser
from tests.report.test_pages import long_trace, searched

EVIL = "<script>document.title='broken'</script>"

SHOWN = "Array.from(document.querySelectorAll('#frames > li')).filter(li => li.offsetParent !== null).map(li => li.firstChild.textContent)"
TEXTS = "Array.from(document.querySelectorAll('.texts .text')).map(text => text.textContent)"
MARKS = "Array.from(document.querySelectorAll('.texts mark')).map(mark => mark.textContent.toLowerCase())"
SLIDE = "slider.value = {0}; slider.dispatchEvent(new Event('input'))"
#: How far the page is wider than the window.
TOO_WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def window() -> Iterator[Browser]:
    with browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str], list[str]]:
    """A page with a keyword that is HTML: the file, its texts, and the first and the last frame of its replay."""
    outcome, observer = searched(keywords=((EVIL,), ("dog",), ("park",)))
    place = tmp_path_factory.mktemp("pages") / "run.html"
    place.write_text(search_page(outcome, observer), encoding="utf-8")
    starts = [observer.target.printed(text) for text, _ in observer.stages[0].starts]
    return place, [record.text for record in outcome.records], starts


@pytest.mark.parametrize("width", [390, 1280])
def test_what_the_page_says(window: Browser, page: tuple[Path, list[str], list[str]], width: int) -> None:
    place, texts, starts = page
    window.open(place, width)
    verdict = window.value("document.getElementById('verdict').textContent")
    assert verdict.startswith("Found 2 texts. Each satisfies all")
    assert window.value(TEXTS) == texts
    assert sorted(window.value(MARKS)) == sorted([EVIL.lower(), "dog", "park"] * 2)
    assert window.value("document.title") == f"{EVIL}, dog, park"
    assert window.value("document.scripts.length") == 1
    last = int(window.value("slider.max"))
    assert window.value(SHOWN) == [texts[0]]
    assert window.value("place.textContent") == f"{last + 1} of {last + 1}"
    window.value(SLIDE.format(0))
    (first,) = window.value(SHOWN)
    assert first in starts
    window.value(SLIDE.format(last))
    assert window.value(SHOWN) == [texts[0]]
    assert window.value(TOO_WIDE) == 0
    assert window.complaints == []


def test_the_play_button_plays(window: Browser, page: tuple[Path, list[str], list[str]]) -> None:
    window.open(page[0])
    window.value(SLIDE.format(0))
    window.value("play.click()")
    assert window.value("play.getAttribute('aria-pressed')") == "true"
    moved = "new Promise(done => { const look = () => Number(slider.value) > 0 ? done(true) : setTimeout(look, 20); look(); })"
    answer = window.ask("Runtime.evaluate", expression=moved, awaitPromise=True, returnByValue=True)
    assert answer["result"]["value"] is True
    window.value("play.click()")
    assert window.value("play.textContent") == "Play"


def test_keys_are_enough(window: Browser, page: tuple[Path, list[str], list[str]]) -> None:
    window.open(page[0])
    met = []
    for _ in range(12):
        window.press("Tab")
        met.append(window.value("document.activeElement.id || document.activeElement.className"))
        if met[-1] == "slider":
            break
    assert met[0] == "skip"
    assert met[-2:] == ["play", "slider"]
    window.press("Home")
    assert window.value("slider.value") == "0"
    window.press("ArrowRight")
    assert window.value("place.textContent").startswith("2 of ")


def test_without_scripts_the_page_reads(window: Browser, page: tuple[Path, list[str], list[str]]) -> None:
    place, texts, _ = page
    window.open(place, 390, scripts=False)
    tree = window.ask("DOM.getDocument", depth=-1)["root"]["nodeId"]
    frames = window.ask("DOM.querySelectorAll", nodeId=tree, selector="#frames > li:not([hidden])")["nodeIds"]
    assert len(frames) > 1
    assert window.ask("DOM.querySelectorAll", nodeId=tree, selector=".controls[hidden]")["nodeIds"]
    shown = window.ask("DOM.getOuterHTML", nodeId=frames[-1])["outerHTML"]
    assert unescape(re.sub("<[^>]*>", "", shown)).startswith(texts[0])


def test_dark_and_light_differ(window: Browser, page: tuple[Path, list[str], list[str]]) -> None:
    colour = "getComputedStyle(document.body).backgroundColor + getComputedStyle(document.body).color"
    light, dark = (window.open(page[0], dark=dark).value(colour) for dark in (False, True))
    assert light != dark


def test_the_page_prints(window: Browser, page: tuple[Path, list[str], list[str]]) -> None:
    assert window.open(page[0]).pdf().startswith(b"%PDF")


def test_a_long_run_opens(window: Browser, tmp_path: Path) -> None:
    outcome, observer = long_trace(100_000)
    place = tmp_path / "long.html"
    place.write_text(search_page(outcome, observer), encoding="utf-8")
    assert window.open(place).value(SHOWN) == [outcome.records[0].text]
    assert window.complaints == []
