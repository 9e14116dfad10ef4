"""A demanded Chinese word is a word: the automaton, the parts and the spans against a reader of printed text."""

import itertools
import random

import pytest

from searchgen.constraints import CONSTRAINTS, Keywords
from searchgen.constraints.keywords import MOST_STANDING
from searchgen.constraints.words import standing_machine
from searchgen.constraints.words.standing import Standing, symbols_of
from searchgen.demands.demands import Demands
from searchgen.demands.judge import Judge
from searchgen.demands.to_constraints import constraints_of
from searchgen.errors import RequestError
from searchgen.testing import assert_automaton, assert_constraint
from searchgen.text import text_form
from searchgen.text.lexicon.segmentation import Segmentation, chinese_words
from searchgen.vocabulary import Vocabulary
from tests.cli.runner import searchgen
from tests.constraints.whole_words_oracle import Oracle

ZH = text_form("zh")

#: 天 to 路: a word that crosses 知道, one that holds it, one that crosses both of its borders, chains of them.
SMALL = {
    "知": -8.0, "道": -7.5, "路": -7.0, "不": -4.0, "知道": -6.0, "道路": -8.5, "不知": -9.0, "道路不": -13.0, "不知道路": -14.0,
    "路不": -10.0, "知道不知": -11.0, "路不知道": -9.5,
}  # fmt: skip


def items_of(written: str) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(item.split("|")) for item in written.split(","))


def keywords(written: str, lexicon: Segmentation | None, **settings: bool) -> Keywords:
    items = tuple(tuple(tuple(phrase) for phrase in item) for item in items_of(written))
    return Keywords(items, lexicon=lexicon, **settings)


@pytest.mark.parametrize(
    ("written", "harmless"),
    [
        ("道路", []),
        ("道路", [("道路", "知道")]),
        ("知道", []),
        ("知道,道路", []),
        ("道路|路不", []),
        ("知道,知道路", []),
        ("路知", []),
        ("不知道", []),
        ("不,道路", []),
    ],
)
@pytest.mark.parametrize("overlap", [False, True])
def test_words_in_all_short_texts(written: str, harmless: list[tuple[str, str]], overlap: bool) -> None:
    oracle = Oracle(SMALL, items_of(written), frozenset(harmless))
    asked = keywords(written, Segmentation(SMALL, harmless=frozenset(harmless)), overlap=overlap)
    assert_constraint(asked, [*"知道路不，"], lambda text: oracle.holds("".join(text), overlap), ZH, 6)


@pytest.mark.parametrize("written", ["道路,知道", "知道,道路,不知", "道路,道路", "不知|路不,道路"])
def test_words_in_order(written: str) -> None:
    oracle = Oracle(SMALL, items_of(written))
    asked = keywords(written, Segmentation(SMALL), ordered=True)
    assert_constraint(asked, [*"知道路不，"], lambda text: oracle.in_order("".join(text)), ZH, 6)


def test_words_group_by_group() -> None:
    """Groups are parted by a token that no keyword heeds."""
    words, known = ["道路", "知道", "不知"], Vocabulary([*"知道路不，"], ZH)
    first, second = (Oracle(SMALL, items) for items in (items_of("道路,知道"), items_of("不知")))

    def predicate(text: tuple[str, ...]) -> bool:
        cuts = [place for place, token in enumerate(text) if token == "，"]
        return any(first.holds("".join(text[:cut])) and second.holds("".join(text[cut + 1 :])) for cut in cuts)

    automaton = keywords(",".join(words), Segmentation(SMALL)).automaton(known, group=2)
    assert_automaton(automaton, [*known], predicate, 7)


def test_control_a_machine_that_forgets_what_stands_before_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Standing, "remembered", lambda self, before: ())
    standing_machine._machine.cache_clear()
    oracle = Oracle(SMALL, items_of("道路"))
    with pytest.raises(AssertionError, match="automaton against predicate"):
        assert_constraint(
            keywords("道路", Segmentation(SMALL)), [*"知道路不，"], lambda text: oracle.holds("".join(text)), ZH, 4
        )
    standing_machine._machine.cache_clear()


def random_case(draw: random.Random) -> tuple[Oracle, Segmentation, str]:
    """A lexicon over six characters, one to three demanded words, some of them unknown to it, and a text."""
    letters = "天气好大雨人"
    words = {"".join(draw.choices(letters, k=draw.randint(2, 4))): -draw.uniform(4, 14) for _ in range(14)}
    log_p = words | {letter: -draw.uniform(3, 10) for letter in draw.sample(letters, 5)}
    known = [*draw.choices([*words], k=2), "".join(draw.choices(letters, k=draw.randint(1, 3)))]
    items = tuple((word,) for word in dict.fromkeys(draw.sample(known, draw.randint(1, 3))))
    pieces = [*known, *words, *letters, "，", "A"]
    harmless = frozenset((item[0], rival) for item in items for rival in draw.sample([*words], 2))
    text = "".join(draw.choice(pieces) for _ in range(draw.randint(2, 6)))
    return Oracle(log_p, items, harmless), Segmentation(log_p, harmless=harmless), text


def assert_agreement(seed: int) -> bool:
    """Automaton, verdict and spans of one random case; whether the text holds all words."""
    oracle, lexicon, text = random_case(random.Random(seed))
    known = Vocabulary([*"天气好大雨人，A"], ZH)
    asked = Keywords(tuple((tuple(item[0]),) for item in oracle.items), lexicon=lexicon)
    ids, promised = known.encode([*text]), oracle.holds(text)
    assert asked.automaton(known).accepts(ids) == promised, (seed, text, oracle)
    assert all(asked.parts(ids, known).values()) == promised, (seed, text, oracle)
    for part, first, end in asked.places(ids, known):
        assert (first, end) in oracle.places((part.removeprefix("keyword "),), text), (seed, text, oracle)
    assert (len(asked.places(ids, known)) == len(oracle.items)) == promised, (seed, text, oracle)
    return promised


