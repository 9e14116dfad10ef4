"""A cheap target brought nearer to an expensive one: token weights fitted to the texts that both have scored.

    log density(x)  ~  log cheap density(x) + constant + sum over tokens of (a + b(token))

a and b are those of ridge regression. An n-gram model and a transformer differ most in what one more word costs, which a few texts show;
each further text tells of its own words. Weights of tokens cost a step nothing, so the fitted target is annealed like any other.
"""

import numpy as np
import numpy.typing as npt

from searchgen.problem import Problem

__all__ = ["fitted"]

#: The penalty on the sum of squares of a and b, in texts.
RIDGE = 1.0

#: Texts that are fitted to: the densest.
MOST_TEXTS = 400

#: Of a score, as the fit sees it: scores depend in their last bits on what they are computed beside, weights seldom.
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
    counts = np.zeros((len(texts), len(ids) + 1))
    lengths = np.array([len(text) for text in texts])
    np.add.at(counts, (np.repeat(np.arange(len(texts)), lengths), place), 1.0)
    counts[:, -1] = lengths
    counts -= counts.mean(axis=0)
    # There are more weights than texts: the dual form solves for one number a text.
    shares = np.linalg.solve(counts @ counts.T + RIDGE * np.eye(len(texts)), gap - gap.mean())
    weights = counts.T @ shares
    token = problem.token.copy()
    token["weight"] += weights[-1]
    token["weight"][ids] += weights[:-1]
    return problem._replace(token=token)
