"""Word classes by the exchange algorithm: words that stand in the same company come into one class.

The likelihood of a class bigram model is, up to a constant,

    F = sum over class pairs of f(N(a, b))  -  2 * sum over classes of f(N(a)),        f(n) = n log n

and each word in turn moves to the class where F is largest. R. Kneser and H. Ney, "Improved clustering techniques for class-based
statistical language modelling", Eurospeech 1993; S. Martin, J. Liermann and H. Ney, "Algorithms for bigram and trigram word
clustering", Speech Communication 24, 1998.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from searchgen.lm.ngram.estimation.counts import count_ngrams

__all__ = ["exchange"]

Array = npt.NDArray[Any]

#: Sweeps over the vocabulary; the fourth gains a thousandth of the first (measured).
SWEEPS = 5

#: n log n is looked up below this.
TABLE = 1 << 16


class _Company(NamedTuple):
    """Which words stand beside each word, as one row a word in flat arrays."""

    start: Array  # (V + 1,)
    word: Array
    times: Array

    def of(self, word: int) -> tuple[Array, Array]:
        here = slice(self.start[word], self.start[word + 1])
        return self.word[here], self.times[here]


def exchange(
    tokens: Array,
    words: int,
    own: Array,
    classes: int,
    sweeps: int = SWEEPS,
    tell: Callable[[float], None] = lambda _: None,
) -> Array:
    """Return the class of each word.

    Args:
        tokens: (n,) ids of all sentences in a row, each from `<s>` to `</s>`.
        words: size of the vocabulary.
        own: ids of the words that form a class each, numbered first, in this order.
        classes: number of further classes, among which the other words are exchanged.
        sweeps: how often each word may move.
        tell: receives the share done.

    Returns:
        (V,) int32 class of each word, below `len(own) + classes`.

    Example:
        >>> text = np.array([1, 3, 5, 2, 1, 4, 5, 2, 1, 3, 6, 2, 1, 4, 6, 2])  # 3 and 4 stand before 5 and 6
        >>> exchange(text, words=7, own=np.arange(3), classes=2).tolist()
        [0, 1, 2, 4, 4, 3, 3]
    """
    levels = count_ngrams(tokens, 2, words)
    total, pairs = levels[0].raw.astype(np.int64), levels[1]
    class_of = np.full(words, -1, np.int32)
    class_of[own] = np.arange(len(own))
    order = np.flatnonzero(class_of < 0)
    order = order[np.argsort(-total[order], kind="stable")]
    class_of[order] = len(own) + np.arange(len(order)) % classes
    state = _Exchange(pairs.prefix, pairs.word, pairs.raw, total, class_of, len(own), len(own) + classes)
    for sweep in range(sweeps):
        for done, word in enumerate(order.tolist()):
            state.move(word)
            if done % 1000 == 0:
                tell((sweep + done / len(order)) / sweeps)
    return state.class_of


class _Exchange:
    """Class counts, kept while words move."""

    def __init__(
        self, left: Array, right: Array, count: Array, total: Array, class_of: Array, own: int, size: int
    ) -> None:
        self.class_of, self.total, self.own, self.size = class_of, total, own, size
        places = np.arange(len(total) + 1)
        order = np.lexsort((left, right))
        self.before = _Company(np.searchsorted(right[order], places), left[order], count[order])
        self.behind = _Company(np.searchsorted(left, places), right, count)
        self.pairs = np.zeros((size, size), np.int64)  # N(a, b)
        np.add.at(self.pairs, (class_of[left], class_of[right]), count)
        self.mass = np.bincount(class_of, weights=total, minlength=size).astype(np.int64)
        numbers = np.arange(TABLE)
        self.table = numbers * np.log(np.maximum(numbers, 1))

    def move(self, word: int) -> None:
        """Take a word out of its class and put it where the likelihood is largest; ties go to the lower class."""
        left, right, twice = self._company(word)
        n = self.total[word]
        self._add(int(self.class_of[word]), left, right, twice, -1)
        self.mass[self.class_of[word]] -= n
        free = slice(self.own, self.size)
        gain = -2 * (self._f(self.mass[free] + n) - self._f(self.mass[free]))
        for table, company in ((self.pairs, left), (self.pairs.T, right)):
            neighbours = np.flatnonzero(company)
            old = table[neighbours, free]
            gain += (self._f(old + company[neighbours, None]) - self._f(old)).sum(axis=0)
        old, more_left, more_right = self.pairs.diagonal()[free], left[free], right[free]
        # A word beside its own class counts once there, not once from each side.
        gain += self._f(old + more_left + more_right + twice) + self._f(old)
        gain -= self._f(old + more_left) + self._f(old + more_right)
        best = self.own + int(np.argmax(gain))
        self.class_of[word] = best
        self._add(best, left, right, twice, 1)
        self.mass[best] += n

    def _company(self, word: int) -> tuple[Array, Array, int]:
        """Return how often each class stands before and behind a word, and how often the word stands beside itself."""
        result = []
        twice = 0
        for company in (self.before, self.behind):
            words, count = company.of(word)
            others = words != word
            twice = int(count[~others].sum())
            weights = count[others]
            result.append(
                np.bincount(self.class_of[words[others]], weights=weights, minlength=self.size).astype(np.int64)
            )
        return result[0], result[1], twice

    def _add(self, to: int, left: Array, right: Array, twice: int, sign: int) -> None:
        self.pairs[:, to] += sign * left
        self.pairs[to] += sign * right
        self.pairs[to, to] += sign * twice

    def _f(self, n: Array) -> Array:
        """Return n log n."""
        small = self.table[np.minimum(n, TABLE - 1)]
        large = n >= TABLE
        if large.any():
            small[large] = n[large] * np.log(n[large])
        return small
