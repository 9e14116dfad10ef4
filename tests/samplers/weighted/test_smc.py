"""Sequential Monte Carlo: proper weights by enumeration, controls that must fail, and agreement with exact masses at real size."""

import math
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from searchgen.errors import RequestError
from searchgen.guide import Guide
from searchgen.jobs.draws import stated_law
from searchgen.kernels.compiled import allocating, inner
from searchgen.kernels.randomness import script, systematic
from searchgen.lm.ngram.model import NGram
from searchgen.problem import Problem
from searchgen.request.request import Request
from searchgen.samplers.chains.chains import draft_for, enter, new_chains
from searchgen.samplers.chains.moves import labels, step
from searchgen.samplers.method import Job, parse_options
from searchgen.samplers.proofs.exactness import WEIGHTED, World, next_script, prove_attempts
from searchgen.samplers.proofs.toy_worlds import WORLDS
from searchgen.samplers.weighted.smc.proof import arguments, attempt, small
from searchgen.samplers.weighted.smc.sampler import METHOD, Options, relative_variance, run
from searchgen.samplers.weighted.smc.steps import _follow, extend, resample, start, weigh
from searchgen.target import Target
from tests.guide import worlds as guide_worlds
from tests.places import ROOT

VISIBLE = 1e-4  # a fault shifts the law at least so much
NO_FAULT, WEIGHTS_FORGOTTEN, WRONG_CONTEXT, ROUNDED_DOWN = range(4)
REJUVENATED = 4  # no fault: the text of the first particle makes a step of Metropolis-Hastings


@inner
def _round_down(particles: Any) -> None:
    """Resample to floor(N w) copies of each particle, by its running sums, and as many of the last one as are lacking."""
    n = len(particles.length)
    total, used, mean = particles.running[n - 1], 0, 0.0
    for c in range(n):
        share = (particles.running[c] - (particles.running[c - 1] if c else 0.0)) / total
        for _ in range(int(np.floor(n * share))):
            particles.parent[used] = c
            used += 1
        mean += np.exp(particles.log_weight[c]) / n
    for c in range(used, n):
        particles.parent[c] = n - 1
    _follow(particles)
    for c in range(n):
        particles.log_weight[c] = np.log(mean)


@inner
def varied(
    problem: Any,
    tokens: Any,
    lengths: Any,
    log_weight: Any,
    guide: Any,
    particles: Any,
    log_mass: Any,
    fault: Any,
    scratch: Any,
    chains: Any,
    draft: Any,
    table: Any,
    rng: Any,
) -> None:
    """Make a run like `attempt`, resampling always, with one mistake; or with none, and a step of the text at its end.

    One kernel for all of them, and each step of a run stands in it once, since compiling takes most of the time of these tests.
    """
    start(guide, problem, particles, log_mass, rng)
    going = True
    while going:
        for c in range(len(lengths)):
            context, before = particles.context[c], 0.0
            wrong = fault == WRONG_CONTEXT and particles.left[c] >= 0 and context > 0
            if wrong:
                particles.context[c] = problem.ngram.node[context].suffix
            for _ in range(2 if wrong else 1):
                weigh(guide, problem, particles, c)
                if wrong and context != particles.context[c]:  # the weight is the wrong one's
                    before = particles.log_weight[c]
                    particles.context[c] = context
            if wrong:  # the token is drawn by the right law
                particles.log_weight[c] = before
        resampled = resample(particles, 0.0 if fault == ROUNDED_DOWN else 1.0, rng)
        if fault == ROUNDED_DOWN:
            _round_down(particles)
        elif resampled and fault == WEIGHTS_FORGOTTEN:
            for c in range(len(lengths)):
                particles.log_weight[c] = log_mass
        going = False
        for c in range(len(lengths)):
            going |= extend(guide, problem, particles, c, scratch, rng)
    for c in range(len(lengths)):
        lengths[c], log_weight[c] = particles.length[c], particles.log_weight[c]
        for at in range(lengths[c]):
            tokens[c, at] = particles.token[c, at]
    if fault == REJUVENATED:
        enter(problem, chains, tokens[:1], lengths[:1])
        step(problem, chains, np.int64(0), draft, table, 1.0, rng)
        lengths[0] = chains.length[0]
        for at in range(lengths[0]):
            tokens[0, at] = chains.token[0, at]


def error(world: World, order: int, fault: int, particles: int = 2) -> float:
    guide = Guide.build(world.problem, order=order, max_tokens=world.max_tokens, budget=None)
    chains, table = new_chains(1, world.max_tokens), labels(span=1, any_span=1, relocate=1, longest=1)
    more = (*arguments(guide, particles, fault), chains, draft_for(chains), table)
    return prove_attempts("", world, varied, *more, particles=particles)[0].error


