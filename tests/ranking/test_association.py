"""The order in which the texts of a transformer's search are printed."""

from concurrent.futures import Future
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from searchgen.lm.boundaries import PrefixLogProbs
from searchgen.lm.mixture import Mixture, NGramPart
from searchgen.lm.ngram.model import NGram
from searchgen.ranking.association import LOOKED_AT, WEIGHT, by_reranking_score, ratios, reranking_scores
from searchgen.request.model_ref import ModelRef
from searchgen.request.request import Request
from searchgen.samplers.optimise.annealing_loop import Annealed
from searchgen.search.transformer_search import rank
from searchgen.sources.source import Source
from searchgen.target import Target
from searchgen.token_table import lexicon
from tests.cli.runner import searchgen

SENTENCES = [["the", "dog", "ran", "home", "."], ["a", "dog", "sat", "."], ["the", "old", "cat", "ran", "."]] * 3


@pytest.fixture(scope="module")
def target() -> Target:
    model = NGram.from_sentences(SENTENCES, order=3, form="en")
    source = Source("small", model, lexicon(model))
    return source.target(Request(keywords=(("dog",),), min_words=1, max_words=6, finite_verb=False))


def test_ratios_are_those_of_whole_tokens() -> None:
    """Pieces that end inside a token say nothing; tokens without a piece's end between them are one stretch."""
    begun = PrefixLogProbs(np.array([2, 3, 8, 9]), np.log([0.5, 0.4, 0.1, 0.02]), np.log(0.25))
    alone = np.log([0.2, 0.5, 0.4, 0.1])  # tokens end at 3, 5, 8 and 9; no piece ends at 5
    each = ratios(begun, [3, 5, 8, 9], alone)
    assert np.exp(each) == pytest.approx([0.4 / 0.2, 0.25 / (0.5 * 0.4), 0.2 / 0.1])


def test_the_reranking_score_is_the_stated_one(target: Target) -> None:
    texts = ["the dog ran home .", "the dog ran .", "a dog sat .", "the old dog .", "home dog the ."]
    found = _found(target, texts)
    log_unigram = lexicon(target.model).log_unigram
    stated = []
    for text, density in zip(found.texts, found.log_density, strict=True):
        printed = target.printed(text)
        (begun,) = NGramPart(target.model).prefix_log_probs([printed])
        steps = np.diff(begun.log_p, prepend=0.0)  # an n-gram model's pieces are the tokens
        each = np.sort(steps - log_unigram[list(text)])
        stated.append(density + 4.0 * (each[0] + each[1]) / 2)
    order = sorted(range(len(texts)), key=lambda i: -stated[i])
    assert order != list(range(len(texts)))
    ours = reranking_scores(found, target, NGramPart(target.model), log_unigram, 4.0)
    assert ours == pytest.approx(stated)
    after = by_reranking_score(found, ours)
    assert after.texts == [found.texts[i] for i in order]
    assert list(after.log_density) == [found.log_density[i] for i in order]


def test_a_mixture_is_judged_by_its_other_parts(target: Target) -> None:
    """In the density, too: the weight of the n-gram model in the mixture changes nothing in the order."""
    lines = ["a dog sat .", "the old dog sat .", "the cat ran home .", "a cat ran ."]
    other = _Other(NGram.from_sentences([line.split() for line in lines], order=2, form="en"))
    texts = ["the dog ran home .", "the dog ran .", "a dog sat .", "the old dog .", "home dog the ."]
    log_unigram = lexicon(target.model).log_unigram
    orders = []
    for weight in (0.1, 0.9):
        mixture = Mixture("both", [NGramPart(target.model), other], [weight, 1 - weight])  # type: ignore[list-item]
        under = replace(target, text_model=mixture)
        opened: Future[Any] = Future()
        opened.set_result(mixture)
        source = Source(ModelRef.parse("toy"), target.model, lexicon(target.model), opened=opened)
        found = _found(under, texts)
        after = rank(source, found, under, Request())
        orders.append(after.texts)
    expected = []
    for text in orders[0]:
        (begun,) = other.prefix_log_probs([target.printed(text)])
        steps = np.diff(begun.log_p, prepend=0.0)
        least = np.sort(steps - log_unigram[list(text)])[:2].mean()
        expected.append(begun.log_p[-1] + begun.log_end + WEIGHT * least)
    assert orders[0] == orders[1]
    assert expected == sorted(expected, reverse=True)
    judged_by_both = by_reranking_score(
        _found(under, texts), reranking_scores(_found(under, texts), under, mixture, log_unigram, WEIGHT)
    )
    assert judged_by_both.texts != orders[0]


def test_only_the_densest_are_looked_at(target: Target) -> None:
    words = ["the", "a", "dog", "ran", "home", "sat"]
    texts = [f"{a} {b} {c} ." for a in words for b in words for c in words][: LOOKED_AT + 20]
    found = _found(target, texts)
    after = by_reranking_score(
        found, reranking_scores(found, target, NGramPart(target.model), lexicon(target.model).log_unigram, 4.0)
    )
    assert after.texts[LOOKED_AT:] == found.texts[LOOKED_AT:]
    assert sorted(after.texts[:LOOKED_AT]) == sorted(found.texts[:LOOKED_AT])
    assert after.texts[:LOOKED_AT] != found.texts[:LOOKED_AT]


def test_without_weight_the_densest_is_first(tmp_path_factory: pytest.TempPathFactory) -> None:
    spec = tmp_path_factory.mktemp("spec") / "dense.toml"
    spec.write_text("association_weight = 0.0\n", encoding="utf-8")
    flags = ("constrain", "--keywords", "park,prepared", "-n", "3", "--seed", "3", "--budget", "0.2", "--json")
    usual, dense = (searchgen(*flags, *more).rows for more in ((), ("--spec", str(spec))))
    densities = [row["log_density"] for row in dense]
    assert densities == sorted(densities, reverse=True)
    assert '"association_weight":0.0' in dense[0]["signature"]
    assert max(row["log_density"] for row in usual) <= densities[0] + 1e-9


class _Other:
    """A part of a mixture whose law is that of an n-gram model, without being one."""

    def __init__(self, model: NGram) -> None:
        self.label, self.prefix_log_probs = "other", NGramPart(model).prefix_log_probs


def _found(target: Target, texts: list[str]) -> Annealed:
    ids = [tuple(int(i) for i in target.vocabulary.encode(text.split())) for text in texts]
    density = np.array([target.log_prob(text) for text in ids])
    order = np.argsort(-density, kind="stable")
    return Annealed([ids[i] for i in order], density[order], 0, False, np.zeros((1, 3), np.int64))
