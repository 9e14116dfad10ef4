"""Rounds under a transformer: stationary on an enumerated target, the right law, and the search of `constrain`."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

from searchgen import api
from searchgen.errors import NotFound
from searchgen.lm.neural.causal import CausalModel
from searchgen.lm.neural.transformer import open_transformer
from searchgen.lm.ngram.model import NGram
from searchgen.request.request import PLAIN_TERMS, Request
from searchgen.samplers.chains.moves import labels, step
from searchgen.samplers.mcmc.surrogate import Options, surrogate_matrix
from searchgen.samplers.method import Job
from searchgen.samplers.proofs.exactness import STATIONARY, World, imbalance, transition_matrix
from searchgen.samplers.registry import method
from searchgen.search.scored_texts import ScoredTexts
from searchgen.search.transformer_plan import TransformerPlan
from searchgen.target import Target
from tests.cli.runner import Ran, searchgen
from tests.lm.neural.tiny_transformer import by_bytes, by_words

VISIBLE = 1e-4


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return by_words(tmp_path_factory.mktemp("words"))


@pytest.fixture(scope="module")
def letters(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(by_bytes(tmp_path_factory.mktemp("bytes")))


def target_under(folder: Path, beta: float = 1.0, exact: bool = False) -> Target:
    ngram = NGram.from_sentences([["a", "b"], ["b", "a"], ["a", "c", "b"], ["c"], ["b", "c", "a"]] * 3, order=3)
    request = Request(
        keywords=(("a",),), sentence=False, quotes=True, terms=PLAIN_TERMS, min_words=1, max_words=4, beta=beta
    )
    target = replace(Target.of(request, ngram), text_model=open_transformer(str(folder)))
    # 64-bit numbers where the inner kernel is enumerated: it has no rounding of its own then.
    return replace(target, problem=target.problem._replace(ngram=ngram.exact_tables())) if exact else target


def true_density(folder: Path, target: Target, world: World) -> np.ndarray:
    """beta * log p of each text, from its printed form: the definition, apart from the code under test."""
    texts = [" ".join(target.vocabulary.decode(text)) for text in world.texts]
    return target.problem.beta[0] * open_transformer(str(folder)).log_probs(texts)


@pytest.mark.parametrize("beta", [0.7, 1.0, 2.0])
def test_rounds_leave_the_transformers_law_invariant(folder: Path, beta: float) -> None:
    """Enumerated: the compiled inner kernel, the acceptance of the rounds, the transformer's density as the target computes it."""
    target = target_under(folder, beta, exact=True)
    world = World.of(target.problem, 4)
    own = target.own_log_densities(world.texts)
    true = true_density(folder, target, world)
    assert own is not None
    assert np.abs(own - true).max() < 1e-9
    inner = transition_matrix(world, step, labels(span=1, any_span=1, relocate=1, longest=2), 1.0)
    neural = World(world.problem, world.texts, true, world.max_tokens)
    for m in (1, 2, 7):
        steps = np.linalg.matrix_power(inner, m)
        assert imbalance(neural, surrogate_matrix(steps, own, world.log_density)) < STATIONARY
        # Controls: the power forgotten or the texts exchanged; the n-gram density forgotten.
        wrong = own / beta if beta != 1 else own[::-1]
        assert imbalance(neural, surrogate_matrix(steps, wrong, world.log_density)) > VISIBLE
        assert imbalance(neural, surrogate_matrix(steps, own, np.zeros(len(own)))) > VISIBLE


def job_under(target: Target, count: int, seed: int = 7, **options: object) -> Job:
    return Job(target, count, seed, Options(**options))


