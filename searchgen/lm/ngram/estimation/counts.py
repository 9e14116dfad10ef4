"""Counting n-grams: the distinct n-grams of each order, sorted, so that they form a trie already.

An n-gram's number is its rank among the n-grams of its order, and n-grams are ordered by their prefix's number, then by
their last word. All positions of the text are kept sorted by the n-gram that starts there; the next order only refines
that order inside each group of equal n-grams.
"""

from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from searchgen.lm.ngram.tables import BEGIN, END

__all__ = ["Level", "adjusted_counts", "count_ngrams"]

Integers = npt.NDArray[Any]

#: Positions sorted at once: the slices fit the cache, and group, word and index fit one 64-bit key.
SLICE = 1 << 20


class Level(NamedTuple):
    """The distinct n-grams of one order."""

    prefix: Integers  # (n,) int32: number of the n-gram without its last word, in the order below
    word: Integers  # (n,) int32: the last word
    suffix: Integers  # (n,) int32: number of the n-gram without its first word, in the order below
    raw: Integers  # (n,) int64: how often it occurs


def count_ngrams(tokens: Integers, order: int, words: int) -> list[Level]:
    """Count the n-grams of orders 1 to `order` that lie inside one sentence.

    Args:
        tokens: word ids of all sentences in a row, each from `<s>` (1) to `</s>` (2).
        order: the longest n-grams wanted.
        words: size of the vocabulary; order 1 holds all of it, whether it occurs or not.

    Returns:
        One level for each order, n-grams sorted by prefix and word.

    Example:
        >>> levels = count_ngrams(np.array([1, 3, 3, 2]), order=2, words=4)
        >>> levels[1].prefix.tolist(), levels[1].word.tolist(), levels[1].raw.tolist()
        ([1, 3, 3], [3, 2, 3], [1, 1, 1])
    """
    tokens = np.ascontiguousarray(tokens, dtype=np.int32)
    everyone = np.arange(words, dtype=np.int32)
    nobody = np.zeros(words, dtype=np.int32)
    levels = [Level(nobody, everyone, nobody, np.bincount(tokens, minlength=words))]
    position = np.argsort(tokens, kind="stable")
    group = last = tokens[position]
    number = tokens  # number of the n-gram of the order below that starts at each position
    for n in range(2, order + 1):
        inside = last != END
        position, group = position[inside], group[inside]
        last = tokens[position + (n - 1)]
        position, last = _refined(position, group, last, words)
        new = _changes(group, last)
        start = np.flatnonzero(new)
        raw = np.diff(start, append=len(position))
        levels.append(Level(group[start], last[start], number[position[start] + 1], raw))
        group = np.cumsum(new, dtype=np.int32) - np.int32(1)
        number = np.zeros_like(tokens)
        number[position] = group
    return levels


def _changes(group: Integers, last: Integers) -> Integers:
    new = np.ones(len(group), dtype=bool)
    new[1:] = (group[1:] != group[:-1]) | (last[1:] != last[:-1])
    return new


def _refined(position: Integers, group: Integers, last: Integers, words: int) -> tuple[Integers, Integers]:
    """Sort positions by word inside each group. Sorting packed keys is ten times faster here than any argsort."""
    position, last = position.copy(), last.copy()
    nominal = np.arange(0, len(group), SLICE)
    bounds = np.unique(np.append(np.searchsorted(group, group[nominal]), len(group)))
    for a, b in pairwise(bounds.tolist()):
        bits = (b - a).bit_length()
        spread = int(group[b - 1] - group[a]) + 1
        if (spread * words) >> (63 - bits) == 0:
            key = ((group[a:b] - group[a]).astype(np.int64) * words + last[a:b]) << bits
            key |= np.arange(b - a)
            key.sort()
            chosen = key & ((1 << bits) - 1)
        else:
            chosen = np.lexsort((last[a:b], group[a:b]))
        position[a:b] = position[a:b][chosen]
        last[a:b] = last[a:b][chosen]
    return position, last


def adjusted_counts(levels: list[Level]) -> list[Integers]:
    """Return the counts Kneser-Ney is estimated from: in how many different words' company an n-gram stands.

    The highest order keeps its raw counts. Below it, an n-gram counts the distinct words before it, except where it
    starts with `<s>`, before which nothing stands: it keeps its raw count. `<s>` itself is never predicted: 0.

    Example:
        >>> levels = count_ngrams(np.array([1, 3, 3, 2, 1, 3, 2]), order=2, words=4)
        >>> [counts.tolist() for counts in adjusted_counts(levels)]
        [[0, 0, 1, 2], [2, 2, 1]]
    """
    counts: list[Integers] = []
    begins = levels[0].word == BEGIN
    for n, level in enumerate(levels, start=1):
        if n > 1:
            begins = begins[level.prefix]
        if n == len(levels):
            adjusted = level.raw.copy()
        else:
            adjusted = np.bincount(levels[n].suffix, minlength=len(level.word))
            adjusted[begins] = level.raw[begins]
        if n == 1:
            adjusted[BEGIN] = 0
        counts.append(adjusted)
    return counts
