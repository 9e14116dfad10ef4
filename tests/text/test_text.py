"""Text forms: texts come back from their tokens and tokens from their texts, whatever they are."""

import itertools
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from searchgen.automata import NEVER, Automaton
from searchgen.text import FORMS, TextForm, text_form
from searchgen.text.casing import capitalised, uncapitalised
from searchgen.text.english import ABBREVIATIONS, English, stopped
from searchgen.text.kinds import FOLLOWS, Flag, Kind

MARKERS = ["<unk>", "<s>", "</s>"]
EN_PUNCTUATION = ". ... ? ! , ; : -- - “ ” ‘ ’ ( ) [ ] & $ % − _ /"
EN_ODD = "3. --x ' \" '' \x00 \ud800 .. ---- 'foo a-b x.y é e\u0301"
EN_WORDS = (
    "the The Paris paris I I'm i i'm iPhone O'Brien dog's dogs' goin' 'tis 'em 'Tis '90s Mr mr Mr. mr. St st St. x X J "
    "J. j etc etc. Etc a.m. A.m. U.S. e.g. 5 5th 3.14 1,000 10:30 50% $5 £3.50 ßa ǆ ǅ ŉ ǰ Élan élan état État Мир мир "
    "你好 x̌ i̇x USA usa McDonald ſ ½ No no A a B b Ph U.S U tis em 90s 50"
)
ZH_PUNCTUATION = "。 …… ？ ！ ， 、 ； ： “ ” ‘ ’ （ ） 《 》 —— · % $ & _ +"
ZH_WORDS = "你 好 我 用 々 ー 〇 が A iPhone New York 3.14 1,000 don't Wi-Fi 5 50 5th é Мир 한국 NewYork"
ZH_ODD = "・ … — 。。 3. Ａ ３ - ' \" . , ( か゚ 你好 \ud800"
WORDS = EN_WORDS.split()
ENGLISH = [*MARKERS, *WORDS, *EN_PUNCTUATION.split(), *EN_ODD.split(" "), "foo bar", "", " "]
CHINESE = [*MARKERS, *ZH_WORDS.split(), *ZH_PUNCTUATION.split(), *ZH_ODD.split(" "), "", " "]
PREFERENCE = {word: 1.0 + place % 7 for place, word in enumerate(WORDS) if place % 11}


def english() -> English:
    return English(PREFERENCE)


VOCABULARIES = {"en": ENGLISH, "zh": CHINESE, "raw": ENGLISH}


def form_of(name: str) -> TextForm:
    return text_form(name, PREFERENCE)


CANONICAL: dict[str, Automaton] = {
    name: form_of(name).canonical(vocabulary) for name, vocabulary in VOCABULARIES.items()
}


def returns(form: TextForm, tokens: list[str]) -> bool:
    return form.tokenise(form.detokenise(tokens)) == tokens


FRAGMENTS = st.sampled_from(
    [*ENGLISH, *CHINESE, ". .", "…", "—", "–", "  ", "\t", "\u0301", "\u200d", "\ufe0f", "\u3099"]
)
NASTY = st.lists(st.tuples(FRAGMENTS, st.sampled_from(["", " ", "'", "-", "."])), max_size=8).map(
    lambda pairs: "".join(a + b for a, b in pairs)
)
ANY_TEXT = st.one_of(
    st.text(), NASTY, st.text("ab IJM.'\"-,?…‘’“”()5$%", max_size=14), st.text("你a。.'\"-—…，5 ", max_size=14)
)
SURROGATES = st.binary(max_size=12).map(lambda raw: raw.decode("utf-8", "surrogateescape"))


