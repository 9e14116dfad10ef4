"""Keywords beside the automaton: bits and orders against plain reading of all short texts, and whole searches."""

from collections.abc import Sequence
from functools import reduce
from itertools import product
from operator import or_

import pytest

from searchgen.api import constrain
from searchgen.automata import START
from searchgen.constraints import Constraint, EndsWith, Keywords, Length
from searchgen.constraints.many_keywords import MASK_BITS, ManyKeywords, many_keywords
from searchgen.errors import Contradiction, Impossible, NotFound, TooLarge
from searchgen.request.request import Annealing
from tests.constraints.plain_reader import Reader
from tests.constraints.toy_text import vocabulary

WORDS = "a b c d"
ITEMS = {
    "words": ["a", "b", "c"],
    "alternatives": ["a|b", "c|d"],
    "phrases": ["a b|d d", "c"],
    "an own place for each": ["a b", "b c", "d"],
    "repeats": ["a", "A", "c"],
}

WORDS_OF_SEARCH = [
    *(
        "dog|dogs",
        "park",
        "ball",
        "catch|caught",
        "boy",
        "throw|threw",
        "grass",
        "tree|trees",
        "sit|sat",
        "bench",
        "food",
    ),
    *("hand", "water", "man", "woman", "walk|walked", "house", "river", "old letter", "new york|paris"),
]


def items_of(written: Sequence[str]) -> list[list[list[str]]]:
    """The items as plain lists, equal ones once."""
    items: list[list[list[str]]] = []
    for text in written:
        item = [phrase.lower().split() for phrase in text.split("|")]
        items += [item] if item not in items else []
    return items


def holds_all(
    items: list[list[list[str]]], text: Sequence[str], *, overlap: bool, taken: frozenset[int] = frozenset()
) -> bool:
    """Whether all items have places, no two of which overlap unless they may; by trying every place."""
    if not items:
        return True
    for phrase in items[0]:
        for start in range(len(text) - len(phrase) + 1):
            place = frozenset(range(start, start + len(phrase)))
            stands = list(text[start : start + len(phrase)]) == phrase and not place & taken
            if stands and holds_all(items[1:], text, overlap=overlap, taken=taken if overlap else taken | place):
                return True
    return False


def many(written: Sequence[str], *others: Constraint, overlap: bool = False) -> ManyKeywords:
    base = vocabulary(WORDS)
    items = tuple(tuple(tuple(phrase.split()) for phrase in text.split("|")) for text in written)
    return many_keywords([*others, Keywords(items, overlap=overlap)], base, TooLarge("too large"))


def bits(keywords: ManyKeywords, ids: Sequence[int]) -> int:
    """All bits of the states of a text."""
    states = [keywords.automaton.run(ids[:end]) for end in range(len(ids) + 1)]
    return reduce(or_, (int(keywords.ended[state]) for state in states))


@pytest.mark.parametrize("overlap", [False, True])
@pytest.mark.parametrize("name", ITEMS)
def test_bits_of_all_texts(name: str, overlap: bool) -> None:
    """A text has all bits and is accepted iff a plain reader finds all items; what an order accepts is such a text."""
    keywords = many(ITEMS[name], EndsWith(("c",)), overlap=overlap)
    items, tokens = items_of(ITEMS[name]), [*keywords.vocabulary]
    begun = [keywords.in_order(order) for order in keywords.orders()]
    found = 0
    for length in range(6):
        for ids in product(range(len(tokens)), repeat=length):
            text = [tokens[i] for i in ids]
            wanted = text[-1:] == ["c"] and holds_all(items, text, overlap=overlap)
            got = keywords.automaton.accepts(list(ids)) and bits(keywords, list(ids)) == keywords.held
            assert got == wanted, text
            assert wanted or not any(automaton.accepts(list(ids)) for automaton in begun)
            found += wanted
    assert found
    assert any(automaton.accept.any() for automaton in begun)


def test_an_order_is_an_order() -> None:
    keywords = many(["a", "b", "c"])
    automaton = keywords.in_order((2, 0, 1))
    ids = keywords.vocabulary.encode
    assert automaton.accepts(ids(["d", "c", "a", "d", "b"]))
    assert not automaton.accepts(ids(["a", "c", "b"]))
    assert automaton.run(ids(["a", "c"])) != START


def test_orders_are_permutations() -> None:
    orders = list(many(["a", "b", "c", "d"]).orders())
    assert all(sorted(order) == [0, 1, 2, 3] for order in orders)
    assert len(set(orders)) > 5
    assert orders == list(many(["a", "b", "c", "d"]).orders())


def test_what_is_proved_and_what_is_not() -> None:
    with pytest.raises(Contradiction, match="takes 3 words, and a text may have only 2"):
        many(["a", "b", "c"], Length(1, 2))
    assert many(["a b", "b"], Length(1, 2), overlap=True)
    with pytest.raises(Impossible, match="proved impossible"):
        many(["a"], EndsWith(("b",)), EndsWith(("c",)))


def test_more_keywords_than_bits() -> None:
    words = [f"w{number}" for number in range(MASK_BITS + 2)]
    keywords = many(words)
    assert len(keywords.keywords.items) == MASK_BITS
    ids = [int(i) for i in keywords.vocabulary.encode(words)]
    assert keywords.automaton.accepts(ids)
    assert bits(keywords, ids) == keywords.held
    assert not keywords.automaton.accepts(ids[:-1])  # the last two stand in the automaton
    assert bits(keywords, ids[1:]) == keywords.held - 1


def test_a_search_holds_twenty_keywords() -> None:
    texts = constrain(
        WORDS_OF_SEARCH, n=3, seed=1, lm="en-ngram", max_words=45, annealing=Annealing(chains=6, steps=2000)
    )
    assert len({record.text for record in texts}) == 3
    reader = Reader()
    for record in texts:
        assert record.satisfied
        assert all(record.satisfied.values())
        assert 20 <= record.text.count(" ") + 1 <= 45
        for item in WORDS_OF_SEARCH:
            assert any(reader.held(form, record.text) for form in item.split("|")), (item, record.text)


def test_an_order_that_starts_elsewhere_is_found() -> None:
    """The given order is impossible; the reverse is not."""
    words = [
        "letter",
        *(word for word in WORDS_OF_SEARCH[:18] if "|" not in word),
        "fire",
        "night",
        "morning",
        "road",
        "door",
        "moon",
    ]
    fixed = {"starts_with": "Moon", "ends_with": "letter", "min_words": len(words), "max_words": len(words)}
    (record,) = constrain(
        words, seed=1, lm="en-ngram", annealing=Annealing(chains=2, steps=200), sentence=False, **fixed
    )
    assert record.text.startswith("Moon")
    assert all(record.satisfied.values())


def test_not_found_is_no_proof() -> None:
    words = [word for word in WORDS_OF_SEARCH if "|" not in word and " " not in word]
    words += ["fire", "night", "morning", "road", "door", "moon"]
    # Three hyphens would have to make room.
    fixed = {"starts_with": words[5], "ends_with": words[9], "max_words": len(words) - 3}
    with pytest.raises(NotFound, match="not found"):
        constrain(words, seed=1, lm="en-ngram", sentence=False, **fixed)
