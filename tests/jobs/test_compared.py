"""A comparison as a whole, and what a notebook shows of it."""

import searchgen
from searchgen.jobs.compared import compare, requests_of
from searchgen.request.request import Request
from tests.cli.runner import model
from tests.report.pages import page_of


def test_a_comparison_from_python_shows_itself() -> None:
    compared = searchgen.compare(
        "dog", lm=model("en"), samplers=["anneal", "importance", "mh"], evaluations=6000, seed=3, max_words=6
    )
    assert [row.sampler for row in compared.rows] == ["importance", "mh", "anneal"]  # searches last
    weighted, chains, search = compared.rows
    assert weighted.mean_error is not None
    assert weighted.log_z is not None
    assert search.mean_error is None
    page = page_of(compared._repr_html_())
    assert [row.all("th")[0].text.split()[0] for row in page.one("tbody").all("tr")] == ["importance", "mh", "anneal"]
    assert [title.text for title in page.all("h4")][:2] == ["log Z", "Mean log-density"]
    assert len(page.all("svg")) == len(page.all("h4"))
    if compared.log_z is not None and weighted.log_z_error is not None:
        assert abs(weighted.log_z - compared.log_z) < 5 * weighted.log_z_error
    assert chains.error == ""


def test_progress_tells_of_trials_and_of_runs() -> None:
    requests = requests_of(Request(keywords="dog", lm=model("en"), seed=3, max_words=6), "importance,mh")
    told: list[tuple[str, float]] = []
    compare(
        searchgen.load(model("en")).source,
        requests,
        evaluations=6000,
        repeat=2,
        progress=lambda what, share: told.append((what, share)),
    )
    assert [what for what, _ in told] == [
        *("trying importance", "trying mh"),
        *("importance", "importance", "mh", "mh"),
    ]
    assert [share for _, share in told] == [number / 6 for number in range(6)]


def test_repetitions_have_seeds_of_their_own_where_the_budget_pays_for_the_smallest_run_only() -> None:
    compared = searchgen.compare(
        "dog", lm=model("en"), samplers="importance", evaluations=1, repeat=3, seed=3, max_words=6
    )
    assert [(row.run, row.draws, row.evaluations) for row in compared.rows] == [(run, 1, 1) for run in (1, 2, 3)]
    assert len({row.mean for row in compared.rows}) == 3  # of the one draw
