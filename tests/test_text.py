"""Text forms: texts come back from their tokens and tokens from their texts, whatever they are."""

import itertools
import re

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from searchgen.automata import NEVER, Automaton
from searchgen.errors import RequestError
from searchgen.text import FORMS, TextForm, detect, text_form
from searchgen.text.casing import capitalised, uncapitalised
from searchgen.text.english import English
from searchgen.text.kinds import FOLLOWS, Flag, Kind

MARKERS = ["<unk>", "<s>", "</s>"]
PUNCTUATION = [*". ... ? ! , ; : -- - “ ” ‘ ’ ( ) [ ] & $ % − _ /".split()]
ODD = ["foo bar", "3.", "--x", "", " ", "'", '"', "''", "\x00", "\ud800", "..", "----", "'foo", "a-b", "x.y", "é", "e\u0301"]
WORDS = (
    "the The Paris paris I I'm i i'm iPhone O'Brien dog's dogs' goin' 'tis 'em 'Tis '90s Mr mr Mr. mr. St st St. x X J J. j etc etc. "
    "Etc a.m. A.m. U.S. e.g. 5 5th 3.14 1,000 10:30 50% $5 £3.50 ßa ǆ ǅ ŉ ǰ Élan élan état État Мир мир 你好 x̌ i̇x USA usa McDonald "
    "ſ ½ No no A a B b Ph U.S U tis em 90s 50 '"
).split()
ENGLISH = MARKERS + WORDS + PUNCTUATION + ODD
CHINESE = [
    *MARKERS, *"你好我用・々ー〇がA", *"。 …… ？ ！ ， 、 ； ： “ ” ‘ ’ （ ） 《 》 —— · % $ & _ + …  — 。。".split(),
    *"iPhone New York 3.14 1,000 don't Wi-Fi 5 50 5th é Мир 한국 NewYork 3. Ａ ３ - ' \" . , ( か゚ 你好".split(), "", " ", "\ud800",
]  # fmt: skip
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
    [*ENGLISH, *CHINESE, "...", ". .", "…", "—", "–", "''", "'", '"', "-", ".", " ", "  ", "\t", "\u0301", "\u200d", "\ufe0f", "\u3099"]
)
NASTY = st.lists(st.tuples(FRAGMENTS, st.sampled_from(["", " ", "'", "-", "."])), max_size=8).map(
    lambda pairs: "".join(a + b for a, b in pairs)
)
ANY_TEXT = st.one_of(st.text(), NASTY, st.text("ab IJM.'\"-,?…‘’“”()5$%", max_size=14), st.text("你a。.'\"-—…，5 ", max_size=14))
SURROGATES = st.binary(max_size=12).map(lambda raw: raw.decode("utf-8", "surrogateescape"))


@pytest.mark.parametrize("name", FORMS)
@settings(max_examples=1500, deadline=None)
@given(text=st.one_of(ANY_TEXT, SURROGATES))
@example("a.m. ...").via("a stop eaten by an ellipsis")
@example("mr. fox").via("an abbreviation once it has a capital")
def test_any_text_is_read_as_a_text_that_comes_back(name: str, text: str) -> None:
    form = form_of(name)
    tokens = form.tokenise(text)
    assert returns(form, tokens), form.detokenise(tokens)
    if name != "raw":
        form.detokenise(tokens).encode()


def walk(draw: st.DrawFn, automaton: Automaton) -> list[int]:
    """A random path through the automaton to acceptance; token classes first, so that rare ones are as likely."""
    state, ids = 1, []
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
@settings(max_examples=1500, deadline=None)
@given(data=st.data())
def test_every_accepted_sequence_comes_back(name: str, data: st.DataObject) -> None:
    ids = walk(data.draw, CANONICAL[name]) if False else data.draw(st.composite(lambda draw: walk(draw, CANONICAL[name]))())
    tokens = [VOCABULARIES[name][token] for token in ids]
    assert returns(form_of(name), tokens), form_of(name).detokenise(tokens)