def test_control_the_run_without_a_fault_is_exact() -> None:
    assert error(small(WORLDS["keyword"](0.7)), 1, NO_FAULT) < 1e-10


@pytest.mark.parametrize(
    ("fault", "order"), [(WEIGHTS_FORGOTTEN, 1), (WRONG_CONTEXT, 1), (WRONG_CONTEXT, 2), (ROUNDED_DOWN, 1)]
)
def test_control_a_fault_is_caught(fault: int, order: int) -> None:
    assert error(small(WORLDS["keyword"](0.7)), order, fault) > VISIBLE


@pytest.mark.parametrize("beta", [0.7, 1.0, 2.0])
@pytest.mark.parametrize(("world", "orders"), [("negative", (1, 2)), ("keywords", (1, 2, 3))])
def test_models_of_other_kinds(world: str, orders: tuple[int, ...], beta: float) -> None:
    """A model with negative corrections; and one of order 4, whose several longer contexts correct a guide at once."""
    whole = World.of(guide_worlds.WORLDS[world](beta), 4)
    for order in orders:
        for part, particles in ((whole, 1), (small(whole), 2)):
            guide = Guide.build(part.problem, order=order, max_tokens=part.max_tokens, budget=None)
            (finding,) = prove_attempts("", part, attempt, *arguments(guide, particles, 1.0), particles=particles)
            assert finding.holds, (order, particles, finding.error)


def test_rejuvenation_keeps_weights_proper() -> None:
    assert error(small(WORLDS["keyword"](1.0)), 1, REJUVENATED, particles=1) <= WEIGHTED


@pytest.mark.parametrize("world", WORLDS)
def test_a_guide_of_full_order_leaves_all_weights_the_same(world: str) -> None:
    problem = WORLDS[world](0.7).problem
    guide = Guide.build(problem, order=int(problem.ngram.order[0]), budget=None)
    result = run(guide, 500, 3, 0.5)
    assert np.abs(result.particles.log_weight - guide.log_mass).max() < 1e-12
    assert result.resamplings == ()


@allocating
def _offspring(rng: Any, running: Any, n: Any, out: Any) -> None:
    u = systematic(rng, running, 0, len(running), n)
    at = 0
    out[:] = 0
    for i in range(n):
        while not n * running[at] / running[-1] > u + i:
            at += 1
        out[at] += 1


def test_systematic_resampling_expects_n_times_the_share() -> None:
    """Every script: offspring are within one of N w, and N w on average."""
    weight = np.array([0.1, 0.0, 0.35, 1.3, 0.25])
    rng, out, n = script(), np.zeros(5), 3
    mean, total = np.zeros(5), 0.0
    while True:
        rng.depth[0], rng.probability[0] = 0, 1.0
        _offspring(rng, np.cumsum(weight), n, out)
        assert (np.abs(out - n * weight / weight.sum()) < 1).all()
        mean += rng.probability[0] * out
        total += rng.probability[0]
        if not next_script(rng):
            break
    assert total == pytest.approx(1.0, abs=1e-14)
    assert mean == pytest.approx(n * weight / weight.sum(), abs=1e-14)


@cache
def everyday(order: int = 4) -> NGram:
    """Return a model of the everyday text, words only."""
    return words_model((ROOT / "corpora" / "everyday-en.txt").read_text(encoding="utf-8"), order)


def words_model(text: str, order: int) -> NGram:
    sentences = [
        ["".join(letter for letter in word if letter.isalpha()) for word in line.lower().split()]
        for line in text.splitlines()
    ]
    return NGram.from_sentences([[word for word in sentence if word] for sentence in sentences], order=order)


def target_of(model: NGram, keywords: str, most: int = 7, beta: float = 1.0) -> Target:
    items = tuple((word,) for word in keywords.split(","))
    return Target.of(stated_law(Request(keywords=items, sentence=False, max_words=most, beta=beta)), model)


def z_scores(problem: Problem, max_tokens: int, order: int, runs: int, particles: int, near: int = 0) -> list[float]:
    """Return z-scores of the mass of texts of each length, estimated by runs, against the guide of full order."""
    exact = Guide.build(problem, order=int(problem.ngram.order[0]), max_tokens=max_tokens, budget=None)
    guide = Guide.build(problem, order=order, max_tokens=max_tokens, near=near)
    low, high = problem.window.tolist()
    estimates = np.zeros((runs, high - low + 2))
    for number in range(runs):
        particle = run(guide, particles, number, 0.5).particles
        weight = np.where(particle.length >= 0, np.exp(particle.log_weight - exact.log_mass), 0.0) / particles
        words = [
            int(problem.token["word"][particle.token[c, : max(0, particle.length[c])]].sum()) for c in range(particles)
        ]
        estimates[number, : high - low + 1] = np.bincount(np.array(words) - low, weight, high - low + 1)
        estimates[number, -1] = weight.sum()
    expected = np.append(np.exp(exact.log_masses - exact.log_mass), 1.0)
    common = expected > 1e-3
    error = estimates[:, common].std(axis=0, ddof=1) / math.sqrt(runs)
    return list((estimates[:, common].mean(axis=0) - expected[common]) / error)


