"""The arrays of an n-gram model as the compiled loops read them."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["BEGIN", "END", "LOG_ZERO", "UNKNOWN", "NGramTables", "as_logs", "node_dtype"]

UNKNOWN, BEGIN, END = 0, 1, 2

#: Stands for log 0 in the tables, so that sums stay finite.
LOG_ZERO = -1e30


def as_logs(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return log-probabilities as people read them: -inf where `LOG_ZERO` is part of a sum.

    Example:
        >>> as_logs(np.array([-2.0, LOG_ZERO - 3.0])).tolist()
        [-2.0, -inf]
    """
    return np.where(values < LOG_ZERO / 2, -np.inf, values)


def node_dtype(real: str = "f4") -> np.dtype[Any]:
    """Return the record of a trie node, with 32-bit reals (32 bytes a node) or 64-bit ones (exactness tests).

    Example:
        >>> node_dtype().itemsize
        32
    """
    return np.dtype(
        [
            ("log_p", real),
            ("log_backoff", real),
            ("first", "i4"),
            ("end", "i4"),
            ("state", "i4"),
            ("suffix", "i4"),
            ("total", "f8"),
        ]
    )


class NGramTables(NamedTuple):
    """A trie of all stored n-grams in one index: root 0, unigram `w` at `1 + w`, then each order in turn."""

    word: npt.NDArray[Any]  # (N,) uint16 or int32: last token of the n-gram at this node
    node: npt.NDArray[Any]  # (N + 1,) node_dtype; the last record only closes the range of children
    cumulative: npt.NDArray[np.float64]  # (N,) running sum over the siblings of the draw weights, this one included
    alias_p: npt.NDArray[Any]  # (V,) alias table of the unigrams: keep probability ...
    alias_word: npt.NDArray[Any]  # (V,) int32 ... and the other word
    mixture: npt.NDArray[Any]  # (1,) bool: draw weights are p - backoff * p_lower (True) or p (False)
    order: npt.NDArray[Any]  # (1,) int64
