"""Draws from the listed outcomes of a block.

A word that has no weight of its own is drawn from its whole list, and again while it is one of those that have.
"""

from typing import Any

import numpy as np

from searchgen.kernels.compiled import inlined, inner
from searchgen.kernels.randomness import categorical, conditioned, redraws
from searchgen.lm.ngram.query import find_child
from searchgen.samplers.mcmc.gibbs.conditional import AFTER, BEFORE, EMPTY, WORD, lists_of, place_of

__all__ = ["draw_entry"]


@inner
def _belongs(problem: Any, tables: Any, kind: Any, side: Any, lists: Any, word: Any) -> Any:
    """Return whether a word drawn from a whole list has no weight of its own: it is linked on the list's side only, and not longer."""
    after, after_end, before, before_end = lists
    if kind != AFTER and place_of(tables.after_word, after, after_end, word) >= 0:
        return False
    if kind != BEFORE and place_of(tables.before_word, before, before_end, word) >= 0:
        return False
    if kind == AFTER:
        return side.bigram == 0 or find_child(problem.ngram, side.bigram, word) == 0
    if kind == BEFORE and side.pair > 0:
        first = side.pair - 1 - len(problem.ngram.alias_p)
        return place_of(tables.pair_word, tables.pair_first[first], tables.pair_first[first + 1], word) < 0
    return True


@inlined
def _draw_rest(problem: Any, tables: Any, kind: Any, g: Any, side: Any, scratch: Any, rng: Any) -> Any:
    """Return a word from what is left of a list: drawn from all of it, and again while it has a weight of its own."""
    lists = lists_of(tables, side, g)
    conditioned(rng, scratch.share[side.second, g, kind - AFTER])
    while True:
        if kind == AFTER:
            word = np.int64(tables.after_word[categorical(rng, tables.after_sum, lists[0], lists[1])])
        elif kind == BEFORE:
            word = np.int64(tables.before_word[categorical(rng, tables.before_sum[side.last], lists[2], lists[3])])
        else:
            at = categorical(rng, tables.free_sum, tables.free_first[g], tables.free_first[g + 1])
            word = np.int64(tables.free_word[at])
        if _belongs(problem, tables, kind, side, lists, word):
            return word
        if not redraws(rng):
            return word


@inner
def _sum_up(scratch: Any) -> None:
    """Write the running sum of the weights, relative to the largest."""
    count = scratch.entries[0]
    top, largest, scale = -np.inf, 0.0, -np.inf
    for i in range(count):  # entries with one logarithm follow each other
        if scratch.log_w[i] != scale:
            scale, largest = scratch.log_w[i], 0.0
        if scratch.factor[i] > largest:
            largest = scratch.factor[i]
            top = max(top, scale + np.log(largest))
    total, scale, unit = 0.0, -np.inf, 0.0
    for i in range(count):
        if scratch.log_w[i] != scale:
            scale = scratch.log_w[i]
            unit = np.exp(scale - top)
        total += unit * scratch.factor[i]
        scratch.cumulative[i] = total


@inner
def draw_entry(problem: Any, tables: Any, first: Any, second: Any, scratch: Any, rng: Any) -> Any:
    """Draw from the list: return how many words of the block are new and last, 0 or 1, that word, and whether it is the second.

    Args:
        problem: the target.
        tables: its running sums.
        first: the left side of a block of one.
        second: the left side of the second word of a block of two.
        scratch: the list.
        rng: a `Counter` or a `Script`.
    """
    count = scratch.entries[0]
    _sum_up(scratch)
    at = categorical(rng, scratch.cumulative, 0, count)
    kind, which = np.int64(scratch.kind[at]), np.int64(scratch.which[at])
    if kind == EMPTY:
        return np.int64(0), which, np.int64(0)
    is_second = np.int64(scratch.second[at])
    if kind != WORD:
        side = second if is_second else first
        which = _draw_rest(problem, tables, kind, which, side, scratch, rng)
    return np.int64(1), which, is_second
