"""Early rejection: the decisions are those of whole scores, and the chain leaves the transformer's law invariant."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")

from searchgen.errors import RequestError
from searchgen.lm.neural.settings import NeuralSettings
from searchgen.lm.neural.transformer import open_transformer
from searchgen.samplers.chains.moves import labels, step
from searchgen.samplers.mcmc.early_rejection import early_scorer
from searchgen.samplers.mcmc.surrogate import Options
from searchgen.samplers.method import Job
from searchgen.samplers.proofs.exactness import World, imbalance, transition_matrix
from searchgen.samplers.registry import method
from searchgen.target import Target
from searchgen.testing import assert_leaves_invariant
from tests.lm.neural.tiny_transformer import by_words
from tests.search.test_transformer_search import target_under

#: 32-bit numbers: the routes of whole texts and of portions differ so much.
ROUNDING, VISIBLE = 1e-5, 1e-4


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return by_words(tmp_path_factory.mktemp("words"))


def test_scores_above_their_bounds_are_exact(folder: Path) -> None:
    texts = ["a b c a", "b", "a a a a a a", "c b", "a b c a"]
    expected = open_transformer(str(folder)).log_probs(texts)
    for shift in (-1.0, 1.0):
        model: Any = open_transformer(str(folder))
        scores = model.log_probs_above(texts, expected + shift)
        assert np.allclose(scores, expected, atol=ROUNDING) if shift < 0 else (scores == -np.inf).all()
        assert model.usage.duplicates == 1
        assert (model.usage.cut_short > 0) == (shift > 0)
        if shift < 0:
            assert model.log_probs(texts).tolist() == scores.tolist()  # whole scores are kept
    # Far above: nothing is read but the first portion.
    model = open_transformer(str(folder))
    model.log_probs_above(texts, np.zeros(len(texts)))
    assert model.usage.cut_short == 4
    assert model.usage.tokens < 0.7 * open_and_score(folder, texts)


def open_and_score(folder: Path, texts: list[str]) -> int:
    model: Any = open_transformer(str(folder))
    model.log_probs(texts)
    return model.usage.tokens


def acceptance(target: Target, world: World, shift: float = 0.0) -> np.ndarray:
    """Return the probability that a test accepts y from x, (n, n), found by halving U around the decision of the early scorer."""
    model, score = target.text_model, early_scorer(target)
    n, width = len(world.texts), max(map(len, world.texts))
    tokens, lengths = np.zeros((n, width), np.int32), np.array([len(text) for text in world.texts])
    for row, text in zip(tokens, world.texts, strict=True):
        row[: len(text)] = text
    true = score(tokens, lengths, np.full(n, -np.inf))
    matrix = np.zeros((n, n))
    for x in range(n):
        cheap = world.log_density - world.log_density[x]
        low, high = np.zeros(n), np.ones(n)
        for _ in range(40):
            middle = (low + high) / 2
            model.forget()  # type: ignore[union-attr]
            accepted = score(tokens, lengths, true[x] + np.log(middle) + cheap + shift) > -np.inf
            low, high = np.where(accepted, middle, low), np.where(accepted, high, middle)
        matrix[x] = low
    return matrix


@pytest.mark.slow
def test_delayed_acceptance_is_stationary(folder: Path) -> None:
    """m = 1: the compiled inner step enumerated, times the decisions of the early scorer itself."""
    target = target_under(folder, 1.0, exact=True)
    target = replace(target, problem=target.problem._replace(window=np.array([1, 3])))
    world = World.of(target.problem, 3)
    true = open_transformer(str(folder)).log_probs([" ".join(target.vocabulary.decode(text)) for text in world.texts])
    law = World(world.problem, world.texts, true, world.max_tokens)
    inner = transition_matrix(world, step, labels(span=1, any_span=1, relocate=1, longest=2), 1.0)
    for shift, right in ((0.0, True), (0.5, False)):  # the control's bounds are half a nat too high
        matrix = inner * acceptance(target, world, shift)
        np.fill_diagonal(matrix, 0.0)
        np.fill_diagonal(matrix, 1.0 - matrix.sum(axis=1))
        if right:
            assert_leaves_invariant(matrix, law, tolerance=ROUNDING)
        else:
            assert imbalance(law, matrix) > VISIBLE


def test_the_chain_is_the_same_and_reads_less(folder: Path) -> None:
    draws = {}
    for early in (False, True):
        target = target_under(folder)
        options = Options(chains=40, burn_in=6, thin=1, inner=1, early=early)
        draws[early] = method("surrogate").draw(Job(target, 120, 7, options))
    assert draws[True].texts() == draws[False].texts()
    assert np.abs(draws[True].log_density - draws[False].log_density).max() < 1e-4
    assert draws[True].counts == draws[False].counts
    assert draws[True].report["transformer"]["cut_short"] > 0


def test_what_cannot_stop_is_refused(folder: Path) -> None:
    target = replace(target_under(folder), text_model=None)
    with pytest.raises(RequestError, match="early=true"):
        method("surrogate").draw(Job(target, 4, 7, Options(early=True)))
    growing: Any = open_transformer(str(folder), NeuralSettings(end="none")).growing()
    assert growing.cached
