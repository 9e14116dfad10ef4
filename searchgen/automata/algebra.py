"""Conjunction, disjunction and negation of automata, over reachable pairs of states only."""

from functools import reduce

import numpy as np
import numpy.typing as npt

from searchgen.automata.automaton import DEAD, START, Automaton, Table, compress
from searchgen.errors import TooLarge

__all__ = ["ENTRY_LIMIT", "complement", "factor_states", "product", "union"]

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
        TooLarge: the limit would be passed; nothing larger was allocated.

    >>> from searchgen.automata import anything
    >>> product(anything(3), complement(anything(3))).accepts([0])
    False
    """
    # Small factors first: for n keywords the work is then that of the last step, about twice.
    ordered = sorted(automata, key=lambda automaton: automaton.next.size)
    return reduce(lambda a, b: _combine(a, b, limit, np.logical_and), ordered)


def union(*automata: Automaton, limit: int = ENTRY_LIMIT) -> Automaton:
    """What at least one of the automata accepts.

    Args:
        automata: at least one, over the same tokens.
        limit: the most entries (states x classes) any intermediate table may have.

    Returns:
        The disjunction, not trimmed.

    Raises:
        TooLarge: the limit would be passed; nothing larger was allocated.

    >>> from searchgen.automata import anything
    >>> union(anything(3), complement(anything(3))).accepts([0])
    True
    """
    return reduce(lambda a, b: _combine(a, b, limit, np.logical_or), automata)


def factor_states(joint: Automaton, factor: Automaton) -> npt.NDArray[np.int32]:
    """The state of a factor in each state of a product.

    Args:
        joint: a product that the factor is one of, trimmed or not, and not minimised.
        factor: one that never dies.

    Returns:
        (S,) int32; 0 for the dead state.

    >>> from searchgen.automata import anything
    >>> even = Automaton.of([0, 1], [[0, 0], [1, 2], [2, 1]], [False, True, True])
    >>> factor_states(product(even, anything(2)), even).tolist()
    [0, 1, 2]
    """
    label = np.zeros(joint.next.shape[1], np.int64)
    label[joint.classes] = factor.classes
    states = np.zeros(len(joint.accept), np.int32)
    states[START], frontier = START, np.array([START])
    while len(frontier):
        after = joint.next[frontier]
        fresh = np.unique(after[(states[after] == DEAD) & (after != DEAD)])
        states[after] = np.where(after == DEAD, DEAD, factor.next[states[frontier]][:, label])
        frontier = fresh
    return states


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


def _combine(a: Automaton, b: Automaton, limit: int, rule: np.ufunc) -> Automaton:
    """Pairs of states reachable from (1, 1), level by level; `rule` says when a pair is alive and when it accepts."""
    width = len(b.accept)
    joint = a.classes.astype(np.int64) * b.next.shape[1] + b.classes
    present, classes = compress(joint, a.next.shape[1] * b.next.shape[1])
    if len(a.accept) * width > PAIR_LIMIT or max(len(a.accept), width) * len(present) > limit:
        raise _too_large(limit)
    step_a, step_b = _steps(a, b, present, rule)
    number = np.zeros(len(a.accept) * width, np.int32)  # of each pair; 0: dead, or not seen yet
    frontier = np.array([START * width + START])
    number[frontier], count = START, START + 1
    rows, pairs = [np.zeros((1, len(present)), np.int32)], [np.array([DEAD])]
    while len(frontier):
        if count * len(present) > limit:
            raise _too_large(limit)
        codes = step_a[frontier // width] + step_b[frontier % width]  # (F, K)
        np.maximum(codes, DEAD, out=codes)
        targets = number[codes]
        unseen = (targets == 0) & (codes != DEAD)
        fresh = codes[unseen]
        slots = np.arange(1, len(fresh) + 1, dtype=np.int32)
        number[fresh] = slots  # of equal codes the last one stays: each new pair once, without sorting
        new = fresh[number[fresh] == slots]
        number[new] = np.arange(count, count + len(new), dtype=np.int32)
        targets[unseen] = number[fresh]
        rows.append(targets)
        pairs.append(frontier)
        frontier, count = new, count + len(new)
    pair = np.concatenate(pairs)
    return Automaton(classes, np.concatenate(rows), rule(a.accept[pair // width], b.accept[pair % width]))


def _steps(a: Automaton, b: Automaton, present: npt.NDArray[np.int64], rule: np.ufunc) -> tuple[Table, Table]:
    """What each factor adds to the code of the next pair: `state of a * states of b`, and `state of b`.

    In a conjunction a dead factor adds so little that the sum is negative; in a disjunction only 0 + 0 is dead.
    """
    step_a, step_b = a.next[:, present // b.next.shape[1]], b.next[:, present % b.next.shape[1]]
    dead_a, dead_b = step_a == DEAD, step_b == DEAD
    step_a = step_a * np.int32(len(b.accept))
    if rule is np.logical_and:
        step_a[dead_a] = step_b[dead_b] = -PAIR_LIMIT
    return step_a, step_b


def _too_large(limit: int) -> TooLarge:
    return TooLarge(
        f"the constraints together need an automaton of more than {limit:,} entries; give fewer keywords, "
        "or fix their order"
    )
