"""Conditions on the printed text against an oracle that reads text only: seeded texts of real vocabularies, and all short ones."""

import random
import re
from collections.abc import Callable, Iterator
from functools import cache
from itertools import product

import pytest

from searchgen.automata import DEAD, START
from searchgen.constraints.printed.condition import Printed
from searchgen.constraints.printed.initials import AcrosticWords, Alliteration, LastLetters
from searchgen.constraints.printed.letters import OnlyLetters, Univocalic, WithoutLetters
from searchgen.constraints.printed.positions import At
from searchgen.constraints.printed.ranges import Range
from searchgen.constraints.printed.sizes import Characters, PrintedWords, WordLength
from searchgen.errors import RequestError
from searchgen.testing import assert_constraint
from searchgen.text import text_form
from searchgen.vocabulary import Vocabulary
from tests.constraints import printed_oracle as oracle
from tests.constraints.printed_oracle import Verdict

MARK = f"[{re.escape(oracle.OUTER)}]"

#: Each constraint with its meaning; the texts are English.
ENGLISH: list[tuple[Printed, Verdict]] = [
    (WithoutLetters("e"), oracle.without_letters("e")),
    (WithoutLetters("as"), oracle.without_letters("as")),
    (OnlyLetters("aehnst"), oracle.only_letters("aehnst")),
    (Univocalic("any"), oracle.univocalic("any")),
    (Univocalic("a"), oracle.univocalic("a")),
    (AcrosticWords("ta"), oracle.acrostic_words("ta")),
    (AcrosticWords("aac"), oracle.acrostic_words("aac")),
    (LastLetters("et"), oracle.last_letters("et")),
    (Alliteration("any"), oracle.alliteration("any")),
    (Alliteration("t"), oracle.alliteration("t")),
    (PrintedWords(Range(3, 3)), oracle.words(3, 3)),
    (PrintedWords(Range(0, 2)), oracle.words(0, 2)),
    (PrintedWords(Range(3, None)), oracle.words(3, 99)),
    (Characters(Range(7, 12)), oracle.characters(7, 12)),
    (Characters(Range(9, None)), oracle.characters(9, 999)),
    (WordLength(Range(1, 3)), oracle.word_length(1, 3)),
    (WordLength(Range(3, 8)), oracle.word_length(3, 8)),
    (WordLength(Range(2, None)), oracle.word_length(2, 99)),
    (At(1, ("The",)), oracle.at(1, "the")),
    (At(2, ("a",)), oracle.at(2, "a")),
    (At(3, ("R&D",)), oracle.at(3, "R&D")),
    (At(-1, ("tea",)), oracle.at(-1, "tea")),
    (At(-3, ("at",)), oracle.at(-3, "at")),
    (At(2, ("Mr.", "on")), lambda text: oracle.at(2, "Mr")(text) or oracle.at(2, "on")(text)),
    (At(1, ("a-tea",)), oracle.at(1, "a-tea")),
    (At(1, ("=At",)), lambda text: oracle.words_of(text)[:1] == ["At"]),
    (At(1, ("the tea",)), lambda text: re.match(f"({MARK}* )*{MARK}*the tea{MARK}*( |$)", text, re.I) is not None),
]

CHINESE: list[tuple[Printed, Verdict]] = [
    (WithoutLetters("的"), oracle.without_letters("的")),
    (OnlyLetters("天气好ab"), oracle.only_letters("天气好ab")),
    (PrintedWords(Range(3, 3)), oracle.words(3, 3, oracle.characters_of)),
    (Characters(Range(3, 4)), oracle.characters(3, 4)),
    (At(2, ("天",)), oracle.at(2, "天", oracle.characters_of)),
    (At(1, ("AI",)), oracle.at(1, "AI", oracle.characters_of)),
    (At(-2, ("气",)), oracle.at(-2, "气", oracle.characters_of)),
    (At(1, ("天气",)), lambda text: text.lstrip("，。“”—").startswith("天气")),
    (At(-1, ("天气",)), lambda text: text.rstrip("，。“”—").endswith("天气")),
]

WORDS = {
    "en": "the a At an ate that Ten tea café is on 5 24 R&D dog's tis Mr. in - -- , . “ ” ( ) 'tis . , -".split(),  # noqa: SIM905
    "zh": "天 气 好 的 我 是 AI 10 , 。 ， “ ” —— ab".split(),  # noqa: SIM905
}


@cache
def known(form: str) -> Vocabulary:
    return Vocabulary(list(dict.fromkeys(WORDS[form])), text_form(form))


def seeded(form: str, count: int) -> Iterator[list[int]]:
    """Yield random sequences of tokens, which need be no canonical texts."""
    chance = random.Random(f"{form} {count}")
    for _ in range(count):
        yield [chance.randrange(len(known(form))) for _ in range(chance.randrange(1, 9))]