def test_seeded_texts() -> None:
    held = [assert_agreement(seed) for seed in range(200)]
    assert 20 <= sum(held) <= 180


@pytest.mark.slow
def test_many_seeded_texts() -> None:
    held = [assert_agreement(seed) for seed in range(200, 10_200)]
    assert 1_000 <= sum(held) <= 9_000


@pytest.mark.parametrize(
    ("word", "text", "holds"),
    [
        ("类似", "这个问题类似乎很难。", False),
        ("下班", "我每天休息一下班。", False),
        ("欢迎", "我不喜欢迎客人。", False),
        ("火车", "我们去火车站。", False),
        ("号码", "这是我的电话号码。", True),
        ("钢琴", "我妹妹正在弹钢琴。", True),
        ("道路", "我不知道路的名字。", False),
        ("天气", "今天天气很好。", True),
        ("天气", "这里的天气", True),
        ("下班", "我下班了，一下班就回家。", True),
        ("内卷", "现在内卷很厉害。", True),
        ("张伟", "张伟是我的朋友。", True),
        ("张伟", "他要张伟大。", False),
        ("雨", "今天下雨了。", True),
    ],
)
def test_what_comes_with_searchgen(word: str, text: str, holds: bool) -> None:
    known = Vocabulary([], ZH)
    judge = Judge.of(Demands.nothing(keywords=((word,),)), known)
    assert judge.judged(text)[f"keyword {word}"] == holds
    loose = Judge.of(Demands.nothing(keywords=((word,),), inside_words=True), known)
    assert loose.judged(text)[f"keyword {word}"]


def test_alike_characters_are_one_symbol() -> None:
    """A keyword takes few states, however many contexts it has, and no two symbols that are alike."""
    phrase = ("天", "气")
    items, standing = [(phrase,)], Standing.of([(phrase,)], chinese_words())
    contexts = standing.barred[phrase]
    symbols = symbols_of(items, standing)
    known = Vocabulary([*dict.fromkeys("".join(map("".join, itertools.chain(*contexts)))), *phrase], ZH)
    automaton = Keywords((items[0],), lexicon=chinese_words()).automaton(known)
    assert len(contexts) > 40
    assert len(automaton.accept) < 20
    assert automaton.next.shape[1] <= len({*symbols.of.values()}) + 1
    columns = {column.tobytes() for column in automaton.next.T}
    assert len(columns) == automaton.next.shape[1]


def test_too_many_keywords_may_stand_inside_words() -> None:
    words = ["天气", "火车", "下班", "欢迎", "类似", "担任", "道路", "问题"]
    for count in (MOST_STANDING, MOST_STANDING + 1):
        demanded = constraints_of(
            Demands.nothing(keywords=tuple((word,) for word in words[:count])), ZH, Vocabulary([], ZH)
        )
        assert any("--inside-words" in note for note in demanded.notes) == (count > MOST_STANDING)
        made = demanded.constraints[0]
        known = Vocabulary([*dict.fromkeys("".join(words)), "站"], ZH)
        text = known.encode([*"火车站", *"".join(word for word in words[:count] if word != "火车")])
        assert made.automaton(known).accepts(text) == (count > MOST_STANDING) == all(made.parts(text, known).values())


def test_the_flag_in_commands() -> None:
    texts = "我每天休息一下班。\n我下班了。\n".encode()
    assert "1 of 2 lines pass" in searchgen("check", "-k", "下班", "--lm", "zh-ngram", stdin=texts).err
    ran = searchgen("check", "-k", "下班", "--inside-words", "--lm", "zh-ngram", stdin=texts)
    assert "2 of 2 lines pass" in ran.err
    texts = "我下班去火车站。\n我下班坐火车。\n".encode()
    for condition, passing in (("holds(下班) and not holds(火车)", 1), ("holds(下班) and holds(火车)", 1)):
        ran = searchgen("check", "--where", condition, "--lm", "zh-ngram", stdin=texts)
        assert f"{passing} of 2 lines pass" in ran.err
    ran = searchgen("check", "--where", "not holds(火车)", "--inside-words", "--lm", "zh-ngram", stdin=texts)
    assert "0 of 2 lines pass" in ran.err
    refused = searchgen("constrain", "-k", "dog", "--inside-words", "--lm", "en-ngram")
    assert refused.code == 2
    assert "--inside-words" in refused.err


@pytest.mark.parametrize("inside_words", [False, True])
@pytest.mark.parametrize(
    "demands",
    [
        {"keywords": (("火车",),)},
        {"keywords": (("火车",), ("名字",)), "ordered": True},
        {"where": ("holds(火车)",)},
        {"where": ("holds(火车) or words(2)",)},
    ],
)
def test_a_part_that_is_measured_alone_keeps_the_flag(demands: dict[str, object], inside_words: bool) -> None:
    known = Vocabulary([*"我们去火车站的名字。"], ZH)
    asked = Demands.nothing(inside_words=inside_words, **demands)
    (alone,) = (part for constraint in CONSTRAINTS.values() for _, part, _ in constraint.apart(asked))
    made = [constraints_of(of, ZH, known).constraints for of in (asked, Demands.nothing(**alone))]
    assert made[0] == made[1]
    assert made[1][0].automaton(known).accepts(known.encode([*"我们去火车站的名字"])) == inside_words


def test_a_language_with_spaces_refuses_the_flag() -> None:
    with pytest.raises(RequestError, match="--inside-words"):
        constraints_of(
            Demands.nothing(keywords=(("dog",),), inside_words=True), text_form("en"), Vocabulary([], text_form("en"))
        )
