"""Constraints on printed texts, through the real text forms."""

import pytest

from searchgen.constraints import Constraint, EndsWith, FiniteVerb, Forbid, Keywords, Sentence, StartsWith, joint
from searchgen.constraints.together.joint import with_demanded
from searchgen.text import TextForm, text_form
from searchgen.vocabulary import MARKERS, Vocabulary

ENGLISH = (
    "the The dog dog's dogs Cat cat cats park in I It's it's was found ran a hot Mr. , . ? ! ; “ ” ( ) ...".split()  # noqa: SIM905
)
CHINESE = [*"今天气很好我们去公园\uff0c。“”《》"]


def judge(constraints: list[Constraint], form: TextForm, tokens: list[str], text: str) -> bool:
    """Whether the joint automaton accepts a printed text; the parts must agree with it."""
    vocabulary = with_demanded(Vocabulary([*MARKERS, *tokens], form), constraints)
    ids = vocabulary.encode(form.tokenise(text))
    accepted = joint(constraints, vocabulary, form).accepts(ids)
    assert accepted == all(one.violations(ids, vocabulary) == 0 for one in constraints)
    return accepted


def english() -> TextForm:
    return text_form("en", dict.fromkeys(ENGLISH, 1.0) | {"the": 2.0, "cat": 2.0, "it's": 2.0})


@pytest.mark.parametrize(
    ("text", "accepted"),
    [
        ("The dog, the cat ran in the hot park.", False),
        ("The dog ran in the park, the cat ran.", True),
        ("A cat ran in the dog park!", True),
        ("The dogs ran in the park; a cat ran.", False),
        ("The dog ran. The cat ran in the park.", False),
        ("Dog, “a cat was in the park.", False),
        ("Dog, “a cat” was in the park.", True),
        ("Mr. Cat ran in the park (dog)!", True),
    ],
)
def test_english_sentence_with_keywords(text: str, accepted: bool) -> None:
    form = english()
    constraints: list[Constraint] = [
        Sentence(),
        Keywords.of(["dog", "cat", "the park|park"], form),
        Forbid.of(["hot"], form),
    ]
    assert judge(constraints, form, ENGLISH, text) == accepted


@pytest.mark.parametrize(
    ("constraint", "text", "accepted"),
    [
        (StartsWith(("The", "dog")), "The dog ran.", True),
        (StartsWith(("the", "dog")), "A dog ran.", False),
        (EndsWith(("the", "park")), "I ran in the park.", True),
        (EndsWith(("the", "park")), "I ran in “the park”.", True),
        (EndsWith(("the", "park")), "I ran in the park", True),
        (EndsWith(("the", "park", "!")), "I ran in the park.", False),
        (EndsWith(("park",)), "I ran in the park, dog.", False),
        (Forbid((("dog",),)), "The dog's cat ran.", False),
        (Forbid((("dog",),)), "The dogs ran.", True),
        (Forbid(((",",),)), "Dogs, cats.", False),
        (FiniteVerb(), "It's a dog.", True),
        (FiniteVerb(), "The dog found in the park.", False),
        (FiniteVerb(), "I found the dog.", True),
    ],
)
def test_english_single_constraints(constraint: Constraint, text: str, accepted: bool) -> None:
    assert judge([constraint], english(), ENGLISH, text) == accepted


@pytest.mark.parametrize(
    ("text", "accepted"),
    [
        ("今天天气很好\uff0c我们去公园。", True),
        ("今天很好\uff0c我们去公园。", False),
        ("我们去公园\uff0c今天“天气很好”。", True),
        ("今天天气很好\uff0c我们去公园", False),
        ("我天气公园。", True),
    ],
)
def test_chinese_keywords_are_runs_of_characters(text: str, accepted: bool) -> None:
    form = text_form("zh")
    assert judge([Sentence(), Keywords.of(["天气、公园"], form)], form, CHINESE, text) == accepted


def test_unknown_word_may_be_demanded_anywhere() -> None:
    form = english()
    keywords = Keywords.of(["zorb", "Quux"], form)
    for text in ("Quux was a zorb.", "The zorb was a Quux."):
        assert judge([keywords, Sentence()], form, ENGLISH, text)