def short_texts(form: str) -> Iterator[list[int]]:
    """Yield all sequences of two tokens, and all of four of every fourth token."""
    few = range(0, len(known(form)), 4)
    yield from map(list, product(range(len(known(form))), repeat=2))
    yield from map(list, product(few, repeat=4))


def agree(constraint: Printed, verdict: Verdict, form: str, texts: Iterator[list[int]]) -> tuple[int, int]:
    """Compare automaton, parts and oracle; return how many texts satisfy the constraint, and how many there are."""
    vocabulary = known(form)
    automaton = constraint.automaton(vocabulary)
    satisfied = total = 0
    for ids in texts:
        printed = vocabulary.form.detokenise(vocabulary.decode(ids))
        wanted = verdict(printed)
        assert automaton.accepts(ids) == wanted, (constraint, printed)
        assert all(constraint.parts(ids, vocabulary).values()) == wanted, (constraint, printed)
        satisfied, total = satisfied + wanted, total + 1
    return satisfied, total


CASES = [*(("en", *case) for case in ENGLISH), *(("zh", *case) for case in CHINESE)]


@pytest.mark.parametrize(("form", "constraint", "verdict"), CASES, ids=lambda case: getattr(case, "describe", str)())
def test_seeded_texts(form: str, constraint: Printed, verdict: Verdict) -> None:
    agree(constraint, verdict, form, seeded(form, 200))


@pytest.mark.slow
@pytest.mark.parametrize(("form", "constraint", "verdict"), CASES, ids=lambda case: getattr(case, "describe", str)())
def test_many_seeded_texts(form: str, constraint: Printed, verdict: Verdict) -> None:
    agree(constraint, verdict, form, seeded(form, 10_000))


@pytest.mark.parametrize(("form", "constraint", "verdict"), CASES, ids=lambda case: getattr(case, "describe", str)())
def test_all_short_texts(form: str, constraint: Printed, verdict: Verdict) -> None:
    satisfied, total = agree(constraint, verdict, form, short_texts(form))
    assert satisfied < total


@pytest.mark.parametrize(("form", "constraint", "verdict"), CASES, ids=lambda case: getattr(case, "describe", str)())
def test_no_prefix_of_a_satisfying_text_is_rejected(form: str, constraint: Printed, verdict: Verdict) -> None:
    vocabulary = known(form)
    automaton = constraint.automaton(vocabulary)
    for ids in short_texts(form):
        if verdict(vocabulary.form.detokenise(vocabulary.decode(ids))):
            assert all(automaton.run(ids[:end], START) != DEAD for end in range(len(ids) + 1)), ids


@pytest.mark.parametrize(("form", "constraint", "verdict"), CASES, ids=lambda case: getattr(case, "describe", str)())
def test_contract(form: str, constraint: Printed, verdict: Verdict) -> None:
    tokens = WORDS[form][:6] + WORDS[form][-4:]
    assert_constraint(constraint, list(dict.fromkeys(tokens)), form=text_form(form), longest=3)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: WithoutLetters.of("7", text_form("en")), "'7' is no letter"),
        (lambda: WithoutLetters.of(" ", text_form("en")), "no letter"),
        (lambda: OnlyLetters.of("a!", text_form("en")), "'!' is no letter"),
        (lambda: Univocalic.of("y", text_form("en")), "give a, e, i, o, u or any"),
        (lambda: Alliteration.of("st", text_form("en")), "one letter, or any"),
        (lambda: AcrosticWords.of("春天", text_form("zh")), "in Chinese each character is a word"),
        (lambda: Alliteration.of("any", text_form("zh")), "in Chinese each character is a word"),
        (lambda: AcrosticWords.of("a" * 201, text_form("en")), "1 to 200 letters"),
        (lambda: PrintedWords.of("6...10", text_form("en")), "is no range"),
        (lambda: PrintedWords.of("10..6", text_form("en")), "10 is more than 6; swap them"),
        (lambda: PrintedWords.of("0", text_form("en")), "give numbers from 1 to 200"),
        (lambda: Characters.of("9999", text_form("en")), "give numbers from 1 to 1000"),
        (lambda: WordLength.of("1..3", text_form("zh")), "in Chinese each character is a word"),
        (lambda: At(0, ("a",)), "places are 1, 2"),
        (lambda: At(-8, ("a",)), "count from the beginning"),
        (lambda: At(2, ("-",)), "give a word"),
        (lambda: At.of_item(("dog",)), "give a place and a word"),
    ],
)
def test_nonsense_is_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(RequestError, match=message):
        make()
