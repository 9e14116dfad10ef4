"""One model of several texts: counts are added, each text's times a whole number.

    alpha(w | h) = sum_i k_i (c_i(hw) - D_i) / sum_i k_i c_i(h.)

This interpolates the texts' Kneser-Ney models context by context. The weight of text i after h is its share of the counts there, so a text
that has hardly seen h says little about what follows (M. Bacchiani et al., "MAP adaptation of stochastic grammars", Computer Speech and
Language 20, 2006). Discounts are the texts' own; the file keeps their mean for each sum of counts.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from searchgen.lm.ngram.estimation.kneser_ney import MILLION, Counted, discounts
from searchgen.lm.ngram.estimation.trie import Trie

__all__ = ["LARGEST", "merged", "united"]

Array = npt.NDArray[Any]

#: Sums of counts from here on share a discount.
LARGEST = 96


def merged(models: Sequence[Counted], times: Sequence[int]) -> Counted:
    """Add the counts of models over one vocabulary.

    Args:
        models: of each text.
        times: what its counts are multiplied by.

    Example:
        >>> from searchgen.lm.ngram.estimation.counts import count_ngrams
        >>> from searchgen.lm.ngram.estimation.kneser_ney import counted
        >>> texts = [counted(count_ngrams(np.array(text), 2, 5)) for text in ([1, 3, 2], [1, 3, 4, 2])]
        >>> both = merged(texts, [3, 1])
        >>> both.trie.word[6:].tolist(), both.adjusted[6:].tolist()  # after <s>, word 3 twice; after 3, end twice
        ([3, 2, 4, 2], [4, 3, 1, 1])
    """
    trie, places = united([model.trie for model in models])
    count, lost = np.zeros(len(trie.word), np.int64), np.zeros(len(trie.word), np.int64)
    taken = np.zeros(len(trie.word))
    for model, place, k in zip(models, places, times, strict=True):
        count[place] += k * model.adjusted.astype(np.int64)
        lost[place] += k * model.pruned.astype(np.int64)
        for order, discount in enumerate(discounts(model.counts_of_counts), start=1):
            here = slice(model.trie.starts[order], model.trie.starts[order + 1])
            taken[place[here]] += k * discount[np.minimum(model.adjusted[here], len(discount) - 1)]
    lost[trie.children == 0] = 0
    means = [
        _means(count[a:b], taken[a:b], max(times)) for a, b in zip(trie.starts[1:-1], trie.starts[2:], strict=True)
    ]
    return Counted(trie, count.astype(np.int32), lost.astype(np.int32), np.array(means))


def _means(count: Array, taken: Array, largest: int) -> Array:
    """Return the mean discount for each sum of counts from 1 on, in millionths; one that does not occur has half of the count."""
    capped = np.minimum(count, LARGEST)
    times, total = (np.bincount(capped, weights=one, minlength=LARGEST + 1)[1:] for one in (None, taken))
    sums = np.arange(1, LARGEST + 1)
    mean = np.where(times > 0, total / np.maximum(times, 1), np.minimum(sums / 2, largest))
    millionths: Array = np.floor(np.minimum(mean, sums) * MILLION).astype(np.int64)
    return millionths


def united(tries: Sequence[Trie]) -> tuple[Trie, list[Array]]:
    """Return the trie of the n-grams of all tries over one vocabulary, and the node there of each node of each."""
    words = tries[0].starts[2] - 1
    places = [np.arange(1 + words) for _ in tries]  # the root and the unigrams are the same everywhere
    starts, word, suffix = [0, 1, 1 + words], [tries[0].word[: 1 + words]], [tries[0].suffix[: 1 + words]]
    parent: list[Array] = [np.zeros(words, np.int64)]
    for k in range(2, max(trie.order for trie in tries) + 1):
        keys = [_keys(trie, place, k, words) for trie, place in zip(tries, places, strict=True)]
        union, found = np.unique(np.concatenate(keys), return_inverse=True)
        link = np.zeros(len(union), np.int32)
        ends = np.cumsum([len(key) for key in keys])
        for i, own in enumerate(np.split(found, ends[:-1])):
            if len(own):
                link[own] = places[i][tries[i].suffix[tries[i].starts[k] : tries[i].starts[k + 1]]]
            places[i] = np.concatenate([places[i], starts[-1] + own])
        word.append((union % words).astype(np.int32))
        suffix.append(link)
        parent.append(union // words)
        starts.append(starts[-1] + len(union))
    children = np.bincount(np.concatenate(parent), minlength=starts[-1]).astype(np.int32)
    return Trie(np.concatenate(word), children, np.concatenate(suffix), tuple(starts)), places


def _keys(trie: Trie, place: Array, k: int, words: int) -> Array:
    """Return the n-grams of order k as numbers: that of the prefix in the united trie, and the last word."""
    if k > trie.order:
        return np.zeros(0, np.int64)
    contexts, here = slice(trie.starts[k - 1], trie.starts[k]), slice(trie.starts[k], trie.starts[k + 1])
    keys: Array = np.repeat(place[contexts], trie.children[contexts]).astype(np.int64) * words + trie.word[here]
    return keys
