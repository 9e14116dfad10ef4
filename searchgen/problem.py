"""A target as the compiled loops read it: n-gram model x automaton x token weights."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from searchgen.lm.ngram.tables import NGramTables

__all__ = ["TOKEN", "Problem"]

#: What the loops need to know of a token, in 16 bytes.
TOKEN = np.dtype(
    [
        (
            "model",
            "i4",
        ),  # id to query the model with: the token's own, or 0 (<unk>) for a demanded word it does not know
        ("cls", "i2"),  # class in the automaton
        ("word", "u1"),  # what it adds to a count: 1 a word, 255 a hyphen (see `kernels.word_count`), 0 all else
        ("protected", "u1"),  # 1 if the local moves leave the token alone
        ("weight", "f8"),  # additive log weight in the target: terms, and beta * log p of an unknown word's spelling
    ]
)


class Problem(NamedTuple):
    """log density(x) = beta * sum log p(x_i | ...) + sum weight(x_i) on the accepted texts whose word count is in the window.

    A hyphen joins two words to one, and a text has at most `hyphens` of them, so that the window bounds its tokens.

    Where keywords are too many for the automaton, its states tell which of them have just ended. Chains look for all bits in the whole
    text. Guides do not know of them.
    """

    ngram: NGramTables
    token: npt.NDArray[Any]  # (V',) TOKEN
    next: npt.NDArray[np.int32]  # (S, K) automaton
    accept: npt.NDArray[np.bool_]  # (S,)
    window: npt.NDArray[np.int64]  # (2,) fewest and most words
    beta: npt.NDArray[np.float64]  # (1,)
    begin: npt.NDArray[np.int64]  # (1,) the model's context after <s>
    extra: npt.NDArray[np.int64]  # (E,) ids of the demanded words the model does not know
    items: npt.NDArray[np.uint64] = np.zeros(
        0, np.uint64
    )  # (S,) bits of the items that have just ended in each state, or empty
    hyphens: npt.NDArray[np.int64] = np.zeros(1, np.int64)  # (1,) most hyphens
    held: npt.NDArray[np.uint64] = np.zeros(1, np.uint64)  # (1,) the bits of the items that every text must hold
