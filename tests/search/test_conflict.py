"""Which demands exclude each other: sets that were made to, and that without any one of them there are texts."""

from typing import Any

import pytest

from searchgen.errors import Impossible
from searchgen.jobs.explain import explain
from searchgen.request.model_ref import ModelRef
from searchgen.request.request import Request
from searchgen.search.conflict import conflict, naming_conflict
from searchgen.sources.source import Source, open_source
from tests.cli.runner import searchgen


@pytest.fixture(scope="module")
def source() -> Source:
    return open_source(ModelRef.parse("en-ngram"))


def request_of(**demands: Any) -> Request:
    listed = tuple((word,) for word in demands.pop("keywords", "").split())
    return Request(keywords=listed, lm="en-ngram", sampler="rejection", sentence=False, quotes=True, **demands)


#: Demands, and which of them exclude each other.
CONFLICTS: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "letters": (
        {"keywords": "dog park cat", "without_letters": "k", "max_words": 9, "starts_with": "the"},
        ("keyword park", "without-letters k"),
    ),
    "conditions": ({"keywords": "dog", "where": ("words(5) and holds(cat) and words(7)",)}, ("words(5)", "words(7)")),
    "three": (
        {"keywords": "dog", "characters": "90..", "word_length": "1..3", "min_words": 1, "max_words": 7},
        ("characters 90..", "word-length 1..3", "1 to 7 words"),
    ),
    "the usual shortest length": (
        {"at": (("-1=bird",),), "where": ("words(1)",), "max_words": 5},
        ("words(1)", "5 words"),
    ),
    "places": (
        {"at": (("1=dog",), ("1=cat",), ("-1=bird",)), "max_words": 5},
        ("at 1: dog", "at 1: cat"),
    ),
}


@pytest.mark.parametrize("name", CONFLICTS)
def test_what_excludes_each_other(source: Source, name: str) -> None:
    demands, excluded = CONFLICTS[name]
    assert conflict(source, request_of(**demands)) == excluded


def test_nothing_is_named_where_there_are_texts_or_too_many_parts(source: Source) -> None:
    assert conflict(source, request_of(keywords="dog cat")) == ()
    demands, excluded = CONFLICTS["letters"]
    assert conflict(source, request_of(**demands), 6) == excluded
    assert conflict(source, request_of(**demands), 5) == ()
    error = Impossible("proved impossible: too bad")
    assert naming_conflict(error, source, request_of(**demands), 5) is error


def test_explain_names_them(source: Source) -> None:
    with pytest.raises(
        Impossible, match=r"proved impossible: no text satisfies all of: keyword park; without-letters k$"
    ):
        explain(source, request_of(**CONFLICTS["letters"][0]))


def test_constrain_names_them_and_no_default() -> None:
    ran = searchgen("constrain", "-k", "dog,park,cat", "--without-letters", "k", "--lm", "en-ngram")
    assert (ran.code, ran.out) == (3, "")
    assert ran.err.endswith("no text satisfies all of: keyword park; without-letters k\n")
