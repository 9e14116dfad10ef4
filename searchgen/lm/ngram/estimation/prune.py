"""Leaving out n-grams that say little: pruning by relative entropy.

Without the n-gram hw its counts go to the back-off of h, so that p(w | h) becomes p' = (backoff(h) + alpha(w | h)) p(w | h'). The loss is,
but for terms of second order,

    f(h) (p log(p / p') - p + p')

with f(h) the frequency of h (A. Stolcke, "Entropy-based pruning of backoff language models", 1998). Frequencies are those of the text: the
probabilities of shorter contexts under Kneser-Ney are no frequencies (C. Chelba et al., "Study on interaction between entropy pruning and
Kneser-Ney smoothing", Interspeech 2010).
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from searchgen.lm.ngram.estimation.kneser_ney import Counted, kneser_ney
from searchgen.lm.ngram.estimation.trie import Trie, parents

__all__ = ["losses", "pruned"]

Array = npt.NDArray[Any]


def losses(model: Counted, frequency: Array) -> Array:
    """Return what the law loses without each n-gram alone, in nats a word; unigrams stay, their loss is infinite.

    Args:
        model: the model.
        frequency: (N,) of each n-gram, relative to the length of the text.
    """
    trie, (p, alpha, backoff, _) = model.trie, kneser_ney(model)
    parent = np.concatenate([[0], parents(trie.children)])
    without = (backoff[parent] + alpha) * p[trie.suffix]
    with np.errstate(divide="ignore", invalid="ignore"):
        found = frequency[parent] * (p * np.log(p / without) - p + without)
    lost: Array = np.nan_to_num(found, nan=0.0)
    lost[: trie.starts[2]] = np.inf
    return lost


def pruned(model: Counted, worth: Array, least: float) -> Counted:
    """Leave out n-grams worth less than `least`, but for those that longer ones begin or end with.

    Args:
        model: the model.
        worth: (N,) of each n-gram, that of unigrams infinite.
        least: of those that stay.

    Example:
        >>> from searchgen.lm.ngram.estimation.counts import count_ngrams
        >>> from searchgen.lm.ngram.estimation.kneser_ney import counted
        >>> whole = counted(count_ngrams(np.array([1, 3, 4, 2]), 2, 5))
        >>> small = pruned(whole, np.array([np.inf] * 6 + [2.0, 0.5, 2.0]), 1.0)
        >>> small.trie.word[6:].tolist(), small.pruned[1:6].tolist()
        ([3, 2], [0, 0, 0, 0, 0])
    """
    trie = model.trie
    keep = worth >= least
    parent = np.concatenate([[0], parents(trie.children)])
    for k in range(trie.order, 2, -1):
        kept = trie.starts[k] + np.flatnonzero(keep[trie.starts[k] : trie.starts[k + 1]])
        keep[parent[kept]] = True
        keep[trie.suffix[kept]] = True
    lost = model.pruned + np.bincount(parent[~keep], weights=model.adjusted[~keep], minlength=len(keep)).astype(
        np.int64
    )
    number = np.cumsum(keep, dtype=np.int32) - np.int32(1)
    children = np.bincount(number[parent[1:][keep[1:]]], minlength=int(keep.sum())).astype(np.int32)
    links = trie.suffix[keep]
    suffix = np.where(links < 0, np.int32(-1), number[links])
    starts = tuple(int(keep[:start].sum()) for start in trie.starts)
    left = np.where(children > 0, lost[keep], 0).astype(np.int32)
    return Counted(Trie(trie.word[keep], children, suffix, starts), model.adjusted[keep], left, model.counts_of_counts)
