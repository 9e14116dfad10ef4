"""Chinese words inside texts: the most probable division against all divisions, and demanded words that are hidden across others."""

import random
from itertools import pairwise, product

import pytest

from searchgen.api import constrain
from searchgen.lm.ngram.load import load
from searchgen.ranking.whole_words import hidden_words, whole_words_first
from searchgen.request.model_ref import ModelRef
from searchgen.request.request import Request
from searchgen.sources.source import open_source
from searchgen.target import Target
from searchgen.text.lexicon.segmentation import UNKNOWN, Segmentation, chinese_words


def test_the_division_is_the_most_probable_of_all() -> None:
    draw = random.Random(0)
    for _ in range(200):
        pieces = {"".join(draw.choices("abc", k=draw.randint(1, 3))): -draw.uniform(1, 9) for _ in range(8)}
        text = draw.choices("abc", k=draw.randint(1, 7))
        scores = {}
        for cuts in product((False, True), repeat=len(text) - 1):
            places = [0, *(i + 1 for i, cut in enumerate(cuts) if cut), len(text)]
            parts = ["".join(text[a:b]) for a, b in pairwise(places)]
            if all(part in pieces or len(part) == 1 for part in parts):
                scores[frozenset(places)] = sum(pieces.get(part, UNKNOWN) for part in parts)
        found = Segmentation(pieces).borders(text)
        assert scores[found] == pytest.approx(max(scores.values()))


def test_nothing_and_what_is_no_chinese() -> None:
    segmentation = Segmentation({"道路": -3.0})
    assert segmentation.borders([]) == {0}
    assert segmentation.borders(["BBC", "道", "路"]) == {0, 1, 3}


@pytest.mark.parametrize(
    ("text", "words", "hidden"),
    [
        ("我不知道路的桥梁。", ["道路", "桥梁"], 1),
        ("这条道路有一座桥梁。", ["道路", "桥梁"], 0),
        ("这是一个互联网站。", ["互联网", "网站"], 1),
        ("太阳比月亮大。", ["太阳", "月亮"], 0),
        ("这种子可能是植物。", ["种子"], 1),
    ],
)
def test_what_comes_with_searchgen_finds_hidden_words(text: str, words: list[str], hidden: int) -> None:
    segmentation = chinese_words()
    assert hidden_words(tuple(text), [[tuple(word)] for word in words], segmentation) == hidden


def test_a_hyphen_makes_a_word_a_part_of_another() -> None:
    """Unless it is demanded with it, or the word stands elsewhere on its own."""
    text = ("the", "fire", "-", "alarm", "rang")
    assert hidden_words(text, [[("fire",)], [("rang",)]], None) == 1
    assert hidden_words(text, [[("fire", "-", "alarm")], [("the",)]], None) == 0
    assert hidden_words(("fire", "!", *text), [[("fire",)], [("alarm",)]], None) == 1
    assert (
        hidden_words(("a", "fire", "rang"), [[("fire",)], [("fire",)], [("a", "fire")]], None) == 0
    )  # words may overlap
    target = Target.of(Request(keywords=(("ball",),)), load("en-ngram"))
    found = ["It was a dog-ball park.", "It was a ball."]
    ids = [tuple(target.vocabulary.encode(target.form.tokenise(one)).tolist()) for one in found]
    assert whole_words_first(ids, target, None).tolist() == [1, 0]


def test_alternatives_and_repetitions_are_whole_if_one_is() -> None:
    segmentation = Segmentation(
        {"知道": -3.0, "道路": -4.0, "大路": -4.0, "路": -9.0, "知": -9.0, "大": -9.0, "道": -9.0}
    )
    road, highway, known = tuple("道路"), tuple("大路"), tuple("知道")
    assert hidden_words(tuple("知道路大路"), [[road, highway]], segmentation) == 0
    assert hidden_words(tuple("知道路道路"), [[road]], segmentation) == 0
    assert hidden_words(tuple("知道路"), [[road], [known]], segmentation) == 1


def test_case_does_not_count() -> None:
    model, segmentation = load("zh-ngram"), chinese_words()
    name = next(token for token in model.vocabulary if token.isascii() and token.isupper())
    target = Target.of(Request(keywords=((name.lower(),), ("道路",)), lm="zh-ngram"), model)
    texts = [target.vocabulary.encode([*text]).tolist() for text in ([*"这条道路。"], [name, *"这条道路。"])]
    assert whole_words_first([tuple(text) for text in texts], target, segmentation).tolist() == [1, 0]
    folded = target.form.fold(name)
    assert hidden_words((folded, *"这条道路。"), [[(folded,)], [("道", "路")]], segmentation) == 0


def test_the_order_is_stable_and_words_of_english_have_no_segmentation() -> None:
    request = Request(keywords=(("道路",),), lm="zh-ngram")
    model = load("zh-ngram")
    target = Target.of(request, model)
    ids = [
        tuple(target.vocabulary.encode(list(text)).tolist())
        for text in ("我不知道路。", "这条道路。", "我不知道路了。", "道路。")
    ]
    segmentation = chinese_words()
    assert whole_words_first(ids, target, segmentation).tolist() == [1, 3, 0, 2]
    assert open_source(ModelRef.parse("zh-ngram")).segmentation is segmentation
    assert open_source(ModelRef.parse("en-ngram")).segmentation is None


def test_searches_print_texts_with_whole_words_first() -> None:
    segmentation = chinese_words()
    for lm in ("zh", "zh-ngram"):
        (record,) = constrain(["道路", "桥梁"], lm=lm, seed=7)
        assert hidden_words(record.tokens, [[("道", "路")], [("桥", "梁")]], segmentation) == 0, record.text
