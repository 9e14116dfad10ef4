"""Every constraint against plain predicates, on all sequences of a five-token vocabulary up to length six."""

import itertools
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from searchgen.automata import START, Automaton
from searchgen.constraints import (
    CONSTRAINTS,
    Constraint,
    EndsWith,
    FiniteVerb,
    Forbid,
    Keywords,
    Length,
    Plain,
    Predicate,
    Sentence,
    StartsWith,
    joint,
    window,
)
from searchgen.constraints.algebra.prefer import Prefer
from searchgen.constraints.algebra.where import Leaf, Where
from searchgen.constraints.keywords import Item
from searchgen.constraints.lines.lines import Lines
from searchgen.constraints.printed.initials import AcrosticWords, Alliteration, LastLetters
from searchgen.constraints.printed.letters import OnlyLetters, Univocalic, WithoutLetters
from searchgen.constraints.printed.positions import At
from searchgen.constraints.printed.ranges import Range
from searchgen.constraints.printed.regex import Regex
from searchgen.constraints.printed.sentences import Sentences
from searchgen.constraints.printed.sizes import Characters, WordLength
from searchgen.constraints.printed.template import Fixed, Gap, Template
from searchgen.constraints.together import own_places
from searchgen.constraints.words.affixes import Affix, Affixes
from searchgen.constraints.words.edits import Edits
from searchgen.constraints.words.nearness import Closeness, OverlapWeight, SimilarityWeight
from searchgen.constraints.words.no_repeats import NoRepeats
from searchgen.constraints.words.only_words import OnlyWords
from searchgen.constraints.words.similarity import Overlap, Similarity
from searchgen.testing import assert_automaton, assert_constraint
from searchgen.testing.constraints import Text, Truth
from tests.constraints.toy_text import FORM, vocabulary


def assert_is(constraint: Constraint, tokens: str, predicate: Truth, longest: int = 6) -> None:
    assert_constraint(constraint, tokens.split(), predicate, FORM, longest)


def has(phrase: Text) -> Truth:
    return lambda text: f" {' '.join(phrase)} ".casefold() in f" {' '.join(text)} ".casefold()


def in_order(items: tuple[Item, ...], text: Text) -> bool:
    """Try every place of every phrase; not the greedy rule of the automaton."""
    if not items:
        return True
    for phrase in items[0]:
        for place in range(len(text) - len(phrase) + 1):
            piece = tuple(token.casefold() for token in text[place : place + len(phrase)])
            if piece == tuple(map(str.casefold, phrase)) and in_order(items[1:], text[place + len(phrase) :]):
                return True
    return False


PHRASE = st.lists(st.sampled_from(["a", "A", "b", "c"]), min_size=1, max_size=3).map(tuple)
ITEMS = st.lists(st.lists(PHRASE, min_size=1, max_size=2).map(tuple), min_size=1, max_size=3).map(tuple)


def apart(items: list[Item], text: Text) -> bool:
    """Try every place of every phrase: each item has one of its own."""
    if not items:
        return True
    for phrase in items[0]:
        for place in range(len(text) - len(phrase) + 1):
            piece = tuple(token.casefold() for token in text[place : place + len(phrase)])
            rest = (*text[:place], *["taken"] * len(phrase), *text[place + len(phrase) :])
            if piece == tuple(map(str.casefold, phrase)) and apart(items[1:], rest):
                return True
    return False


def different(items: tuple[Item, ...]) -> list[Item]:
    """Items that differ, case and the order of alternatives aside."""
    return list({frozenset(tuple(map(str.casefold, phrase)) for phrase in item): item for item in items}.values())


@settings(max_examples=20, deadline=None)
@given(ITEMS)
def test_keywords_in_any_order(items: tuple[Item, ...]) -> None:
    assert_is(Keywords(items), "a A b c ,", lambda text: apart(different(items), text), 5)


