"""Counting and Kneser-Ney smoothing: against slow definitions, and laws every model obeys."""

from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit

from searchgen.errors import RequestError
from searchgen.lm.ngram.estimation import counts as counting
from searchgen.lm.ngram.estimation.counts import adjusted_counts, count_ngrams
from searchgen.lm.ngram.estimation.kneser_ney import discounts
from searchgen.lm.ngram.estimation.words import encode_sentences
from searchgen.lm.ngram.model import NGram
from searchgen.lm.ngram.query import score_word
from searchgen.lm.ngram.storage.assemble import alias_table
from searchgen.lm.ngram.tables import BEGIN

sentences = st.lists(st.lists(st.sampled_from("abcd"), max_size=7), min_size=1, max_size=12)
orders = st.integers(1, 6)
cuts = st.sampled_from([(), (0, 1), (0, 0, 1), (0, 0, 1, 2), (0, 0, 0, 1, 1)])


@njit
def next_word_law(tables: Any, context: int) -> Any:
    """Probability of every word after a context; `score_word` itself cannot be called from Python."""
    return np.array([np.exp(score_word(tables, context, np.int64(word))[0]) for word in range(len(tables.alias_p))])


def listed(levels: list[counting.Level]) -> list[list[tuple[int, ...]]]:
    """The n-grams of each order as tuples of words."""
    texts = [[(int(w),) for w in levels[0].word]]
    for level in levels[1:]:
        texts.append([(*texts[-1][p], int(w)) for p, w in zip(level.prefix, level.word, strict=True)])
    return texts


@pytest.mark.parametrize("slice_size", [4, 1 << 20])
@given(texts=sentences, order=orders)
@settings(max_examples=40, deadline=None)
def test_counts_are_those_of_the_definition(slice_size: int, texts: list[list[str]], order: int) -> None:
    tokens, vocabulary = encode_sentences(texts)
    sizes, counting.SLICE = counting.SLICE, slice_size
    try:
        levels = count_ngrams(tokens, order, len(vocabulary))
    finally:
        counting.SLICE = sizes
    ids = {word: i for i, word in enumerate(vocabulary)}
    padded = [(1, *(ids[w] for w in text), 2) for text in texts]
    ngrams = listed(levels)
    for n in range(1, order + 1):
        raw = Counter(text[i : i + n] for text in padded for i in range(len(text) - n + 1))
        assert ngrams[n - 1] == sorted(ngrams[n - 1])
        assert {g: c for g, c in zip(ngrams[n - 1], levels[n - 1].raw.tolist(), strict=True) if c} == raw
        if n > 1:
            assert [ngrams[n - 2][s] for s in levels[n - 1].suffix] == [g[1:] for g in ngrams[n - 1]]
    for n, adjusted in enumerate(adjusted_counts(levels)[:-1], start=1):
        before = Counter(gram[1:] for gram in ngrams[n])
        for gram, count in zip(ngrams[n - 1], adjusted.tolist(), strict=True):
            begins = gram[0] == BEGIN and n > 1
            assert count == (levels[n - 1].raw[ngrams[n - 1].index(gram)] if begins else before[gram])


@given(texts=sentences, order=orders, cut=cuts)
@settings(max_examples=40, deadline=None)
def test_probabilities_sum_to_one_in_every_stored_context(
    texts: list[list[str]], order: int, cut: tuple[int, ...]
) -> None:
    model = NGram.from_sentences(texts, order, cut=cut, min_count=2)
    tables = model.exact_tables()
    for context in np.flatnonzero(np.diff(tables.node["first"])):
        p = next_word_law(tables, context)
        assert len(p) == model.size
        assert p[BEGIN] == 0
        assert sum(p) == pytest.approx(1, abs=1e-12)


@given(texts=sentences, order=orders, cut=cuts)
@settings(max_examples=40, deadline=None)
def test_draw_weights_and_backoff_sum_to_one(texts: list[list[str]], order: int, cut: tuple[int, ...]) -> None:
    tables = NGram.from_sentences(texts, order, cut=cut).exact_tables()
    assert tables.mixture[0]
    node, first = tables.node, tables.node["first"]
    for i in range(1, len(tables.word)):
        assert node["end"][i] == first[i + 1]
        running = tables.cumulative[first[i] : first[i + 1]]
        assert node["total"][i] + np.exp(node["log_backoff"][i]) == pytest.approx(1, abs=1e-12)
        if len(running):
            assert running[-1] == node["total"][i]
            assert (np.diff(running) >= 0).all()
    assert node["total"][0] == pytest.approx(1, abs=1e-12)


def test_rare_words_become_unknown_ones_and_give_them_contexts() -> None:
    model = NGram.from_sentences([["a", "x", "b"], ["a", "y", "b"], ["a", "b"]], order=2, min_count=2)
    assert model.vocabulary == ["<unk>", "<s>", "</s>", "a", "b"]
    assert model.ids(["x", "b"]).tolist() == [0, 4]
    assert model.tokens([3, 0]) == ["a", "<unk>"]
    a = 1 + 3
    children = model.tables.word[model.tables.node["first"][a] : model.tables.node["first"][a + 1]]
    assert children.tolist() == [0, 4]


def test_the_vocabulary_is_ordered_by_falling_count_then_code_point() -> None:
    model = NGram.from_sentences([["b", "é", "Z", "b"], ["a", "一", "é"]], order=1)
    assert model.vocabulary[3:] == ["b", "é", "Z", "a", "一"]


def test_discounts_fall_back_where_counts_give_none() -> None:
    assert discounts(np.array([[10, 0, 1, 1], [1, 5, 1, 40]])).tolist() == [[0, 0.5, 1, 1.5]] * 2


@pytest.mark.parametrize("cut", [(1,), (0, 2, 1)])
def test_a_cut_that_could_orphan_an_ngram_is_refused(cut: tuple[int, ...]) -> None:
    with pytest.raises(RequestError, match="0,0,0,1,1"):
        NGram.from_sentences([["a"]], order=3, cut=cut)


def test_markers_inside_a_sentence_are_refused() -> None:
    with pytest.raises(RequestError, match="</s>"):
        NGram.from_sentences([["a", "</s>"]])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30).filter(lambda p: sum(p) > 1e-3))
def test_an_alias_table_holds_its_distribution(p: list[float]) -> None:
    keep, other = alias_table(np.array(p))
    drawn = keep / len(p)
    np.add.at(drawn, other, (1 - keep) / len(p))
    assert np.abs(drawn - np.array(p) / sum(p)).max() < 1e-12
    assert not drawn[np.array(p) == 0].any()
