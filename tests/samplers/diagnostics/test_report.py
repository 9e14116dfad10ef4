"""Diagnostics: against ArviZ's numbers, small cases written by hand, and a sampler that is stuck on purpose."""

import json
from dataclasses import replace

import numpy as np
import pytest

from searchgen.constraints import Keywords, Length
from searchgen.kernels.randomness import key_of
from searchgen.lm.ngram.model import NGram
from searchgen.samplers.diagnostics.report import arrays, bulk_size, diagnose, effective_sample_size, r_hat, tail_size
from searchgen.samplers.diagnostics.weights import effective_sample_size as weighted_size
from searchgen.samplers.diagnostics.weights import fit_pareto, largest_share
from searchgen.samplers.method import Draws, Job, Method, parse_options
from searchgen.samplers.registry import method
from searchgen.samplers.weighted.importance import guide_of, weighted_draws
from searchgen.target import Target
from tests.samplers.toy_jobs import toy_job

#: R-hat, bulk and tail ESS by ArviZ 0.23.4 of the chains that `chains` makes.
ARVIZ = {
    "independent": (1.0117181345152753, 456.58297245819784, 346.9995419147963),
    "sticky": (1.0715941318035387, 40.80784310746551, 136.06753719814472),
    "apart": (1.1845335321041073, 14.860406862505116, 148.12789524613453),
    "alternating": (1.000561550135411, 1040.823996531185, 422.2395790939366),
    "presence": (1.0348846637022129, 134.38059060260446, 134.3805906026045),
}


def chains() -> dict[str, np.ndarray]:
    """Autoregressive chains of every kind, from one stream in a fixed order."""
    random = np.random.Generator(np.random.Philox(7))

    def series(count: int, length: int, phi: float, shift: float = 0.0) -> np.ndarray:
        x = np.empty((count, length))
        x[:, 0] = random.normal(size=count)
        for t in range(1, length):
            x[:, t] = phi * x[:, t - 1] + np.sqrt(1 - phi**2) * random.normal(size=count)
        return x + shift * np.arange(count)[:, None]

    return {
        "independent": series(4, 100, 0.0),
        "sticky": series(4, 200, 0.9),
        "apart": series(3, 80, 0.5, 0.7),
        "alternating": series(4, 101, -0.6),
        "presence": (series(5, 120, 0.7) > 0.5).astype(float),
    }


@pytest.mark.parametrize("name", ARVIZ)
def test_numbers_are_those_of_arviz(name: str) -> None:
    values = chains()[name]
    assert (r_hat(values), bulk_size(values), tail_size(values)) == pytest.approx(ARVIZ[name], rel=1e-9)


def test_arviz_takes_the_arrays(target: Target) -> None:
    arviz = pytest.importorskip("arviz")
    draws = method("mh").draw(Job(target, 800, 5, parse_options(method("mh"), ["chains=8"])))
    features = arrays(draws, target)
    for name in ("log_density", "length"):
        for size, by_arviz in ((bulk_size, "bulk"), (tail_size, "tail")):
            assert size(features[name]) == pytest.approx(float(arviz.ess(features[name], method=by_arviz)), rel=1e-9)
        assert r_hat(features[name]) == pytest.approx(float(arviz.rhat(features[name])), rel=1e-9)


def test_few_and_constant_draws_are_said_as_they_are() -> None:
    assert np.isnan(r_hat(np.zeros((2, 3))))
    assert np.isnan(effective_sample_size(np.zeros((2, 3))))
    assert r_hat(np.ones((2, 8))) == 1.0
    assert effective_sample_size(np.ones((2, 8))) == 16
    assert r_hat(np.array([[0.0] * 8, [1.0] * 8])) == np.inf


@pytest.fixture(scope="module")
def target() -> Target:
    sentences = [["a", "b"], ["b", "a"], ["a", "c", "b"], ["b", "c", "a"]] * 3
    return Target.of_parts(NGram.from_sentences(sentences, order=3), [Length(1, 4), Keywords(((("a",),), (("b",),)))])


def stuck(target: Target) -> Draws:
    """Chains that never leave their first text."""
    ids = [target.vocabulary.encode(words) for words in (["a", "b"], ["b", "a"], ["a", "c", "b"], ["b", "c", "a"])]
    tokens = np.zeros((400, 4), np.int32)
    for i in range(400):
        tokens[i, : len(ids[i % 4])] = ids[i % 4]
    lengths = np.array([len(ids[i % 4]) for i in range(400)])
    density = np.array([target.log_prob(ids[i % 4]) for i in range(400)])
    return Draws(tokens, lengths, density, np.zeros(400), chains=4, moves={"none": (400, 0, 0)})


