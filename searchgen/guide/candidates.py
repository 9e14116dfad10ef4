"""A choice among many candidates of known total weight, weighed in chunks until one is chosen."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from searchgen.kernels.compiled import inlined, inner
from searchgen.kernels.randomness import bernoulli, categorical

__all__ = ["NONE", "Scratch", "begin", "offer", "scratch", "settle"]

#: Candidates weighed at a time: children are sorted by frequency, so most draws end in the first chunks.
CHUNK = 64

#: Nothing was chosen.
NONE = -1


class Scratch(NamedTuple):
    """Candidates of one draw, in chunks."""

    weight: npt.NDArray[np.float64]  # (CHUNK,) running sum of the candidates' weights
    choice: npt.NDArray[np.int64]  # (CHUNK,) what they stand for
    left: npt.NDArray[np.float64]  # (1,) mass not yet offered when the chunk began
    number: npt.NDArray[np.int64]  # (2,) candidates in the chunk; the last one offered


def scratch() -> Scratch:
    """Return room for the draws of one thread."""
    return Scratch(np.zeros(CHUNK), np.zeros(CHUNK, np.int64), np.zeros(1), np.zeros(2, np.int64))


@inlined
def begin(room: Any, mass: Any) -> None:
    """Begin a choice among candidates that weigh `mass` together."""
    room.left[0] = mass
    room.number[0], room.number[1] = 0, NONE


@inner
def settle(room: Any, source: Any) -> Any:
    """Return the choice among the last candidates; NONE if there was none at all."""
    if room.number[0] == 0:
        return room.number[1]
    return room.choice[categorical(source, room.weight, 0, room.number[0])]


@inner
def _close(room: Any, source: Any) -> Any:
    """Return a choice from a full chunk with its share of the mass, else NONE and room for the next chunk."""
    chunk = room.weight[room.number[0] - 1]
    if bernoulli(source, chunk / room.left[0]):
        return settle(room, source)
    room.left[0] -= chunk
    room.number[0] = 0
    return np.int64(NONE)


@inlined
def offer(room: Any, source: Any, weight: Any, choice: Any) -> Any:
    """Offer a candidate; return the one chosen from a chunk that is now full, else NONE."""
    n = room.number[0]
    room.weight[n] = weight + (room.weight[n - 1] if n > 0 else 0.0)
    room.choice[n] = choice
    room.number[0], room.number[1] = n + 1, choice
    return np.int64(NONE) if n + 1 < CHUNK else _close(room, source)
