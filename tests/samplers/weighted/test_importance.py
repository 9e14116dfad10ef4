"""Weights: known cases; importance, SIR and iterated SIR: controls that the harness catches, and the same output on any threads."""

from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from searchgen.constraints import Keywords, Length
from searchgen.errors import RequestError
from searchgen.guide import Guide
from searchgen.guide.candidates import new_scratch
from searchgen.guide.draws import draw
from searchgen.kernels.compiled import inner
from searchgen.kernels.randomness import categorical
from searchgen.lm.ngram.model import NGram
from searchgen.samplers.chains.chains import recompute
from searchgen.samplers.diagnostics.weights import (
    effective_sample_size,
    fit_pareto,
    largest_share,
    log_mean_exp,
    pareto_k,
)
from searchgen.samplers.method import Draws, Job
from searchgen.samplers.proofs.exactness import World, prove_attempts, prove_kernel
from searchgen.samplers.proofs.toy_worlds import keyword_world, phrase_world
from searchgen.samplers.registry import method
from searchgen.samplers.weighted.guide_draws import new_pool, scripted_importance, scripted_sir
from searchgen.samplers.weighted.importance import narrowed
from searchgen.target import Target
from tests.lm.ngram.toy_sentences import toy_sentences
from tests.samplers.toy_jobs import toy_job

VISIBLE = 1e-4  # a fault shifts the law at least so much


def test_known_weights() -> None:
    """Values worked out by hand, at any scale."""
    log_weight = np.log([1.0, 2.0, 3.0]) - 1000.0
    assert effective_sample_size(log_weight) == pytest.approx(36 / 14)
    assert largest_share(log_weight) == pytest.approx(0.5)
    log_z, error = log_mean_exp(log_weight)
    assert log_z == pytest.approx(np.log(2.0) - 1000.0)
    assert error == pytest.approx(1.0 / 2.0 / np.sqrt(3.0))
    assert pareto_k(np.full(100, -7.0)) == -np.inf
    assert pareto_k(np.arange(10.0)) == np.inf


@pytest.mark.parametrize("shape", [0.2, 0.5, 0.9])
def test_pareto_k_of_pareto_weights(shape: float) -> None:
    """Weights u^-k have shape k; the maximum-likelihood estimate of a tail of m has standard error (1 + k) / sqrt(m): five of them."""
    draws = 100_000
    log_weight = -shape * np.log(np.random.default_rng(5).random(draws))
    tail = int(np.ceil(3 * np.sqrt(draws)))
    assert abs(pareto_k(log_weight) - shape) < 5 * (1 + shape) / np.sqrt(tail)


def test_scale_of_a_generalised_pareto_law() -> None:
    """The scale is found too, within five standard errors sqrt(2 (1 + k) / m), relatively."""
    shape, scale, draws = 0.3, 2.0, 20_000
    uniform = np.random.default_rng(6).random(draws)
    found_shape, found_scale = fit_pareto(np.sort(scale * (uniform**-shape - 1) / shape))
    assert abs(found_shape - shape) < 5 * (1 + shape) / np.sqrt(draws)
    assert abs(found_scale / scale - 1) < 5 * np.sqrt(2 * (1 + shape) / draws)


@inner
def unweighted(
    problem: Any, tokens: Any, lengths: Any, log_weight: Any, guide: Any, mass: Any, scratch: Any, rng: Any
) -> None:
    """Leave out what distinguishes the guide from the target: the weight is Z of the guide."""
    lengths[0] = draw(guide, problem, rng, scratch, tokens[0])
    log_weight[0] = mass


@inner
def pool_forgotten(
    problem: Any,
    tokens: Any,
    lengths: Any,
    log_weight: Any,
    guide: Any,
    mass: Any,
    scratch: Any,
    pool: Any,
    fault: Any,
    rng: Any,
) -> None:
    """Resample from a pool, and forget the pool's mean weight: for Z of the guide, or for its largest weight."""
    scripted_sir(problem, tokens, lengths, log_weight, guide, mass, scratch, pool, rng)
    log_weight[0] = mass
    if fault:
        for c in range(len(pool.log_weight)):
            log_weight[0] = pool.log_weight[c] if c == 0 else max(log_weight[0], pool.log_weight[c])


@inner
def density_only(
    problem: Any, chains: Any, c: Any, draft: Any, guide: Any, log_mass: Any, scratch: Any, pool: Any, rng: Any
) -> None:
    """Choose between the current text and a fresh one by rho instead of rho / q."""
    length = draw(guide, problem, rng, scratch, pool.token[0])
    size, before = chains.length[c], chains.log_density[c]
    for at in range(len(draft.token)):
        draft.token[at], chains.token[c, at] = chains.token[c, at], pool.token[0, at]
    chains.length[c] = length
    chains.log_density[c] = recompute(problem, chains, c)
    pool.cumulative[0] = np.exp(before)
    pool.cumulative[1] = np.exp(before) + np.exp(chains.log_density[c])
    if categorical(rng, pool.cumulative, 0, 2) == 0:
        for at in range(size):
            chains.token[c, at] = draft.token[at]
        chains.length[c] = size
        chains.log_density[c] = recompute(problem, chains, c)


