"""Choosing results that differ: no two share more than a given part of their word bigrams."""

from collections.abc import Hashable, Sequence
from itertools import pairwise

__all__ = ["LARGEST_SHARE", "common_bigrams", "diverse", "shared_bigrams"]

LARGEST_SHARE = 0.5


Bigrams = frozenset[tuple[Hashable, Hashable]]


def common_bigrams(texts: Sequence[Sequence[Hashable]]) -> Bigrams:
    """Return the bigrams that all texts have: where a request states a part of the text, that part among them.

    Example:
        >>> common_bigrams(["abcd", "abxd"])
        frozenset({('a', 'b')})
    """
    return frozenset.intersection(*(frozenset(pairwise(text)) for text in texts)) if texts else frozenset()


def shared_bigrams(first: Sequence[Hashable], second: Sequence[Hashable], stated: Bigrams = frozenset()) -> float:
    """Return the share of the shorter text's distinct bigrams, stated ones aside, that the other text has too.

    Example:
        >>> shared_bigrams("abcd", "abxd")
        0.3333333333333333
    """
    mine, theirs = set(pairwise(first)) - stated, set(pairwise(second)) - stated
    if not mine or not theirs:
        return float(list(first) == list(second))
    return len(mine & theirs) / min(len(mine), len(theirs))


def diverse(
    texts: Sequence[Sequence[Hashable]],
    count: int,
    largest_share: float = LARGEST_SHARE,
    stated: Bigrams = frozenset(),
) -> list[int]:
    """Return the indices of the first texts, in order, no two of which share more than `largest_share` of their bigrams.

    Args:
        texts: candidates as sequences of words, best first.
        count: most to return.
        largest_share: see `shared_bigrams`.
        stated: bigrams that do not count, because the request states them.

    Example:
        >>> diverse(["abcde", "abcdf", "vwxyz"], 2)
        [0, 2]
    """
    chosen: list[int] = []
    for i, text in enumerate(texts):
        if len(chosen) == count:
            break
        if all(shared_bigrams(text, texts[j], stated) <= largest_share for j in chosen):
            chosen.append(i)
    return chosen
