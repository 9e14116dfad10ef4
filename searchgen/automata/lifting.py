"""An automaton over characters as one over strings: what a string does to each state, all strings at once.

>>> import numpy as np
>>> from searchgen.automata.automaton import Automaton
>>> even = Automaton.of([0, 1], [[0, 0], [1, 2], [2, 1]], [False, True, False])  # an even number of b
>>> columns = [(np.array([0, 1]), np.array([1, 1])), (np.array([0]), np.array([1]))]  # the strings bb and b
>>> number, moves = moves_of(even, columns, np.array([2, 1]))
>>> moves[number].tolist()
[[0, 1, 2], [0, 2, 1]]
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from searchgen.automata.automaton import Automaton, Table
from searchgen.errors import TooLarge

__all__ = ["moves_of"]

#: The most numbers that the moves of one step may take.
MOST_MOVES = 60_000_000

Numbers = npt.NDArray[np.int64]


def moves_of(automaton: Automaton, columns: Sequence[tuple[Numbers, Numbers]], sizes: Numbers) -> tuple[Numbers, Table]:
    """What each of some strings does to each state.

    Args:
        automaton: over characters.
        columns: for each place, the strings that are longer, and their characters there.
        sizes: (N,) how long the strings are.

    Returns:
        (N,) the move of each string, and (M, S) for each different move the state that each state becomes.

    Raises:
        TooLarge: there are too many different moves.
    """
    states, classes = automaton.next.shape
    number = np.zeros(len(sizes), np.int64)  # of the move among those of its length
    layer = np.arange(states, dtype=np.int32)[None, :]  # (M, S)
    layers, offsets = [layer], [0]
    for rows, characters in columns:
        offsets.append(offsets[-1] + len(layer))
        code = number[rows] * classes + automaton.classes[characters]
        present, place = _compressed(code, len(layer) * classes)
        if len(present) * states > MOST_MOVES:
            raise TooLarge("a condition on the printed text needs too large an automaton; ask for less at once")
        layer, of = _different(automaton.next[layer[present // classes], (present % classes)[:, None]])
        number[rows] = of[place]
        layers.append(layer)
    moves, of = _different(np.concatenate(layers))
    return of[np.array(offsets)[sizes] + number], moves


def _compressed(code: Numbers, size: int) -> tuple[Numbers, Numbers]:
    """The codes that occur, and each one's place among them."""
    if size > 1 << 20:
        return np.unique(code, return_inverse=True)
    place_of = np.zeros(size, np.int64)
    place_of[code] = 1
    present = np.flatnonzero(place_of)
    place_of[present] = np.arange(len(present))
    return present, place_of[code]


def _different(moves: Table) -> tuple[Table, Numbers]:
    """The different rows, and the place of each row among them."""
    width = moves.shape[1]
    attempt = 0
    while True:
        # Rows are compared by a random sum; a collision is seen, and other numbers are drawn.
        weights = _weights(width, attempt)
        _, first, place = np.unique(moves.astype(np.uint64) @ weights, return_index=True, return_inverse=True)
        if np.array_equal(moves[first][place], moves):
            return moves[first], place
        attempt += 1


def _weights(width: int, attempt: int) -> npt.NDArray[np.uint64]:
    """Odd numbers that look random."""
    places = np.arange(1 + attempt * width, 1 + (attempt + 1) * width, dtype=np.uint64)
    mixed = places * np.uint64(0x9E3779B97F4A7C15)
    mixed ^= mixed >> np.uint64(31)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(29)
    return mixed * np.uint64(0x94D049BB133111EB) | np.uint64(1)
