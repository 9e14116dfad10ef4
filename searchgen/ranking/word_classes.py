"""The ranking of texts found under an n-gram model: by density, and by grammar under a model over word classes.

    score(x) = log density(x) + weight * (log p(classes of x) + words(x) + worst pair(x) + LAST * log p(last class, end))

    worst pair(x) = the least, over neighbours, of  sum over the two of log p(w | what is before it) - log p(w)

Annealing knows four words of the past, so the densest text is often two halves that do not belong together ("He needs is an alarm of
fire.") or one that stops too soon ("It was a strange and incredible."). Every chain has its own best text, and this prefers one that is
whole: its classes make a sentence, no seam in it is worse than chance, and it may end where it ends. The four parts and their weights
are those that tell whole from broken among 208 texts read blind (logistic regression). It ranks only; the density printed is the target's.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from searchgen.kernels.shares import WORD
from searchgen.lm.ngram.scoring import score_tokens
from searchgen.lm.ngram.tables import END
from searchgen.lm.ngram.word_classes import WordClasses
from searchgen.samplers.optimise.annealing_loop import Annealed
from searchgen.target import Target

__all__ = ["LAST", "ranked"]

#: How much more the end counts than any other place.
LAST = 3.0

#: Neighbours looked at together for the worst seam.
SEAM = 2


def ranked(annealed: Annealed, target: Target, classes: WordClasses, weight: float) -> Annealed:
    """Return the same texts, those of the best reranking score first; ties stay in the order of their density.

    Args:
        annealed: the texts of a search, densest first.
        target: the target that was searched.
        classes: word classes of its model.
        weight: of the grammar terms against the log-density.
    """
    if not annealed.texts:
        return annealed
    score = annealed.log_density + weight * _grammar(annealed.texts, target, classes)
    order = np.argsort(-score, kind="stable")
    return replace(annealed, texts=[annealed.texts[i] for i in order], log_density=annealed.log_density[order])


def _grammar(texts: list[tuple[int, ...]], target: Target, classes: WordClasses) -> npt.NDArray[np.float64]:
    """Return the terms that are added to the density: (n,)."""
    token = target.problem.token
    lengths = np.array([len(text) for text in texts])
    ids = np.concatenate([np.array(text) for text in texts])
    words = token["model"][ids].astype(np.int32)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    ends = offsets[1:] + np.arange(len(texts))  # where each text's end stands among the scores
    begins = ends - lengths
    of_classes = classes.score(words, offsets)
    ratio = score_tokens(target.model.tables, words, offsets)
    ratio -= target.model.tables.node["log_p"][1 + np.insert(words, offsets[1:], END)]
    whole = np.add.reduceat(of_classes, begins) + np.add.reduceat(
        (token["word"][ids] == WORD).astype(float), offsets[:-1]
    )
    last = of_classes[ends] + of_classes[ends - 1]
    return whole + _worst_seam(ratio, begins, ends) + LAST * last


def _worst_seam(
    ratio: npt.NDArray[np.float64], begins: npt.NDArray[Any], ends: npt.NDArray[Any]
) -> npt.NDArray[np.float64]:
    """Return, for each text, the least sum over neighbours (a text has a word and an end, so it has two at least)."""
    together = np.convolve(ratio, np.ones(SEAM), "valid")
    return np.array([together[begin : end + 2 - SEAM].min() for begin, end in zip(begins, ends, strict=True)])
