"""A choice among many candidates of known total weight, weighed in chunks until one is chosen."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from searchgen.kernels.compiled import inlined, inner
from searchgen.kernels.randomness import bernoulli, categorical

__all__ = ["NONE", "Scratch", "begin", "new_scratch", "offer", "settle"]

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


def new_scratch() -> Scratch:
    """Return room for the draws of one thread."""
    return Scratch(np.zeros(CHUNK), np.zeros(CHUNK, np.int64), np.zeros(1), np.zeros(2, np.int64))


@inlined
def begin(scratch: Any, mass: Any) -> None:
    """Begin a choice among candidates that weigh `mass` together."""
    scratch.left[0] = mass
    scratch.number[0], scratch.number[1] = 0, NONE


@inner
def settle(scratch: Any, rng: Any) -> Any:
    """Return the choice among the last candidates; NONE if there was none at all."""
    if scratch.number[0] == 0:
        return scratch.number[1]
    return scratch.choice[categorical(rng, scratch.weight, 0, scratch.number[0])]


@inner
def _close(scratch: Any, rng: Any) -> Any:
    """Return a choice from a full chunk with its share of the mass, else NONE and empty the list for the next chunk."""
    chunk = scratch.weight[scratch.number[0] - 1]
    if bernoulli(rng, chunk / scratch.left[0]):
        return settle(scratch, rng)
    scratch.left[0] -= chunk
    scratch.number[0] = 0
    return np.int64(NONE)


@inlined
def offer(scratch: Any, rng: Any, weight: Any, choice: Any) -> Any:
    """Offer a candidate; return the one chosen from a chunk that is now full, else NONE."""
    n = scratch.number[0]
    scratch.weight[n] = weight + (scratch.weight[n - 1] if n > 0 else 0.0)
    scratch.choice[n] = choice
    scratch.number[0], scratch.number[1] = n + 1, choice
    return np.int64(NONE) if n + 1 < CHUNK else _close(scratch, rng)