@pytest.mark.parametrize(("order", "near", "beta"), [(1, 0, 1.0), (2, 0, 1.0), (2, 0, 0.8), (4, 1, 1.0), (4, 1, 0.8)])
def test_masses_agree_with_the_guide_of_full_order(order: int, near: int, beta: float) -> None:
    """Z and the length law, p floor 1e-6 for each: |z| < 4.9; Student's tails of 60 runs are near enough."""
    target = target_of(everyday(), "window,old", beta=beta)
    scores = z_scores(target.problem, target.max_tokens, order, runs=60, particles=500, near=near)
    assert len(scores) > 3
    assert max(map(abs, scores)) < 4.9


@pytest.mark.slow
@pytest.mark.shared
def test_masses_agree_on_a_larger_text(shared_folder: Path) -> None:
    text = shared_folder / "corpora" / "en" / "tatoeba.txt"
    if not text.exists():
        pytest.skip("no tatoeba.txt among the large texts")
    with text.open(encoding="utf-8") as lines:
        model = words_model("".join(line for line, _ in zip(lines, range(20_000), strict=False)), 4)
    target = target_of(model, "book,yesterday", most=8)
    assert max(map(abs, z_scores(target.problem, target.max_tokens, 2, runs=60, particles=500))) < 4.9


def job(options: Options, count: int = 300, threads: int = 1) -> Job:
    return Job(target_of(everyday(), "window,old", most=10), count, 7, options, threads)


def test_the_same_seed_gives_the_same_draws_on_two_threads() -> None:
    options = Options(order=1, rejuvenate=5)
    alone, shared = METHOD.draw(job(options)), METHOD.draw(job(options, threads=2))
    assert alone.texts() == shared.texts()
    assert (alone.log_weight == shared.log_weight).all()
    assert alone.report == shared.report
    assert alone.report["resamplings"] > 0


def test_draws_satisfy_the_target_and_account_for_themselves() -> None:
    draws = METHOD.draw(job(Options()))
    assert len(draws.lengths) == 300
    assert np.isfinite(draws.log_density).all()
    assert draws.log_z == pytest.approx(np.log(np.exp(draws.log_weight).mean()), abs=1e-9)
    assert 1 <= draws.report["ess"] <= 300
    assert 1 <= draws.report["ancestors"] <= 300
    assert draws.log_z_error is not None
    assert draws.log_z_error > 0
    assert METHOD.draw(job(Options(), count=1)).log_z_error is None


def test_the_error_of_one_run_agrees_with_the_spread_of_runs() -> None:
    target = target_of(everyday(), "window,old", most=10)
    guide = Guide.build(target.problem, order=1, max_tokens=target.max_tokens)
    runs = [run(guide, 500, number, 0.5) for number in range(60)]
    z = np.exp(np.array([one.log_z for one in runs]) - runs[0].log_z)
    spread = float(z.var(ddof=1) / z.mean() ** 2)
    stated = np.mean(
        [relative_variance(r.particles.log_weight, r.particles.ancestor, len(r.resamplings)) for r in runs]
    )
    assert 0.3 < stated / spread < 6


def test_options_outside_their_ranges_are_refused() -> None:
    for option, message in (
        ("order=-1", "order=-1"),
        ("near=-1", "near=-1"),
        ("threshold=1.5", "0 to 1"),
        ("rejuvenate=-1", "rejuvenate=-1"),
    ):
        with pytest.raises(RequestError, match=message):
            METHOD.draw(job(parse_options(METHOD, [option])))
    with pytest.raises(RequestError, match="did you mean threshold"):
        parse_options(METHOD, ["treshold=1"])


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("near", [1, 3])
def test_a_guide_of_long_contexts_near_demanded_words_keeps_weights_proper(world: str, near: int) -> None:
    small_world = small(WORLDS[world](0.7))
    guide = Guide.build(small_world.problem, order=3, max_tokens=small_world.max_tokens, budget=None, near=near)
    assert sum(math.exp(guide.log_probability(text)) for text in small_world.texts) == pytest.approx(1.0, abs=1e-12)
    (finding,) = prove_attempts("", small_world, attempt, *arguments(guide, 2, 1.0), particles=2)
    assert finding.holds, finding.error