def test_draws_have_the_transformers_law(folder: Path) -> None:
    """One state of each of 2,000 chains, m tuned in the burn-in, against the enumerated law: chi-square, p floor 1e-6.

    The n-gram model is a poor guide to this law, so the burn-in is long; by the matrix of a round, what it leaves is below 1e-3.
    """
    target, count = target_under(folder), 2000
    draws = method("surrogate").draw(job_under(target, count, chains=count, burn_in=400, thin=1))
    world = World.of(target.problem, 4)
    scores = true_density(folder, target, world)
    law = np.exp(scores - np.logaddexp.reduce(scores))
    seen = dict.fromkeys(world.texts, 0)
    for text in draws.texts():
        seen[text] += 1
    expected = law * count
    common = expected >= 5
    pairs = [(seen[t], e) for t, e, c in zip(world.texts, expected, common, strict=True) if c]
    pairs.append((count - sum(s for s, _ in pairs), expected[~common].sum()))
    statistic = sum((s - e) ** 2 / e for s, e in pairs)
    k = len(pairs) - 1
    z = ((statistic / k) ** (1 / 3) - (1 - 2 / (9 * k))) / (2 / (9 * k)) ** 0.5
    assert z < 4.75
    assert draws.log_density[0] == pytest.approx(scores[world.texts.index(draws.texts()[0])])
    assert draws.counts["accepted"] > 0
    assert draws.report["transformer"]["texts"] == len(world.texts)  # every text once, however often it was asked for


def test_the_same_seed_gives_the_same_draws(folder: Path) -> None:
    target = target_under(folder)
    texts = [method("surrogate").draw(job_under(target, 40, seed)).texts() for seed in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]


def test_no_accepted_test_is_a_failure(folder: Path) -> None:
    class Falling:
        """Every text is far worse than those before it."""

        label = "falling"

        def counted(self) -> dict[str, int]:
            return {}

        def __init__(self) -> None:
            self.seen: dict[str, float] = {}

        def log_probs(self, texts: list[str]) -> np.ndarray:
            return np.array([self.seen.setdefault(text, -1000.0 * len(self.seen)) for text in texts])

    target = replace(target_under(folder), text_model=Falling())
    with pytest.raises(NotFound, match="accepted no proposal"):
        method("surrogate").draw(job_under(target, 1, burn_in=2, thin=1))


# constrain and sample, whole commands


def constrain(letters: str, *arguments: str) -> Ran:
    return searchgen("constrain", "--lm", letters, "--keywords", "dog,park", "--max-words", "7", *arguments)


def test_constrain_keeps_every_constraint_and_repeats(letters: str) -> None:
    first = constrain(letters, "--seed", "7", "--json", "-n", "2", "-v")
    assert first.code == 0, first.err
    model = open_transformer(letters)
    for row in first.rows:
        assert all(row["satisfied"].values())
        assert row["kind"] == "search"
        assert row["lm"] == model.label
        assert row["log_prob"] == pytest.approx(model.log_probs([row["text"]])[0], rel=1e-5)
    assert "tokens" in first.err
    again = searchgen("constrain", "--again", first.rows[0]["signature"], "--json")
    assert again.out == first.out


def test_sample_reports_the_transformers_score(letters: str) -> None:
    options = ("--option", "burn_in=6", "--sampler", "surrogate", "-n", "8", "--seed", "3", "--json")
    ran = searchgen("sample", "--lm", letters, "--keywords", "dog", "--max-words", "6", "--beta", "0.5", *options)
    assert ran.code == 0, ran.err
    model = open_transformer(letters)
    for row in ran.rows:
        assert row["kind"] == "markov"
        assert row["log_prob"] == pytest.approx(model.log_probs([row["text"]])[0], rel=1e-5)
        assert row["log_density"] == pytest.approx(0.5 * row["log_prob"])
        assert "dog" in [token.lower() for token in row["tokens"]]


