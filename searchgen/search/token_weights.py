"""A cheap target brought nearer to an expensive one: token weights fitted to the texts that both have scored.

    log density(x)  ~  log cheap density(x) + constant + sum over tokens of (a + b(token))

a and b are those of ridge regression. An n-gram model and a transformer differ most in the cost of one more word, which a few texts show;
each further text adds information on its words. Weights of tokens cost a step nothing, so the fitted target is annealed like any other.

The equations are solved by a loop of our own: a library's threads wait for each other and take a hundred times as long for a hundred texts,
and the last bits of their result depend on the number of threads.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from searchgen.kernels.compiled import kernel
from searchgen.problem import Problem

__all__ = ["fitted"]

#: The penalty on the sum of squares of a and b, in texts.
RIDGE = 1.0

#: Texts that are fitted to: the densest.
MOST_TEXTS = 400

#: Of a score, as the fit sees it: the last bits of a score depend on its batch, weights of rounded scores seldom do.
DECIMALS = 2


def fitted(problem: Problem, texts: list[tuple[int, ...]], gap: npt.NDArray[np.float64]) -> Problem:
    """Return the cheap target with the weights added.

    Args:
        problem: the cheap target.
        texts: as ids, those that matter most first.
        gap: (n,) natural log of the expensive over the cheap density of each.
    """
    texts, gap = texts[:MOST_TEXTS], np.round(gap[:MOST_TEXTS], DECIMALS)
    ids, place = np.unique(np.concatenate([np.array(text, np.int64) for text in texts]), return_inverse=True)
    lengths = np.array([len(text) for text in texts])
    text = np.repeat(np.arange(len(texts)), lengths)
    by_token = np.argsort(place, kind="stable")
    starts = np.searchsorted(place[by_token], np.arange(len(ids) + 1))
    products, shares = np.zeros((len(texts), len(texts))), gap - gap.mean()
    _multiply(text[by_token], starts, lengths, products, np.zeros(len(texts)))
    _solve(products, shares)
    token = problem.token.copy()
    token["weight"] += shares @ lengths
    token["weight"][ids] += np.bincount(place, weights=shares[text])
    return problem._replace(token=token)


@kernel
def _multiply(text: Any, starts: Any, lengths: Any, products: Any, means: Any) -> None:
    """Find the inner products of the texts' counts of tokens, all tokens together counted as one more, centred.

    Args:
        text: (L,) int64, the text of each occurrence of a token, sorted by token.
        starts: (m + 1,) int64, where the occurrences of each token begin.
        lengths: (n,) int64, tokens of each text.
        products: (n, n) float64, zero, to be filled.
        means: (n,) float64, zero, space for the means of their rows.
    """
    n = len(lengths)
    for i in range(n):
        for j in range(n):
            products[i, j] = lengths[i] * lengths[j]
    for m in range(len(starts) - 1):
        for x in range(starts[m], starts[m + 1]):
            for y in range(starts[m], starts[m + 1]):
                products[text[x], text[y]] += 1.0
    mean = 0.0
    for i in range(n):
        for j in range(n):
            means[i] += products[i, j] / n
        mean += means[i] / n
    for i in range(n):
        for j in range(n):
            products[i, j] += mean - means[i] - means[j]


@kernel
def _solve(products: Any, shares: Any) -> None:
    """Find the share of each text in the weights: ridge regression in its dual form, as there are more weights than texts.

    Args:
        products: (n, n) float64, as above; overwritten.
        shares: (n,) float64, centred gaps, to be replaced by the solution.
    """
    n = len(shares)
    for i in range(n):
        products[i, i] += RIDGE
    for j in range(n):  # symmetric and positive definite: no pivots are needed
        for i in range(j + 1, n):
            factor = products[j, i] / products[j, j]
            shares[i] -= factor * shares[j]
            for column in range(i, n):
                products[i, column] -= factor * products[j, column]
    for i in range(n - 1, -1, -1):
        for column in range(i + 1, n):
            shares[i] -= products[i, column] * shares[column]
        shares[i] /= products[i, i]
