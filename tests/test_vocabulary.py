"""Looking tokens up, and words that the model does not know."""

from itertools import product as sequences
from math import log

import numpy as np
import pytest

from searchgen.constraints import (
    Keywords,
    StartsWith,
    joint,
    with_demanded,
)
from searchgen.errors import RequestError
from searchgen.text import text_form
from searchgen.vocabulary import Vocabulary
from tests.constraints.toy_text import FORM, vocabulary


def test_unknown_words_enter_the_vocabulary() -> None:
    asked = [Keywords(((("Zorb",),), (("a", "zorb", "quux"),))), StartsWith(("a", "Flip"))]
    known = with_demanded(vocabulary("a b"), asked)
    assert known.extra == ("Zorb", "quux", "Flip")
    assert known.matching("ZORB") == [2]
    assert joint(asked, known, FORM).accepts(known.encode(["a", "Flip", "Zorb", "a", "Zorb", "quux"]))  # type: ignore[arg-type]
    assert with_demanded(known, asked) is known
    assert known.spelling_log_probability(2) == pytest.approx(-5 * log(3))
    assert known.spelling_log_probability(0) == 0
    assert known.is_word.tolist() == [True] * 5


@pytest.mark.parametrize("form", ["en", "zh"])
def test_counts_grow_with_the_vocabulary(form: str) -> None:
    tokens = ["well", "-", "known", ",", "&", "知", "道"]
    extra = ["R&D", "–", "/", "zorb", "《"]
    whole = Vocabulary(tokens, text_form(form), tuple(extra))
    grown = Vocabulary(tokens, text_form(form))
    assert len(grown.counts) == len(tokens)  # before the words are known
    for word in extra:
        grown = grown.with_tokens([word])
    assert grown.counts.tolist() == whole.counts.tolist()
    assert grown.counts.dtype == whole.counts.dtype == np.uint8
    assert len(set(whole.counts.tolist())) > 1


def test_spellings_sum_to_one() -> None:
    """Over an alphabet of two letters the probabilities of all words of up to n letters tend to 1."""
    words = ["".join(letters) for length in range(12) for letters in sequences("ab", repeat=length)]
    known = Vocabulary(["a", "b"], FORM, tuple(words))  # type: ignore[arg-type]
    total = sum(np.exp(known.spelling_log_probability(token)) for token in range(2, len(known)))
    assert total == pytest.approx(1 - (2 / 3) ** 12)


def test_vocabulary_looks_up_whole_tokens() -> None:
    known = vocabulary("dog Dog dog's dogma hot-dog DOG 1,000 10 , 1")
    assert known.matching("dOG") == [0, 1, 5]
    assert known.matching("cat") == []
    assert known.containing("dog") == [0, 1, 2, 4, 5]
    assert known.containing("1") == [6, 9]
    assert known.containing(",") == [8]
    assert known.decode(known.encode(["dog's", "1"])) == ["dog's", "1"]
    assert list(known) == [known[token] for token in range(len(known))]
    with pytest.raises(RequestError, match="'cat'"):
        known.id_of("cat")