def test_restarts_ask_for_no_text_twice(letters: str, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, asked = ScoredTexts.score, []

    def score(self: ScoredTexts, tokens: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        asked.append([tuple(row[:length].tolist()) for row, length in zip(tokens, lengths, strict=True)])
        return whole(self, tokens, lengths)

    monkeypatch.setattr(ScoredTexts, "score", score)
    assert constrain(letters).code == 0
    restarts = asked[: TransformerPlan().restarts]
    texts = [text for restart in restarts for text in restart]
    assert len(texts) == len(set(texts))
    assert all(
        0 < len(restart) <= TransformerPlan().restart_scored for restart in restarts
    )  # fewer where chains end alike


def test_ctrl_c_gives_the_best_so_far(letters: str, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, calls = ScoredTexts.score, []

    def score(self: ScoredTexts, tokens: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        calls.append(len(lengths))
        if len(calls) == 3:
            raise KeyboardInterrupt
        return whole(self, tokens, lengths)

    monkeypatch.setattr(ScoredTexts, "score", score)
    ran = constrain(letters, "--json")
    assert ran.code == 130
    assert len(ran.rows) == 1
    assert all(ran.rows[0]["satisfied"].values())
    assert ran.rows[0]["stopped_early"]
    calls[:] = [0, 0]
    nothing = constrain(letters)
    assert (nothing.code, nothing.out) == (130, "")


def test_out_of_memory_halves_the_pass_and_at_last_ends_with_what_was_found(
    letters: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, max_tokens = CausalModel._pass, [4]

    def short(self: CausalModel, rows: list[list[int]]) -> list[np.ndarray]:
        if self.usage.forwards > 12:
            max_tokens[0] = 0
        if len(rows) > max_tokens[0]:
            raise MemoryError
        return whole(self, rows)

    monkeypatch.setattr(CausalModel, "_pass", short)
    ran = constrain(letters, "--json")
    assert ran.code == 1
    assert "leaves no room for one text" in ran.err
    assert ran.rows[0]["stopped_early"]
    assert ran.rows[0]["neural"]["halvings"] > 0


def test_chinese_words_take_the_chinese_model(letters: str) -> None:
    ran = searchgen("constrain", "--lm", letters, "--keywords", "学校", "--max-words", "8", "--json", "--seed", "1")
    assert ran.code == 0, ran.err
    assert "学校" in ran.rows[0]["text"]


def test_a_budget_is_a_number_of_rounds() -> None:
    request = Request(keywords=(("dog",),))
    longer = replace(request, annealing=request.annealing.for_budget(4.0))
    plan = TransformerPlan.of(longer)
    assert (plan.restarts, plan.edit_rounds, plan.test_rounds, plan.evaluations) == (37, 37, 112, 1184)
    plan = TransformerPlan.of(replace(request, count=10))
    found = plan.test_chains, plan.restart_chains, plan.restart_scored, plan.edits_scored, plan.parents
    assert found == (40, 80, 40, 120, 80)
    assert TransformerPlan.of(request) == TransformerPlan()
    assert TransformerPlan.of(Request(keywords=(("学校",),))) == TransformerPlan(restarts=10)
    assert [TransformerPlan(restarts=number).exploring().restarts for number in (1, 5, 10)] == [2, 12, 24]


def test_the_python_interface_takes_a_transformer(letters: str) -> None:
    model = open_transformer(letters)
    record = api.constrain("dog", lm=letters, seed=7, max_words=6)[0]
    assert record.lm == model.label
    assert record.satisfied["keyword dog"]
    drawn = next(api.sample("dog", lm=letters, seed=7, max_words=6, options=["burn_in=12"]).records())
    assert drawn.lm == model.label
    assert drawn.log_prob == pytest.approx(model.log_probs([drawn.text])[0], rel=1e-5)  # not the n-gram model's


def test_importance_weights_are_those_of_the_transformers_law(folder: Path) -> None:
    """rho / q of every draw, and the enumerated mass within five standard errors of the estimate."""
    target = target_under(folder)
    found = method("importance")
    job = Job(target, 3000, 7, found.options())
    draws = found.draw(job)
    log_q = np.array([job.guide().log_probability(text) for text in draws.texts()])
    assert np.abs(draws.log_weight - (draws.log_density - log_q)).max() < 1e-5
    world = World.of(target.problem, 4)
    true = true_density(folder, target, world)
    by_text = dict(zip(world.texts, true, strict=True))
    assert np.abs(draws.log_density - [by_text[text] for text in draws.texts()]).max() < 1e-9
    assert draws.log_z is not None
    assert draws.log_z_error is not None
    assert abs(draws.log_z - np.logaddexp.reduce(true)) < 5 * draws.log_z_error