@settings(max_examples=20, deadline=None)
@given(ITEMS)
def test_keywords_that_may_overlap(items: tuple[Item, ...]) -> None:
    def predicate(text: Text) -> bool:
        return all(any(has(phrase)(text) for phrase in item) for item in items)

    assert_is(Keywords(items, overlap=True), "a A b c ,", predicate, 5)


@settings(max_examples=20, deadline=None)
@given(ITEMS, st.integers(1, 2))
def test_keywords_group_by_group(items: tuple[Item, ...], size: int) -> None:
    groups = [different(items)[place : place + size] for place in range(0, len(different(items)), size)]

    def predicate(text: Text, left: list[list[Item]]) -> bool:
        if not left:
            return True
        return any(apart(left[0], text[:end]) and predicate(text[end:], left[1:]) for end in range(len(text) + 1))

    known = vocabulary("a A b c ,")
    automaton = Keywords(items).automaton(known, group=size)
    assert_automaton(automaton, [*known], lambda text: predicate(text, groups), 5)


def test_only_keywords_that_share_words_are_compiled_together() -> None:
    items: list[Item] = [(("new", "york"),), (("dog",),), (("york",), ("a", "b", "c")), (("b",),), (("cat", "dog2"),)]
    assert own_places.apart(items) == [[0, 2, 3], [1], [4]]
    free = tuple(((word,),) for word in "abcdefgh")
    known = vocabulary("a b c d e f g h x")
    alone, sharing = Keywords(free, overlap=True).automaton(known), Keywords(free).automaton(known)
    assert np.array_equal(alone.next, sharing.next)


def test_the_earlier_keyword_has_the_place_that_both_want() -> None:
    known = vocabulary("new york dog")
    asked = Keywords(((("york",),), (("new", "york"),)))
    assert asked.parts(known.encode(["new", "york"]), known) == {"keyword york": True, "keyword new york": False}
    assert asked.violations(known.encode(["york", "new", "york"]), known) == 0


@settings(max_examples=20, deadline=None)
@given(ITEMS)
def test_keywords_in_their_order(items: tuple[Item, ...]) -> None:
    assert_is(Keywords(items, ordered=True), "a A b c ,", lambda text: in_order(items, text), 5)


@settings(max_examples=20, deadline=None)
@given(st.lists(PHRASE, min_size=1, max_size=4).map(tuple))
def test_forbid(items: tuple[Text, ...]) -> None:
    assert_is(Forbid(items), "a A b c ,", lambda text: not any(has(phrase)(text) for phrase in items), 5)


@pytest.mark.parametrize("words", ["dog", "dog's 1", ", 1,000", "o'clock hot dog", "s a b2", "1 b2b ' o"])
def test_a_long_list_forbids_what_a_short_one_does(words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    known = vocabulary("dog Dog dog's dogma 1,000 1 , o'clock hot b2b ' 's a")
    items = (*((word,) for word in words.split()), ("hot", "dog"))
    short = Forbid(items).automaton(known)
    monkeypatch.setattr(Forbid, "LONG_LIST", 0)
    long = Forbid(items)
    assert_automaton(long.automaton(known), [*known], lambda text: short.accepts(known.encode(text)), 3)
    for ids in itertools.product(range(len(known)), repeat=2):
        parts = long.parts(ids, known)
        assert (long.violations(ids, known) == 0) == all(parts.values()) == short.accepts(ids)
        assert next(iter(parts)) == f"without {len(items)} words"
    assert [name for name, _, _ in Forbid.apart({"forbid": ("a", "b")})] == ["without 2 words"]


@settings(max_examples=20, deadline=None)
@given(PHRASE)
def test_starts_with(phrase: Text) -> None:
    wanted = [token.casefold() for token in phrase]
    assert_is(
        StartsWith(phrase),
        "a A b c ,",
        lambda text: [token.casefold() for token in text[: len(wanted)]] == wanted,
        5,
    )


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from("Aab)."), min_size=1, max_size=3).map(tuple))
def test_ends_with(phrase: Text) -> None:
    marks = "" if phrase[-1] in ".!" else "[.)]*"
    ending = re.compile(re.escape("".join(phrase)) + marks + r"\Z", re.IGNORECASE)
    assert_is(EndsWith(phrase), "a A b ) .", lambda text: ending.search("".join(text)) is not None, 5)


