"""Every random choice of the compiled loops: a pure function of (key, chain, step, lane), or a script to be played.

Philox4x32-10 (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011) turns a counter into
random bits, so that chain 7 is the same alone or among many, on one thread or on two. Kernels draw through `bernoulli`,
`below`, `categorical` (with an exclusion set: `conditioned` and `redraws`) and the accept rule (`acceptance.py`) only. Each has two
overloads, chosen by the type of rng: `Counter` in production, and `Script`, which plays a given branch and records its probability. A
`Script` therefore enumerates the compiled kernel itself, not a twin.
"""

import hashlib
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba.extending import overload

from searchgen.kernels.compiled import inner, kernel

__all__ = [
    "Counter",
    "Script",
    "Willing",
    "below",
    "bernoulli",
    "categorical",
    "categorical_or_rest",
    "conditioned",
    "counter",
    "key_of",
    "philox",
    "redraws",
    "script",
    "start_step",
    "systematic",
    "uniform",
]

MASK = np.uint64(0xFFFFFFFF)
MULTIPLIER_0, MULTIPLIER_1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
WEYL_0, WEYL_1 = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
THIRTY_TWO, ELEVEN, ONE = np.uint64(32), np.uint64(11), np.uint64(1)
UNIT = 2.0**-53


class Counter(NamedTuple):
    """Random bits as a function of a counter: key, chain, step and lane, with one spare word of the last block."""

    word: npt.NDArray[np.uint64]  # (6,) key, chain, step, lane, spare bits, 1 if the spare is unused


class Willing(Counter):
    """A counter that accepts every proposal (`acceptance.py`): it draws the same numbers, so it shows what a step proposes."""

    __slots__ = ()


class Script(NamedTuple):
    """An rng that plays given branches and records how many there were and how probable the path was."""

    choice: npt.NDArray[np.int64]  # (D,) branch to take at each decision
    width: npt.NDArray[np.int64]  # (D,) number of branches met at each decision
    depth: npt.NDArray[np.int64]  # (1,) decisions made so far
    probability: npt.NDArray[np.float64]  # (1,) product of the probabilities of the branches taken


def key_of(seed: int, *parts: str) -> int:
    """Return the 64-bit key of a run: a hash of its seed and of the names that set it apart.

    Example:
        >>> key_of(7, "job 1") == key_of(7, "job 1") != key_of(7, "job 2")
        True
    """
    text = "\x1f".join((str(seed), *parts))
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def counter(key: int, chain: int = 0) -> Counter:
    """Return the rng of one chain, before its first step."""
    return Counter(np.array([key, chain, 0, 0, 0, 0], dtype=np.uint64))


def script(decisions: int = 256) -> Script:
    """Return a script that plays branch 0 everywhere, with room for a number of decisions."""
    return Script(np.zeros(decisions, np.int64), np.zeros(decisions, np.int64), np.zeros(1, np.int64), np.ones(1))


@kernel
def philox(c0: Any, c1: Any, c2: Any, c3: Any, k0: Any, k1: Any) -> Any:
    """Return the four 32-bit words (as uint64) of Philox4x32-10 for a counter and a key."""
    for _ in range(10):
        product_0 = MULTIPLIER_0 * c0
        product_1 = MULTIPLIER_1 * c2
        c0 = (product_1 >> THIRTY_TWO) ^ c1 ^ k0
        c1 = product_1 & MASK
        c2 = (product_0 >> THIRTY_TWO) ^ c3 ^ k1
        c3 = product_0 & MASK
        k0 = (k0 + WEYL_0) & MASK
        k1 = (k1 + WEYL_1) & MASK
    return c0, c1, c2, c3