@pytest.mark.parametrize("name", FORMS)
@settings(max_examples=500, deadline=None)
@given(text=st.one_of(ANY_TEXT, SURROGATES))
@example("a.m. ...").via("a stop eaten by an ellipsis")
@example("mr. fox").via("an abbreviation once it has a capital")
@example("\U0001d1bb").via("a sign that falls into another and a mark, for it has no composed form")
def test_any_text_is_read_as_a_text_that_comes_back(name: str, text: str) -> None:
    form = form_of(name)
    tokens = form.tokenise(text)
    assert returns(form, tokens), form.detokenise(tokens)
    if name != "raw":
        form.detokenise(tokens).encode()


def walk(draw: Callable[[st.SearchStrategy[int]], int], automaton: Automaton) -> list[int]:
    """A random path through the automaton to acceptance; token classes first, so that rare ones are as likely."""
    ids: list[int] = []
    state = 1
    left = automaton.fewest_tokens()
    while True:
        if automaton.accept[state] and (len(ids) >= 9 or draw(st.integers(0, 3)) == 0):
            return ids
        targets = automaton.next[state]
        labels = [label for label, to in enumerate(targets) if to and left[to] < NEVER]
        label = draw(st.sampled_from(labels))
        ids.append(draw(st.sampled_from(np.flatnonzero(automaton.classes == label).tolist())))
        state = int(targets[label])


@pytest.mark.parametrize("name", FORMS)
@settings(max_examples=500, deadline=None)
@given(data=st.data())
def test_every_accepted_sequence_comes_back(name: str, data: st.DataObject) -> None:
    tokens = [VOCABULARIES[name][token] for token in walk(data.draw, CANONICAL[name])]
    assert returns(form_of(name), tokens), form_of(name).detokenise(tokens)


SMALL_WORDS = "the The Paris I i dogs' O'Brien 'tis mr Mr Mr. x X. a.m. 3.14 50% $5 état 'foo 3."
SMALL = [*MARKERS, *SMALL_WORDS.split(), *"& − . ... ? ! , : -- - “ ” ‘ ’ ( )".replace(" ", "\n").splitlines()]


def sequences(vocabulary: Sequence[str], longest: int) -> Iterator[tuple[int, ...]]:
    for length in range(1, longest + 1):
        yield from itertools.product(range(len(vocabulary)), repeat=length)


def accepted_but_lost(form: TextForm, vocabulary: Sequence[str], longest: int) -> list[list[str]]:
    texts = form.canonical(vocabulary)
    accepted = ([vocabulary[one] for one in ids] for ids in sequences(vocabulary, longest) if texts.accepts(ids))
    return [tokens for tokens in accepted if not returns(form, tokens)]


@pytest.mark.parametrize(("name", "vocabulary", "longest"), [("en", SMALL, 3), ("en", ENGLISH, 2), ("zh", CHINESE, 2)])
def test_all_short_accepted_sequences_come_back(name: str, vocabulary: list[str], longest: int) -> None:
    assert accepted_but_lost(form_of(name), vocabulary, longest) == []


class NoCapital(English):
    """A control: prints no capital."""

    def detokenise(self, tokens: Sequence[str]) -> str:
        text = super().detokenise(tokens)
        return text[:1].lower() + text[1:]


class SpaceAfterHyphen(English):
    """A control: prints hyphens apart."""

    def detokenise(self, tokens: Sequence[str]) -> str:
        return super().detokenise(tokens).replace("-", "- ")


class StopsAnywhere(English):
    """A control: its automaton does not know abbreviations."""

    def kinds(self, vocabulary: Sequence[str]) -> np.ndarray:
        kinds = super().kinds(vocabulary)
        kinds[kinds >= Kind.WORD] &= ~int(Flag.NO_STOP | Flag.NO_STOP_FIRST)
        return kinds


class FirstAnywhere(English):
    """A control: its automaton lets every word come first."""

    def kinds(self, vocabulary: Sequence[str]) -> np.ndarray:
        kinds = super().kinds(vocabulary)
        kinds[kinds >= Kind.WORD] &= ~int(Flag.NOT_FIRST)
        return kinds


