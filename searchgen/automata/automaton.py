"""The automaton itself: its three arrays, reading a text, and how far each state is from acceptance."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from searchgen.errors import TooLarge

__all__ = ["CLASS_LIMIT", "DEAD", "NEVER", "START", "Automaton", "Bools", "Ids", "Table", "anything", "compress"]

DEAD, START = 0, 1
NEVER = 1 << 30  # more tokens than any text has: the state cannot reach acceptance
CLASS_LIMIT = 32_767  # classes are int16

Ids = Sequence[int] | npt.NDArray[np.integer]
Bools = npt.NDArray[np.bool_]
Table = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Automaton:
    """A complete automaton: state 0 is dead, state 1 the start, and every token belongs to one class.

    Attributes:
        classes: (V,) int16, the class of each token.
        next: (S, K) int32, the state after reading a token of a class; `next[0] == 0`.
        accept: (S,) bool, whether a text may end in the state; `accept[0]` is False.
    """

    classes: npt.NDArray[np.int16]
    next: npt.NDArray[np.int32]
    accept: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, classes: npt.ArrayLike, table: npt.ArrayLike, accept: npt.ArrayLike) -> "Automaton":
        """An automaton from anything numpy can read as its three arrays; classes that no token has are dropped.

        Args:
            classes: (V,) class of each token.
            table: (S, K) next state; row 0 must be all 0.
            accept: (S,) whether a text may end in the state; the first must be False.

        Returns:
            The automaton, with arrays of the right types.

        Raises:
            TooLarge: there are more than 32,767 classes.

        >>> Automaton.of([0, 2], [[0, 0, 0], [1, 0, 1]], [False, True]).next.tolist()
        [[0, 0], [1, 1]]
        """
        wide = np.asarray(classes)
        states = np.atleast_2d(np.asarray(table, np.int32))
        present, narrow = compress(wide, states.shape[1])
        return cls(narrow, np.ascontiguousarray(states[:, present]), np.asarray(accept, np.bool_))

    def run(self, ids: Ids, state: int = START) -> int:
        """The state after reading token ids from a state.

        Args:
            ids: the token ids.
            state: where to begin.

        Returns:
            The state reached; 0 when no completion is possible (exactly so after `trim`).

        >>> anything(3).run([0, 2, 1])
        1
        """
        for label in self.classes[np.asarray(ids, np.int64)]:
            state = int(self.next[state, label])
        return state

    def accepts(self, ids: Ids) -> bool:
        """Whether the whole sequence is accepted.

        Args:
            ids: the token ids.

        Returns:
            True when the state after the last token accepts.

        >>> anything(3).accepts([])
        True
        """
        return bool(self.accept[self.run(ids)])

    def fewest_tokens(self) -> Table:
        """The least number of further tokens from each state to acceptance.

        Returns:
            (S,) int32; `NEVER` where acceptance cannot be reached.

        >>> Automaton.of([0, 1], [[0, 0], [1, 2], [2, 2]], [False, False, True]).fewest_tokens().tolist()[1:]
        [1, 0]
        """
        return self._distances(np.zeros(self.next.shape[1], np.bool_))

    def fewest_words(self, is_word: Bools) -> Table:
        """The least number of further words from each state to acceptance; other tokens cost nothing.

        Args:
            is_word: (V,) whether a token counts as a word.

        Returns:
            (S,) int32; `NEVER` where acceptance cannot be reached.

        >>> two = Automaton.of([0, 1], [[0, 0], [1, 2], [2, 2]], [False, False, True])
        >>> two.fewest_words(np.array([True, False])).tolist()[1:]
        [0, 0]
        """
        free = np.zeros(self.next.shape[1], np.bool_)
        free[self.classes[~is_word]] = True
        return self._distances(free)

    def word_counts(self, is_word: Bools, most: int, joins: Bools | None = None, most_joins: int = 0) -> list[bool]:
        """Whether some accepted text has 0, 1, 2, ... words; other tokens do not count, but for those that join two words to one.

        Args:
            is_word: (V,) whether a token counts as a word.
            most: the largest number of words that is of interest.
            joins: (V,) whether a token joins two words; None: none does.
            most_joins: the most such tokens of a text.

        Returns:
            most + 1 truth values.

        >>> two = Automaton.of([0, 1], [[0, 0], [2, 1], [0, 2]], [False, False, True])
        >>> two.word_counts(np.array([True, False]), 2)
        [False, True, False]
        """
        joins = np.zeros(len(is_word), np.bool_) if joins is None else joins
        counted, free, joining = (self._successors(which) for which in (is_word, ~is_word & ~joins, joins))
        start = np.arange(len(self.accept)) == START
        here, result = [start, *[np.zeros_like(start)] * most_joins], [False] * (most + 1)  # by the number of joins
        for tokens in range(most + most_joins + 1):
            for joined in range(most_joins + 1):
                if joined:
                    here[joined] = here[joined] | _after(here[joined - 1], joining)
                here[joined] = _closed(here[joined], free)
                if 0 <= tokens - joined <= most:
                    result[tokens - joined] |= bool(self.accept[here[joined]].any())
            here = [_after(states, counted) for states in here]
            if not any(states.any() for states in here):
                break
        return result

    def _successors(self, tokens: Bools) -> Table:
        """(S, n) the states that some tokens lead to from each, without repeats; filled up with the dead state."""
        table = np.sort(self.next[:, np.unique(self.classes[tokens])], axis=1)
        table[:, 1:] *= table[:, 1:] != table[:, :-1]
        most = int(np.count_nonzero(table, axis=1).max(initial=0))
        return np.ascontiguousarray(np.sort(table, axis=1)[:, table.shape[1] - most :])

    def _distances(self, free: Bools) -> Table:
        """Breadth-first from acceptance backwards; steps by `free` classes cost nothing (0-1 search)."""
        distance = np.where(self.accept, 0, NEVER).astype(np.int32)
        near, level = self.accept.copy(), 0
        unreached = np.flatnonzero(~near)
        loose = np.ascontiguousarray(self.next[:, free])
        while True:
            while len(unreached) and loose.shape[1] and (hit := near[loose[unreached]].any(1)).any():
                distance[unreached[hit]], near[unreached[hit]] = level, True
                unreached = unreached[~hit]
            hit = near[self.next[unreached]].any(1)
            if not hit.any():
                return distance
            level += 1
            distance[unreached[hit]], near[unreached[hit]] = level, True
            unreached = unreached[~hit]


def _after(states: Bools, successors: Table) -> Bools:
    """(S,) which live states are reached by one step."""
    after = np.zeros_like(states)
    after[successors[states]] = True
    after[DEAD] = False
    return after


def _closed(states: Bools, successors: Table) -> Bools:
    """(S,) which states are reached by any number of steps."""
    fresh = states
    while fresh.any():
        fresh = _after(fresh, successors) & ~states
        states = states | fresh
    return states


def anything(size: int) -> Automaton:
    """The automaton that accepts every text.

    Args:
        size: the number of tokens.

    Returns:
        An automaton of one class and one live state.

    >>> anything(2).accepts([1, 1, 0])
    True
    """
    return Automaton.of(np.zeros(size, np.int16), [[0], [1]], [False, True])


def compress(code: npt.NDArray[np.integer], size: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int16]]:
    """The codes that occur, in order, and each token's place among them."""
    if size > 1 << 22:  # a table of all codes would cost more than sorting the tokens
        present, place = np.unique(code, return_inverse=True)
    else:
        table = np.zeros(size, np.bool_)
        table[code] = True
        present, place = np.flatnonzero(table), (np.cumsum(table, dtype=np.int32) - 1)[code]
    if len(present) > CLASS_LIMIT:
        raise TooLarge(
            f"the constraints distinguish {len(present)} kinds of token, more than the {CLASS_LIMIT} possible; drop some of them"
        )
    return present.astype(np.int64), place.astype(np.int16)
