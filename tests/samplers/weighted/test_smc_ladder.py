"""The ladder of sequential Monte Carlo: proper weights by enumeration, controls that must fail, agreement with an enumerated world."""

import json
import math
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from statistics import NormalDist

import numpy as np
import pytest

from searchgen.errors import RequestError
from searchgen.guide import Guide
from searchgen.jobs.draws import refuse_black_box_terms
from searchgen.samplers.chains.chains import enter, new_chains
from searchgen.samplers.chains.moves import Chains
from searchgen.samplers.method import Job, parse_options
from searchgen.samplers.proofs.exactness import WEIGHTED, World
from searchgen.samplers.proofs.toy_worlds import WORLDS
from searchgen.samplers.weighted.smc import ladder as smc_ladder
from searchgen.samplers.weighted.smc.ladder import FLAT, Compiled, climb, flattened, placed, weights_of
from searchgen.samplers.weighted.smc.ladder_proof import (
    Matrices,
    Played,
    State,
    deviation,
    grown,
    matrices_of,
    shortest,
)
from searchgen.samplers.weighted.smc.sampler import METHOD, Options, run
from searchgen.samplers.weighted.smc.steps import Particles
from searchgen.testing import assert_leaves_invariant
from tests.samplers.weighted.test_smc import everyday, target_of

VISIBLE = 1e-3  # a fault shifts the law at least so much


class Kept(Played):
    """Control: copies keep the weights of their parents."""

    def resample(self, number: int) -> bool:
        before = self.weights.log_weight.copy()
        resampled = super().resample(number)
        if resampled:
            self.weights.log_weight[:] = before[self.weights.parent]
        return resampled


class Cold(Played):
    """Control: moves are those of the last rung already."""

    def move(self, tau: float, number: int) -> None:
        self.matrices = dict.fromkeys(self.matrices, self.matrices[1.0])
        super().move(tau, number)


@cache
def beginning(name: str, words: int, beta: float, rungs: int) -> tuple[World, dict[State, float], Matrices]:
    """Return a world, the law of two particles before the ladder, and its moves."""
    world = shortest(WORLDS[name](beta), words)
    matrices = matrices_of(world, placed(FLAT / beta, rungs)[1:])
    for tau, matrix in matrices.items():
        assert_leaves_invariant(matrix, world, inverse_temperature=tau)
    return world, grown(world), matrices


def error(name: str, words: int, beta: float, rungs: int, threshold: float, engine: type[Played] = Played) -> float:
    world, law, matrices = beginning(name, words, beta, rungs)
    return deviation(world, law, matrices, rungs, threshold, engine)


@pytest.mark.parametrize(
    ("name", "words", "beta", "rungs", "threshold"),
    [
        ("punctuated", 1, 3.0, 1, 0.7),
        ("keyword", 2, 4.0, 1, 0.0),
    ],
)
def test_weights_are_proper(name: str, words: int, beta: float, rungs: int, threshold: float) -> None:
    """What the registered proof leaves out: other betas, and resampling at times."""
    assert error(name, words, beta, rungs, threshold) < WEIGHTED


def of_the_next_rung(chains: Chains, weights: Particles, before: float, tau: float) -> None:
    weights.log_weight[:] += (tau * tau / before - tau) * chains.log_density


def of_the_other_rung(chains: Chains, weights: Particles, before: float, tau: float) -> None:
    lowest, middle, highest = placed(0.5, 2)
    weights.log_weight[:] += (middle - lowest if tau == highest else highest - middle) * chains.log_density


@pytest.mark.parametrize("wrong", [of_the_next_rung, of_the_other_rung])
def test_control_the_increment_of_a_wrong_rung_is_caught(
    monkeypatch: pytest.MonkeyPatch, wrong: Callable[..., None]
) -> None:
    monkeypatch.setattr(smc_ladder, "reweigh", wrong)
    assert error("punctuated", 1, 2.0, 2, 1.0) > VISIBLE


def test_control_weights_kept_in_resampling_are_caught() -> None:
    assert error("punctuated", 1, 2.0, 2, 1.0, Kept) > VISIBLE


def test_control_texts_that_do_not_follow_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smc_ladder, "follow", lambda chains, parent: None)
    assert error("punctuated", 1, 2.0, 2, 1.0) > VISIBLE


def test_control_moves_of_a_wrong_rung_are_caught() -> None:
    assert error("punctuated", 1, 2.0, 2, 1.0, Cold) > VISIBLE


def ladder_run(world: World, guide: Guide, rungs: int, count: int, key: int, steps: int) -> tuple[Chains, Particles]:
    """Return texts and weights of one run in production's code."""
    beta = float(world.problem.beta[0])
    particles = run(guide, count, key, 0.5).particles
    chains, weights = new_chains(count, world.max_tokens), weights_of(particles.log_weight, particles.ancestor)
    enter(world.problem, chains, particles.token, particles.length)
    climb(placed(FLAT / beta, rungs), chains, weights, Compiled(world.problem, chains, weights, key, 0.9, steps, 1))
    return chains, weights


