"""Words of the window as people count them: against a reader of the printed text, and exactly in the law."""

import random

import numpy as np
import pytest

from searchgen.constraints import Length
from searchgen.constraints.printed.ranges import Range
from searchgen.constraints.printed.sizes import PrintedWords
from searchgen.text import text_form
from searchgen.vocabulary import Vocabulary
from tests.cli.runner import searchgen

TOKENS = ["dog", "well", "known", "don't", "7", "-", "--", ",", ".", "&", "“", "”", "(", ")", "%"]


def counted(text: str) -> int:
    """The words of a printed text: what spaces part and has more than marks."""
    return sum(bool(part.strip(".,-–—“”()")) for part in text.split(" "))


def test_the_window_counts_what_spaces_part() -> None:
    form = text_form("en")
    vocabulary = Vocabulary(TOKENS, form)
    legal = form.canonical(TOKENS, vocabulary.kinds)
    choose, seen = random.Random(5), set()
    for _ in range(20_000):
        ids = choose.choices(range(len(TOKENS)), k=choose.randrange(1, 8))
        if legal.accepts(ids):
            text = form.detokenise(vocabulary.decode(ids))
            words = counted(text)
            seen.add((words, text.count("-") > text.count("--") * 2))
            for low, high in ((words, words), (words + 1, words + 2), (max(0, words - 2), words - 1)):
                if high > 0:
                    held = low <= words <= high
                    assert all(Length(low, high).parts(ids, vocabulary).values()) is held, text
                    assert PrintedWords(Range(low, high)).held_by(text, "en") is held
    assert {(2, True), (3, True), (3, False)} <= seen


@pytest.mark.parametrize("size", ["1", "4", "9"])
def test_a_compound_is_one_word_of_the_window(size: str) -> None:
    flags = ("--min-words", size, "--max-words", size, "--no-sentence", "--seed", "7", "--budget", "0.2")
    ran = searchgen("constrain", "-k", "well-known", "--lm", "en-ngram", *flags)
    assert counted(ran.out.strip()) == int(size)


def test_counts_of_signs_and_hyphens() -> None:
    vocabulary = Vocabulary(TOKENS, text_form("en"))
    assert [vocabulary.counts[TOKENS.index(token)] for token in ("dog", "-", "--", "&", ",")] == [1, 255, 0, 1, 0]
    assert (Vocabulary(["狗", "，", "℃"], text_form("zh")).counts == np.array([1, 0, 0])).all()
