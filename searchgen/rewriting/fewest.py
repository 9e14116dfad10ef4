"""The fewest edits that lead from a text into an automaton: breadth first over (place in the text, state), one layer an edit."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from searchgen.automata import DEAD, START, Automaton
from searchgen.text.edits.alignment import Held

__all__ = ["fewest_edits"]

Reached = npt.NDArray[np.bool_]  # (n + 1, S)


def fewest_edits(automaton: Automaton, row: Sequence[Sequence[int]], held: Held, most: int) -> int | None:
    """Return the fewest insertions, deletions and replacements that turn a row of tokens into an accepted one.

    Args:
        automaton: over the tokens.
        row: n sets of tokens, each those that count as one token of the text.
        held: spans of the row that stay untouched.
        most: edits that are of interest.

    Returns:
        The number; None if it is more than `most`.

    Example:
        >>> pair = Automaton.of([0, 1], [[0, 0], [2, 0], [0, 3], [0, 0]], [False, False, False, True])  # accepts 0, 1
        >>> fewest_edits(pair, [[1], [1]], (), 5), fewest_edits(pair, [[0]], (), 5), fewest_edits(pair, [[0]], (), 0)
        (1, 1, None)
    """
    bound = {place for begin, end in held for place in range(begin, end)}
    sealed = {place for begin, end in held for place in range(begin + 1, end)}
    same = [np.unique(automaton.classes[list(tokens)]) for tokens in row]
    reached: Reached = np.zeros((len(row) + 1, len(automaton.accept)), np.bool_)
    reached[0, START] = True
    for edits in range(most + 1):
        for place, classes in enumerate(same):
            reached[place + 1] |= _after(automaton, reached[place], classes)
        if (reached[-1] & automaton.accept).any():
            return edits
        wider = reached.copy()
        for place in range(len(row) + 1):
            any_token = _after(automaton, reached[place], None)
            if place not in sealed:
                wider[place] |= any_token
            if place < len(row) and place not in bound:
                wider[place + 1] |= any_token | reached[place]
        if (wider == reached).all():
            return None
        reached = wider
    return None


def _after(automaton: Automaton, states: npt.NDArray[np.bool_], classes: npt.NDArray[np.int16] | None) -> Reached:
    """The states after a token of some classes, or of any."""
    here = np.flatnonzero(states)
    table = automaton.next[here] if classes is None else automaton.next[np.ix_(here, classes)]
    result = np.zeros(len(automaton.accept), np.bool_)
    result[table] = True
    result[DEAD] = False
    return result
