"""How well a model that scores whole texts predicts text, in the units that every model has."""

from collections.abc import Sequence
from math import log
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from searchgen.errors import RequestError

__all__ = ["WholeTextEvaluation", "evaluate_texts"]


class Scorer(Protocol):
    """A law over printed texts."""

    def log_probs(self, texts: Sequence[str]) -> npt.NDArray[np.float64]:
        """Return natural log p of texts, (n,) float64."""


class WholeTextEvaluation(NamedTuple):
    """How well a model predicts a text; ends of sentences are predicted, and no characters."""

    sentences: int
    log_p_a_sentence: float  # natural, mean
    bits_per_character: float
    bits_per_byte: float  # of UTF-8


def evaluate_texts(model: Scorer, sentences: Sequence[str]) -> WholeTextEvaluation:
    """Measure a model on sentences, as printed.

    Raises:
        RequestError: there is no sentence, or the model cannot score one.
    """
    if not sentences:
        raise RequestError("there is no text to evaluate the model on: the files hold no word; name others")
    total = float(model.log_probs(sentences).sum())
    return WholeTextEvaluation(
        len(sentences),
        total / len(sentences),
        -total / log(2) / sum(map(len, sentences)),
        -total / log(2) / sum(len(text.encode()) for text in sentences),
    )
