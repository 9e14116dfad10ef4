"""Surrogate transitions: controls that must fail, and chains of the production code on an enumerable target."""

from pathlib import Path

import numpy as np
import pytest

from searchgen.black_box_terms import load_black_box_term, opaque
from searchgen.errors import NotFound, RequestError
from searchgen.jobs.draws import refuse_black_box_terms
from searchgen.lm.ngram.model import NGram
from searchgen.request.request import PLAIN_TERMS, Request
from searchgen.samplers.chains.chains import new_chains
from searchgen.samplers.chains.moves import labels, step
from searchgen.samplers.chains.scorer import score_texts, scorer_of
from searchgen.samplers.mcmc.delayed_acceptance import LOOK, MOST_INNER, Rounds, cheap_problem
from searchgen.samplers.mcmc.surrogate import Options, surrogate_matrix
from searchgen.samplers.method import Job
from searchgen.samplers.proofs.exactness import World, imbalance, transition_matrix
from searchgen.samplers.proofs.toy_worlds import WORLDS
from searchgen.samplers.registry import method
from searchgen.target import Target
from searchgen.testing import assert_leaves_invariant

VISIBLE = 1e-4


def inner_matrix(world: World, beta: float = 1.0, **mix: int) -> tuple[np.ndarray, np.ndarray]:
    """One inner step on the cheap model, and the cheap log-densities."""
    cheap = cheap_problem(world.problem, 2)

    width = max(map(len, world.texts))
    tokens = np.zeros((len(world.texts), width), np.int32)
    for i, text in enumerate(world.texts):
        tokens[i, : len(text)] = text
    scores = score_texts(cheap, tokens, np.array([len(text) for text in world.texts]))
    return transition_matrix(World(cheap, world.texts, scores, world.max_tokens), step, labels(**mix), beta), scores


def test_a_fixed_order_of_moves_is_caught() -> None:
    """Two reversible kernels in turn are no reversible kernel; the palindrome of them is."""
    world = WORLDS["keyword"](1.0)
    first, scores = inner_matrix(world, span=1, any_span=1, relocate=0, longest=1)
    second, _ = inner_matrix(world, span=0, any_span=0, relocate=1, longest=2)
    wrong = surrogate_matrix(first @ second, world.log_density, scores)
    right = surrogate_matrix(first @ second @ second @ first, world.log_density, scores)
    assert imbalance(world, wrong) > VISIBLE
    assert_leaves_invariant(right, world)


def test_the_cheap_density_left_out_is_caught() -> None:
    world = WORLDS["keyword"](1.0)
    inner, scores = inner_matrix(world, span=1, any_span=1, relocate=1, longest=2)
    assert imbalance(world, surrogate_matrix(inner, world.log_density, np.zeros_like(scores))) > VISIBLE


def test_annealing_inside_is_caught() -> None:
    """Steps at two temperatures in turn, as annealing makes them, move the law."""
    world = WORLDS["keyword"](1.0)
    hot, scores = inner_matrix(world, 0.5, span=1, any_span=1, relocate=1, longest=2)
    cold, _ = inner_matrix(world, 1.0, span=1, any_span=1, relocate=1, longest=2)
    assert imbalance(world, surrogate_matrix(hot @ cold, world.log_density, scores)) > VISIBLE


@pytest.fixture(scope="module")
def model() -> NGram:
    return NGram.from_sentences([["a", "b"], ["b", "a"], ["a", "c", "b"], ["c"], ["b", "c", "a"]] * 3, order=3)


def job_for(model: NGram, count: int, term: object = None, **options: object) -> Job:
    request = Request(
        keywords=(("a",),),
        sentence=False,
        quotes=True,
        terms=PLAIN_TERMS,
        min_words=1,
        max_words=4,
        sampler="surrogate",
    )
    target = Target.of(request, model)
    if term is not None:
        target = Target(**{**vars(target), "opaque": (term,)})
    return Job(target, count, 7, Options(**options))


