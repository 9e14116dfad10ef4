"""What a token is to the law of canonical texts, and the automaton of the texts that law admits.

The law, beside `tokenise(detokenise(x)) == x`: there is at least one word; at most two punctuation tokens stand in a
row, and only pairs of `FOLLOWS`; a text begins with a word or with a kind of `BEGINS`, and does not end with an opening
mark or a hyphen. Which word may come first, and which may stand before a stop, is said by the flags of its kind.

    >>> import numpy as np
    >>> texts = legal_texts(np.array([Kind.WORD, Kind.STOP, Kind.OPEN, Kind.CLOSE], np.int8))
    >>> texts.accepts([0, 1]), texts.accepts([2, 0, 1, 3]), texts.accepts([0, 1, 1]), texts.accepts([])
    (True, True, False, False)
"""

from enum import IntEnum, IntFlag
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from searchgen.automata import DEAD, START, Automaton, minimise

__all__ = ["BEGINS", "FOLLOWS", "Flag", "Kind", "Kinds", "legal_texts"]

Kinds = npt.NDArray[np.int8]


class Kind(IntEnum):
    """The kinds of token; a word's kind is `WORD` plus the sum of its flags."""

    NEVER = 0  # a marker of the model, or what the tokeniser never makes
    STOP = 1
    ELLIPSIS = 2
    MARK = 3  # ? !
    COMMA = 4
    COLON = 5  # ; :
    CLOSE = 6
    OPEN = 7
    DASH = 8
    HYPHEN = 9
    SYMBOL = 10
    WORD = 16


class Flag(IntFlag):
    """What a word may not do."""

    NOT_FIRST = 1  # printed as the first word it would be read as another token
    NO_STOP_FIRST = 2  # as the first word, it and a stop would be read as an abbreviation
    NO_STOP = 4  # it and a stop would be read as an abbreviation
    ABBREVIATION = 8  # it ends with its own stop: no stop, ellipsis or hyphen after it


_AFTER_WORD = frozenset(Kind) - {Kind.NEVER, Kind.WORD}

BEGINS = frozenset({Kind.OPEN, Kind.DASH, Kind.ELLIPSIS})

FOLLOWS: dict[Kind, frozenset[Kind]] = {
    Kind.STOP: frozenset({Kind.CLOSE, Kind.OPEN}),
    Kind.ELLIPSIS: frozenset({Kind.CLOSE, Kind.OPEN, Kind.MARK, Kind.COMMA}),
    Kind.MARK: frozenset({Kind.CLOSE, Kind.OPEN, Kind.MARK, Kind.ELLIPSIS, Kind.DASH}),
    Kind.COMMA: frozenset({Kind.CLOSE, Kind.OPEN, Kind.DASH}),
    Kind.COLON: frozenset({Kind.CLOSE, Kind.OPEN, Kind.DASH}),
    Kind.CLOSE: _AFTER_WORD - {Kind.HYPHEN, Kind.SYMBOL},
    Kind.OPEN: frozenset({Kind.OPEN, Kind.DASH, Kind.ELLIPSIS, Kind.SYMBOL}),
    Kind.DASH: frozenset({Kind.CLOSE, Kind.OPEN, Kind.MARK}),
    Kind.HYPHEN: frozenset(),
    Kind.SYMBOL: frozenset({Kind.CLOSE, Kind.OPEN, Kind.STOP, Kind.MARK, Kind.COMMA, Kind.COLON}),
}


class _State(NamedTuple):
    begun: bool  # a word was read
    last: Kind  # the kind of the last token; WORD at the start too
    barred: frozenset[Kind]  # what may not follow a word
    row: int  # punctuation tokens in a row


_FIRST = _State(begun=False, last=Kind.WORD, barred=_AFTER_WORD - BEGINS, row=0)


def legal_texts(kinds: Kinds) -> Automaton:
    """The automaton of all legal texts over tokens of the given kinds.

    Args:
        kinds: (V,) the kind of each token.

    Returns:
        A minimal automaton; 14 live states at most.
    """
    labels = np.flatnonzero(np.bincount(kinds, minlength=1)).tolist()
    number: dict[_State | None, int] = {None: DEAD, _FIRST: START}
    rows, queue = [[DEAD] * len(labels)], [_FIRST]
    for state in queue:
        rows.append([])
        for label in labels:
            after = _read(state, label)
            if after not in number and after is not None:
                number[after] = len(number)
                queue.append(after)
            rows[-1].append(number[after])
    place = np.zeros(max(labels, default=0) + 1, np.int16)
    place[labels] = np.arange(len(labels))
    accept = [False] + [state.begun and state.last not in (Kind.OPEN, Kind.HYPHEN) for state in queue]
    return minimise(Automaton.of(place[kinds], rows, accept))


def _read(state: _State, kind: int) -> _State | None:
    """The state after a token of a kind; None when the text is then illegal."""
    if kind == Kind.NEVER:
        return None
    if kind >= Kind.WORD:
        flags = Flag(kind - Kind.WORD)
        return None if not state.begun and Flag.NOT_FIRST in flags else _after_word(flags, state.begun)
    punctuation = Kind(kind)
    allowed = _AFTER_WORD - state.barred if state.last == Kind.WORD else FOLLOWS[state.last]
    if state.row == 2 or punctuation not in allowed:
        return None
    return _State(state.begun, punctuation, frozenset(), state.row + 1)


def _after_word(flags: Flag, begun: bool) -> _State:
    if Flag.ABBREVIATION in flags:
        barred = {Kind.STOP, Kind.ELLIPSIS, Kind.HYPHEN}
    elif Flag.NO_STOP in flags or (Flag.NO_STOP_FIRST in flags and not begun):
        barred = {Kind.STOP}
    else:
        barred = set()
    return _State(True, Kind.WORD, frozenset(barred), 0)
