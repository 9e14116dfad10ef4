"""The arrays of a guide as the compiled loops read them.

A **row** is a place of the recursion: a context, or the root seen after a token of one class (a text whose last word is no context).
It holds one number for each automaton state that can follow the row's class, R_c = {next[s, c]}; all others are impossible there.
Classes are numbered anew: the aligned ones first (their states correspond one to one and words between them change nothing, so that
their rows add up without any look-up), then other classes of words, then classes of punctuation, then one for the start of a text and
one for the root itself, whose row holds every state.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["CLASS", "LONG", "MIXTURE", "PLACE", "ROW", "WEIGHT", "GuideTables", "edge_dtype"]

ROW = np.dtype(
    [
        ("offset", "i8"),  # where its values begin in a layer
        ("start", "i8"),  # its edges: aligned classes from here ...
        ("middle", "i8"),  # ... other words from here ...
        ("punctuation", "i8"),  # ... punctuation from here ...
        ("end", "i8"),  # ... to here
        ("backoff", "f8"),  # backoff ** beta
        ("ending", "f8"),  # coefficient of </s>, as of an edge
        ("parent", "i4"),  # row of the next shorter context; the root's own is -1
        ("node", "i4"),  # context in the model's trie
        ("token", "i4"),  # last token; -1 for the root rows
        ("cls", "i4"),
    ]
)

CLASS = np.dtype(
    [
        ("start", "i8"),  # its states are place[start : start + size]
        ("size", "i8"),
        ("row", "i4"),  # row of the root after a token of the class
        ("word", "i4"),  # 1 if its tokens count as words
        ("down", "i8"),  # by how many layers its tokens lead down: see `Lengths`
        ("edge", "i8"),  # its edges at the root end here
    ]
)

PLACE = np.dtype(
    [
        ("state", "i4"),
        ("scaled_by", "i4"),  # state whose mass scales the value; the same for all aligned classes
    ]
)

WEIGHT = np.dtype(
    [
        ("scale", "f8"),  # exp(weight)
        ("unigram", "f8"),  # p(w)^b exp(weight)
        ("cls", "i8"),  # class, -1 = dead
    ]
)


def edge_dtype(real: str) -> np.dtype[Any]:
    """Return the record of an edge: the row it leads to and its coefficient, token weight included.

    Example:
        >>> edge_dtype("f4").itemsize
        8
    """
    return np.dtype([("coefficient", real), ("row", "i4")])


class GuideTables(NamedTuple):
    """B_t[row, state] = value * mass[t, state] * exp(log_scale[t]), `mass` the same quantity under the unigram model.

    Dividing by `mass` keeps 32-bit values near 1, however improbable what is still demanded may be.
    """

    value: npt.NDArray[Any]  # (L,) all layers, one after the other
    row: npt.NDArray[Any]  # (N,) ROW; row 0 is the root
    edge: npt.NDArray[Any]  # (E,) edge_dtype
    kind: npt.NDArray[Any]  # (K + 2,) CLASS
    place: npt.NDArray[Any]  # (P,) PLACE: the states of each class in turn
    target: npt.NDArray[np.int32]  # (K, S) place of next[s, c] among the states of c, -1 = dead
    level: npt.NDArray[np.int8]  # (S,) most punctuation tokens in a row from a state on
    mass: npt.NDArray[np.float64]  # (L, S) unigram mass, largest of the layers of a number of words 1
    step: npt.NDArray[np.float64]  # (L,) what a word turns the scale of its own layer into; at 0: exp(-log_scale[0])
    weight: npt.NDArray[Any]  # (V',) WEIGHT of each token
    row_of_node: npt.NDArray[np.int32]  # (n,) row of a trie node, -1 = none, -2 - i: see extra_row[i]
    extra_row: npt.NDArray[np.int32]  # (U, E) rows of contexts that end with an unknown word, by word
    ends: npt.NDArray[np.float64]  # (W,) running sum of the mass of the texts of each layer that they may begin in
    begins: npt.NDArray[np.int64]  # (W,) these layers
    size: npt.NDArray[np.int64]  # (10,) see the names below


#: Places in `GuideTables.size`. `MIXTURE`: draws back off and pick a child of a row, by weights of which none is negative; else they
#: weigh words one by one. `LONG`: there are contexts of more than one token, so that some edges take back a shorter context's share
#: of a child, and draws are repeated where a longer context knows better.
STRIDE, SPECIAL, WIDTH, PITCH, ALIGNED, WORDS, BEGIN_ROW, MIXTURE, PERIOD, LONG = range(10)
