"""Token weights fitted to the gap between two densities."""

import numpy as np

from searchgen.lm.ngram.model import NGram
from searchgen.request.request import PLAIN_TERMS, Request
from searchgen.search.token_weights import RIDGE, fitted
from searchgen.target import Target

WORDS = "abcdefgh"


def target() -> Target:
    ngram = NGram.from_sentences([list(WORDS), list(reversed(WORDS))], order=2)
    request = Request(keywords=(("a",),), sentence=False, quotes=True, terms=PLAIN_TERMS, min_words=1, max_words=9)
    return Target.of(request, ngram)


def texts(seed: int, count: int = 300) -> list[tuple[int, ...]]:
    random, known = np.random.default_rng(seed), target().vocabulary
    return [tuple(known.encode(random.choice(list(WORDS), random.integers(1, 9)))) for _ in range(count)]


def explained(seen: list[tuple[int, ...]], gap: np.ndarray, new: list[tuple[int, ...]], true: np.ndarray) -> float:
    before = target().problem.token["weight"]
    weight = fitted(target().problem, seen, gap).token["weight"] - before
    found = np.array([weight[list(text)].sum() for text in new])
    return float(1 - np.var(true - found) / np.var(true))


def test_a_gap_that_tokens_explain_is_found_and_noise_is_not() -> None:
    cost = np.random.default_rng(3).normal(-1.0, 1.0, 100)
    gap = [np.array([cost[list(text)].sum() for text in part]) for part in (texts(1), texts(2))]
    assert explained(texts(1), gap[0], texts(2), gap[1]) > 0.99
    # A constant is no weight, and the wrong sign would make the gap larger.
    assert explained(texts(1), gap[0] + 50.0, texts(2), gap[1]) > 0.99
    assert explained(texts(1), -gap[0], texts(2), gap[1]) < 0
    noise = np.random.default_rng(4).normal(size=(2, 300))
    assert explained(texts(1), noise[0], texts(2), noise[1]) < 0.1


def test_what_the_last_bits_of_scores_are_changes_no_weight() -> None:
    gap = np.random.default_rng(5).normal(size=20).round(2)
    one, other = (fitted(target().problem, texts(1, 20), gap + more) for more in (0.0, 1e-5))
    assert (one.token == other.token).all()


def test_the_weights_are_those_of_ridge_regression_as_a_library_solves_it() -> None:
    for seed, count in ((1, 2), (2, 40), (3, 300)):
        seen, known = texts(seed, count), target().problem.token
        gap = np.random.default_rng(seed).normal(size=count).round(2)
        counts = np.zeros((count, len(known) + 1))
        for row, text in zip(counts, seen, strict=True):
            np.add.at(row, list(text), 1.0)
            row[-1] = len(text)
        centred = counts - counts.mean(axis=0)
        seen_at_all = np.append(counts[:, :-1].any(axis=0), True)
        weight = fitted(target().problem, seen, gap).token["weight"] - known["weight"]
        for penalty, right in ((RIDGE, True), (1.01 * RIDGE, False)):
            solved = np.linalg.solve(
                centred.T @ centred + penalty * np.eye(len(seen_at_all)), centred.T @ (gap - gap.mean())
            )
            expected = np.where(seen_at_all, solved, 0.0)
            assert np.allclose(weight, expected[:-1] + expected[-1], rtol=0.0, atol=1e-9) == right