def test_a_stuck_sampler_is_flagged(target: Target) -> None:
    nothing = Method("stuck", "markov", "", draw=lambda job: stuck(target), proof=None)
    report = diagnose(nothing, stuck(target), target)
    assert report["trusted"] is False
    assert any("R-hat of log_density" in doubt for doubt in report["doubts"])
    assert report["distinct"] == 4
    assert report["moves"]["none"]["stays"] == 400


def test_demanded_words_are_traced_only_where_there_is_a_choice(target: Target) -> None:
    """Of the demanded a and b nothing is to be told; of the alternatives b and c each chain holds one for good."""
    assert set(arrays(stuck(target), target)) == {"log_density", "length", "has c"}
    either = Target.of_parts(target.model, [Length(1, 4), Keywords(((("a",),), (("b",), ("c",))))])
    draws = stuck(target)
    tokens = draws.tokens.copy()
    b, c = (int(either.vocabulary.encode([word])[0]) for word in "bc")
    tokens[1::4][tokens[1::4] == b] = c
    features = arrays(replace(draws, tokens=tokens), either)
    assert set(features) == {"log_density", "length", "has demanded form b", "has demanded form c"}
    assert r_hat(features["has demanded form b"]) > 1.1


def test_chains_stuck_in_one_text_are_flagged(target: Target) -> None:
    draws = stuck(target)
    stuck_draws = Draws(
        np.tile(draws.tokens[0], (400, 1)), np.full(400, 2), np.full(400, -1.0), np.zeros(400), chains=4
    )
    report = diagnose(Method("stuck", "markov", "", draw=lambda job: stuck_draws, proof=None), stuck_draws, target)
    assert report["trusted"] is False
    assert "the same text" in report["doubts"][-1]


def test_chains_that_mix_are_trusted(target: Target) -> None:
    mh = method("mh")
    draws = mh.draw(Job(target, 6400, 3, mh.options(thin=30, burn_in=300)))
    report = diagnose(mh, draws, target)
    assert report["trusted"] is True, report["doubts"]
    assert set(report["features"]) >= {"log_density", "length"}
    assert arrays(draws, target)["length"].shape == (64, 100)
    json.dumps(report, allow_nan=False)


def test_weights_that_one_draw_dominates_are_flagged(target: Target) -> None:
    draws = stuck(target)
    heavy = Draws(draws.tokens, draws.lengths, draws.log_density, np.append(np.zeros(399), 20.0))
    report = diagnose(Method("heavy", "weighted", "", draw=lambda job: heavy, proof=None), heavy, target)
    assert report["trusted"] is False
    assert report["largest_share"] > 0.99


def test_a_search_claims_nothing(target: Target) -> None:
    search = Method("found", "search", "", draw=lambda job: stuck(target), proof=None)
    assert diagnose(search, stuck(target), target)["trusted"] is None


def test_equal_excesses_are_fitted_at_the_exponential_law() -> None:
    """A point of the grid is 0 then, where the likelihood has a limit."""
    grid = 40  # of 100 excesses: 1 + (1 - sqrt(grid / 2.5)) / 3 is 0
    assert 30 + int(np.sqrt(100)) == grid
    shape, scale = fit_pareto(np.ones(100))
    assert np.isfinite([shape, scale]).all()
    assert scale > 0
    nearly, _ = fit_pareto(np.linspace(1.0, 1.0 + 1e-9, 100))
    assert shape == pytest.approx(nearly, abs=1e-6)


@pytest.mark.parametrize("size", [1, 400])
def test_draws_of_a_pool_are_worth_what_the_pool_is(size: int) -> None:
    """Resampled draws have equal weights, by which 200 of them would be worth 200 even if all were one text."""
    sir, job = method("sir"), toy_job("sir", 200, pool=size)
    report = diagnose(sir, sir.draw(job), job.target)
    pool = weighted_draws(guide_of(job, 2), key_of(job.key, "sir"), size).log_weight
    assert report["ess"] == pytest.approx(weighted_size(pool))
    assert report["largest_share"] == pytest.approx(largest_share(pool))
    assert report["trusted"] is (size > 1), report["doubts"]
    assert report["doubts"] == ([] if size > 1 else ["effective sample size is 1, below 100"])


def test_approximate_draws_are_never_trusted() -> None:
    rejection, job = method("rejection"), toy_job("rejection", 100, beta=0.9, quasi=True, pilot=2000)
    report = diagnose(rejection, rejection.draw(job), job.target)
    assert (report["kind"], report["trusted"]) == ("approximate", False)
    (doubt,) = report["doubts"]
    assert f"about {report['total_variation']:.2f} from the target" in doubt
