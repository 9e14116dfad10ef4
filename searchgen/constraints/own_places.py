"""Keywords that share tokens (`new york, york`; 研究生 and 生命): each needs a place of its own in the text.

Only keywords whose phrases can overlap are compiled together. The machine follows every choice of places at once: a choice is which
keywords are done, and how far into which phrase the text is. Of two choices that differ only in what is done, the one with less done
is dropped, for the other can do whatever it can.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from searchgen.automata import START, Automaton, minimise
from searchgen.constraints.base import Phrase
from searchgen.errors import TooLarge

__all__ = ["apart", "placed", "together"]

Item = tuple[Phrase, ...]


class _Choice(NamedTuple):
    done: int  # a bit for each keyword
    item: int  # whose phrase is being read; -1: no one's
    phrase: Phrase
    read: int  # tokens of it


FREE = _Choice(0, -1, (), 0)


def apart(items: Sequence[Item]) -> list[list[int]]:
    """The keywords in groups, so that phrases of two groups never overlap.

    Args:
        items: keywords, each with its alternatives.

    Returns:
        The numbers of the keywords of each group.

    >>> apart([(("new", "york"),), (("dog",),), (("york",),)])
    [[0, 2], [1]]
    """
    groups: list[list[int]] = []
    for number, item in enumerate(items):
        joined = [group for group in groups if any(_share(item, items[member]) for member in group)]
        groups = [group for group in groups if group not in joined]
        groups.append(sorted([*(member for group in joined for member in group), number]))
    return sorted(groups)


def _share(first: Item, second: Item) -> bool:
    """Whether phrases of two keywords can share tokens."""
    return any(_overlap(a, b) or _overlap(b, a) for a in first for b in second)


def _overlap(a: Phrase, b: Phrase) -> bool:
    """Whether `b` can begin within `a`: at its end, or inside."""
    return any(b[: len(a) - place] == a[place : place + len(b)] for place in range(len(a)))


def together(items: Sequence[Item], label: dict[str, int], limit: int) -> Automaton:
    """The machine over labels that accepts texts with a place for every keyword, no two of which overlap.

    Args:
        items: the keywords of one group.
        label: the class of each word.
        limit: the most entries of its table.

    Returns:
        A minimal automaton; once it accepts it always does.

    Raises:
        TooLarge: the table would pass the limit.
    """
    all_done, words = (1 << len(items)) - 1, [*label]
    begin = frozenset({FREE})
    number: dict[frozenset[_Choice], int] = {begin: START}
    rows, queue = [[0] * (len(label) + 1)], [begin]
    for state in queue:
        rows.append([])
        for word in ("", *words):  # no phrase holds the empty word, which stands for all others
            after = state if _done(state, all_done) else _step(state, word, items)
            if after not in number:
                number[after] = len(number) + 1
                queue.append(after)
            rows[-1].append(number[after])
        if len(rows) * (len(label) + 1) > limit:
            raise TooLarge(
                f"{len(items)} keywords that share words need a table of more than {limit:,} entries; ask for fewer, or --overlap"
            )
    order = np.array([0, *(label[word] for word in words)])
    table = np.zeros((len(rows), len(label) + 1), np.int32)
    table[:, order] = rows
    return minimise(
        Automaton.of(np.arange(len(label) + 1), table, [False, *(_done(state, all_done) for state in queue)])
    )


def placed(items: Sequence[Item], text: Sequence[str]) -> set[int]:
    """Which keywords have places in a text, no two of which overlap: as many as can, earlier ones first.

    Args:
        items: folded keywords.
        text: folded tokens.

    Returns:
        Their numbers.

    >>> sorted(placed([(("new", "york"),), (("york",),)], ["york", "new", "york"]))
    [0, 1]
    >>> sorted(placed([(("new", "york"),), (("york",),)], ["new", "york"]))
    [0]
    """
    state = frozenset({FREE})
    for word in text:
        state = _step(state, word, items)
    best = max((choice.done for choice in state), key=lambda done: (done.bit_count(), _earlier_first(done, len(items))))
    return {number for number in range(len(items)) if best >> number & 1}


def _earlier_first(done: int, count: int) -> int:
    return sum((done >> number & 1) << (count - number) for number in range(count))


def _done(state: Iterable[_Choice], all_done: int) -> bool:
    return any(choice.done == all_done for choice in state)


def _step(state: Iterable[_Choice], word: str, items: Sequence[Item]) -> frozenset[_Choice]:
    return frozenset(_undominated({choice for before in state for choice in _choices(before, word, items)}))


def _choices(before: _Choice, word: str, items: Sequence[Item]) -> Iterator[_Choice]:
    """What a choice becomes with one more token."""
    if before.item >= 0:
        if before.phrase[before.read] == word:
            yield _read(before)
        return
    yield before
    for number, item in enumerate(items):
        if not before.done >> number & 1:
            for phrase in item:
                if phrase[0] == word:
                    yield _read(_Choice(before.done, number, phrase, 0))


def _read(choice: _Choice) -> _Choice:
    if choice.read + 1 < len(choice.phrase):
        return choice._replace(read=choice.read + 1)
    return FREE._replace(done=choice.done | 1 << choice.item)


def _undominated(choices: set[_Choice]) -> Iterator[_Choice]:
    maximal: dict[tuple[int, Phrase, int], list[int]] = {}
    for choice in sorted(choices, key=lambda choice: -choice.done.bit_count()):
        done = maximal.setdefault(choice[1:], [])
        if not any(choice.done & larger == choice.done for larger in done):
            done.append(choice.done)
            yield choice
