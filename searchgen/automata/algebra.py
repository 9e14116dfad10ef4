"""Conjunction, disjunction and negation of automata, over reachable pairs of states only."""

from collections.abc import Callable
from functools import reduce

import numpy as np

from searchgen.automata.automaton import DEAD, START, Automaton, Bools, compress
from searchgen.errors import RequestError

__all__ = ["ENTRY_LIMIT", "complement", "product", "union"]

ENTRY_LIMIT = 10_000_000  # states x classes of one automaton: 40 MB of table
PAIR_LIMIT = 1 << 26  # pairs of states two factors may have (the table that numbers them)


def product(*automata: Automaton, limit: int = ENTRY_LIMIT) -> Automaton:
    """What all the automata accept; only states reachable from the start are kept.

    Args:
        automata: at least one, over the same tokens.
        limit: the most entries (states x classes) any intermediate table may have.

    Returns:
        The conjunction, not trimmed.

    Raises:
        RequestError: the limit would be passed; nothing larger was allocated.

    >>> from searchgen.automata import anything
    >>> product(anything(3), complement(anything(3))).accepts([0])
    False
    """
    # Small factors first: for n keywords the work is then that of the last step, about twice.
    ordered = sorted(automata, key=lambda one: one.next.size)
    return reduce(lambda a, b: _combine(a, b, limit, np.logical_and), ordered)


def union(*automata: Automaton, limit: int = ENTRY_LIMIT) -> Automaton:
    """What at least one of the automata accepts.

    Args:
        automata: at least one, over the same tokens.
        limit: the most entries (states x classes) any intermediate table may have.

    Returns:
        The disjunction, not trimmed.

    Raises:
        RequestError: the limit would be passed; nothing larger was allocated.

    >>> from searchgen.automata import anything
    >>> union(anything(3), complement(anything(3))).accepts([0])
    True
    """
    return reduce(lambda a, b: _combine(a, b, limit, np.logical_or), automata)


def complement(automaton: Automaton) -> Automaton:
    """What the automaton does not accept.

    Args:
        automaton: any automaton.

    Returns:
        The negation, not trimmed.

    >>> from searchgen.automata import anything
    >>> complement(anything(3)).accepts([])
    False
    """
    states, classes = automaton.next.shape
    table = np.vstack([automaton.next, np.full((1, classes), DEAD, np.int32)])
    table[table == DEAD] = states  # what was dead now accepts for ever
    table[DEAD] = DEAD
    accept = np.append(~automaton.accept, True)
    accept[DEAD] = False
    return Automaton(automaton.classes, table, accept)


def _combine(a: Automaton, b: Automaton, limit: int, rule: Callable[..., Bools]) -> Automaton:
    """Pairs of states reachable from (1, 1), level by level; `rule` says when a pair is alive and when it accepts."""
    code, width = a.classes.astype(np.int64) * b.next.shape[1] + b.classes, b.next.shape[1]
    present, classes = compress(code, a.next.shape[1] * width)
    left, right = present // width, present % width  # (K,) each joint class's class in a and in b
    if len(a.accept) * len(b.accept) > PAIR_LIMIT:
        raise _too_large(limit)
    number = np.zeros(len(a.accept) * len(b.accept), np.int32)  # 0: dead, or not seen yet
    frontier = np.array([START * len(b.accept) + START])
    number[frontier], count = START, START + 1
    rows, pairs = [np.zeros((1, len(present)), np.int32)], [np.array([DEAD])]
    while len(frontier):
        if count * len(present) > limit:
            raise _too_large(limit)
        x = a.next[(frontier // len(b.accept))[:, None], left]  # (F, K)
        y = b.next[(frontier % len(b.accept))[:, None], right]
        codes = np.where(rule(x, y), x.astype(np.int64) * len(b.accept) + y, DEAD)
        fresh = codes[(codes != DEAD) & (number[codes] == 0)]
        slots = np.arange(1, len(fresh) + 1, dtype=np.int32)
        number[fresh] = slots  # of equal codes the last one stays: each new pair once, without sorting
        fresh = fresh[number[fresh] == slots]
        number[fresh] = np.arange(count, count + len(fresh), dtype=np.int32)
        rows.append(number[codes])
        pairs.append(frontier)
        frontier, count = fresh, count + len(fresh)
    pair = np.concatenate(pairs)
    accept = rule(a.accept[pair // len(b.accept)], b.accept[pair % len(b.accept)])
    return Automaton(classes, np.concatenate(rows), accept)


def _too_large(limit: int) -> RequestError:
    return RequestError(
        f"the constraints together need an automaton of more than {limit:,} entries; ask for fewer keywords, "
        "or for keywords in a given order"
    )