def test_controls_are_caught() -> None:
    """A dropped weight and a ratio without q are wrong where the guide is not the target, and a wrong Z is wrong anywhere."""
    world = keyword_world(1.0)
    guide = Guide.build(world.problem, order=2, max_tokens=world.max_tokens, budget=None, threads=1)
    place = (guide.tables, guide.log_mass, new_scratch())
    assert not all(f.holds for f in prove_attempts("dropped", world, unweighted, *place))
    wrong = (guide.tables, guide.log_mass + 0.01, new_scratch(), new_pool(1, world.max_tokens))
    assert not all(f.holds for f in prove_attempts("Z", world, scripted_importance, *wrong))
    small = phrase_world(1.0)
    full = Guide.build(small.problem, order=2, max_tokens=small.max_tokens, budget=None, threads=1)
    pool = new_pool(2, small.max_tokens)
    assert not prove_kernel("rho", small, density_only, full.tables, full.log_mass, new_scratch(), pool)[0].holds


@pytest.mark.parametrize("fault", [0, 1])
def test_a_pool_whose_mean_weight_is_forgotten_is_caught(fault: int) -> None:
    """The law of one text resampled from two is the target's only with the pool's mean weight."""
    world = narrowed(keyword_world(1.0), 40)
    guide = Guide.build(world.problem, order=2, max_tokens=world.max_tokens, budget=None, threads=1)
    place = (guide.tables, guide.log_mass, new_scratch(), new_pool(2, world.max_tokens), fault)
    (finding,) = prove_attempts("pool", world, pool_forgotten, *place)
    assert finding.error > VISIBLE


def _same(first: Draws, second: Draws) -> bool:
    return first.texts() == second.texts() and np.array_equal(first.log_weight, second.log_weight)


@pytest.mark.parametrize("name", ["importance", "sir", "isir"])
def test_threads_change_nothing(name: str) -> None:
    """The same draws on one thread and on two."""
    assert _same(method(name).draw(toy_job(name, 300)), method(name).draw(toy_job(name, 300, threads=2)))


def test_log_z_is_the_guides() -> None:
    """At the model's own order all weights are Z; at order 2 their mean is, within five standard errors."""
    exact = toy_job("importance", 1).guide(3).log_mass
    full = method("importance").draw(toy_job("importance", 100, order=0))
    assert np.abs(full.log_weight - exact).max() < 1e-5
    assert full.report["pareto_k"] is None
    assert full.report["ess"] == pytest.approx(100, rel=1e-6)
    draws = method("importance").draw(toy_job("importance", 5000))
    assert draws.log_z is not None
    assert draws.log_z_error is not None
    assert abs(draws.log_z - exact) < 5 * draws.log_z_error + 1e-5


def test_an_order_that_is_not_there() -> None:
    """One clear line."""
    with pytest.raises(RequestError, match="order 9"):
        method("importance").draw(toy_job("importance", 5, order=9))
    with pytest.raises(RequestError, match="candidates=1"):
        method("isir").draw(toy_job("isir", 5, candidates=1))


@pytest.mark.parametrize("order", [2, 0])
@pytest.mark.parametrize("name", ["importance", "sir", "isir"])
def test_a_model_of_single_words_is_served(name: str, order: int) -> None:
    """The least guide there is knows such a model whole: all weights are Z."""
    model = NGram.from_sentences(toy_sentences("aab", 40), order=1)
    target = Target.of_parts(model, [Length(1, 3), Keywords(((("b",),),))])
    draws = method(name).draw(Job(target, 50, 3, method(name).options(order=order)))
    log_z = np.logaddexp.reduce(World.of(target.problem, 3).log_density)
    assert len(draws.lengths) == 50
    assert all(all(target.satisfied(text).values()) for text in draws.texts())
    if name != "isir":
        assert draws.log_weight == pytest.approx(np.full(50, log_z), abs=1e-5)


def half_job(count: int) -> tuple[Job, np.ndarray]:
    """A job under a model that gives texts with a b no probability, and the log-weights of all its draws."""
    job = toy_job("importance", count)

    def log_probs(texts: Sequence[str]) -> np.ndarray:
        return np.array([-np.inf if "b" in text else -float(len(text)) for text in texts])

    whole = method("importance").draw(job)
    log_p = log_probs([job.target.printed(text) for text in whole.texts()])
    half: Any = SimpleNamespace(label="half", log_probs=log_probs)
    return replace(job, target=replace(job.target, text_model=half)), whole.log_weight + log_p - whole.log_density


def test_draws_of_weight_zero_are_left_out_and_the_mean_weight_is_that_of_all() -> None:
    job, log_weight = half_job(400)
    draws = method("importance").draw(job)
    kept = np.flatnonzero(log_weight > -np.inf)
    assert 0 < len(kept) < 400
    whole = method("importance").draw(toy_job("importance", 400)).texts()
    assert draws.texts() == [whole[i] for i in kept]
    assert draws.log_weight - draws.log_weight[0] == pytest.approx(log_weight[kept] - log_weight[kept[0]])
    assert draws.log_z == pytest.approx(log_mean_exp(log_weight)[0])
    assert np.logaddexp.reduce(draws.log_weight) - np.log(len(kept)) == pytest.approx(draws.log_z)


def test_draws_of_weight_zero_count_in_the_error_of_the_mean_weight() -> None:
    job, log_weight = half_job(400)
    assert method("importance").draw(job).log_z_error == pytest.approx(log_mean_exp(log_weight)[1])
