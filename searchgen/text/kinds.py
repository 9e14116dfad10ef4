"""What a token is to the law of canonical texts, and the automaton of the texts that law admits.

The law, beside `tokenise(detokenise(x)) == x`: there is at least one word; at most two punctuation tokens stand in a
row, and only pairs of `FOLLOWS`; a text begins with a word or with a kind of `BEGINS`, and does not end with an opening
mark or a hyphen. Which word may come first, and which may stand before a stop, is said by the flags of its kind.

    >>> import numpy as np
    >>> texts = legal_texts(np.array([Kind.WORD, Kind.STOP, Kind.OPEN, Kind.CLOSE], np.int8))
    >>> texts.accepts([0, 1]), texts.accepts([2, 0, 1, 3]), texts.accepts([0, 1, 1]), texts.accepts([])
    (True, True, False, False)
"""

from collections.abc import Sequence
from enum import IntEnum, IntFlag
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from searchgen.automata import DEAD, START, Automaton, minimise

__all__ = ["BEGINS", "FOLLOWS", "Flag", "Kind", "Kinds", "fit", "legal_texts"]

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
    NO_STOP_FIRST = 2  # the same as the first word
    NO_STOP = 4  # it is an abbreviation, with its stop or without: no stop or ellipsis after it


_AFTER_WORD = frozenset(Kind) - {Kind.NEVER, Kind.WORD}
_CLOSED = frozenset({Kind.CLOSE, Kind.OPEN})
_ENDED = _CLOSED | {Kind.DASH}
_HELD = _CLOSED | {Kind.MARK, Kind.COMMA}
_ASIDE = _AFTER_WORD - {Kind.HYPHEN, Kind.SYMBOL}

BEGINS = frozenset({Kind.OPEN, Kind.DASH, Kind.ELLIPSIS})

# The legal pairs. Kinds share their rows as far as good usage allows: each row of its own costs a state, and the states
# are multiplied with those of every constraint.
FOLLOWS: dict[Kind, frozenset[Kind]] = {
    Kind.STOP: _ENDED,
    Kind.COMMA: _ENDED,
    Kind.COLON: _ENDED,
    Kind.ELLIPSIS: _HELD,
    Kind.MARK: _HELD,
    Kind.DASH: _HELD,
    Kind.CLOSE: _ASIDE,
    Kind.SYMBOL: _ASIDE,
    Kind.OPEN: BEGINS,
    Kind.HYPHEN: frozenset(),
}


class _State(NamedTuple):
    begun: bool  # a word was read
    last: Kind  # the kind of the last token; NEVER at the start
    stoppable: bool  # a stop or an ellipsis may follow the word
    row: int  # punctuation tokens in a row


_FIRST = _State(begun=False, last=Kind.NEVER, stoppable=True, row=0)


def legal_texts(kinds: Kinds) -> Automaton:
    """The automaton of all legal texts over tokens of the given kinds.

    Args:
        kinds: (V,) the kind of each token.

    Returns:
        A minimal automaton; 11 live states at most.
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


def fit(kinds: Sequence[int], *, first: bool = False) -> bool:
    """Whether tokens of some kinds stand in a row in some legal text.

    Args:
        kinds: of the tokens.
        first: whether they begin it.

    Returns:
        False where no text has them so.

    >>> fit([Kind.WORD, Kind.SYMBOL]), fit([Kind.SYMBOL, Kind.SYMBOL]), fit([Kind.STOP], first=True)
    (True, False, False)
    """
    word = _read(_FIRST, Kind.WORD)
    assert word is not None
    for state in (_FIRST,) if first else (_FIRST, word):
        after: _State | None = state
        for kind in kinds:
            after = None if after is None or kind == Kind.NEVER else _read(after, kind)
        if after is not None:
            return True
    return False


def _read(state: _State, kind: int) -> _State | None:
    """The state after a token of a kind; None when the text is then illegal."""
    if kind >= Kind.WORD:
        flags = Flag(kind - Kind.WORD)
        if not state.begun and Flag.NOT_FIRST in flags:
            return None
        barred = Flag.NO_STOP if state.begun else Flag.NO_STOP | Flag.NO_STOP_FIRST
        return _State(True, Kind.WORD, not flags & barred, 0)
    punctuation = Kind(kind)
    if state.row == 2 or punctuation not in _allowed(state):
        return None
    return _State(state.begun, punctuation, True, state.row + 1)


def _allowed(state: _State) -> frozenset[Kind]:
    """The punctuation that may follow."""
    if not state.begun:
        return BEGINS if state.last in (Kind.NEVER, Kind.OPEN) else frozenset()
    if state.last == Kind.WORD:
        return _AFTER_WORD if state.stoppable else _AFTER_WORD - {Kind.STOP, Kind.ELLIPSIS}
    return FOLLOWS[state.last]
