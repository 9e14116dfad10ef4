"""Pages say what was found, in words, and hold what is not ours as text only."""

import json
from pathlib import Path
from typing import Any

import pytest

from searchgen.errors import NotFound
from searchgen.jobs.compare import Row
from searchgen.jobs.compared import Compared
from searchgen.jobs.draws import sample, stated_law
from searchgen.report.batch_page import MOST_FAILED, BatchRows, batch_page
from searchgen.report.compare_page import compare_page
from searchgen.report.run_page import draws_page, failed_page, search_page
from searchgen.report.trace_file import trace_rows, write_trace
from searchgen.request.request import Annealing, Request
from searchgen.samplers.chains.frames import MOST_FRAMES
from searchgen.samplers.chains.observer import MOST_MOVES, Event, Observer
from searchgen.search.outcome import Outcome
from searchgen.search.searcher import Searcher
from tests.cli.runner import model
from tests.report.pages import Element, page_of

PLAN = Annealing(chains=6, steps=400)


def searched(lang: str = "en", **fields: Any) -> tuple[Outcome, Observer]:
    from searchgen.api import load

    observer = Observer(recorded="accepted")
    request = Request(**{"lm": model(lang), "seed": 5, "annealing": PLAN, "count": 2, **fields})
    return load(model(lang)).search(request, None, observer), observer


def marks(element: Element, kind: str = "demanded") -> list[str]:
    return [mark.text for mark in element.all("mark", class_=kind)]


def test_a_search() -> None:
    outcome, observer = searched(keywords="dog,park")
    page = page_of(search_page(outcome, observer))
    count = len(outcome.records[0].satisfied)
    assert page.one("p", id="verdict").text == f"Found 2 texts. Each satisfies all {count} constraints."
    texts = page.one("ol", class_="texts").all("p", class_="text")
    assert [text.text for text in texts] == [record.text for record in outcome.records]
    assert [sorted(map(str.lower, marks(text))) for text in texts] == [["dog", "park"]] * 2
    assert outcome.records[0].signature in page.text
    frames = page.one("ol", id="frames").all("p", class_="text")
    assert frames[-1].text == outcome.records[0].text
    assert all({"dog", "park"} <= set(map(str.lower, marks(frame))) for frame in frames)
    assert frames[0].text in [observer.target.printed(start) for start, _ in observer.stages[0].starts]
    assert page.one("input", id="slider").attributes["max"] == str(len(frames) - 1)
    assert len(page.all("svg")) == 4
    for words in ("A search looks for dense texts", "span", "any-span", "relocate", "look-ahead log Z"):
        assert words in page.text


def test_words_that_are_no_text_of_a_page() -> None:
    """A keyword that is HTML stays text, wherever it stands."""
    evil = "<script>alert(1)</script>"
    outcome, observer = searched(keywords=((evil,), ("dog",)))
    html = search_page(outcome, observer)
    page = page_of(html)
    assert evil not in html
    assert evil in page.one("title").text
    assert evil in marks(page.one("ol", class_="texts").all("li")[0])
    assert len(page.all("script")) == 1


def test_chinese() -> None:
    outcome, observer = searched("zh", keywords="学校")
    page = page_of(search_page(outcome, observer))
    text = page.one("ol", class_="texts").all("p", class_="text")[0]
    assert text.attributes["lang"] == "zh"
    assert "".join(marks(text)) == "学校"


def test_draws() -> None:
    from searchgen.api import load

    law = stated_law(Request(keywords="dog", lm=model("en"), seed=3, sampler="mh", count=640, max_words=6))
    observer = Observer(recorded="accepted")
    sampled = sample(load(model("en")).source, law, None, observer)
    diagnostics = sampled.diagnostics()
    page = page_of(draws_page(sampled, diagnostics, observer))
    assert page.one("p", id="verdict").text.startswith("640 draws of mh. Each satisfies all")
    texts = page.one("ol", class_="texts").all("p", class_="text")
    assert [text.text for text in texts] == [record.text for record in sampled.records()][:200]
    assert "440 more are left out" in page.text
    density = diagnostics["features"]["log_density"]
    for words in (f"{density['r_hat']:.3f} R-hat compares", f"{density['ess_bulk']:.0f} The effective sample size"):
        assert words in page.text
    last = page.one("ol", id="frames").all("p", class_="text")[-1]
    chains = observer.stages[0].chains
    assert chains is not None
    assert last.text == observer.target.printed(chains.token[0, : chains.length[0]].tolist())


def test_no_text() -> None:
    page = page_of(failed_page("constrain", Request(keywords="dog", seed=1), NotFound("not found in 3 steps")))
    assert page.one("p", id="verdict").text == "No text: not found in 3 steps."
    assert not page.all("ol")


