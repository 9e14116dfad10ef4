"""Keywords that share tokens (`new york, york`; 研究生 and 生命): each needs a place of its own in the text.

Only keywords whose phrases can overlap are compiled together. The machine follows every choice of places at once: a choice is which
keywords are done, and how far into which phrase the text is. Of two choices that differ only in what is done, the one with less done
is dropped, for the other can do whatever it can.

A phrase that does not count in some contexts (`searchgen.constraints.words.standing`) is begun if the tokens before it allow it. What
must not come after it is then carried along until it cannot come any more: the choice of a text that goes on with it is dropped.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from searchgen.automata import START, Automaton, minimise
from searchgen.constraints.base import Phrase
from searchgen.constraints.words.standing import NOWHERE_BARRED, Standing
from searchgen.errors import TooLarge

__all__ = ["apart", "placed", "together"]

Item = tuple[Phrase, ...]


class _Choice(NamedTuple):
    done: int  # a bit for each keyword
    item: int  # whose phrase is being read; -1: no one's
    phrase: Phrase
    read: int  # tokens of it
    after: frozenset[Phrase] = frozenset()  # what must not follow this phrase
    barred: frozenset[Phrase] = frozenset()  # what must not come next, because of phrases read before


class _State(NamedTuple):
    before: Phrase  # the tokens before, as far as phrases heed them
    choices: frozenset[_Choice]


@dataclass(frozen=True)
class _Places:
    """The rules of a machine: which keywords there are, whether each comes after the one before, where their phrases count."""

    items: Sequence[Item]
    ordered: bool = False
    standing: Standing = NOWHERE_BARRED


FREE = _Choice(0, -1, (), 0)
BEGIN = _State((), frozenset({FREE}))


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


def together(
    items: Sequence[Item],
    label: dict[str, int],
    limit: int,
    ordered: bool = False,
    standing: Standing = NOWHERE_BARRED,
) -> Automaton:
    """The machine over labels that accepts texts with a place for every keyword, no two of which overlap.

    Args:
        items: the keywords of one group.
        label: the class of each word.
        limit: the most entries of its table.
        ordered: whether each keyword comes after the one before it.
        standing: where phrases count.

    Returns:
        A minimal automaton; where phrases count everywhere, it always accepts once it does.

    Raises:
        TooLarge: the table would pass the limit.
    """
    rules, all_done, words = _Places(items, ordered, standing), (1 << len(items)) - 1, [*label]
    number: dict[_State, int] = {BEGIN: START}
    rows, queue = [[0] * (len(label) + 1)], [BEGIN]
    for state in queue:
        rows.append([])
        for word in ("", *words):  # no phrase holds the empty word, which stands for all others
            after = state if _is_final(state, all_done) else _step(state, word, rules)
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
        Automaton.of(np.arange(len(label) + 1), table, [False, *(_done(state.choices, all_done) for state in queue)])
    )


def placed(items: Sequence[Item], text: Sequence[str], standing: Standing = NOWHERE_BARRED) -> set[int]:
    """Which keywords have places in a text, no two of which overlap: as many as can, earlier ones first.

    Args:
        items: folded keywords.
        text: folded tokens.
        standing: where their phrases count.

    Returns:
        Their numbers.

    >>> sorted(placed([(("new", "york"),), (("york",),)], ["york", "new", "york"]))
    [0, 1]
    >>> sorted(placed([(("new", "york"),), (("york",),)], ["new", "york"]))
    [0]
    """
    rules, state = _Places(items, standing=standing), BEGIN
    for word in text:
        state = _step(state, word, rules)
    best = max(
        (choice.done for choice in state.choices), key=lambda done: (done.bit_count(), _earlier_first(done, len(items)))
    )
    return {number for number in range(len(items)) if best >> number & 1}


def _earlier_first(done: int, count: int) -> int:
    return sum((done >> number & 1) << (count - number) for number in range(count))


def _done(choices: Iterable[_Choice], all_done: int) -> bool:
    return any(choice.done == all_done for choice in choices)


def _is_final(state: _State, all_done: int) -> bool:
    """Whether nothing that comes can undo what is done."""
    return any(choice.done == all_done and not choice.barred for choice in state.choices)


def _step(state: _State, word: str, rules: _Places) -> _State:
    choices = {choice for before in state.choices for choice in _choices(before, word, state.before, rules)}
    return _State(rules.standing.remembered((*state.before, word)), frozenset(_undominated(choices)))


def _choices(choice: _Choice, word: str, text: Phrase, rules: _Places) -> Iterator[_Choice]:
    """What a choice becomes with one more token after a text, none where that token must not come."""
    if (word,) in choice.barred:
        return
    if choice.barred:
        choice = choice._replace(barred=frozenset(row[1:] for row in choice.barred if row[0] == word))
    if choice.item >= 0:
        if choice.phrase[choice.read] == word:
            yield _read(choice)
        return
    yield choice
    for number, item in enumerate(rules.items):
        if choice.done >> number & 1:
            continue
        for phrase in item:
            if phrase[0] == word:
                after = rules.standing.must_not_follow(phrase, text)
                if () not in after:
                    yield _read(choice._replace(item=number, phrase=phrase, read=0, after=after))
        if rules.ordered:
            return


def _read(choice: _Choice) -> _Choice:
    if choice.read + 1 < len(choice.phrase):
        return choice._replace(read=choice.read + 1)
    return FREE._replace(done=choice.done | 1 << choice.item, barred=choice.barred | choice.after)


def _undominated(choices: set[_Choice]) -> Iterator[_Choice]:
    maximal: dict[tuple[int, Phrase, int, frozenset[Phrase]], list[_Choice]] = {}
    for choice in sorted(choices, key=lambda choice: (-choice.done.bit_count(), len(choice.barred))):
        others = maximal.setdefault((choice.item, choice.phrase, choice.read, choice.after), [])
        if not any(choice.done & other.done == choice.done and other.barred <= choice.barred for other in others):
            others.append(choice)
            yield choice
