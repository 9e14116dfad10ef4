"""Smaller automata for the same language: an exact dead state, and the fewest states and classes (Moore 1956)."""

from hashlib import shake_128

import numpy as np
import numpy.typing as npt

from searchgen.automata.automaton import DEAD, START, Automaton, Bools

__all__ = ["minimise", "trim"]

PASS = 1024  # states looked at together


def trim(automaton: Automaton) -> Automaton:
    """The same language with state 0 exact: every other state is reachable and can reach acceptance.

    Args:
        automaton: any automaton.

    Returns:
        The trimmed automaton; the start stays state 1 even when nothing is accepted.

    >>> trim(Automaton.of([0, 1], [[0, 0], [1, 2], [2, 2]], [False, True, False])).next.tolist()
    [[0, 0], [1, 0]]
    """
    alive = _alive(automaton)
    table = np.where(alive[automaton.next], automaton.next, DEAD)
    keep, frontier = np.zeros(len(alive), np.bool_), np.array([START])
    keep[[DEAD, START]] = True
    while len(frontier):
        before = keep.copy()
        keep[table[frontier]] = True
        frontier = np.flatnonzero(keep & ~before)
    if keep.all() and alive[START:].all():
        return automaton
    number = (np.cumsum(keep) - 1).astype(np.int32)
    return Automaton(automaton.classes, number[table[keep]], automaton.accept[keep])


def _alive(automaton: Automaton) -> Bools:
    """Which states can reach acceptance. Later states are mostly nearer to it: few passes from the end suffice."""
    alive = automaton.accept.copy()
    undecided = np.flatnonzero(~alive)
    while True:
        for stop in range(len(undecided), 0, -PASS):
            part = undecided[max(0, stop - PASS) : stop]
            alive[part] = alive[automaton.next[part]].any(1)
        remaining = undecided[~alive[undecided]]
        if len(remaining) == len(undecided):
            return alive
        undecided = remaining


def minimise(automaton: Automaton) -> Automaton:
    """The same language with the fewest states and the fewest token classes.

    Args:
        automaton: any automaton.

    Returns:
        The minimal trimmed automaton; states are numbered by their first member.

    >>> twice = Automaton.of([0, 1], [[0, 0], [2, 2], [1, 1]], [False, True, True])
    >>> minimise(twice).next.tolist()
    [[0], [1]]
    """
    trimmed = trim(automaton)
    block = _equivalent(trimmed)
    representatives = np.unique(block, return_index=True)[1]
    order = np.sort(representatives)  # dead and start come first: they are states 0 and 1, and never equivalent
    if block[DEAD] == block[START]:  # nothing is accepted
        return Automaton.of(np.zeros(len(trimmed.classes), np.int16), [[0], [0]], [False, False])
    number = np.empty(len(representatives), np.int32)
    number[block[order]] = np.arange(len(order))
    table = number[block[trimmed.next[order]]]
    columns: dict[bytes, int] = {}
    label = np.array([columns.setdefault(column.tobytes(), len(columns)) for column in table.T], np.int16)
    distinct = np.unique(label, return_index=True)[1]
    return Automaton(label[trimmed.classes], np.ascontiguousarray(table[:, distinct]), trimmed.accept[order])


def _equivalent(automaton: Automaton) -> npt.NDArray[np.int64]:
    """Moore's partition refinement: the block of each state. Rows are compared by hash, and the end is verified."""
    classes = automaton.next.shape[1]
    attempt = 0
    while True:
        attempt += 1
        weights = np.frombuffer(shake_128(bytes([attempt])).digest(8 * (classes + 1)), np.uint64)
        block: npt.NDArray[np.int64] = automaton.accept.astype(np.int64)
        count = 0
        while True:
            code = block.astype(np.uint64) * weights[classes]
            for column, weight in zip(automaton.next.T, weights, strict=False):
                code += block[column].astype(np.uint64) * weight
            _, representatives, block = np.unique(code, return_index=True, return_inverse=True)
            if len(representatives) == count:
                break
            count = len(representatives)
        # A collision could only have joined states that differ: then some member disagrees with its representative.
        leader = representatives[block]
        same = all((block[column] == block[column[leader]]).all() for column in automaton.next.T)
        if same and (automaton.accept == automaton.accept[leader]).all():
            return block
