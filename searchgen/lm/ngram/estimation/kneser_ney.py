"""Interpolated modified Kneser-Ney smoothing.

    p(w | h) = alpha(w | h) + backoff(h) p(w | h'),   alpha(w | h) = (c(hw) - D(c(hw))) / c(h.)

with adjusted counts c, discounts D for counts 1, 2 and 3 or more, h' = h without its first word, and the uniform
distribution below the unigrams. N-grams dropped by a cut keep their weight: it goes to the back-off of their context.

S. F. Chen and J. Goodman, "An empirical study of smoothing techniques for language modeling", 1998; discounts are
taken from all n-grams, dropped ones included, as in K. Heafield et al., "Scalable modified Kneser-Ney language model
estimation", 2013.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from searchgen.errors import RequestError
from searchgen.lm.ngram.estimation.counts import Level, adjusted_counts
from searchgen.lm.ngram.estimation.trie import Trie, siblings
from searchgen.lm.ngram.tables import BEGIN

__all__ = ["MILLION", "Counted", "Weights", "counted", "discounts", "full_cut", "kneser_ney"]

Array = npt.NDArray[Any]

#: Discounts of an order whose counts of counts do not determine them (a small or artificial text).
FALLBACK = (0.0, 0.5, 1.0, 1.5)

#: Stored discounts are whole numbers of this part.
MILLION = 1_000_000


class Counted(NamedTuple):
    """What a Kneser-Ney model is made of: integers only, everything else follows."""

    trie: Trie
    adjusted: Array  # (N,) int32: adjusted counts
    pruned: Array  # (N,) int32: adjusted counts of the children that were dropped
    counts_of_counts: (
        Array  # (order, 4) int64: n-grams with adjusted count 1 to 4, dropped ones included; or as `discounts` says
    )


class Weights(NamedTuple):
    """Probabilities of all stored n-grams."""

    p: Array  # (N,) float64: p(word | the rest)
    alpha: Array  # (N,) float64: its part that does not come from the shorter context
    backoff: Array  # (N,) float64: weight of the shorter context
    mixture: bool  # every alpha is >= 0, and in every context they sum to one with the back-off


def counted(levels: list[Level], cut: tuple[int, ...] = ()) -> Counted:
    """Drop the n-grams of order k that occur at most `cut[k - 1]` times, and keep the rest as a trie.

    Raises:
        RequestError: `cut` does not start with 0 or falls somewhere, so that an n-gram could lose its prefix.

    Example:
        >>> from searchgen.lm.ngram.estimation.counts import count_ngrams
        >>> levels = count_ngrams(np.array([1, 3, 3, 2, 1, 3, 2]), order=2, words=4)
        >>> counted(levels, cut=(0, 1)).trie.word.tolist()
        [0, 0, 1, 2, 3, 3, 2]
    """
    cut = full_cut(cut, len(levels))
    adjusted = adjusted_counts(levels)
    kept = [level.raw > least for level, least in zip(levels, cut, strict=True)]
    kept[0][:] = True
    starts = np.cumsum([0, 1, *(int(keep.sum()) for keep in kept)])
    nodes = int(starts[-1])
    word, children, suffix, count, pruned = (np.zeros(nodes, dtype=np.int32) for _ in range(5))
    children[0], suffix[0] = len(kept[0]), -1
    number = np.zeros(0, dtype=np.int32)  # nodes of the order below
    for k, (level, keep, counts) in enumerate(zip(levels, kept, adjusted, strict=True), start=1):
        here = slice(starts[k], starts[k + 1])
        word[here], count[here] = level.word[keep], counts[keep]
        if k > 1:
            suffix[here] = number[level.suffix[keep]]
            above = slice(starts[k - 1], starts[k])
            size = len(kept[k - 2])
            children[above] = np.bincount(level.prefix[keep], minlength=size)[kept[k - 2]]
            lost = np.bincount(level.prefix[~keep], weights=counts[~keep], minlength=size)
            pruned[above] = lost[kept[k - 2]]
        number = np.cumsum(keep, dtype=np.int32) + np.int32(starts[k] - 1)
    pruned[children == 0] = 0  # a context without children backs off with weight 1, whatever it lost
    tallies = np.array([np.bincount(np.minimum(counts, 5), minlength=6)[1:5] for counts in adjusted])
    return Counted(Trie(word, children, suffix, tuple(starts.tolist())), count, pruned, tallies)


def full_cut(cut: tuple[int, ...], order: int) -> tuple[int, ...]:
    """Return one number for each order; the last one given holds for all higher orders.

    Raises:
        RequestError: the numbers do not start with 0, or fall somewhere.

    Example:
        >>> full_cut((0, 0, 1), order=4)
        (0, 0, 1, 1)
    """
    full = (tuple(cut) + (cut[-1] if cut else 0,) * order)[:order]
    if full[0] != 0 or list(full) != sorted(full):
        raise RequestError(
            f"cut {','.join(map(str, cut))} is impossible; it must start with 0 and never fall, as in 0,0,0,1,1"
        )
    return full


def discounts(counts_of_counts: Array) -> Array:
    """Return the discounts for adjusted counts 0, 1, 2 and 3 or more, one row for each order.

    A model merged from several (`merge.py`) has more than four columns: its discounts for counts 1, 2, ... themselves, in millionths.

    Example:
        >>> discounts(np.array([[10, 5, 2, 1], [1, 0, 0, 0]])).round(3).tolist()
        [[0.0, 0.5, 1.4, 2.0], [0.0, 0.5, 1.0, 1.5]]
    """
    if counts_of_counts.shape[1] > 4:
        return np.pad(counts_of_counts / MILLION, ((0, 0), (1, 0)))
    return np.array([_discounts_of_order(*row) for row in counts_of_counts.tolist()])


def _discounts_of_order(n1: int, n2: int, n3: int, n4: int) -> tuple[float, ...]:
    if not (n1 and n2 and n3):
        return FALLBACK
    y = n1 / (n1 + 2 * n2)
    rates = (0.0, 1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3)
    return rates if all(0 <= d <= k for k, d in enumerate(rates)) else FALLBACK


def kneser_ney(model: Counted) -> Weights:
    """Estimate all probabilities and back-off weights from counts.

    Returns:
        Weights that sum to one over the vocabulary without `<s>` in every context; `<s>` has probability 0.
    """
    trie, starts = model.trie, model.trie.starts
    p, alpha, backoff = np.zeros(len(trie.word)), np.zeros(len(trie.word)), np.ones(len(trie.word))
    for k, discount in enumerate(discounts(model.counts_of_counts), start=1):
        here, contexts = slice(starts[k], starts[k + 1]), slice(starts[k - 1], starts[k])
        groups = siblings(trie.children[contexts])
        adjusted, pruned = model.adjusted[here], model.pruned[contexts][groups.context]
        taken = discount[np.minimum(adjusted, len(discount) - 1)]
        total = np.maximum(groups.sums(adjusted) + pruned, 1)
        freed = (groups.sums(taken) + pruned) / total
        backoff[contexts][groups.context] = freed
        alpha[here] = (adjusted - taken) / groups.spread(total)
        lower = p[trie.suffix[here]] if k > 1 else 1 / max(len(adjusted) - 1, 1)
        p[here] = alpha[here] + groups.spread(freed) * lower
        if k == 1:
            p[1 + BEGIN] = 0
            alpha[here], backoff[0] = p[here], 1
    return Weights(p, alpha, backoff, mixture=True)
