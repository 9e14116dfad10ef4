"""Every sampler against exact values on models too large to enumerate: total mass, lengths, and which words occur.

One target is `en` cut down to bigrams, on which the guide of order 2 is exact. The other is a small model of full order, 5, whose own guide
is exact too, while samplers look ahead by less and have weights that differ. The probability that a word occurs is a ratio of two total
masses, with the word demanded and without. Deviations are z-scores from the sampler's own effective sample size; |z| < 4.9 is p > 1e-6.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from searchgen.guide import Guide
from searchgen.jobs.draws import stated_law
from searchgen.lm.ngram.load import load
from searchgen.lm.ngram.model import NGram
from searchgen.lm.ngram.truncate import truncated
from searchgen.request.request import Request
from searchgen.samplers.diagnostics.report import effective_sample_size
from searchgen.samplers.method import Draws, Job, parse_options
from searchgen.samplers.registry import BUILT_IN, method
from searchgen.target import Target
from searchgen.token_table import lexicon
from tests.samplers.weighted.test_smc import everyday

pytestmark = pytest.mark.slow

FAR = 4.9
REQUEST = stated_law(Request(keywords=(("letter",),), sentence=False, finite_verb=False, quotes=True, max_words=8))
WORDS = ("the", "a", "of", "from", "received")

#: Texts, and options that make correlations small. The resampled texts of sir are importance's own.
SETTINGS: dict[str, tuple[int, tuple[str, ...]]] = {
    "mh": (6400, ("thin=200", "burn_in=2000")),
    "surrogate": (3200, ("thin=4", "burn_in=100", "inner=48", "order=1")),
    "gibbs": (3200, ("thin=100", "burn_in=1000")),
    "tempering": (1600, ()),
    "rejection": (400, ()),
    "importance": (4000, ()),
    "smc": (4000, ()),
    "isir": (3200, ()),
}

#: At full order. A look-ahead of order 2 leaves weights with so heavy a tail that plain errors say nothing; that of order 4 does not.
AT_FULL_ORDER = {name: ("order=4",) for name in ("importance", "smc", "isir")}


class Exact:
    """A target at an order of its model, and what is known of it."""

    def __init__(self, model: NGram, order: int, request: Request, words: tuple[str, ...]) -> None:
        self.model, self.known, self.order = model, lexicon(model), order
        self.tables = truncated(model.tables, order)
        self.target = self.target_of(request)
        self.guide = self.guide_of(self.target)
        self.lengths = np.exp(self.guide.log_masses - self.guide.log_mass)
        self.present = {}
        for word in words:
            with_word = self.target_of(request.but(keywords=(*request.keywords, (word,))))
            self.present[word] = np.exp(self.guide_of(with_word).log_mass - self.guide.log_mass)

    def target_of(self, request: Request) -> Target:
        target = Target.of(request, self.model, self.known)
        return replace(target, problem=target.problem._replace(ngram=self.tables))

    def guide_of(self, target: Target) -> Guide:
        return Guide.build(target.problem, order=self.order, max_tokens=target.max_tokens, budget=None, threads=2)


@cache
def bigrams() -> Exact:
    return Exact(load("en"), 2, REQUEST, WORDS)


@cache
def full_order() -> Exact:
    model = everyday(5)
    return Exact(model, model.order, REQUEST.but(keywords=(("window",),)), ("the", "a", "of", "open", "house"))


def z_scores(exact: Exact, draws: Draws) -> dict[str, float]:
    """Deviation of each length's and each word's frequency, in standard errors."""
    target, texts = exact.target, draws.texts()
    word = target.problem.token["word"]
    weight = np.exp(draws.log_weight - np.logaddexp.reduce(draws.log_weight))
    features = {}
    counts = np.array([word[list(text)].sum() for text in texts])
    low = target.window[0]
    for i, p in enumerate(exact.lengths):
        if p > 0.01:
            features[f"{low + i} words"] = (counts == low + i, p)
    for name, p in exact.present.items():
        ids = set(target.vocabulary.matching(name))
        features[name] = (np.array([not ids.isdisjoint(text) for text in texts]), p)
    result = {}
    for name, (seen, p) in features.items():
        estimate = float(weight @ seen)
        if draws.chains:
            rounds = len(texts) // draws.chains * draws.chains
            error = np.sqrt(
                p * (1 - p) / effective_sample_size(seen[:rounds].reshape(-1, draws.chains).T.astype(float))
            )
        else:
            error = np.sqrt(max(float(weight**2 @ (seen - p) ** 2), p * (1 - p) / len(texts)))
        result[name] = (estimate - p) / error
    return result


def test_no_sampler_is_left_out() -> None:
    assert {name for name in BUILT_IN if method(name).kind != "search"} == {*SETTINGS, "sir"}


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("known", [bigrams, full_order])
def test_frequencies_and_mass_are_exact(known: Callable[[], Exact], name: str) -> None:
    exact = known()
    count, options = SETTINGS[name]
    sampler = method(name)
    options = options if known is bigrams else AT_FULL_ORDER.get(name, options)
    draws = sampler.draw(Job(exact.target, count, 11, parse_options(sampler, options), threads=2))
    scores = z_scores(exact, draws)
    print(name, {k: round(v, 2) for k, v in scores.items()}, draws.log_z, draws.log_z_error, exact.guide.log_mass)
    assert len(scores) >= 5
    assert max(map(abs, scores.values())) < FAR
    if draws.log_z is not None and draws.log_z_error is not None:
        assert abs(draws.log_z - exact.guide.log_mass) < FAR * max(draws.log_z_error, 1e-6)


@pytest.mark.parametrize("name", [name for name in SETTINGS if method(name).kind == "markov"])
def test_two_steps_from_exact_draws_stay_exact(name: str) -> None:
    """Each of 4,096 chains begins at an exact draw: its state after two steps is an independent one, so plain errors hold."""
    exact = bigrams()
    sampler = method(name)
    settings = [f"{key}=1" for key in ("burn_in", "thin") if hasattr(sampler.options(), key)]
    draws = sampler.draw(Job(exact.target, 4096, 12, parse_options(sampler, [*settings, "chains=4096"]), threads=2))
    scores = z_scores(exact, replace(draws, chains=0))
    print(name, {k: round(v, 2) for k, v in scores.items()})
    assert max(map(abs, scores.values())) < FAR