def test_draws_have_the_law_of_a_target_with_a_black_box_term(model: NGram) -> None:
    """One state of each of 4,000 independent chains, against the enumerated law: chi-square, p floor 1e-6."""
    term = opaque(lambda text: 0.8 * text.count("b"))
    job = job_for(model, 4000, term, chains=4000, inner=4, burn_in=40, thin=1)
    draws = method("surrogate").draw(job)
    world = World.of(job.target.problem, 4)
    scores = world.log_density + np.array([job.target.black_box_log_weight(text) for text in world.texts])
    law = np.exp(scores - np.logaddexp.reduce(scores))
    counts = {text: 0 for text in world.texts}
    for text in draws.texts():
        counts[text] += 1
    expected = law * 4000
    common = expected >= 5
    pairs = [(counts[t], e) for t, e, c in zip(world.texts, expected, common, strict=True) if c]
    pairs.append((4000 - sum(s for s, _ in pairs), expected[~common].sum()))
    statistic = sum((s - e) ** 2 / e for s, e in pairs)
    k = len(pairs) - 1
    z = ((statistic / k) ** (1 / 3) - (1 - 2 / (9 * k))) / (2 / (9 * k)) ** 0.5
    assert z < 4.75
    assert draws.log_density[0] == pytest.approx(scores[world.texts.index(draws.texts()[0])])


def test_threads_do_not_matter(model: NGram) -> None:
    job, again = job_for(model, 50), job_for(model, 50)
    again = Job(again.target, 50, 7, again.options, threads=2)
    first, second = method("surrogate").draw(job), method("surrogate").draw(again)
    assert first.texts() == second.texts()


def test_hard_terms_always_hold(model: NGram) -> None:
    draws = method("surrogate").draw(job_for(model, 64, opaque(lambda text: "c" in text, hard=True)))
    names = {model.tokens([i])[0] for text in draws.texts() for i in text if "c" not in model.tokens(text)}
    assert names == set()


def test_what_cannot_be_is_said(model: NGram) -> None:
    with pytest.raises(NotFound, match="never"):
        method("surrogate").draw(job_for(model, 8, opaque(lambda text: False, hard=True, name="never")))
    with pytest.raises(RequestError, match="no reversible kernel"):
        method("surrogate").draw(job_for(model, 8, anneal=True))
    with pytest.raises(RequestError, match="use surrogate"):
        refuse_black_box_terms(method("mh"), job_for(model, 1, opaque(len)).target)
    with pytest.raises(RequestError, match="gave nan"):
        opaque(lambda text: float("nan")).log_weight("x")
    with pytest.raises(RequestError, match="failed on"):
        opaque(lambda text: 1 / 0).log_weight("x")
    for written in ("x", "no.py:f", "nowhere:"):
        with pytest.raises(RequestError, match="--term"):
            load_black_box_term(written)


def test_a_term_without_a_name_has_the_one_it_was_asked_by(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    lines = "from searchgen import opaque", "short = opaque(lambda text: -len(text))", "kept = opaque(len, name='size')"
    file.write_text("\n".join(lines), encoding="utf-8")
    assert [load_black_box_term(f"{file}:{name}").name for name in ("short", "kept")] == ["short", "size"]


def test_cheap_steps_stay_bounded_where_few_chains_move(model: NGram, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tuning asks for more of them as long as few texts change, and where there is hardly another text none ever do."""
    target = job_for(model, 1).target
    rounds = Rounds(
        cheap=target.problem,
        scorer=scorer_of(target),
        chains=new_chains(2, target.max_tokens),
        true=np.zeros(2),
        counters=np.zeros((2, 6), np.uint64),
        inner=16,
        inverse_temperature=1.0,
    )
    monkeypatch.setattr(Rounds, "advance", lambda self, rounds: None)
    rounds.tune(100 * LOOK)
    assert rounds.inner == MOST_INNER == 20_000


def test_more_cheap_steps_than_a_signal_may_wait_for_are_refused(model: NGram) -> None:
    with pytest.raises(RequestError, match="give 1 to 1,000,000 inner steps"):
        method("surrogate").draw(job_for(model, 1, chains=1, burn_in=1, thin=1, inner=1_000_001))


def test_running_totals_are_compared_with_full_scores_at_the_end(model: NGram, monkeypatch: pytest.MonkeyPatch) -> None:
    """Control: without the fault the same run ends well."""
    made, advance = job_for(model, 8, burn_in=2, thin=1), Rounds.advance
    method("surrogate").draw(made)

    def drifting(self: Rounds, rounds: int) -> None:
        advance(self, rounds)
        self.chains.log_density[3] += 0.01

    monkeypatch.setattr(Rounds, "advance", drifting)
    with pytest.raises(AssertionError, match="chain 3: running total"):
        method("surrogate").draw(made)
