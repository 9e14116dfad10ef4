"""Chains, texts or attempts shared out over threads: each is a function of its number, so the result does not depend on the threads."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import TypeVar

import numpy as np

__all__ = ["over_chains"]

Result = TypeVar("Result")


def over_chains(count: int, threads: int, work: Callable[[int, int], Result]) -> list[Result]:
    """Return what `work(low, high)` returns for consecutive parts of `count` chains, one part a thread, in order.

    Args:
        count: number of chains.
        threads: the most threads; a single part is done by this one.
        work: does the chains `low` to `high` - 1; it releases the interpreter lock most of the time.

    Example:
        >>> over_chains(5, 2, lambda low, high: (low, high))
        [(0, 2), (2, 5)]
    """
    edges = np.linspace(0, count, max(1, min(threads, count)) + 1).astype(np.int64).tolist()
    parts = list(pairwise(edges))
    if len(parts) == 1:
        return [work(*parts[0])]
    with ThreadPoolExecutor(len(parts)) as pool:
        return list(pool.map(lambda part: work(*part), parts))