def test_overlapping_phrases_are_exact() -> None:
    items: tuple[Item, ...] = ((("a", "a", "b"),), (("a", "b", "a"),))
    both = Keywords(items, overlap=True)
    assert_is(both, "a b c", lambda text: "aab" in "".join(text) and "aba" in "".join(text), 7)
    assert_is(Keywords(items), "a b c", lambda text: bool(re.search("aab.*aba|aba.*aab", "".join(text))), 7)
    assert_is(Keywords(items, ordered=True), "a b c", lambda text: bool(re.search("aab.*aba", "".join(text))), 7)


def test_sentence() -> None:
    shape = re.compile(r"(?=.*[a,].*)((a|,)|\((a|,)*\))*\.")
    assert_is(Sentence(), "a , ( ) .", lambda text: "a" in text and shape.fullmatch("".join(text)) is not None)


def test_sentence_opens_one_mark_at_a_time() -> None:
    shape = re.compile(r"(a|\(a*\)|<a*>)*\.")
    assert_is(Sentence(), "a ( > < ) .", lambda text: "a" in text and shape.fullmatch("".join(text)) is not None, 5)


def test_finite_verb() -> None:
    assert_is(FiniteVerb(), "dog was , and", lambda text: "was" in " ".join(text).split(", and")[-1].split())


@pytest.mark.parametrize(
    ("text", "strict", "loose"),
    [
        ("the dog was here", True, True),
        ("the dog called rex", False, True),
        ("he called rex", True, True),
        ("( take it", True, True),
        ("the dog take", False, False),
        ("cut it", True, True),
        ("is it here", True, True),
        ("it's here", True, True),
        ("the dog was here , but the cat", False, False),
        ("the dog was here , and she ran", True, True),
    ],
)
def test_finite_verb_cases(text: str, strict: bool, loose: bool) -> None:
    known = vocabulary(" ".join(dict.fromkeys(text.split())))
    ids = known.encode(text.split())
    assert all(FiniteVerb().parts(ids, known).values()) == strict
    assert all(FiniteVerb(ambiguous=True).parts(ids, known).values()) == loose


def test_length_counts_words() -> None:
    known, length = vocabulary("a ,"), Length(2, 3)
    assert [length.violations(ids, known) for ids in ([], [0, 1], [0, 0, 1], [0, 1, 0, 0], [0] * 5)] == [2, 1, 0, 0, 2]
    assert length.parts([0, 0], known) == {"words 2 to 3": True}
    assert length.automaton(known).accepts([0])
    assert window([Length(1, 5), Length(3, 8)]) == (3, 5)
    assert window([Sentence()]) is None


