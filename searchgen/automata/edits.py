"""The automaton of all rows of labels within some edits of one row (Levenshtein 1966), by subsets of positions.

A position (i, e) stands for i labels of the row used up and e edits spent. A state is the set of positions that a prefix can be at, as
one number: bit e (n + 1) + i. Reading a label moves along the row, inserts or replaces; skipping a label of the row is a deletion.

>>> table, accept = edit_automaton([1, 2], np.zeros(2, bool), np.zeros(3, bool), 1, 3, 1000)
>>> state = START
>>> for label in (1, 0, 2):  # one insertion
...     state = table[state, label]
>>> bool(accept[state]), bool(accept[table[state, 0]])
(True, False)
"""

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from searchgen.automata.automaton import DEAD, START, Bools, Table
from searchgen.errors import TooLarge

__all__ = ["edit_automaton"]


class _Positions:
    """What moves sets of positions of one row.

    A label of the row that may be deleted also gives back positions: what (i - 1, e + 1) leads to, (i, e) does as well. With these in,
    fewer sets mean the same.
    """

    def __init__(self, row: Sequence[int], held: Bools, joined: Bools, most: int) -> None:
        self.width, self.most = len(row) + 1, most
        self.all = (1 << self.width * (most + 1)) - 1
        self.free = self._repeated(i for i in range(len(row)) if not held[i])
        self.open = self._repeated(i for i in range(len(row) + 1) if not joined[i])
        self.same = {label: self._repeated(i for i, one in enumerate(row) if one == label) for label in set(row)}
        self.ends = self._repeated([len(row)])

    def _repeated(self, places: Iterable[int]) -> int:
        one = sum(1 << place for place in places)
        return sum(one << self.width * spent for spent in range(self.most + 1))

    def closed(self, positions: int) -> int:
        """The positions and all that deletions reach from them."""
        for _ in range(self.most):
            deleted = (positions & self.free) << self.width + 1
            given_back = (positions & self.free << 1) << self.width - 1
            positions |= (deleted | given_back) & self.all
        return positions

    def edited(self, positions: int) -> int:
        """Where a label leads that is inserted or takes the place of another."""
        inserted, replaced = (positions & self.open) << self.width, (positions & self.free) << self.width + 1
        return self.closed((inserted | replaced) & self.all)

    def matched(self, positions: int, label: int) -> int:
        """Where a label leads that is the next of the row."""
        return self.closed((positions & self.same[label]) << 1)


def edit_automaton(
    row: Sequence[int], held: Bools, joined: Bools, most: int, count: int, limit: int
) -> tuple[Table, npt.NDArray[np.bool_]]:
    """Return the table and the accepting states of the rows within some edits of a row.

    Args:
        row: n labels, from 0 to `count` - 1.
        held: (n,) labels that are neither deleted nor replaced.
        joined: (n + 1,) whether nothing may be inserted before each label, and at the end.
        most: edits.
        count: of labels.
        limit: the most entries of the table.

    Returns:
        (S, count) next states, and (S,) whether a state accepts; state 0 is dead, and 1 the start.

    Raises:
        TooLarge: the table would pass the limit.
    """
    positions = _Positions(row, held, joined, most)
    numbers = {0: DEAD, positions.closed(1): START}
    rows: list[list[int]] = [[DEAD] * count]
    waiting = [positions.closed(1)]
    for state in waiting:  # it grows
        edited = positions.edited(state)
        after = [edited] * count
        for label in positions.same:
            if state & positions.same[label]:
                after[label] = edited | positions.matched(state, label)
        for one in after:
            if one not in numbers:
                numbers[one] = len(numbers)
                waiting.append(one)
        if len(numbers) * count > limit:
            raise TooLarge(
                f"{most} edits of a text of {len(row)} words and marks need an automaton of more than {limit:,} entries; "
                "allow fewer edits, or give a shorter text"
            )
        rows.append([numbers[one] for one in after])
    accept = np.fromiter((bool(state & positions.ends) for state in numbers), np.bool_, len(numbers))
    return np.array(rows, np.int32), accept
