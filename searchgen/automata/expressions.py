"""Regular expressions over an alphabet as automata: Thompson's construction, then subsets (Rabin and Scott 1959), bounded.

>>> import numpy as np
>>> a, b = Chars(np.array([True, False])), Chars(np.array([False, True]))
>>> automaton = compiled(Seq((Many(a, 1, None), b)), 2)
>>> automaton.accepts([0, 0, 1]), automaton.accepts([1])
(True, False)
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from searchgen.automata.automaton import DEAD, START, Automaton
from searchgen.automata.minimal import minimise
from searchgen.errors import TooLarge

__all__ = ["Alt", "Chars", "Expression", "Many", "Seq", "compiled"]

#: The most places of an expression, its repetitions written out, and the most work that its subsets may take.
MOST_PLACES, MOST_WORK = 20_000, 1_000_000


class Chars(NamedTuple):
    """One character of a set."""

    mask: npt.NDArray[np.bool_]  # (A,)


class Seq(NamedTuple):
    """One expression after the other."""

    parts: tuple["Expression", ...]


class Alt(NamedTuple):
    """One of several expressions."""

    parts: tuple["Expression", ...]


class Many(NamedTuple):
    """An expression several times."""

    part: "Expression"
    least: int
    most: int | None  # None: without end


Expression = Chars | Seq | Alt | Many


@dataclass
class _Places:
    """An automaton with choices: each place reads a set and goes on, or goes on without reading."""

    masks: list[bytes] = field(default_factory=list)
    number: dict[bytes, int] = field(default_factory=dict)
    reads: list[tuple[int, int] | None] = field(default_factory=list)  # a set and the place after it
    free: list[list[int]] = field(default_factory=list)

    def place(self) -> int:
        if len(self.reads) >= MOST_PLACES:
            raise TooLarge(
                f"the pattern, its repetitions written out, has more than {MOST_PLACES:,} places; repeat less"
            )
        self.reads.append(None)
        self.free.append([])
        return len(self.reads) - 1

    def add(self, part: Expression, start: int) -> int:
        """Add an expression that begins at a place; return where it ends."""
        if isinstance(part, Chars):
            end, mask = self.place(), part.mask.tobytes()
            if mask not in self.number:
                self.number[mask] = len(self.masks)
                self.masks.append(mask)
            here = self.place()
            self.free[start].append(here)
            self.reads[here] = (self.number[mask], end)
            return end
        if isinstance(part, Seq):
            for inner in part.parts:
                start = self.add(inner, start)
            return start
        if isinstance(part, Alt):
            end = self.place()
            for inner in part.parts:
                begin = self.place()
                self.free[start].append(begin)
                self.free[self.add(inner, begin)].append(end)
            return end
        return self._repeated(part, start)

    def _repeated(self, part: Many, start: int) -> int:
        for _ in range(part.least):
            start = self.add(part.part, start)
        end = self.place()
        if part.most is None:
            loop = self.place()
            self.free[start].append(loop)
            self.free[self.add(part.part, loop)].append(loop)
            self.free[loop].append(end)
            return end
        for _ in range(part.least, part.most):
            self.free[start].append(end)
            start = self.add(part.part, start)
        self.free[start].append(end)
        return end

    def closure(self, place: int) -> int:
        """The places reached without reading, as bits; only those that read, and the end, which has no way on."""
        seen, stack, bits = {place}, [place], 0
        while stack:
            here = stack.pop()
            if self.reads[here] is not None or not self.free[here]:
                bits |= 1 << here
            fresh = [there for there in self.free[here] if there not in seen]
            seen.update(fresh)
            stack.extend(fresh)
        return bits


def compiled(expression: Expression, size: int) -> Automaton:
    """Return the minimal automaton of an expression.

    Args:
        expression: over an alphabet.
        size: of the alphabet.

    Raises:
        TooLarge: it has too many places, or its automaton too many states.
    """
    places = _Places()
    start = places.place()
    end = places.add(expression, start)
    closures: dict[int, int] = {}

    def closure(place: int) -> int:
        if place not in closures:
            closures[place] = places.closure(place)
        return closures[place]

    masks = np.array([np.frombuffer(mask, np.bool_) for mask in places.masks]).reshape(-1, size)
    kinds, classes = np.unique(masks, axis=1, return_inverse=True)  # (M, K), (A,)
    number = {0: DEAD, closure(start): START}
    rows, queue, work = [[DEAD] * kinds.shape[1]], [closure(start)], 0
    for subset in queue:
        after: dict[int, int] = {}  # by set
        for place in _bits(subset):
            work += 1
            if (read := places.reads[place]) is not None:
                after[read[0]] = after.get(read[0], 0) | closure(read[1])
        row = [0] * kinds.shape[1]
        for mask, bits in after.items():
            for kind in np.flatnonzero(kinds[mask]).tolist():
                row[kind] |= bits
                work += 1
        for bits in row:
            if bits not in number:
                number[bits] = len(number)
                queue.append(bits)
        rows.append([number[bits] for bits in row])
        if work > MOST_WORK:
            raise TooLarge(
                "the pattern needs too large an automaton; repeat less, or have fewer alternatives before a long rest"
            )
    accept = [False, *(bool(subset >> end & 1) for subset in queue)]
    return minimise(Automaton.of(classes.reshape(-1), rows, accept))


def _bits(number: int) -> Iterator[int]:
    while number:
        lowest = number & -number
        yield lowest.bit_length() - 1
        number ^= lowest
