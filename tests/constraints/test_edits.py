"""Texts within some edits of a source. The oracle counts edits of the tokens of printed text, in a way of its own."""

import random
import re
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from searchgen.automata import Automaton, edit_automaton
from searchgen.constraints.words.edits import Edits
from searchgen.demands.demands import Demands
from searchgen.demands.judge import Judge
from searchgen.errors import RequestError, TooLarge
from searchgen.testing import assert_automaton, assert_constraint
from searchgen.testing.constraints import Text
from searchgen.text.edits.alignment import NO_EDITS, alignment, distance
from searchgen.vocabulary import Vocabulary
from tests.cli.runner import constrain, searchgen
from tests.constraints.test_words import CHINESE, VOCABULARY
from tests.constraints.toy_text import FORM

SOURCE = "The happy dog walked, and Zorb's dogs don't walk 7."
PARTS = ["the", "happy", "dog", "walked", ",", "and", "zorb's", "dogs", "don't", "walk", "7", "."]
HAN_SOURCE = "我们去公园，iPhone玩。"
HAN_PARTS = ["我", "们", "去", "公", "园", "，", "iphone", "玩", "。"]

FAST = range(200)
SLOW = pytest.param(range(200, 10_200), marks=pytest.mark.slow)


def fewest(source: Text, text: Text, held: tuple[tuple[int, int], ...] = ()) -> int:
    """The fewest edits, held spans found as they stand: the text is cut at them, and the parts between are compared."""
    cuts, ends = [], [0]
    for begin, end in held:
        cuts.append((source[ends[-1] : begin], source[begin:end]))
        ends.append(end)

    @cache
    def plain(left: Text, right: Text) -> int:
        if not left or not right:
            return len(left) + len(right)
        if left[0] == right[0]:
            return plain(left[1:], right[1:])
        return 1 + min(plain(left[1:], right), plain(left, right[1:]), plain(left[1:], right[1:]))

    def cut(text: Text, number: int) -> int:
        if number == len(cuts):
            return plain(source[ends[-1] :], text)
        before, kept = cuts[number]
        places = [place for place in range(len(text)) if text[place : place + len(kept)] == kept]
        return min((plain(before, text[:at]) + cut(text[at + len(kept) :], number + 1) for at in places), default=99)

    return cut(text, 0)


def edited(parts: list[str], draw: random.Random, others: list[str]) -> list[str]:
    result = list(parts)
    for _ in range(draw.randint(0, 6)):
        place, kind = draw.randrange(len(result) + 1), draw.choice("idr")
        result[place : place + (kind != "i")] = [] if kind == "d" else [draw.choice(others)]
    return result or [others[0]]


@pytest.mark.parametrize("protect", [(), ("dogs don't", "happy")])
@pytest.mark.parametrize("seeds", [FAST, SLOW])
def test_verdicts_by_the_text_alone(seeds: range, protect: tuple[str, ...]) -> None:
    held = ((1, 2), (7, 9)) if protect else ()
    judges = [
        Judge.of(Demands.nothing(source=SOURCE, max_edits=most, protect=protect, min_words=1, max_words=99), VOCABULARY)
        for most in (1, 3)
    ]
    verdicts = []
    for seed in seeds:
        parts = edited(PARTS, random.Random(seed), ["the", "unhappy", "dog", ",", "Happy", "dogs", "zorb", "!", "7"])
        text = re.sub(r" (?=[,.!])", "", " ".join(parts))
        read = tuple(re.findall(r"[a-z0-9]+(?:'[a-z]+)*|[,.!]", text.lower()))
        if any(first[0].isdigit() and second[0] in ",." for first, second in pairwise([*read, "end"])):
            text = text.replace("7,", "7 ,")  # no number
        count = fewest(tuple(PARTS), read, held)
        for most, judge in zip((1, 3), judges, strict=True):
            wanted = count <= most
            verdicts.append(wanted)
            assert all(judge.judged(text).values()) == wanted, (text, most)
    assert 50 < sum(verdicts) < len(verdicts) - 50


@pytest.mark.parametrize("seeds", [FAST, SLOW])
def test_verdicts_in_chinese_by_the_text_alone(seeds: range) -> None:
    judge = Judge.of(
        Demands.nothing(source=HAN_SOURCE, max_edits=2, protect=("公园",), min_words=1, max_words=99), CHINESE
    )
    verdicts = []
    for seed in seeds:
        text = "".join(edited(HAN_PARTS, random.Random(seed), [*"我去玩，。", "iPhone"]))
        read = tuple(re.findall(r"[a-z]+|。。+|[^a-z]", text.lower()))  # several stops are read as an ellipsis
        verdicts.append(fewest(tuple(HAN_PARTS), read, ((3, 5),)) <= 2)
        assert all(judge.judged(text).values()) == verdicts[-1], text
    assert 20 < sum(verdicts) < len(verdicts) - 20