def test_masses_agree_on_a_world_of_ninety_texts() -> None:
    """log Z and the mass of each text: 200 runs, p floor 1e-6 over all of them; Student's tails of 200 runs are near enough."""
    world, runs, count = WORLDS["keyword"](2.0), 200, 100
    guide = Guide.build(flattened(world.problem, FLAT), order=1, max_tokens=world.max_tokens, budget=None)
    assert len(world.texts) == 90
    at = {text: i for i, text in enumerate(world.texts)}
    estimates = np.zeros((runs, len(world.texts) + 1))
    for number in range(runs):
        chains, weights = ladder_run(world, guide, 3, count, number, 2)
        where = [at[tuple(row[:n].tolist())] for row, n in zip(chains.token, chains.length, strict=True)]
        weight = np.exp(weights.log_weight) / count
        estimates[number] = np.append(np.bincount(where, weight, len(world.texts)), weight.sum())
    density = np.exp(world.log_density)
    expected = np.append(density, density.sum())
    common = expected > 1e-3 * density.sum()
    error = estimates[:, common].std(axis=0, ddof=1) / math.sqrt(runs)
    scores = np.abs((estimates[:, common].mean(axis=0) - expected[common]) / error)
    assert common.sum() > 10
    assert scores.max() < -NormalDist().inv_cdf(1e-6 / 2 / common.sum())


def job(options: Options, threads: int = 1, beta: float = 2.0) -> Job:
    return Job(target_of(everyday(), "window,old", most=10, beta=beta), 300, 7, options, threads)


def test_draws_account_for_every_rung() -> None:
    draws = METHOD.draw(job(Options(ladder=4, rejuvenate=5)))
    rungs = draws.report["ladder"]
    assert [rung["tau"] for rung in rungs] == pytest.approx([2 ** (-3 / 4), 2 ** (-2 / 4), 2 ** (-1 / 4), 1.0])
    assert all(1 <= rung["ess"] <= 300 and 0 < rung["acceptance"] < 1 for rung in rungs)
    assert all(rung["resampled"] == (rung["ess"] < 150) for rung in rungs)
    assert draws.report["resamplings"] == len(draws.report["resampled_at"]) + sum(rung["resampled"] for rung in rungs)
    assert sum(proposed for proposed, _, _ in draws.moves.values()) == 300 * 4 * 5
    assert draws.evaluations == 300 + 300 * 4 * 5
    assert draws.log_z == pytest.approx(np.log(np.exp(draws.log_weight).mean()), abs=1e-9)
    problem = job(Options()).target.problem
    chains = new_chains(300, draws.tokens.shape[1])
    enter(problem, chains, draws.tokens, draws.lengths)
    assert chains.log_density == pytest.approx(draws.log_density, abs=1e-9)
    json.dumps(draws.report)


def test_the_same_seed_gives_the_same_draws_on_two_threads() -> None:
    options = Options(ladder=3, order=1)
    alone, shared = METHOD.draw(job(options)), METHOD.draw(job(options, threads=2))
    assert alone.texts() == shared.texts()
    assert (alone.log_weight == shared.log_weight).all()
    assert alone.report == shared.report
    assert sum(proposed for proposed, _, _ in alone.moves.values()) == 300 * 3 * 10  # as many steps as words


@pytest.mark.parametrize("beta", [0.7, 1.0])
def test_a_beta_that_is_no_larger_than_one_is_refused(beta: float) -> None:
    with pytest.raises(RequestError, match=r"ladder=3 needs a beta above 1, and --beta is .*; drop it"):
        METHOD.draw(job(Options(ladder=3), beta=beta))


@pytest.mark.parametrize("option", ["ladder=-1", "ladder=1001"])
def test_numbers_of_rungs_out_of_range_are_refused(option: str) -> None:
    with pytest.raises(RequestError, match=f"{option} is out of range"):
        METHOD.draw(job(parse_options(METHOD, [option])))


def test_a_transformer_is_refused() -> None:
    class Transformer:
        label = "tiny"

    small_job = job(Options(ladder=3))
    with pytest.raises(RequestError, match="ladder=3 changes words by the n-gram model alone, without tiny; drop it"):
        METHOD.draw(replace(small_job, target=replace(small_job.target, text_model=Transformer())))


def test_terms_that_are_functions_of_the_text_are_refused() -> None:
    with pytest.raises(RequestError, match="needs the parts of the target"):
        refuse_black_box_terms(METHOD, replace(job(Options()).target, bare=len))
