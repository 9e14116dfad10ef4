"""Spans: each demanded item is found in the printed text by its characters, and the gaps of --cloze are these."""

import random
from itertools import pairwise

import pytest

from searchgen.constraints.words.spans import token_offsets
from searchgen.demands.demands import Demands
from searchgen.demands.judge import Judge
from searchgen.text import text_form
from searchgen.vocabulary import Vocabulary
from tests.cli.runner import constrain, searchgen

TOKENS = ["dog", "York", "New", "the", "don't", "-", ",", "“", "”", ".", "5th", "Mr.", "'tis"]
KNOWN = Vocabulary(["<unk>", "<s>", "</s>", *TOKENS], text_form("en"))


@pytest.mark.parametrize("form", ["en", "zh", "raw"])
def test_offsets_cut_the_tokens_out_of_the_text(form: str) -> None:
    for seed in range(200):
        draw, language = random.Random(seed), text_form(form)
        tokens = [
            draw.choice(["我", "们", "iPhone", "5", "，"] if form == "zh" else TOKENS)
            for _ in range(draw.randint(1, 8))
        ]
        text = language.detokenise(tokens)
        cut = [text[begin:end] for begin, end in token_offsets(tokens, text, language)]
        assert [word.lower() for word in cut] == [token.lower() for token in tokens]


def test_every_held_item_has_a_place_of_its_own() -> None:
    items = (("New York",), ("york",), ("dog", "the"), ("don't",))
    judge = Judge.of(Demands.nothing(keywords=items), KNOWN)
    for seed in range(400):
        draw = random.Random(seed)
        text = text_form("en").detokenise([draw.choice(TOKENS[:6]) for _ in range(draw.randint(1, 9))])
        held = [
            name.removeprefix("keyword ") for name, holds in judge.judged(text).items() if holds and "keyword" in name
        ]
        spans = judge.spans_in(text)
        assert sorted(span.item for span in spans) == sorted(held), text
        for span in spans:
            assert text[span.start : span.end] == span.form
            assert span.form.lower() in span.item.split("|")
        for before, after in pairwise(spans):
            assert before.end <= after.start, text


def test_items_in_order_have_places_in_order() -> None:
    judge = Judge.of(Demands.nothing(keywords=(("dog",), ("the",), ("dog",)), ordered=True), KNOWN)
    assert [(span.item, span.start) for span in judge.spans_in("Dog, the York dog.")] == [
        ("dog", 0),
        ("the", 5),
        ("dog (2)", 14),
    ]


def test_records_have_spans() -> None:
    row = constrain("-k", "dog,park", "--starts-with", "The", "--seed", "5", "--json").rows[0]
    assert {span["item"] for span in row["spans"]} == {"the", "dog", "park"}
    assert all(row["text"][span["start"] : span["end"]] == span["form"] for span in row["spans"])
    drawn = searchgen("sample", "-k", "dog", "--max-words", "6", "--seed", "1", "--json").rows[0]
    assert [span["item"] for span in drawn["spans"]] == ["dog"]
    checked = searchgen("check", "-k", "dog", "--json", stdin=b"the  DOG ran\n").rows[0]
    assert checked["spans"] == [{"item": "dog", "form": "DOG", "start": 5, "end": 8}]
    scored = searchgen("score", "-k", "dog,cat", "--json", "--lm", "en-ngram", stdin=b"The dog ran.\n").rows[0]
    assert scored["spans"] == [{"item": "dog", "form": "dog", "start": 4, "end": 7}]


def test_cloze() -> None:
    plain = constrain("-k", "dog,park", "--seed", "5", "--json").rows[0]
    gapped, _, items = constrain("-k", "dog,park", "--seed", "5", "--cloze").lines[0].partition("\t")
    assert gapped.count("___") == 2
    for item in items.split(", "):
        gapped = gapped.replace("___", next(span["form"] for span in plain["spans"] if span["item"] == item), 1)
    assert gapped == plain["text"]
    overlapping = constrain("-k", "dog", "--starts-with", "the dog", "--seed", "5", "--cloze").lines[0]
    assert overlapping.startswith("___")
    assert overlapping.endswith("\tdog, the dog") or overlapping.endswith("\tthe dog, dog")
    refused = constrain("-k", "dog", "--cloze", "--json")
    assert refused.code == 2
    assert "--cloze prints plain lines" in refused.err
