"""Shortening: subsequences within the bound, protected spans whole, and the best of all subsequences on a short text."""

import random
from itertools import product

import pytest

from searchgen.errors import Impossible, NotFound, RequestError
from searchgen.rewriting.shortener import LOST_VERB, Shortener
from tests.rewriting.prose import decorated
from tests.rewriting.test_fixer import SOURCES


@pytest.mark.parametrize(("language", "most"), [("en", 4), ("zh", 5)])
def test_the_best_of_all_subsequences_is_found(language: str, most: int) -> None:
    text = {"en": "He has seen the old house every morning.", "zh": "弟弟的球昨天掉进河里了。"}[language]
    shortener = Shortener(SOURCES[language], most)
    parts = shortener._parts(tuple(shortener.form.tokenise(text)), ())
    masks = [mask for mask in product((True, False), repeat=len(parts.units)) if shortener._allowed(parts, mask)]
    scores = shortener.scores.estimates([parts.tokens(mask) for mask in masks])
    worth = [parts.worth(mask, shortener.coverage, shortener.cut) for mask in masks]
    if shortener._has_verb(parts.tokens((True,) * len(parts.units))):
        worth = [
            one - LOST_VERB * (not shortener._has_verb(parts.tokens(mask)))
            for one, mask in zip(worth, masks, strict=True)
        ]
    (result,) = shortener.revise(text)
    assert result.score == pytest.approx(max(scores + worth))


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("seeds", [range(10), pytest.param(range(10, 1_010), marks=pytest.mark.slow)])
def test_results_are_subsequences_within_the_bound_that_hold_what_is_protected(seeds: range, language: str) -> None:
    form, shorter = SOURCES[language].lexicon.vocabulary.form, 0
    for seed in seeds:
        draw, text = random.Random(seed), decorated(seed, language)
        tokens = form.tokenise(text)
        most = draw.randint(2, 8)
        at = draw.choice([at for at, token in enumerate(tokens) if form.is_word(token) and token.isalpha()])
        protect = (tokens[at],) if draw.random() < 0.5 and "//" not in text else ()
        try:
            (result,) = Shortener(SOURCES[language], most, protect=protect).revise(text)
        except (Impossible, NotFound):
            continue
        before, after = (list(map(form.fold, form.tokenise(one))) for one in (text, result.text))
        assert sum(map(form.is_word, after)) <= most or "//" in text or result.text == text
        left = iter(before)
        assert all(token in left for token in after) or "//" in text, (text, result.text)
        if protect:
            assert after.count(form.fold(protect[0])) == before.count(form.fold(protect[0])), (text, result.text)
        shorter += result.edits > 0
    assert shorter > len(seeds) / 2


def test_what_is_short_comes_back_and_what_cannot_be_is_refused() -> None:
    shortener = Shortener(SOURCES["en"], 4)
    assert shortener.revise(' "We"  saw it… ')[0].text == ' "We"  saw it… '
    with pytest.raises(Impossible, match="protected has 5 words, and at most 4"):
        Shortener(SOURCES["en"], 4, protect=("the old man feeds birds",)).revise("Here the old man feeds birds.")
    with pytest.raises(RequestError, match="has 10,000 words"):
        shortener.revise("dog " * 10_000)
    with pytest.raises(RequestError, match="no word"):
        shortener.revise("...")
    # A word that denies stays with its neighbours, so that a result does not say the contrary.
    for seed in range(3):
        text = f"Yesterday evening the {['dog', 'king', 'man'][seed]} did not open the heavy door of the house again."
        (result,) = Shortener(SOURCES["en"], 7).revise(text)
        assert "did not open" in result.text or not {"did", "not", "open"} & {*result.text.split()}