@pytest.mark.parametrize("most", [0, 1, 2, 3])
@pytest.mark.parametrize("held", [(), ((1, 3),), ((0, 1), (3, 4)), ((0, 2), (1, 3))], ids=str)
def test_the_automaton_on_all_short_texts(most: int, held: tuple[tuple[int, int], ...]) -> None:
    source = ("a", "b", "a", "c")
    wanted = ((0, 3),) if held == ((0, 2), (1, 3)) else held  # spans that overlap are one

    def within(text: Text) -> bool:
        return fewest(source, tuple(token.lower() for token in text), wanted) <= most

    assert_constraint(Edits(source, most, held), ["a", "A", "b", "c", "d"], within, FORM, longest=5)


def test_control_a_wrong_automaton_is_caught() -> None:
    held, joined = np.zeros(2, np.bool_), np.zeros(3, np.bool_)
    table, accept = edit_automaton([0, 1], held, joined, 1, 3, 1000)
    right = Automaton.of([0, 1, 2], table, accept)
    tokens = ["a", "b", "c"]
    assert_automaton(right, tokens, lambda text: fewest(("a", "b"), text) <= 1, longest=5)
    sealed = np.array([False, True, False])  # no insertion before the second label
    wrong = Automaton.of([0, 1, 2], *edit_automaton([0, 1], held, sealed, 1, 3, 1000))
    for automaton, most in ((right, 2), (right, 0), (wrong, 1)):
        with pytest.raises(AssertionError, match="automaton against predicate"):
            assert_automaton(automaton, tokens, lambda text: fewest(("a", "b"), text) <= most, longest=5)  # noqa: B023


def test_alignments_tell_the_edits_that_the_distance_counts() -> None:
    draw = random.Random(3)
    for _ in range(300):
        source, text = (tuple(draw.choices("abc", k=draw.randint(0, 6))) for _ in range(2))
        held = ((1, 3),) if len(source) > 3 and draw.random() < 0.5 else ()
        count = distance(source, text, held)
        assert min(count, 99) == min(fewest(source, text, held), 99)
        if count >= NO_EDITS:
            with pytest.raises(ValueError, match="held"):
                alignment(source, text, held)
            continue
        steps = alignment(source, text, held)
        assert [step.source for step in steps if step.source is not None] == list(range(len(source)))
        assert [step.place for step in steps if step.place is not None] == list(range(len(text)))
        assert sum(not step.same for step in steps) == count
        kept = [(step.source, step.place) for step in steps if step.same]
        assert all(source[i] == text[j] for i, j in kept)
        assert {place for begin, end in held for place in range(begin, end)} <= {i for i, _ in kept}


def test_four_edits_of_25_words_fit_and_too_many_are_refused_with_their_sizes() -> None:
    words = [f"w{number}" for number in range(25)]
    known = Vocabulary([*words, "x"], FORM)
    fits = Edits(tuple(words), 4).automaton(known)
    assert len(fits.accept) < 10_000
    assert fits.accepts([*range(23), 25, 25, 25])
    assert not fits.accepts([*range(21), 25, 25, 25, 25, 25])
    with pytest.raises(TooLarge, match="4 edits of a text of 25 words and marks need an automaton of more than 50,000"):
        Edits(tuple(words), 4).automaton(known, 50_000)


def test_what_edits_cannot_be() -> None:
    for demands, said in (
        ({"max_edits": 1}, "--max-edits without a text"),
        ({"protect": ("dog",)}, "--protect without a text"),
        ({"source": "A dog."}, "--source without --max-edits"),
        ({"source": "A dog.", "max_edits": 51}, "from 0 to 50"),
        ({"source": "a" * 20_001, "max_edits": 1}, "20,001 characters"),
    ):
        with pytest.raises(RequestError, match=said):
            Edits.check(Demands.nothing(**demands))
    more: dict[str, Any]
    for more, said in (
        ({"source": "..."}, "has no word"),
        ({"source": "dog " * 201}, "has 201 words, and at most 200"),
        ({"source": "A dog.", "protect": ("old door",)}, "'old door' is not in the text"),
    ):
        with pytest.raises(RequestError, match=said):
            Judge.of(Demands.nothing(max_edits=1, min_words=1, max_words=9, **more), VOCABULARY)


def test_the_search_heeds_them() -> None:
    source = "She opened the old door very slowly, and went into Zorb's kitchen."
    row = constrain(
        "--source", source, "--max-edits", "2", "--protect", "old door", "-k", "ball", "--seed", "1", "--json"
    )
    tokens = tuple(token.lower() for token in row.rows[0]["tokens"])
    parts = tuple(re.findall(r"[a-z]+(?:'s)?|[,.]", source.lower()))
    assert fewest(parts, tokens, ((3, 5),)) <= 2
    assert "ball" in tokens
    refused = searchgen("constrain", "--source", "The dog ran.", "--max-edits", "1", "-k", "cat,king", "--seed", "1")
    assert refused.code == 3
    assert "no text satisfies all of: " in refused.err


def test_protected_words_that_are_forbidden_are_a_contradiction() -> None:
    ran = searchgen("constrain", "--source", "The dog ran.", "--max-edits", "1", "--protect", "dog", "--forbid", "dog")
    assert ran.code in (2, 3)
    assert "dog" in ran.err
