"""Bounds on meaning and on shared words: against plain counts, and against the vectors of the printed text."""

import random
from math import ceil

import numpy as np
import pytest

from searchgen.constraints import Length
from searchgen.constraints.words.similarity import Overlap, Similarity
from searchgen.demands.demands import Demands
from searchgen.demands.judge import Judge, term_of
from searchgen.errors import RequestError, TooLarge
from searchgen.jobs.draws import refuse_black_box_terms
from searchgen.lm.ngram.model import NGram
from searchgen.meaning.vectors import vectors_of
from searchgen.request.request import PLAIN_TERMS, Request
from searchgen.samplers.registry import method
from searchgen.target import Target
from searchgen.testing import assert_constraint
from searchgen.text import text_form
from searchgen.vocabulary import Vocabulary
from tests.constraints.toy_text import FORM

WORDS = "the a dog cat hound puppy sleeps runs ran old door near price of rose , .".split()  # noqa: SIM905
VOCABULARY = Vocabulary(WORDS, text_form("en"))
CHINESE = Vocabulary(list("我你们喜欢咖啡茶爱喝在家里。，"), text_form("zh"))


def text_of(seed: int) -> str:
    draw = random.Random(seed)
    return " ".join(draw.choice(WORDS) for _ in range(draw.randint(1, 8)))


def shared(text: str, other: str) -> float:
    """The definition, by striking out one word after the other."""
    mine, theirs = ([word for word in one.split() if word.isalpha()] for one in (text, other))
    total, common = len(mine) + len(theirs), 0
    for word in mine:
        if word in theirs:
            theirs.remove(word)
            common += 1
    return 2 * common / total


def test_overlap_by_striking_out_words() -> None:
    other, verdicts = "the dog the cat ran", set()
    judge = Judge.of(Demands.nothing(min_words=1, max_words=99, similar_to=other, max_overlap=0.5), VOCABULARY)
    for seed in range(200):
        text = text_of(seed)
        if any(map(str.isalpha, text.split())):
            verdicts.add(shared(text, other) <= 0.5)
            assert judge.judged(text)["overlap of at most 0.5"] == (shared(text, other) <= 0.5), text
    assert verdicts == {False, True}


@pytest.mark.parametrize("most", [0.0, 0.4, 1.0])
def test_the_automaton_of_overlap(most: float) -> None:
    other = ("a", "a", "b")
    assert_constraint(
        Overlap(other, most), ["a", "b", "c", ","], lambda text: shared_tokens(text, other) <= most, FORM, 5
    )


def shared_tokens(text: tuple[str, ...], other: tuple[str, ...]) -> float:
    return shared(" ".join(text), " ".join(other))


@pytest.mark.parametrize(
    ("vocabulary", "other", "texts"),
    [
        (VOCABULARY, "The dog sleeps near the old door.", [text_of(seed) for seed in range(40)]),
        (CHINESE, "我喜欢喝咖啡。", ["我爱喝茶。", "你们在家里。", "我喜欢喝咖啡。", "我们喜欢咖啡"]),
    ],
    ids=["en", "zh"],
)
def test_similarity_is_that_of_the_printed_text(vocabulary: Vocabulary, other: str, texts: list[str]) -> None:
    verdicts = set()
    for text in [other, *texts]:
        similarity = vectors_of(vocabulary.form.name).similarity(text, other)
        for least in (-0.5, 0.3, 0.8):
            demands = Demands.nothing(min_words=1, max_words=99, similar_to=other, min_similarity=least)
            judged = Judge.of(demands, vocabulary).judged(text)
            verdicts.add(judged[f"similarity of at least {least:g}"])
            assert judged[f"similarity of at least {least:g}"] == (similarity >= least - 1e-6), text
    assert verdicts == {False, True}


def test_violations_fall_towards_the_bound() -> None:
    constraint = Similarity("我喜欢喝咖啡。", "zh", 0.9)
    term = term_of(constraint, CHINESE)
    assert term.violations is not None
    counts = [term.violations(text) for text in ("你们在家里。", "我爱喝茶。", "我喜欢喝咖啡，")]
    assert counts[0] > counts[1] > counts[2] == 0
    assert term.log_weight("你们在家里。") == float("-inf")
    ids = np.array(CHINESE.encode(list("我爱喝茶。")), np.int32)
    assert counts[1] == ceil((0.9 - constraint.value(ids, CHINESE)) / 0.05)


def test_samplers_that_need_parts_refuse_by_name() -> None:
    model = NGram.from_sentences([["a", "dog"], ["a", "cat"]], order=2, form="raw")
    bounds = [Similarity("a dog", "en", 0.5), Overlap(("a", "dog"), 0.6)]
    target = Target.of_parts(model, [*bounds, Length(1, 3)], terms=PLAIN_TERMS)
    refuse_black_box_terms(method("surrogate"), target)
    said = r"similarity of at least 0\.5, overlap of at most 0\.6 is a function without parts; use .*surrogate"
    with pytest.raises(RequestError, match=said):
        refuse_black_box_terms(method("mh"), target)


@pytest.mark.parametrize(
    ("demands", "said"),
    [
        ({"min_similarity": 0.5}, "--min-similarity without a text"),
        ({"max_overlap": 0.5, "similar_to": " "}, "--max-overlap without a text"),
        ({"similar_to": "a dog"}, "--similar-to without a bound"),
        ({"similar_to": "a dog", "min_similarity": 1.5}, "from -1 to 1"),
        ({"similar_to": "a dog", "max_overlap": -0.1}, "from 0 to 1"),
    ],
    ids=["no text", "blank text", "no bound", "similarity", "overlap"],
)
def test_bounds_that_say_nothing(demands: dict[str, object], said: str) -> None:
    with pytest.raises(RequestError, match=said):
        Similarity.check(Demands.nothing(**demands))


def test_texts_that_cannot_be_compared() -> None:
    for form, other, said in (
        ("en", "qqzzx vvwwk", "no word has a vector"),
        ("raw", "a dog", "no word vectors"),
        ("en", "...", "no word"),
    ):
        demands = Demands.nothing(similar_to=other, min_similarity=0.5, max_overlap=0.5)
        with pytest.raises(RequestError, match=said):
            Judge.of(demands, Vocabulary(WORDS, text_form(form)))
    with pytest.raises(TooLarge, match="has no automaton"):
        Similarity("a dog", "en", 0.5).automaton(VOCABULARY)
    with pytest.raises(TooLarge, match="states"):
        Overlap(tuple(f"w{i}" for i in range(40)), 0.5).automaton(VOCABULARY)


def test_a_folder_says_nothing_of_the_language() -> None:
    request = Request(Demands.nothing(similar_to="A dog.", min_similarity=0.5, vectors="模型/句子"))
    assert (request.words, request.model.language) == ("A dog.", "en")
