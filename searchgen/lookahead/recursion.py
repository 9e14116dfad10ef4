"""The look-ahead recursion, compiled: masses of all completions by exactly t more words.

With h' the context without its first word, next(h, w) the longest suffix of hw among the contexts, d(s, w) the automaton and b = beta,

    F(h, s) = sum over stored children w of h of
                [ p(w|h)^b e^weight(w) B(d(s,w), next(h,w)) - bo(h)^b p(w|h')^b e^weight(w) B(d(s,w), next(h',w)) ] + bo(h)^b F(h', s)

and at the root the full sum over unigrams; the end of the text is one more child at t = 0. Words take one from t, marks (punctuation)
take none, so marks form an inner layer: behind the longest legal run of marks only words can follow, and so many passes over
the contexts that end in a mark settle it.

Most words belong to one class and leave the automaton where it is: their entries are `plain`, a row and a coefficient.
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
    of_node: npt.NDArray[np.int32]  # (nodes shorter than k,) context of each, -1 if it is none
    kind: npt.NDArray[np.int32]  # (n,) which list of states: the last token's class, or one of the kinds after the classes
    row: npt.NDArray[np.int64]  # (n,) where the context's states begin in a layer
    backoff: npt.NDArray[np.float64]  # (n,) bo^b; 0 for the root
    end: npt.NDArray[np.float64]  # (n,) p(</s>|h)^b - bo^b p(</s>|h')^b
    unigram: npt.NDArray[np.float64]  # (V,) p(w)^b
    factor: npt.NDArray[np.float64]  # (V',) e^weight, 0 for tokens that no text can hold
    plain_start: npt.NDArray[np.int64]  # (n,) the context's plain word entries
    plain_end: npt.NDArray[np.int64]  # (n,)
    plain_row: npt.NDArray[np.uint32]  # (E,) row of the context after the word
    plain_mass: npt.NDArray[np.float64]  # (E,) coefficient, e^weight included
    plain_token: npt.NDArray[np.int32]  # (E,)
    word_start: npt.NDArray[np.int64]  # (n,) its other word entries
    word_end: npt.NDArray[np.int64]
    word_next: npt.NDArray[np.int32]  # context after the word
    word_cls: npt.NDArray[np.int16]  # its class
    word_mass: npt.NDArray[np.float64]
    word_token: npt.NDArray[np.int32]  # the token, or -1 for all tokens of the class after which the context is the root
    mark_start: npt.NDArray[np.int64]  # (n,) likewise for marks
    mark_end: npt.NDArray[np.int64]
    mark_next: npt.NDArray[np.int32]
    mark_cls: npt.NDArray[np.int16]
    mark_mass: npt.NDArray[np.float64]
    mark_token: npt.NDArray[np.int32]
    state_start: npt.NDArray[np.int64]  # (kinds + 1,) the list of states of each kind
    state: npt.NDArray[np.int32]
    position: npt.NDArray[np.int32]  # (kinds, S) where a state stands in the list of a kind, -1 if it cannot be there
    same: npt.NDArray[np.bool_]  # (kinds, K) reading the class leaves every state of the list at its position
    mass: npt.NDArray[np.float64]  # (T + 1, rows) B_t


@inlined
def _add(guide: Any, table: Any, kind: Any, target: Any, layer: Any, following: Any, cls: Any, mass: Any) -> None:
    """Add mass * B(d(s, cls), following) to the target for every state s of the kind's list."""
    first = guide.state_start[kind]
    row = guide.row[following]
    after_kind = guide.kind[following]
    for k in range(guide.state_start[kind + 1] - first):
        after = table[guide.state[first + k], cls]
        if after != 0:
            target[k] += mass * layer[row + guide.position[after_kind, after]]


@inlined
def _add_plain(guide: Any, context: Any, target: Any, layer: Any) -> None:
    """Add all plain entries of a context, eight states at a time in registers."""
    first, last = guide.plain_start[context], guide.plain_end[context]
    count = len(target)
    k = 0
    while k + 8 <= count:
        a0 = a1 = a2 = a3 = a4 = a5 = a6 = a7 = 0.0
        for e in range(first, last):
            row = np.uint64(guide.plain_row[e]) + np.uint64(k)
            mass = guide.plain_mass[e]
            a0 += mass * layer[row]
            a1 += mass * layer[row + np.uint64(1)]
            a2 += mass * layer[row + np.uint64(2)]
            a3 += mass * layer[row + np.uint64(3)]
            a4 += mass * layer[row + np.uint64(4)]
            a5 += mass * layer[row + np.uint64(5)]
            a6 += mass * layer[row + np.uint64(6)]
            a7 += mass * layer[row + np.uint64(7)]
        target[k] += a0
        target[k + 1] += a1
        target[k + 2] += a2
        target[k + 3] += a3
        target[k + 4] += a4
        target[k + 5] += a5
        target[k + 6] += a6
        target[k + 7] += a7
        k += 8
    for rest in range(k, count):
        total = 0.0
        for e in range(first, last):
            total += guide.plain_mass[e] * layer[np.uint64(guide.plain_row[e]) + np.uint64(rest)]
        target[rest] += total


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
            layer = guide.mass[t - 1]
            _add_plain(guide, context, target, layer)
            for e in range(guide.word_start[context], guide.word_end[context]):
                _add(guide, table, kind, target, layer, guide.word_next[e], guide.word_cls[e], guide.word_mass[e])


@kernel
def add_marks(guide: Any, table: Any, t: Any, order: Any, first: Any, last: Any, base: Any) -> None:
    """Fill layer t for the contexts order[first ... last - 1]: `base`, the marks, and the shorter context.

    A context's shorter one must come first in `order`; contexts that end in a mark are filled repeatedly.
    """
    layer = guide.mass[t]
    for i in range(first, last):
        context = order[i]
        kind = guide.kind[context]
        begin = guide.state_start[kind]
        count = guide.state_start[kind + 1] - begin
        row = guide.row[context]
        target = layer[row : row + count]
        for k in range(count):
            target[k] = base[row + k]
        for e in range(guide.mark_start[context], guide.mark_end[context]):
            _add(guide, table, kind, target, layer, guide.mark_next[e], guide.mark_cls[e], guide.mark_mass[e])
        if context != 0:
            lower = guide.lower[context]
            lower_row = guide.row[lower]
            lower_kind = guide.kind[lower]
            for k in range(count):
                at = guide.position[lower_kind, guide.state[begin + k]]
                target[k] += guide.backoff[context] * layer[lower_row + at]
