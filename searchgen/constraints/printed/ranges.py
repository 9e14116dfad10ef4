"""Ranges of whole numbers as users write them: `6..10`, `20..`, `..8`, `17`."""

import re
from typing import NamedTuple

from searchgen.errors import RequestError

__all__ = ["Range"]

WRITTEN = re.compile(r"\s*(\d{0,9})\s*(\.\.)?\s*(\d{0,9})\s*")


class Range(NamedTuple):
    """The whole numbers from `low` to `high`; None: without end.

    Example:
        >>> Range.of("words", "6..10", 200), Range.of("words", "20..", 200), str(Range.of("words", "17", 200))
        (Range(low=6, high=10), Range(low=20, high=None), '17')
    """

    low: int
    high: int | None

    @staticmethod
    def of(name: str, value: str, most: int) -> "Range":
        """Return the range that a text stands for.

        Args:
            name: of what has the range, for messages.
            value: the text.
            most: the largest number that makes sense.

        Raises:
            RequestError: it is no range, an empty one, or out of bounds.
        """
        match = WRITTEN.fullmatch(value)
        if not match or not (match[1] or match[3]) or (match[1] and match[3] and not match[2]):
            raise RequestError(f"{name} {value.strip()[:30]!r} is no range; give a number, or A..B, A.. or ..B")
        low = int(match[1] or 0)
        high = int(match[3]) if match[3] else (None if match[2] else low)
        return Range(low, high).within(name, most)

    def within(self, name: str, most: int) -> "Range":
        """Return the range, or refuse it.

        Raises:
            RequestError: it is empty, or a number is out of bounds.
        """
        if self.high is not None and self.low > self.high:
            raise RequestError(f"{name} {self}: {self.low} is more than {self.high}; swap them")
        if self.low < 0 or max(self.low, self.high or 0) > most or self.high == 0:
            raise RequestError(f"{name} {self}: give numbers from 1 to {most}")
        return self

    def __str__(self) -> str:
        if self.low == self.high:
            return f"{self.low}"
        return f"{self.low}..{'' if self.high is None else self.high}"

    def __contains__(self, number: object) -> bool:
        return isinstance(number, int) and self.low <= number and (self.high is None or number <= self.high)

    def distance(self, number: int) -> int:
        """Return how far a number is from the range: 0 inside.

        Example:
            >>> [Range(3, 5).distance(number) for number in (1, 4, 9)]
            [2, 0, 4]
        """
        return max(self.low - number, 0 if self.high is None else number - self.high, 0)

    @property
    def cap(self) -> int:
        """The number from which on counting makes no difference."""
        return self.low if self.high is None else self.high + 1
