"""Scores of many sequences at once, a dozen of them in turns.

A query of a large model waits for memory most of the time. So each lane holds one sequence, asks for the memory its next look needs,
and lets the others go on meanwhile: measured, 2.5 times the speed of one sequence after the other.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from searchgen.kernels.compiled import inlined, kernel
from searchgen.lm.ngram.prefetch import prefetch
from searchgen.lm.ngram.tables import BEGIN, END, NGramTables

__all__ = ["score_sequences", "score_tokens"]

LANES = 12

#: One sequence on its way: what it does next, its place, and where it looks for the next word.
LANE = np.dtype(
    [
        ("phase", "i8"),
        ("place", "i8"),  # of the next token in `tokens`
        ("end", "i8"),  # of the sequence in `tokens`
        ("slot", "i8"),  # of the next score in `result`
        ("word", "i8"),
        ("context", "i8"),
        ("low", "i8"),  # first node that may be the word's; when found, the node
        ("count", "i8"),  # number of nodes that may be
        ("log_p", "f8"),  # back-off weights so far
    ]
)
IDLE, LOOK, SEARCH, FOUND = 0, 1, 2, 3

#: So many words lie side by side: a search among them waits no more.
NEAR = 16


def score_tokens(
    tables: NGramTables, tokens: npt.NDArray[np.int32], offsets: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """Return log p of every token and of each sequence's end.

    Args:
        tables: the model.
        tokens: (n,) int32 ids of all sequences, one after the other.
        offsets: (m + 1,) int64, sequence i is `tokens[offsets[i]:offsets[i + 1]]`.

    Returns:
        (n + m,) float64, natural logs; sequence i begins at `offsets[i] + i` and ends with log p(</s> | ...).
    """
    result = np.empty(len(tokens) + len(offsets) - 1)
    _score(tables, tokens, offsets, np.zeros(LANES, LANE), result)
    return result


def score_sequences(
    tables: NGramTables, tokens: npt.NDArray[np.int32], offsets: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """Return log p of each sequence, from <s> to </s>: (m,) float64, natural logs; arguments as for `score_tokens`."""
    return np.add.reduceat(score_tokens(tables, tokens, offsets), offsets[:-1] + np.arange(len(offsets) - 1))


@kernel
def _score(tables: Any, tokens: Any, offsets: Any, lanes: Any, result: Any) -> None:
    """Score all sequences; a lane that is done takes the next one."""
    taken = 0
    active = 0
    # Sequences of like length end in the same turn: then no lane is active, and there may still be more of them.
    while active > 0 or taken < len(offsets) - 1:
        active = 0
        for k in range(len(lanes)):
            lane = lanes[k]
            if lane.phase == LOOK:
                _look(tables, lane)
            elif lane.phase == SEARCH:
                _search(tables, lane)
            elif lane.phase == FOUND:
                _finish_word(tables, tokens, lane, result)
            elif taken < len(offsets) - 1:
                lane.place, lane.end, lane.slot = offsets[taken], offsets[taken + 1], offsets[taken] + taken
                lane.context = tables.node[1 + BEGIN].state
                _next_word(tokens, lane)
                taken += 1
            active += lane.phase != IDLE


@inlined
def _next_word(tokens: Any, lane: Any) -> None:
    lane.word = tokens[lane.place] if lane.place < lane.end else END
    lane.log_p = 0.0
    lane.phase = LOOK


@inlined
def _look(tables: Any, lane: Any) -> None:
    """Read a context's record."""
    if lane.context == 0:
        lane.low = 1 + lane.word
        prefetch(tables.node, lane.low)
        lane.phase = FOUND
    else:
        here = tables.node[lane.context]
        lane.low, lane.count = here.first, here.end - here.first
        prefetch(tables.word, lane.low + (lane.count >> 1))
        lane.phase = SEARCH


@inlined
def _search(tables: Any, lane: Any) -> None:
    """Halve the range of children until it is small, look up the word there, and go to the next shorter context if it is not."""
    while lane.count > NEAR:
        half = lane.count >> 1
        lane.low += half if tables.word[lane.low + half] <= lane.word else 0
        lane.count -= half
        if lane.count > NEAR:
            prefetch(tables.word, lane.low + (lane.count >> 1))
            return
    low, count = lane.low, lane.count
    while count > 1:
        half = count >> 1
        low += half if tables.word[low + half] <= lane.word else 0
        count -= half
    if count > 0 and tables.word[low] == lane.word:
        lane.low = low
        prefetch(tables.node, low)
        lane.phase = FOUND
    else:
        here = tables.node[lane.context]
        lane.log_p += here.log_backoff
        lane.context = here.suffix
        prefetch(tables.node, lane.context)
        lane.phase = LOOK


@inlined
def _finish_word(tables: Any, tokens: Any, lane: Any, result: Any) -> None:
    """Write a word's score and go on to the next, or end with the sequence."""
    record = tables.node[lane.low]
    result[lane.slot] = lane.log_p + record.log_p
    lane.context = record.state
    prefetch(tables.node, lane.context)
    lane.slot += 1
    lane.place += 1
    if lane.place > lane.end:
        lane.phase = IDLE
    else:
        _next_word(tokens, lane)
