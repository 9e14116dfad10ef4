"""The ladder from soft to hard functions: proper weights by enumeration, controls that must fail, agreement with an enumerated world."""

import json
import math
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from statistics import NormalDist

import numpy as np
import pytest

from searchgen.black_box_terms import BlackBoxTerm, opaque
from searchgen.errors import NotFound, RequestError
from searchgen.guide import Guide
from searchgen.jobs.draws import refuse_black_box_terms
from searchgen.samplers.chains.chains import enter, new_chains
from searchgen.samplers.chains.moves import Chains
from searchgen.samplers.method import Job, parse_options
from searchgen.samplers.proofs.exactness import WEIGHTED
from searchgen.samplers.proofs.toy_worlds import WORLDS
from searchgen.samplers.weighted.smc import bridge
from searchgen.samplers.weighted.smc.bridge import NARROWEST, Compiled, cross, smoothed_step
from searchgen.samplers.weighted.smc.bridge_proof import RUNGS, Floats, Played, Softened, deviation, softened
from searchgen.samplers.weighted.smc.ladder import weights_of
from searchgen.samplers.weighted.smc.ladder_proof import State, grown
from searchgen.samplers.weighted.smc.sampler import METHOD, Options, run
from searchgen.samplers.weighted.smc.steps import Particles
from tests.samplers.weighted.test_smc import everyday, target_of

VISIBLE = 1e-3  # a fault shifts the law at least so much


class Kept(Played):
    """Control: copies keep the weights of their parents."""

    def resample(self, rung: int) -> bool:
        before = self.weights.log_weight.copy()
        resampled = super().resample(rung)
        if resampled:
            self.weights.log_weight[:] = before[self.weights.parent]
        return resampled


class Hard(Played):
    """Control: moves are those of the last rung already."""

    def move(self, rung: int) -> float:
        soft, self.softened.matrices = self.softened.matrices, [self.softened.matrices[RUNGS]] * (RUNGS + 1)
        super().move(rung)
        self.softened.matrices = soft
        return 0.0


@cache
def beginning(name: str) -> tuple[Softened, dict[State, float]]:
    made = softened(WORLDS[name](1.0))
    assert made is not None
    return made, grown(made.world)


@pytest.mark.parametrize("name", ["punctuated", "joined"])
def test_weights_are_proper(name: str) -> None:
    """What the registered proof leaves out: resampling at times."""
    assert deviation(*beginning(name), 0.6) < WEIGHTED


def of_this_rung_alone(weights: Particles, before: Floats, after: Floats) -> None:
    weights.log_weight[:] += after


@pytest.mark.parametrize(("name", "wrong"), [("reweigh", of_this_rung_alone), ("follow", lambda chains, parent: None)])
def test_control_a_wrong_step_is_caught(monkeypatch: pytest.MonkeyPatch, name: str, wrong: Callable[..., None]) -> None:
    monkeypatch.setattr(bridge, name, wrong)
    assert deviation(*beginning("joined"), 1.0) > VISIBLE


@pytest.mark.parametrize("engine", [Kept, Hard])
def test_control_wrong_weights_and_moves_are_caught(engine: type[Played]) -> None:
    assert deviation(*beginning("joined"), 1.0, engine) > VISIBLE


def test_the_step_becomes_hard() -> None:
    costs = [[smoothed_step(violations, width) for violations in range(4)] for width in (4.0, 1.0, NARROWEST)]
    assert all(np.diff(row).max() < 0.0 for row in costs)
    assert costs[-1][0] == pytest.approx(0.0, abs=1e-6)
    assert costs[-1][1] < -14.0 < costs[0][3]


def bridged(made: Softened, guide: Guide, count: int, key: int) -> tuple[Chains, Particles]:
    """Return texts and weights of one run in production's code."""
    world = made.world
    particles = run(guide, count, key, 0.5).particles
    chains, weights = new_chains(count, world.max_tokens), weights_of(particles.log_weight, particles.ancestor)
    enter(world.problem, chains, particles.token, particles.length)
    engine = Compiled(world.problem, made.functions, chains, weights, key, 0.9, 1, 1)
    for rung in range(1, RUNGS + 1):
        cross(rung, chains, weights, engine)
    return chains, weights


