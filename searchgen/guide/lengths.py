"""The layers of a guide: how many words and how many hyphens a text still has to come.

A hyphen joins two words to one, so a text of w words and j hyphens, as people count words, has w + j tokens that are words. Layer
t * period + j holds what comes by exactly t such tokens and j hyphens. A word leads down by `period` layers, a hyphen by one, other
punctuation by none. Behind the layers of each t an empty one bars hyphens where none are left.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from searchgen.problem import Problem

__all__ = ["Lengths"]


class Lengths(NamedTuple):
    """How long the texts of a problem are.

    Attributes:
        low: fewest words.
        high: most words.
        hyphens: most hyphens.

    Example:
        >>> lengths = Lengths(1, 2, 1)
        >>> lengths.layers, list(lengths.computed()), lengths.begins().tolist(), lengths.words().tolist()
        (11, [[0, 1], [3, 4], [6, 7], [9, 10]], [3, 6, 7, 10], [1, 2, 1, 2])
    """

    low: int
    high: int
    hyphens: int

    @staticmethod
    def of(problem: Problem) -> "Lengths":
        """Return those of a problem."""
        return Lengths(int(problem.window[0]), int(problem.window[1]), int(problem.hyphens[0]))

    @property
    def period(self) -> int:
        """The layers of each number of words."""
        return self.hyphens + 2 if self.hyphens else 1

    @property
    def layers(self) -> int:
        """The number of layers."""
        return (self.high + self.hyphens) * self.period + self.hyphens + 1

    def computed(self) -> Iterator[list[int]]:
        """Yield, for each number of words, its layers that some text passes: after a hyphen one word more than `high` is left."""
        for t in range(self.high + self.hyphens + 1):
            first = max(0, t - self.high - (self.hyphens > 0))
            yield [t * self.period + j for j in range(first, self.hyphens + 1)]

    def begins(self) -> npt.NDArray[np.int64]:
        """(W,) the layers in which texts begin."""
        pairs = [(t, j) for t in range(self.high + self.hyphens + 1) for j in range(self.hyphens + 1)]
        return np.array([t * self.period + j for t, j in pairs if self.low <= t - j <= self.high], np.int64)

    def words(self) -> npt.NDArray[np.int64]:
        """(W,) the words of the texts that begin in them."""
        begins = self.begins()
        return np.asarray(begins // self.period - begins % self.period)