EXAMPLES: dict[str, Constraint] = {
    "keywords": Keywords(((("a",),), (("b",), ("b", "c")))),
    "forbid": Forbid((("b", "c"), (",",))),
    "starts-with": StartsWith(("a",)),
    "ends-with": EndsWith(("a",)),
    "sentence": Sentence(),
    "words": Length(2, 3),
    "quotes": Plain(),
    "characters": Characters(Range(3, 4)),
    "word-length": WordLength(Range(1, 1)),
    "sentences": Sentences(Range(1, 2)),
    "at": At(1, ("a",)),
    "template": Template("___ a", (Gap(Range(1, 1)), Fixed(" a")), (("a",),)),
    "regex": Regex("a .*"),
    "where": Where("holds(a)", Leaf(Keywords(((("a",),),)), "holds(a)")),
    "prefer": Prefer(1.5, Where("holds(a)", Leaf(Keywords(((("a",),),)), "holds(a)"))),
    "without-letters": WithoutLetters("ab"),
    "only-letters": OnlyLetters("ab"),
    "univocalic": Univocalic("a"),
    "acrostic-words": AcrosticWords("ab"),
    "last-letters": LastLetters("ab"),
    "alliteration": Alliteration("any"),
    "lines": Lines(2, Range(1, 2)),
    "finite-verb": FiniteVerb(),
    "only-words": OnlyWords(frozenset({("a",), ("b", "c")})),
    "affixes": Affixes((Affix("prefix", "w"), Affix("stem", "a"))),
    "repeats": NoRepeats(),
    "edits": Edits(("a", "b"), 1, ((0, 1),)),
    "similarity": Similarity("a b", "en", -1.0),
    "max-overlap": Overlap(("a", "a", "b"), 0.5),
    "similarity-weight": SimilarityWeight(30.0, Similarity("a b", "en", -1.0)),
    "overlap-weight": OverlapWeight(10.0, Overlap(("a", "b"), 1.0)),
    "closeness": Closeness(2.0, Edits(("a", "b"), 0)),
}

#: What a constraint of the registry becomes in other languages.
VARIANTS = {
    "finite-verb in Chinese": Predicate(),
    "only-words in Chinese": OnlyWords(frozenset({("a",), ("b", "c"), ("a", "b")}), parted=False),
}


def test_every_registered_constraint_has_an_example() -> None:
    assert {name: type(one) for name, one in EXAMPLES.items()} == CONSTRAINTS


@pytest.mark.parametrize("name", [*CONSTRAINTS, *VARIANTS])
def test_contract(name: str) -> None:
    constraint = {**EXAMPLES, **VARIANTS}[name]
    assert constraint == eval(repr(constraint))
    assert_constraint(constraint, ["a", "b", "c", ",", "was", ".", "是", "("], form=FORM, longest=3)
    assert set(constraint.demanded()) <= {"a", "b", "c"}


def test_conjunction_of_constraints() -> None:
    tokens = ["a", "b", "(", ")", "."]
    together = [Keywords(((("a",),), (("b", "b"),))), Sentence(), StartsWith(("b",))]

    def predicate(text: Text) -> bool:
        return (
            text[:1] == ("b",)
            and "a" in text
            and "bb" in "".join(text)
            and re.fullmatch(r"([ab]|\([ab]*\))*\.", "".join(text)) is not None
        )

    assert_automaton(joint(together, vocabulary(" ".join(tokens)), FORM), tokens, predicate)


def test_control_wrong_automata_are_caught() -> None:
    tokens, keyword = ["a", "A", "b", "c", ","], Keywords(((("a", "a", "b"),),))
    right = keyword.automaton(vocabulary(" ".join(tokens)))
    predicate = has(("a", "a", "b"))
    forgets = right.next.copy()
    forgets[3, right.classes[0]] = START  # after `a a`, a third `a` must stay, not begin again
    assert_automaton(right, tokens, predicate)
    for automaton, truth in (
        (Automaton(right.classes, forgets, right.accept), predicate),
        (right, has(("a", "b"))),
    ):
        with pytest.raises(AssertionError, match="automaton against predicate"):
            assert_automaton(automaton, tokens, truth)


def test_forbidden_words_bar_their_forms_between_non_letters() -> None:
    known = vocabulary("dog Dog's dogma hot ,")
    automaton = Forbid((("dog",), (",",))).automaton(known)
    assert [automaton.accepts([token]) for token in range(5)] == [False, False, True, True, False]


def test_chinese_keywords_are_runs_of_characters() -> None:
    assert_is(Keywords(((("天", "气"),),)), "天 气 好 。", lambda text: "天气" in "".join(text))
    assert Keywords(((("天", "气"),),)).describe() == "keywords: 天气"
