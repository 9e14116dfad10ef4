"""Constraints on words: only listed ones, parts of words, no content word twice. The oracles read printed text only."""

import random
import re

import pytest

from searchgen.constraints.words.affixes import Affix, Affixes
from searchgen.constraints.words.no_repeats import NoRepeats
from searchgen.constraints.words.only_words import OnlyWords
from searchgen.demands.demands import Demands
from searchgen.demands.judge import Judge
from searchgen.errors import Contradiction, RequestError
from searchgen.testing import assert_constraint
from searchgen.testing.constraints import Text
from searchgen.text import text_form
from searchgen.vocabulary import Vocabulary
from tests.cli.runner import constrain, searchgen
from tests.constraints.toy_text import FORM

#: Texts of these are judged; some are in no vocabulary.
WORDS = "the The of and dog Dog dogs dog's unhappy happy happiness nation national un don't walk walked 7 zorb Iphone was".split(  # noqa: SIM905
    " "
)
MARKS = [", ", ". ", "; ", " ", " ", " ", " ", "-", "! "]
HAN = ["我", "们", "去", "公", "园", "玩", "，", "。", "iPhone"]

VOCABULARY = Vocabulary(["<unk>", "<s>", "</s>", *WORDS[:-4], ",", ".", ";", "!", "-"], text_form("en"))
CHINESE = Vocabulary(["<unk>", "<s>", "</s>", *HAN[:-1]], text_form("zh"))

FAST = range(200)
SLOW = pytest.param(range(200, 10_200), marks=pytest.mark.slow)


def text_of(seed: int) -> str:
    draw = random.Random(seed)
    pieces = [draw.choice(WORDS) + draw.choice(MARKS) for _ in range(draw.randint(1, 6))]
    return "".join(pieces).strip(" -,;")


def chinese_text_of(seed: int) -> str:
    draw = random.Random(seed)
    return "".join(draw.choice(HAN) for _ in range(draw.randint(1, 7)))


def words_of(text: str) -> list[str]:
    """Words as people part them, small letters, the parts of a word with a hyphen each."""
    return re.findall(r"[a-z0-9]+(?:'[a-z]+)*", text.lower())


def verdict(text: str, vocabulary: Vocabulary = VOCABULARY, **demands: object) -> bool:
    judge = Judge.of(Demands.nothing(min_words=1, max_words=200, **demands), vocabulary)
    return all(judge.judged(text).values())


@pytest.mark.parametrize("seeds", [FAST, SLOW])
def test_only_words_by_the_text_alone(seeds: range) -> None:
    verdicts = []
    listed = ("the", "of", "dog", "happy", "nation", "walk", "don't", "7", "zorb", "DOGS")
    judge = Judge.of(Demands.nothing(min_words=1, max_words=200, only_words=listed), VOCABULARY)
    for seed in seeds:
        text = text_of(seed)
        wanted = set(words_of(text)) <= {word.lower() for word in listed}
        verdicts.append(wanted)
        assert all(judge.judged(text).values()) == wanted, text
    assert 10 < sum(verdicts) < len(verdicts) - 10


@pytest.mark.parametrize("seeds", [FAST, SLOW])
def test_only_words_in_chinese_by_the_text_alone(seeds: range) -> None:
    listed = ("我们", "我", "去", "公园", "园玩", "iPhone", "们去公")
    row = re.compile(rf"(?:{'|'.join(listed)}|，|。)*", re.IGNORECASE)
    judge = Judge.of(Demands.nothing(min_words=1, max_words=200, only_words=listed), CHINESE)
    verdicts = []
    for seed in seeds:
        text = chinese_text_of(seed)
        if "iPhoneiPhone" in text:
            continue  # one word of another name
        verdicts.append(row.fullmatch(text) is not None)
        lengths = re.search(r"[^，。]", text) is not None
        assert all(judge.judged(text).values()) == (verdicts[-1] and lengths), text
    assert 3 < sum(verdicts) < len(verdicts) - 10


@pytest.mark.parametrize("seeds", [FAST, SLOW])
def test_parts_of_words_by_the_text_alone(seeds: range) -> None:
    demands = Demands.nothing(
        min_words=1, max_words=200, with_prefix=("Un",), with_suffix=("ed", "s"), with_stem=("nation",)
    )
    judge = Judge.of(demands, VOCABULARY)
    seen = set()
    for seed in seeds:
        text = text_of(seed)
        words = words_of(text)
        wanted = {
            "prefix un": any(re.fullmatch(r"un.+", word) for word in words),
            "suffix ed": any(re.fullmatch(r".+ed", word) for word in words),
            "suffix s": any(re.fullmatch(r".+s", word) for word in words),
            "stem nation": any("nation" in word for word in words),
        }
        said = judge.judged(text)
        assert {name: said[name] for name in wanted} == wanted, text
        seen |= set(wanted.items())
    assert len(seen) == 8