@inner
def uniform(word: Any) -> Any:
    """Return the next 53-bit uniform in [0, 1) of a counter; each block gives two."""
    if word[5] == ONE:
        word[5] = np.uint64(0)
        return (word[4] >> ELEVEN) * UNIT
    r0, r1, r2, r3 = philox(
        word[3], word[1], word[2] & MASK, word[2] >> THIRTY_TWO, word[0] & MASK, word[0] >> THIRTY_TWO
    )
    word[3] += ONE
    word[4] = (r3 << THIRTY_TWO) | r2
    word[5] = ONE
    return (((r1 << THIRTY_TWO) | r0) >> ELEVEN) * UNIT


@inner
def _play(rng: Any, width: Any) -> Any:
    """Return the scripted branch of the next decision and note how many branches it has."""
    at = rng.depth[0]
    rng.width[at] = width
    rng.depth[0] = at + 1
    return rng.choice[at]


def start_step(rng: Any, step: Any) -> None:
    """Begin a step: what is drawn next depends on the step's number only, not on what came before."""


@overload(start_step)
def _start_step(rng: Any, step: Any) -> Any:
    if issubclass(rng.instance_class, Counter):

        def from_counter(rng: Any, step: Any) -> None:
            rng.word[2] = np.uint64(step)
            rng.word[3] = np.uint64(0)
            rng.word[5] = np.uint64(0)

        return from_counter

    def from_script(rng: Any, step: Any) -> None:
        pass

    return from_script


def bernoulli(rng: Any, p: Any) -> Any:
    """Return True with probability p."""


@overload(bernoulli)
def _bernoulli(rng: Any, p: Any) -> Any:
    if issubclass(rng.instance_class, Counter):

        def from_counter(rng: Any, p: Any) -> Any:
            return uniform(rng.word) < p

        return from_counter

    def from_script(rng: Any, p: Any) -> Any:
        if p <= 0.0 or p >= 1.0:
            return p >= 1.0
        taken = _play(rng, 2) == 1
        rng.probability[0] *= p if taken else 1.0 - p
        return taken

    return from_script


def below(rng: Any, n: Any) -> Any:
    """Return an integer uniform on 0 ... n - 1."""


@overload(below)
def _below(rng: Any, n: Any) -> Any:
    if issubclass(rng.instance_class, Counter):

        def from_counter(rng: Any, n: Any) -> Any:
            return np.int64(uniform(rng.word) * n)

        return from_counter

    def from_script(rng: Any, n: Any) -> Any:
        if n == 1:
            return np.int64(0)
        rng.probability[0] *= 1.0 / n
        return _play(rng, n)

    return from_script


def categorical(rng: Any, cumulative: Any, low: Any, high: Any) -> Any:
    """Return an index in low ... high - 1 with probability proportional to the steps of a running sum that begins at 0."""


@inner
def _first_above(cumulative: Any, low: Any, high: Any, value: Any) -> Any:
    """Return the first index in low ... high - 1 whose running sum exceeds a value (the last one if none does)."""
    high -= 1
    while low < high:
        middle = (low + high) >> 1
        if cumulative[middle] > value:
            high = middle
        else:
            low = middle + 1
    return low


@inner
def _possible(cumulative: Any, low: Any, high: Any) -> Any:
    """Return how many indices have a probability above 0: a script plays only those."""
    count = 0
    before = 0.0
    for index in range(low, high):
        count += cumulative[index] > before
        before = cumulative[index]
    return count


@inner
def _nth_possible(cumulative: Any, low: Any, high: Any, n: Any) -> Any:
    """Return the n-th index, from 0, that has a probability above 0."""
    before = 0.0
    for index in range(low, high):
        if cumulative[index] > before:
            if n == 0:
                return index
            n -= 1
        before = cumulative[index]
    return high - 1


@overload(categorical)
def _categorical(rng: Any, cumulative: Any, low: Any, high: Any) -> Any:
    if issubclass(rng.instance_class, Counter):

        def from_counter(rng: Any, cumulative: Any, low: Any, high: Any) -> Any:
            return _first_above(cumulative, low, high, uniform(rng.word) * cumulative[high - 1])

        return from_counter

    def from_script(rng: Any, cumulative: Any, low: Any, high: Any) -> Any:
        index = _nth_possible(cumulative, low, high, _play(rng, _possible(cumulative, low, high)))
        before = cumulative[index - 1] if index > low else 0.0
        rng.probability[0] *= (cumulative[index] - before) / cumulative[high - 1]
        return index

    return from_script


