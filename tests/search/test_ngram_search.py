"""Searches under an n-gram model that end together: one that fails takes nothing from the others."""

from pathlib import Path
from typing import Any

import pytest

from searchgen.errors import NotFound, RequestError
from searchgen.request.model_ref import ModelRef
from searchgen.request.request import Annealing, Request
from searchgen.search.outcome import Outcome
from searchgen.search.searcher import Searcher, search_together
from searchgen.sources.source import open_source


@pytest.fixture(scope="module")
def searcher() -> Searcher:
    return Searcher.of(open_source(ModelRef.parse("en-ngram")))


def request(word: str, **values: Any) -> Request:
    return Request(
        keywords=((word,),), lm="en-ngram", seed=3, annealing=Annealing(chains=4, steps=40, blocks=4), **values
    )


def kinds(searcher: Searcher, one: Request) -> list[type]:
    """What becomes of a search between two others."""
    outcomes = search_together([(searcher, each) for each in (request("dog"), one, request("letter"))])
    for word, outcome in (("dog", outcomes[0]), ("letter", outcomes[2])):
        assert isinstance(outcome, Outcome)
        assert outcome.records[0].satisfied[f"keyword {word}"]
    return [type(outcome) for outcome in outcomes]


def test_a_search_without_a_text_leaves_the_others_theirs(searcher: Searcher) -> None:
    nowhere = request("dog", similar_to="The king went to the north.", min_similarity=1.0)
    assert kinds(searcher, nowhere) == [Outcome, NotFound, Outcome]
    with pytest.raises(NotFound, match="not found"):
        searcher.search(nowhere)


def test_a_term_that_fails_leaves_the_other_searches_their_texts(searcher: Searcher, tmp_path: Path) -> None:
    (tmp_path / "term.py").write_text("def fails(text):\n    return 1 / 0\n", encoding="utf-8")
    failing = request("dog", opaque=(f"{tmp_path / 'term.py'}:fails",))
    assert kinds(searcher, failing) == [Outcome, RequestError, Outcome]
    with pytest.raises(RequestError, match="term fails failed on"):
        searcher.search(failing)
