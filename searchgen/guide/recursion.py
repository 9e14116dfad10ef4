"""The look-ahead recursion, compiled: masses of all completions by exactly t more words.

With h' the context without its first word, next(h, w) the longest suffix of hw among the contexts, d(s, w) the automaton and b = beta,

    F(h, s) = sum over stored children w of h of
                [ p(w|h)^b e^weight(w) B(d(s,w), next(h,w)) - bo(h)^b p(w|h')^b e^weight(w) B(d(s,w), next(h',w)) ] + bo(h)^b F(h', s)

and at the root the full sum over unigrams; the end of the text is one more child at t = 0. Words take one from t, marks (punctuation)
take none, so marks form an inner layer: behind the longest legal run of marks only words can follow, and so many passes over
the contexts that end in a mark settle it.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from searchgen.compiled import inlined, kernel

__all__ = ["GuideTables", "add_marks", "sum_words"]


class GuideTables(NamedTuple):
    """Contexts, their outgoing masses, and the automaton states each can be in."""

    node: npt.NDArray[np.int32]  # (n,) trie node of each context; context 0 is the root
    lower: npt.NDArray[np.int32]  # (n,) the context without its first word
    kind: npt.NDArray[np.int32]  # (n,) which list of states: the last token's class, or one of the kinds after the classes
    row: npt.NDArray[np.int64]  # (n,) where the context's states begin in a layer
    backoff: npt.NDArray[np.float64]  # (n,) bo^b; 0 for the root
    end: npt.NDArray[np.float64]  # (n,) p(</s>|h)^b - bo^b p(</s>|h')^b
    word_start: npt.NDArray[np.int64]  # (n + 1,) the context's word entries
    word_next: npt.NDArray[np.int32]  # (E,) context after the word
    word_cls: npt.NDArray[np.int16]  # (E,) its class
    word_mass: npt.NDArray[np.float64]  # (E,) coefficient, e^weight included
    word_token: npt.NDArray[np.int32]  # (E,) the token, or -1 for all tokens of the class after which the context is the root
    mark_start: npt.NDArray[np.int64]  # (n + 1,) likewise for marks
    mark_next: npt.NDArray[np.int32]
    mark_cls: npt.NDArray[np.int16]
    mark_mass: npt.NDArray[np.float64]
    mark_token: npt.NDArray[np.int32]
    state_start: npt.NDArray[np.int64]  # (kinds + 1,) the list of states of each kind
    state: npt.NDArray[np.int32]
    position: npt.NDArray[np.int32]  # (kinds, S) where a state stands in the list of a kind, -1 if it cannot be there
    same: npt.NDArray[np.bool_]  # (kinds, K) reading the class leaves every state of the list at its position
    mass: npt.NDArray[np.float64]  # (T + 1, rows) B_t
    full_start: npt.NDArray[np.int64]  # (n + 1,) every stored child by itself: for draws where entries are signed or summed
    full_next: npt.NDArray[np.int32]
    full_mass: npt.NDArray[np.float64]  # p^b e^weight (orders above 2) or the word's part of a summed entry
    full_token: npt.NDArray[np.int32]


@inlined
def _add(guide: Any, table: Any, kind: Any, target: Any, layer: Any, following: Any, cls: Any, mass: Any) -> None:
    """Add mass * B(d(s, cls), following) to the target for every state s of the kind's list."""
    first = guide.state_start[kind]
    count = guide.state_start[kind + 1] - first
    row = guide.row[following]
    after_kind = guide.kind[following]
    if after_kind == cls and guide.same[kind, cls]:
        ahead = layer[row : row + count]
        for k in range(count):
            target[k] += mass * ahead[k]
    else:
        for k in range(count):
            after = table[guide.state[first + k], cls]
            if after != 0:
                target[k] += mass * layer[row + guide.position[after_kind, after]]


@kernel
def sum_words(guide: Any, table: Any, accept: Any, t: Any, first: Any, last: Any, base: Any) -> None:
    """Fill `base` for contexts first ... last - 1 with what ends the text or reads a word next.

    Args:
        guide: the tables; layer t - 1 is read.
        table: (S, K) the automaton.
        accept: (S,) bool.
        t: words still to come.
        first: range of contexts.
        last: its end.
        base: (rows,) filled in part.
    """
    for context in range(first, last):
        kind = guide.kind[context]
        begin = guide.state_start[kind]
        count = guide.state_start[kind + 1] - begin
        target = base[guide.row[context] : guide.row[context] + count]
        for k in range(count):
            target[k] = guide.end[context] if t == 0 and accept[guide.state[begin + k]] else 0.0
        if t > 0:
            for e in range(guide.word_start[context], guide.word_start[context + 1]):
                _add(guide, table, kind, target, guide.mass[t - 1], guide.word_next[e], guide.word_cls[e], guide.word_mass[e])


@kernel
def add_marks(guide: Any, table: Any, t: Any, order: Any, first: Any, last: Any, base: Any) -> None:
    """Fill layer t for the contexts order[first ... last - 1]: `base`, the marks, and the shorter context.

    A context's shorter one must come first in `order`; contexts that end in a mark are filled repeatedly.
    """
    for i in range(first, last):
        context = order[i]
        kind = guide.kind[context]
        begin = guide.state_start[kind]
        count = guide.state_start[kind + 1] - begin
        row = guide.row[context]
        layer = guide.mass[t]
        target = layer[row : row + count]
        for k in range(count):
            target[k] = base[row + k]
        for e in range(guide.mark_start[context], guide.mark_start[context + 1]):
            _add(guide, table, kind, target, layer, guide.mark_next[e], guide.mark_cls[e], guide.mark_mass[e])
        if context != 0:
            lower = guide.lower[context]
            lower_row = guide.row[lower]
            lower_kind = guide.kind[lower]
            for k in range(count):
                at = guide.position[lower_kind, guide.state[begin + k]]
                target[k] += guide.backoff[context] * layer[lower_row + at]