def categorical_or_rest(rng: Any, cumulative: Any, low: Any, high: Any, total: Any) -> Any:
    """Return an index in low ... high - 1 by the steps of a running sum of probabilities up to `total`, or -1 with what is left of 1."""


@overload(categorical_or_rest)
def _categorical_or_rest(rng: Any, cumulative: Any, low: Any, high: Any, total: Any) -> Any:
    if issubclass(rng.instance_class, Counter):

        def from_counter(rng: Any, cumulative: Any, low: Any, high: Any, total: Any) -> Any:
            value = uniform(rng.word)
            return np.int64(-1) if value >= total else _first_above(cumulative, low, high, value)

        return from_counter

    def from_script(rng: Any, cumulative: Any, low: Any, high: Any, total: Any) -> Any:
        branch = _play(rng, high - low + 1)
        if branch == high - low:
            rng.probability[0] *= 1.0 - total
            return np.int64(-1)
        before = cumulative[low + branch - 1] if branch > 0 else 0.0
        rng.probability[0] *= cumulative[low + branch] - before
        return low + branch

    return from_script


def systematic(rng: Any, cumulative: Any, low: Any, high: Any, n: Any) -> Any:
    """Return u uniform in [0, 1), to be used through the first indices at which n * cumulative / total exceeds u, u + 1, ... u + n - 1."""


@inner
def _next_cut(cumulative: Any, low: Any, high: Any, n: Any, above: Any) -> Any:
    """Return the least u above a value at which one of those indices changes; 1 if none does."""
    least = 1.0
    for index in range(low, high):
        place = n * cumulative[index] / cumulative[high - 1]
        cut = place - np.floor(place)
        if above < cut < least:
            least = cut
    return least


@overload(systematic)
def _systematic(rng: Any, cumulative: Any, low: Any, high: Any, n: Any) -> Any:
    if issubclass(rng.instance_class, Counter):

        def from_counter(rng: Any, cumulative: Any, low: Any, high: Any, n: Any) -> Any:
            return uniform(rng.word)

        return from_counter

    def from_script(rng: Any, cumulative: Any, low: Any, high: Any, n: Any) -> Any:
        width, cut = 0, 0.0
        while cut < 1.0:
            cut = _next_cut(cumulative, low, high, n, cut)
            width += 1
        cut, after = 0.0, _next_cut(cumulative, low, high, n, 0.0)
        for _ in range(_play(rng, width)):
            cut, after = after, _next_cut(cumulative, low, high, n, after)
        rng.probability[0] *= after - cut
        return 0.5 * (cut + after)

    return from_script


def conditioned(rng: Any, share: Any) -> None:
    """Say that what is drawn next is drawn again until it is not in an exclusion set, and that the rest has this share of its law.

    A script divides by the share: if the caller's share is wrong, the probabilities of all paths do not sum to one.
    """


@overload(conditioned)
def _conditioned(rng: Any, share: Any) -> Any:
    if issubclass(rng.instance_class, Counter):

        def from_counter(rng: Any, share: Any) -> None:
            pass

        return from_counter

    def from_script(rng: Any, share: Any) -> None:
        rng.probability[0] /= share

    return from_script


def redraws(rng: Any) -> Any:
    """Return True: an excluded item was drawn, draw again. A script returns False and gives the path probability 0 instead."""


@overload(redraws)
def _redraws(rng: Any) -> Any:
    if issubclass(rng.instance_class, Counter):

        def from_counter(rng: Any) -> Any:
            return True

        return from_counter

    def from_script(rng: Any) -> Any:
        rng.probability[0] = 0.0
        return False

    return from_script
