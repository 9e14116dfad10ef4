"""What is kept of a text has its own characters: without an edit the text comes back bit for bit, with edits all but these."""

import random

import pytest

from searchgen.constraints.words.edits import source_tokens
from searchgen.text import TextForm, text_form
from searchgen.text.edits.places import token_places
from searchgen.text.edits.printing import Source, written
from tests.rewriting.prose import decorated

FAST = range(200)
SLOW = pytest.param(range(200, 2_200), marks=pytest.mark.slow)

FORMS = {"en": text_form("en", {"the": 9, "we": 2, "my": 2, "it": 3}), "zh": text_form("zh")}


def read(text: str, form: TextForm) -> Source:
    tokens = source_tokens(text, form)
    places = token_places(tokens, text)
    assert places is not None, text
    return Source(text, tokens, tuple(places))


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("seeds", [FAST, SLOW])
def test_without_an_edit_a_text_is_printed_bit_for_bit(seeds: range, language: str) -> None:
    form = FORMS[language]
    for seed in seeds:
        text = decorated(seed, language)
        source = read(text, form)
        assert written(source, source.tokens, form) == (text, 0, ()), text
        assert all(before.end <= after.begin for before, after in zip(source.places, source.places[1:], strict=False))


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("seeds", [FAST, SLOW])
def test_the_changes_are_all_that_differs(seeds: range, language: str) -> None:
    form, other = FORMS[language], {"en": ["dog", "slowly", ","], "zh": ["狗", "很", "，"]}[language]
    for seed in seeds:
        text, draw = decorated(seed, language), random.Random(seed)
        source = read(text, form)
        tokens = list(source.tokens)
        for _ in range(draw.randint(1, 3)):
            place, kind = draw.randrange(2, len(tokens)), draw.choice("idr")
            tokens[place : place + (kind != "i")] = [] if kind == "d" else [draw.choice(other)]
        result = written(source, tokens, form)
        at, begin, kept = 0, 0, []
        for change in result.changes:
            assert result.text[change.start : change.start + len(change.new)] == change.new
            kept.append(result.text[at : change.start])
            at = change.start + len(change.new)
            begin = text.index(change.old, begin) + len(change.old) if change.old else begin
        kept.append(result.text[at:])
        bare = ["".join(part.split()) for part in kept]
        rest = "".join(text.split())
        for part in bare:  # all that is kept stands in the source, in this order
            found = rest.find(part)
            assert found >= 0, (text, result)
            rest = rest[found + len(part) :]
        changed = sum(len("".join(change.new.split())) - len("".join(change.old.split())) for change in result.changes)
        assert len("".join(result.text.split())) - len("".join(text.split())) == changed, (text, result)


def test_the_capital_goes_with_the_first_word() -> None:
    form = text_form("en", {"the": 9, "dog": 2, "my": 2, "yesterday": 3})
    source = read("The dog ran,  then slept.", form)
    for tokens, text in (
        (["yesterday", *source.tokens], "Yesterday the dog ran,  then slept."),
        (list(source.tokens[1:]), "Dog ran,  then slept."),
        (["my", *source.tokens[1:]], "My dog ran,  then slept."),
        ([*source.tokens[:2], "soon", *source.tokens[2:]], "The dog soon ran,  then slept."),
    ):
        assert written(source, tokens, form).text == text
        assert form.tokenise(text) == tokens


def test_control_other_characters_are_another_text() -> None:
    form, text = FORMS["en"], 'We  saw "it"…'
    source = read(text, form)
    assert form.detokenise(source.tokens) == "We saw “it”..."
    assert written(source, source.tokens, form).text == text


def test_what_is_not_found_has_no_places() -> None:
    assert token_places(["dog", "cat"], "the dog") is None
    assert token_places(["x"], "") is None