@pytest.mark.parametrize("seeds", [FAST, SLOW])
def test_no_repeats_by_the_text_alone(seeds: range) -> None:
    judge = Judge.of(Demands.nothing(min_words=1, max_words=200, repeats=False), VOCABULARY)
    verdicts = []
    for seed in seeds:
        text = text_of(seed)
        contents = [
            word.removesuffix("'s") for word in words_of(text) if word not in ("the", "of", "and", "don't", "was")
        ]
        verdicts.append(len(contents) == len(set(contents)))
        assert judge.judged(text)["no content word twice"] == verdicts[-1], text
    assert 10 < sum(verdicts) < len(verdicts) - 10


def test_automata_of_words() -> None:
    tokens = ["a", "A", "b", "c", ","]
    assert_constraint(OnlyWords(frozenset({("a",), ("c",)})), tokens, lambda text: "b" not in text, FORM, 5)
    row = re.compile(r"(ab|b|bca|,)*")
    items = frozenset({("a", "b"), ("b",), ("b", "c", "a")})

    def is_row(text: Text) -> bool:
        return row.fullmatch("".join(text).lower()) is not None

    assert_constraint(OnlyWords(items, parted=False), tokens, is_row, FORM, 6)
    parts = Affixes((Affix("prefix", "a"), Affix("stem", "b")))
    held = re.compile(r"(?=.* a\w)(?=.* \w*b)")
    assert_constraint(
        parts, ["ab", "a", "cb", "ac", ","], lambda text: held.match(f" {' '.join(text)}") is not None, FORM, 4
    )

    def once(text: Text) -> bool:
        words = [token.lower() for token in text if token not in ("the", ",")]
        return len(words) == len(set(words))

    assert_constraint(NoRepeats(), ["dog", "Dog", "cat", "the", ","], once, FORM, 5)


def test_the_automaton_of_repeats_refuses_a_vocabulary() -> None:
    many = Vocabulary([f"word{i}" for i in range(40)], text_form("en"))
    with pytest.raises(RequestError, match="entries"):
        NoRepeats().automaton(many)


def test_what_is_demanded_joins_the_list() -> None:
    judge = Judge.of(
        Demands.nothing(
            min_words=1, only_words=("the",), keywords=(("dog", "walk"), ("happy",)), starts_with="The dog"
        ),
        VOCABULARY,
    )
    assert judge.notes == ("--only-words lacks dog, walk, happy, the dog: allowed, because it is asked for",)
    assert all(judge.judged("The dog, happy").values())
    assert verdict("the walk", only_words=("the", "walk"), keywords=(("dog", "walk"),))
    assert not verdict("the dog", only_words=("the", "walk"), keywords=(("dog", "walk"),))


def test_what_a_list_cannot_be() -> None:
    for words, said in (((",",), "lists no word"), (("a" * 1001,), "1,000 characters")):
        demands = Demands.nothing(only_words=words)
        with pytest.raises(RequestError, match=said):
            OnlyWords.check(demands) or Judge.of(demands, VOCABULARY)
    with pytest.raises(RequestError, match="letters of one word"):
        verdict("a", with_prefix=("un happy",))
    with pytest.raises(RequestError, match="Chinese"):
        verdict("我", CHINESE, with_stem=("un",))
    with pytest.raises(RequestError, match="English"):
        verdict("我", CHINESE, repeats=False)
    with pytest.raises(Contradiction, match="'dog' is asked for twice"):
        verdict("a", repeats=False, ordered=True, keywords=(("dog",), ("the",), ("Dog",)))


def test_the_commands_heed_them() -> None:
    row = constrain("-k", "dog,park", "--no-repeats", "--with-suffix", "ing", "--seed", "5", "--json").rows[0]
    assert row["satisfied"]["no content word twice"]
    assert row["satisfied"]["suffix ing"]
    words = [
        word for word in words_of(row["text"]) if word not in ("the", "a", "in", "to", "of", "was", "he", "and", "it")
    ]
    assert len(words) == len(set(words))
    only = constrain("-k", "dog", "--only-words", "the,a,was,in,park,there", "--seed", "5", "--json").rows[0]
    assert set(words_of(only["text"])) <= set(["the", "a", "was", "in", "park", "there", "dog"])
    refused = searchgen("sample", "-k", "dog", "--no-repeats", "--max-words", "6")
    assert refused.code == 2
    assert "no content word twice is a function without parts; use" in refused.err
    assert searchgen("explain", "-k", "dog", "--no-repeats", "--max-words", "6").code == 2
