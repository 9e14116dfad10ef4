"""Weights of similarity, overlap and edits in commands: what results say of them, who serves them, and what is wrong.

Their laws are enumerated in tests/rewriting/test_laws.py.
"""

import pytest

from searchgen.errors import RequestError
from searchgen.meaning.overlap import overlap
from searchgen.meaning.vectors import vectors_of
from searchgen.request.request import Request
from tests.cli.runner import searchgen
from tests.constraints.test_edits import fewest

SOURCE = "The doctor looked after the sick child."
NEAR = ("--similar-to", SOURCE, "--similarity-weight", "40", "--overlap-weight", "10")
EDITED = ("--source", SOURCE, "--max-edits", "2", "--closeness", "3")


def words(text: str) -> list[str]:
    return [word.strip(".,!?").lower() for word in text.split()]


def tokens(text: str) -> tuple[str, ...]:
    return tuple(text.lower().replace(".", " .").split())


@pytest.mark.parametrize("command", [("sample", "--sampler", "surrogate"), ("constrain",)], ids=["sample", "constrain"])
def test_results_have_what_is_measured_and_what_it_costs(command: tuple[str, ...]) -> None:
    more = ("--regex", "[A-Za-z ]+[.]", "--lm", "en-ngram", "--seed", "7", "--json", "-n", "3")
    for row in searchgen(*command, *NEAR, *EDITED, *more).rows:
        text = str(row["text"])
        measures = row["measures"]
        assert measures["similarity"] == pytest.approx(vectors_of("en").similarity(text, SOURCE), abs=1e-3)
        assert measures["overlap"] == pytest.approx(overlap(words(text), words(SOURCE)), abs=1e-3)
        assert measures["edits"] == fewest(tokens(SOURCE), tokens(text)) <= 2
        charge = 40 * (1 - measures["similarity"]) + 10 * measures["overlap"] + 3 * measures["edits"]
        if command[0] == "sample":  # a search adds terms of its own
            assert row["log_density"] == pytest.approx(row["log_prob"] - charge, abs=0.02)
        assert {*row["satisfied"]}.isdisjoint(measures)
    assert "measures" not in searchgen("sample", "-k", "dog", "--lm", "en-ngram", "--json").rows[0]


@pytest.mark.parametrize("lm", ["en-ngram", "en"])
def test_a_search_with_a_weight_finds_what_is_worth_more_by_it(lm: str) -> None:
    """Than the texts of a search that knows nothing of it."""

    def rows(*more: str) -> list[tuple[float, str]]:
        ran = searchgen("constrain", "-k", "doctor", "--lm", lm, "--seed", "7", "-n", "3", "--json", *more)
        return [(row["log_density"], row["text"]) for row in ran.rows]

    plain = [density - 60 * (1 - vectors_of("en").similarity(text, SOURCE)) for density, text in rows()]
    assert max(rows("--similar-to", SOURCE, "--similarity-weight", "60"))[0] > max(plain)


def test_a_weight_of_nothing_changes_nothing() -> None:
    plain, free = (
        searchgen(
            "constrain", "-k", "doctor", "--lm", "en-ngram", "--seed", "7", "--budget", "0.05", "--json", *more
        ).rows[0]
        for more in ((), ("--similar-to", SOURCE, "--max-overlap", "1", "--overlap-weight", "0"))
    )
    assert "measures" not in free
    assert {*free["satisfied"]} - {*plain["satisfied"]} == {"overlap of at most 1"}


@pytest.mark.parametrize(
    ("weight", "name"), [(NEAR, "similarity-weight 40, overlap-weight 10"), (EDITED, "closeness 3")]
)
def test_samplers_and_commands_that_cannot_serve_it_refuse_by_name(weight: tuple[str, ...], name: str) -> None:
    for sampler in ("mh", "rejection", "gibbs", "importance"):
        ran = searchgen("sample", *weight, "--max-words", "6", "--lm", "en-ngram", "--sampler", sampler)
        assert ran.code == 2
        assert f"{name} is a function without parts; use " in ran.err
        assert "surrogate" in ran.err
    ran = searchgen("explain", *weight, "--lm", "en-ngram")
    assert ran.code == 2
    assert name.split(",")[0] in ran.err


@pytest.mark.parametrize(
    ("demands", "said"),
    [
        ({"similarity_weight": 30.0}, "--similarity-weight without a text"),
        ({"overlap_weight": 30.0, "similar_to": " "}, "--overlap-weight without a text"),
        (
            {"similarity_weight": -1.0, "similar_to": "a dog"},
            "--similarity-weight -1: give a number of nats from 0 to 1000",
        ),
        ({"overlap_weight": 2000.0, "similar_to": "a dog"}, "--overlap-weight 2000: give"),
        ({"closeness": 2.0}, "--closeness without a text to edit"),
        ({"closeness": 2.0, "source": "a dog"}, "--source without --max-edits"),
        (
            {"closeness": 101.0, "source": "a dog", "max_edits": 1},
            "--closeness 101: give a number of nats from 0 to 100",
        ),
    ],
)
def test_what_is_wrong_is_said(demands: dict[str, object], said: str) -> None:
    with pytest.raises(RequestError, match=said):
        Request(**demands)  # type: ignore[arg-type]
