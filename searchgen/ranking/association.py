"""Which of the texts found under a transformer to print: their density, and how well their words go with what precedes them.

    score(x) = log density(x) + weight * (mean of the two least association ratios) + log p(last token | before) + log p(end | x)

with p, in the density too, the transformer's own where that is mixed with n-grams: they led the search, so what it found is what they
are wrong about.

    association ratio of a token w = log p(w | all before it) - log p(w)

after Church and Hanks, "Word association norms, mutual information, and lexicography" (1990); log p(w) is that of the n-gram model's
unigrams. The densest text is often short and plain with a word in it that nothing calls for ("There was a confused brain
unconsciously."): all else is so probable that it pays. This prefers texts whose worst words still go with their neighbours, and that may
end where they end. It ranks only; the density printed is the target's.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from searchgen.lm.boundaries import PrefixLogProbs, token_ends
from searchgen.lm.protocol import StatesPrefixes
from searchgen.samplers.optimise.annealing_loop import Annealed
from searchgen.target import Target

__all__ = ["WEIGHT", "by_reranking_score", "ranked", "ratios", "reranking_scores"]

#: The weight unless the request has one: of 2 to 12 all order the texts of a search about as readers do (docs/samplers.md).
WEIGHT = 4.0

#: Texts that are looked at, the densest.
LOOKED_AT = 64

#: The least ratios whose mean counts.
LEAST = 2

Floats = npt.NDArray[np.float64]


def reranking_scores(
    found: Annealed, target: Target, model: StatesPrefixes, log_unigram: Floats, weight: float
) -> Floats:
    """Return what is thought of the texts that are looked at, (n,), natural log.

    Args:
        found: what a search found, densest first.
        target: the target that was searched.
        model: what judges: the target's text model, or a part of it.
        log_unigram: (tokens of the target,) natural log p of each alone.
        weight: how much the least ratios count beside the log-density.
    """
    texts = found.texts[:LOOKED_AT]
    score = np.array(found.log_density[: len(texts)])
    printed = [target.printed(text) for text in texts]
    searched = None if target.text_model is None else target.text_model.log_probs(printed)
    for i, begun in enumerate(model.prefix_log_probs(printed)):
        if begun.log_p[-1] == -np.inf:  # of a mixture the other parts cannot spell it
            score[i] = -np.inf
            continue
        if searched is not None:
            score[i] += float(target.problem.beta[0]) * (begun.log_p[-1] + begun.log_end - searched[i])
        tokens = target.vocabulary.decode(texts[i])
        each, last = ratios(begun, token_ends(tokens, printed[i])[1], log_unigram[list(texts[i])])
        score[i] += weight * np.sort(each)[:LEAST].mean() + last
    return score


def by_reranking_score(found: Annealed, score: Floats) -> Annealed:
    """Return the same texts, those of the best reranking score (n,) first, then those that were not looked at."""
    order = np.append(np.argsort(-score, kind="stable"), np.arange(len(score), len(found.texts)))
    return replace(found, texts=[found.texts[i] for i in order], log_density=found.log_density[order])


def ranked(found: Annealed, target: Target, model: StatesPrefixes, log_unigram: Floats, weight: float) -> Annealed:
    """Return the texts that a search found, those of the best reranking score first; arguments as for `reranking_scores`."""
    return by_reranking_score(found, reranking_scores(found, target, model, log_unigram, weight))


def ratios(begun: PrefixLogProbs, ends: Sequence[int], log_unigram: Floats) -> tuple[Floats, float]:
    """Return the association ratio of each stretch between places where a token and a piece end, and log p of the last one and the end.

    Args:
        begun: the text under the model.
        ends: (n,) the place where each token ends.
        log_unigram: (n,) natural log p of each token alone.

    Example:
        >>> begun = PrefixLogProbs(np.array([3, 6, 7]), np.log([0.1, 0.02, 0.01]), np.log(0.5))
        >>> each, last = ratios(begun, [3, 6, 7], np.log([0.1, 0.1, 0.25]))
        >>> np.exp(each).round(3).tolist(), round(float(np.exp(last)), 3)
        ([1.0, 2.0, 2.0], 0.25)
    """
    both = set(ends)
    at = [i for i, place in enumerate(begun.places.tolist()) if place in both]
    common, log_p = begun.places[at], begun.log_p[at]
    log_p[1:] -= log_p[:-1].copy()
    alone = np.bincount(np.searchsorted(common, ends), weights=log_unigram, minlength=len(common))
    return log_p - alone, float(log_p[-1] + begun.log_end)