@pytest.mark.parametrize("broken", [NoCapital, SpaceAfterHyphen, StopsAnywhere, FirstAnywhere])
def test_the_round_trip_test_catches_a_broken_form(broken: type[English]) -> None:
    assert accepted_but_lost(broken(PREFERENCE), SMALL, 3)


def legal(form: TextForm, tokens: list[str]) -> bool:
    """The stated law, spelled out a second time for whole sequences."""
    codes = [0 if token in MARKERS else int(kind) for token, kind in zip(tokens, form.kinds(tokens), strict=True)]
    kinds = [Kind(min(code, Kind.WORD)) for code in codes]
    if Kind.NEVER in kinds or Kind.WORD not in kinds or kinds[-1] in (Kind.OPEN, Kind.HYPHEN):
        return False
    begin = kinds.index(Kind.WORD)
    opening = all(kind in (Kind.OPEN, Kind.DASH, Kind.ELLIPSIS) for kind in kinds[:begin])
    in_row = begin < 3 and (begin < 2 or kinds[0] == Kind.OPEN)
    pairs = itertools.pairwise(kinds[begin:])
    fit = all(Kind.WORD in (one, two) or two in FOLLOWS[one] for one, two in pairs)
    three = any(Kind.WORD not in kinds[place : place + 3] for place in range(len(kinds) - 2))
    return opening and in_row and fit and not three


@pytest.mark.parametrize(
    ("name", "vocabulary", "longest"), [("en", SMALL, 2), ("en", SMALL[5::2], 3), ("zh", CHINESE, 2)]
)
def test_only_the_stated_law_rejects_what_comes_back(name: str, vocabulary: list[str], longest: int) -> None:
    form = form_of(name)
    texts = form.canonical(vocabulary)
    for ids in sequences(vocabulary, longest):
        tokens = [vocabulary[one] for one in ids]
        # An abbreviation before an ellipsis may come back; it is barred so that abbreviations need one state only.
        held = any(
            stopped(one.rstrip(".")) and two == "..."
            for one, two in itertools.pairwise([capitalised(tokens[0]), *tokens[1:]])
        )
        if returns(form, tokens) and legal(form, tokens) and not held:
            assert texts.accepts(ids), tokens


def test_every_capital_leads_back() -> None:
    for letter in map(chr, range(0x110000)):
        if letter.isalpha() and (large := capitalised(letter)) != letter:
            assert uncapitalised(large) == letter


def test_a_word_that_begins_a_text_keeps_being_an_abbreviation() -> None:
    assert {capitalised(word) for word in ABBREVIATIONS} <= ABBREVIATIONS


@pytest.mark.parametrize("few", [1, 10_000])
def test_kinds_say_which_word_may_come_first(few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("searchgen.text.english.FEW", few)
    form = English(PREFERENCE | {"Outside": 5.0, "outside": 1.0})
    words = [*WORDS, "outside", "unknown", "Unknown", "al", "Al"]
    kinds = form.kinds(words)
    for word, kind in zip(words, kinds, strict=True):
        if kind >= Kind.WORD:
            assert (kind & Flag.NOT_FIRST == 0) == returns(form, [word]), word


def test_kinds_of_the_model_and_of_demanded_words_join() -> None:
    form = english()
    whole, part = form.canonical(ENGLISH), form.canonical(ENGLISH, form.kinds(ENGLISH[:40]))
    assert np.array_equal(whole.classes, part.classes)
    assert np.array_equal(whole.next, part.next)


def test_automata_are_small() -> None:
    assert [len(CANONICAL[name].accept) - 1 for name in FORMS] == [11, 9, 2]


@pytest.mark.parametrize("name", FORMS)
def test_no_text_without_a_word_and_no_marker(name: str) -> None:
    texts, vocabulary = CANONICAL[name], VOCABULARIES[name]
    assert not texts.accepts([])
    assert not any(texts.accepts([marker]) for marker in range(3))
    assert name == "raw" or not texts.accepts([vocabulary.index("……" if name == "zh" else "...")])