def test_masses_agree_on_a_world_of_ninety_texts() -> None:
    """log Z and the mass of each text: 200 runs, p floor 1e-6 over all of them; Student's tails of 200 runs are near enough."""
    world, runs, count = WORLDS["keyword"](1.0), 200, 100
    made = Softened(world, *sorted({token for text in world.texts for token in text})[:2])
    guide = Guide.build(world.problem, order=1, max_tokens=world.max_tokens, budget=None)
    at = {text: i for i, text in enumerate(world.texts)}
    estimates = np.zeros((runs, len(world.texts) + 1))
    for number in range(runs):
        chains, weights = bridged(made, guide, count, number)
        where = [at[tuple(row[:n].tolist())] for row, n in zip(chains.token, chains.length, strict=True)]
        weight = np.exp(weights.log_weight) / count
        estimates[number] = np.append(np.bincount(where, weight, len(world.texts)), weight.sum())
    density = np.exp(made.stated)
    expected = np.append(density, density.sum())
    common = expected > 1e-3 * density.sum()
    assert (estimates[:, :-1].max(axis=0)[density == 0.0] == 0.0).all()
    error = estimates[:, common].std(axis=0, ddof=1) / math.sqrt(runs)
    scores = np.abs((estimates[:, common].mean(axis=0) - expected[common]) / error)
    assert common.sum() > 10
    assert scores.max() < -NormalDist().inv_cdf(1e-6 / 2 / common.sum())


def short(text: str) -> int:
    return max(0, len(text) - 30)


#: A hard function that counts, one that does not, and a soft one.
TERMS = (
    BlackBoxTerm("short", lambda text: not short(text), hard=True, violations=short),
    opaque(lambda text: "the" in text, hard=True, name="the"),
    opaque(lambda text: text.count("e"), weight=0.2, name="letters"),
)


def job(options: Options, terms: tuple[BlackBoxTerm, ...] = TERMS, threads: int = 1) -> Job:
    target = replace(target_of(everyday(), "window,old", most=10, beta=1.0), opaque=terms)
    return Job(target, 300, 7, options, threads)


def test_draws_keep_hard_functions_and_account_for_every_rung() -> None:
    asked = job(Options(soften=5))
    draws = METHOD.draw(asked)
    rungs = draws.report["soften"]
    assert [rung["rung"] for rung in rungs] == [1, 2, 3, 4, 5]
    assert all(0 < rung["ess"] <= 300 and 0 < rung["acceptance"] <= 1 for rung in rungs)
    texts = [asked.target.printed(text) for text in draws.texts()]
    assert texts
    assert all(len(text) <= 30 and "the" in text for text in texts)
    chains = new_chains(len(texts), draws.tokens.shape[1])
    enter(asked.target.problem, chains, draws.tokens, draws.lengths)
    letters = 0.2 * np.array([text.count("e") for text in texts])
    assert chains.log_density + letters == pytest.approx(draws.log_density, abs=1e-9)
    assert draws.log_z == pytest.approx(np.log(np.exp(draws.log_weight).mean()), abs=1e-9)
    assert draws.evaluations > 300
    json.dumps(draws.report)


def test_the_same_seed_gives_the_same_draws_on_two_threads() -> None:
    alone, shared = METHOD.draw(job(Options(soften=3))), METHOD.draw(job(Options(soften=3), threads=2))
    assert alone.texts() == shared.texts()
    assert (alone.log_weight == shared.log_weight).all()


def test_functions_ask_for_the_usual_rungs() -> None:
    usual = Options().spelled_out(job(Options()).target)
    assert (usual.soften, usual.rejuvenate) == (20, 2)
    assert Options().spelled_out(job(Options(), ()).target).soften == 0
    refuse_black_box_terms(METHOD, job(Options()).target)


def test_a_function_that_no_text_keeps_ends_with_its_name() -> None:
    never = BlackBoxTerm("never", lambda text: False, hard=True, violations=len)
    with pytest.raises(NotFound, match="no particle of 300 keeps never; give a larger -n"):
        METHOD.draw(job(Options(soften=2), (never,)))


@pytest.mark.parametrize(
    ("option", "terms", "message"),
    [
        ("soften=-1", TERMS, "soften=-1 is out of range; give 0"),
        ("width=0", TERMS, "width=0 is out of range; give 0.1 to"),
        ("soften=4", (), "soften=4, and there is no function of the text; drop it"),
        ("ladder=4", TERMS, "ladder=4 does not go with functions of the text"),
    ],
)
def test_options_that_say_nothing_are_refused(option: str, terms: tuple[BlackBoxTerm, ...], message: str) -> None:
    with pytest.raises(RequestError, match=message):
        METHOD.draw(job(parse_options(METHOD, [option]), terms))
