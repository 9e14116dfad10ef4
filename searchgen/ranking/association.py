"""The ranking of texts found under a transformer: by density, and by how well each word fits the words before it.

    score(x) = log density(x) + weight * (mean of the two least association ratios)

with p, in the density too, the transformer's own where that is mixed with n-grams. The n-grams led the search, so it returns texts that
they overrate.

    association ratio of a token w = log p(w | all before it) - log p(w)

after Church and Hanks, "Word association norms, mutual information, and lexicography" (1990); log p(w) is that of the n-gram model's
unigrams. The densest text is often short and plain with a word in it that nothing calls for ("There was a confused brain
unconsciously."): all else is so probable that it pays. This prefers texts whose worst words still go with their neighbours. It ranks
only; the density printed is the target's.

In Chinese a network has never read most words of other scripts, and what it expects right after one is noise: rare characters, mostly.
There the n-gram model's unigrams take its place.
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

#: The weight unless the request has one, chosen by reading (notes/reading.md).
WEIGHT = 1.0

#: Texts that are looked at, the densest.
LOOKED_AT = 64

#: The least ratios whose mean counts.
LEAST = 2

Floats = npt.NDArray[np.float64]


def reranking_scores(
    annealed: Annealed, target: Target, model: StatesPrefixes, log_unigram: Floats, weight: float
) -> Floats:
    """Return the reranking scores of the densest texts, (n,), natural log.

    Args:
        annealed: the texts of a search, densest first.
        target: the target that was searched.
        model: the judge: the target's text model, or a part of it.
        log_unigram: (tokens of the target,) natural log p of each token alone.
        weight: how much the least ratios count beside the log-density.
    """
    texts = annealed.texts[:LOOKED_AT]
    score = np.array(annealed.log_density[: len(texts)])
    printed = [target.printed(text) for text in texts]
    searched = None if target.text_model is None else target.text_model.log_probs(printed)
    beta = float(target.problem.beta[0])
    for i, prefixes in enumerate(model.prefix_log_probs(printed)):
        if prefixes.log_p[-1] == -np.inf:  # of a mixture the other parts cannot spell it
            score[i] = -np.inf
            continue
        if searched is not None:
            score[i] += beta * (prefixes.log_p[-1] + prefixes.log_end - searched[i])
        tokens, alone = target.vocabulary.decode(texts[i]), log_unigram[list(texts[i])]
        ends = token_ends(tokens, printed[i])[1]
        heeded = without_noise(prefixes, ends, alone, after_unknown(texts[i], target))
        score[i] += beta * float(heeded.log_p[-1] - prefixes.log_p[-1])
        score[i] += weight * np.sort(ratios(heeded, ends, alone))[:LEAST].mean()
    return score


def by_reranking_score(annealed: Annealed, score: Floats) -> Annealed:
    """Return the same texts, those of the best reranking score (n,) first, then those that were not looked at."""
    order = np.append(np.argsort(-score, kind="stable"), np.arange(len(score), len(annealed.texts)))
    return replace(annealed, texts=[annealed.texts[i] for i in order], log_density=annealed.log_density[order])


def ranked(annealed: Annealed, target: Target, model: StatesPrefixes, log_unigram: Floats, weight: float) -> Annealed:
    """Return the texts that a search found, those of the best reranking score first; arguments as for `reranking_scores`."""
    return by_reranking_score(annealed, reranking_scores(annealed, target, model, log_unigram, weight))


def after_unknown(text: Sequence[int], target: Target) -> list[int]:
    """Return the places of a Chinese text right after words that the n-gram model does not know, ascending; of other texts none."""
    if target.form.name != "zh":
        return []
    known = len(target.vocabulary.tokens)
    return [place for place in range(1, len(text)) if text[place - 1] >= known]


def without_noise(
    prefixes: PrefixLogProbs, ends: Sequence[int], log_unigram: Floats, places: Sequence[int]
) -> PrefixLogProbs:
    """Return a text under a model, at some tokens with log p of the token alone in the place of the model's.

    Args:
        prefixes: the text under the model.
        ends: (n,) the place where each token ends.
        log_unigram: (n,) natural log p of each token alone.
        places: the numbers of these tokens, above 0.

    Example:
        >>> prefixes = PrefixLogProbs(np.array([3, 6, 7]), np.log([0.1, 0.02, 0.01]), np.log(0.5))
        >>> np.exp(without_noise(prefixes, [3, 6, 7], np.log([0.1, 0.5, 0.25]), [1]).log_p).round(3).tolist()
        [0.1, 0.05, 0.025]
    """
    if not places:
        return prefixes
    steps = np.diff(prefixes.log_p, prepend=0.0)
    for place in places:
        inside = np.flatnonzero((prefixes.places > ends[place - 1]) & (prefixes.places <= ends[place]))
        if len(inside) and {ends[place - 1], ends[place]} <= {0, *prefixes.places.tolist()}:
            steps[inside], steps[inside[-1]] = 0.0, log_unigram[place]
    return replace(prefixes, log_p=np.cumsum(steps))


def ratios(prefixes: PrefixLogProbs, ends: Sequence[int], log_unigram: Floats) -> Floats:
    """Return the association ratio of each stretch between places where a token and a piece end.

    Args:
        prefixes: log p of the text's prefixes under the model.
        ends: (n,) the place where each token ends.
        log_unigram: (n,) natural log p of each token alone.

    Example:
        >>> prefixes = PrefixLogProbs(np.array([3, 6, 7]), np.log([0.1, 0.02, 0.01]), np.log(0.5))
        >>> np.exp(ratios(prefixes, [3, 6, 7], np.log([0.1, 0.1, 0.25]))).round(3).tolist()
        [1.0, 2.0, 2.0]
    """
    both = set(ends)
    at = [i for i, place in enumerate(prefixes.places.tolist()) if place in both]
    common, log_p = prefixes.places[at], prefixes.log_p[at]
    log_p[1:] -= log_p[:-1].copy()
    alone = np.bincount(np.searchsorted(common, ends), weights=log_unigram, minlength=len(common))
    return np.asarray(log_p - alone)