def test_a_comparison() -> None:
    rows = (
        Row(
            "smc", "weighted", mean=-20.0, mean_error=0.1, log_z=-9.0, log_z_error=0.1, ess_per_second=9.0, trusted=True
        ),
        Row("mh", "markov", mean=-20.1, mean_error=0.2, ess_per_second=3.0, trusted=False, doubts=("R-hat is 2",)),
        Row("rejection", "exact", error="<no> attempt was accepted"),
        Row("anneal", "search", mean=-12.0, best=-11.0),
    )
    page = page_of(compare_page(Compared(Request(keywords="dog", seed=1), rows, -9.05, 3)))
    verdict = page.one("p", id="verdict").text
    assert "no doubt about smc; smc makes the most effective draws a second" in verdict
    assert "The draws of mh cannot be trusted" in verdict
    body = page.one("tbody").all("tr")
    assert [row.all("th")[0].text for row in body] == ["smc", "mh *", "rejection", "anneal"]
    assert "-9.00 ±0.10" in body[0].text
    assert "<no> attempt was accepted" in page.text
    assert len(page.all("svg")) == 3
    assert "* mh: R-hat is 2" in page.text


def row(status: str, **values: Any) -> bytes:
    span = {"item": "dog", "form": "dog", "start": 2, "end": 5}
    texts = [{"text": "A dog.", "spans": [span]}] if status == "ok" else []
    diagnostics = {"error": values.pop("error")} if "error" in values else {}
    return json.dumps({"id": 1, "status": status, "results": texts, "diagnostics": diagnostics, **values}).encode()


def test_a_batch_has_its_failures_first() -> None:
    rows = BatchRows()
    rows.add(row("ok", id="first"), 0.5)
    for number in range(MOST_FAILED + 5):
        rows.add(row("error", id=number, error="<b>wrong</b>"), 0.1)
    rows.add(row("infeasible", id="none", error="no text has both"))
    page = page_of(batch_page(rows, {"rows": {"ok": 1}, "seconds": 2.0}, "jobs.jsonl"))
    assert page.one("p", id="verdict").text == "1,007 jobs: 1 have their texts, 1,006 have none."
    titles = [title.text for title in page.all("h2")]
    assert titles[:3] == ["Jobs that are wrong (1,005)", "Jobs without a text (1)", "Jobs with their texts (1)"]
    assert "5 more are in the rows" in page.text
    assert page.all("p", class_="error")[0].text == "<b>wrong</b>"
    assert marks(page) == ["dog"]


def long_trace(moves: int) -> tuple[Outcome, Observer]:
    """Return a search that seems to have made so many moves."""
    outcome, observer = searched(keywords="dog,park")
    stage = observer.stages[0]
    texts = [text for text, _ in stage.starts]
    best = [text for text, _ in stage.best()]
    chain = next(i for i, text in enumerate(best) if observer.target.printed(text) == outcome.records[0].text)
    last = best[chain]
    stage.ring = None
    stage.recorded = "accepted"
    for number in range(moves):
        text, parent = (last if number == moves - 1 else texts[number % 2]), texts[1 - number % 2]
        stage.add(Event(stage.name, chain, number, "span", "accepted", 1.0, -50.0, -40.0, text, parent))
    return outcome, observer


def test_a_hundred_thousand_moves_make_no_large_page(tmp_path: Path) -> None:
    outcome, observer = long_trace(MOST_MOVES + 10)
    html = search_page(outcome, observer)
    assert len(html.encode()) < 500_000
    assert len(page_of(html).one("ol", id="frames").all("li")) <= MOST_FRAMES
    rows = trace_rows(observer, "signature")
    head = next(rows)
    assert (head["moves"], head["kept"]) == (MOST_MOVES + 10, MOST_MOVES)


def test_a_trace_is_json_lines_of_moves(tmp_path: Path) -> None:
    outcome, observer = searched(keywords="dog,park")
    place = tmp_path / "moves.jsonl"
    write_trace(place, observer, outcome.records[0].signature)
    head, *rows = map(json.loads, place.read_text(encoding="utf-8").splitlines())
    assert head["kept"] == head["moves"] == len(rows)
    assert "at most 100,000 moves" in head["bound"]
    for event, values in zip(observer.events(), rows, strict=True):
        assert event.after is not None
        assert event.before is not None
        assert values["change"] == event.after - event.before
        assert values["text"] == observer.target.printed(event.text)
        assert event.parent is not None
        old, new = (observer.target.vocabulary.decode(text) for text in (event.parent, event.text))
        at = values["at"]
        assert [*old[:at], *values["new"], *old[at + len(values["old"]) :]] == list(new)


@pytest.mark.parametrize("count", [1, 2])
def test_a_record_in_a_notebook(count: int) -> None:
    outcome, _ = searched(keywords="dog,park", count=count)
    record = outcome.records[0]
    page = page_of(record._repr_html_())
    assert page.all("p")[0].text == record.text
    assert sorted(map(str.lower, marks(page))) == ["dog", "park"]
    assert len(page.all("svg")) == 1
    assert sum(record.token_log_p) == pytest.approx(record.log_prob)


def test_what_a_searcher_is_given_says_nothing_of_who_looks() -> None:
    """Control: a search without an observer has the same texts as the one of the page."""
    outcome, _ = searched(keywords="dog,park")
    from searchgen.api import load

    alone: Searcher = load(model("en"))
    assert alone.search(outcome.request).records == outcome.records
