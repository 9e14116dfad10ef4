"""What look-ahead needs to know of a model's bigrams, whatever is asked of it: found out once a model and kept with it."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from searchgen.lm.ngram.tables import NGramTables

__all__ = ["Bigrams"]


class Bigrams(NamedTuple):
    """The coefficients of the bigrams, and how many there are among frequent words."""

    alpha: npt.NDArray[Any]  # (B,) p - backoff * p_lower of every bigram; empty if some is negative
    inside: npt.NDArray[np.int64]  # (V + 1,) number of bigrams of the m most frequent words

    @staticmethod
    def of(tables: NGramTables) -> "Bigrams":
        """Return them for a model.

        Args:
            tables: the model.
        """
        size = len(tables.alias_p)
        first = tables.node["first"][1 : size + 2].astype(np.int64)
        if first[0] == first[-1]:
            return Bigrams(np.zeros(0, tables.node["log_p"].dtype), np.zeros(size + 1, np.int64))
        word = tables.word[first[0] : first[-1]].astype(np.int64)
        log_p = tables.node["log_p"][1 : size + 1].astype(np.float64)
        backoff = np.exp(tables.node["log_backoff"][1 : size + 1].astype(np.float64))
        children = np.diff(first)
        alpha = np.exp(tables.node["log_p"][first[0] : first[-1]].astype(np.float64))
        alpha -= np.repeat(backoff, children) * np.exp(log_p)[word]
        if alpha.min() < 0:
            alpha = alpha[:0]
        parent = np.repeat(np.arange(size), children)
        inside = np.append(0, np.cumsum(np.bincount(np.maximum(parent, word), minlength=size)))
        return Bigrams(alpha.astype(tables.node["log_p"].dtype), inside)
