"""Judges printed Chinese by its characters: whether a demanded word stands there as a word. Imports nothing of searchgen.

Every word of the lexicon that takes characters inside and outside an occurrence is tried, wherever it lies, and every division of what
it leaves over: no contexts, no machine.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, permutations, product

UNKNOWN, MARGIN = -20.0, 2.0

Item = tuple[str, ...]


@dataclass(frozen=True)
class Oracle:
    """A reader with a list of words.

    Attributes:
        log_p: of each word.
        harmless: words, each with another that crosses its border and does not count against it.
        items: the demanded words, each with its alternatives.
    """

    log_p: Mapping[str, float]
    items: Sequence[Item]
    harmless: frozenset[tuple[str, str]] = frozenset()

    def divided(self, characters: str) -> float:
        """The log-probability of the best of all divisions."""
        scores = []
        for cuts in product((False, True), repeat=max(0, len(characters) - 1)):
            places = [0, *(n for n, cut in enumerate(cuts, 1) if cut), len(characters)]
            parts = [characters[a:b] for a, b in pairwise(places)]
            if all(part in self.log_p or len(part) == 1 for part in parts):
                scores.append(sum(self.log_p.get(part, UNKNOWN) for part in parts))
        return max(scores) if characters else 0.0

    def stands(self, word: str, text: str, begin: int) -> bool:
        """Whether a word that a text has at a place is a word there."""
        end = begin + len(word)
        if len(word) == 1 or not all("\u4e00" <= character <= "\u9fff" for character in word):
            return True
        demanded = {phrase for item in self.items for phrase in item}
        for first in range(len(text)):
            for last in range(first + 1, len(text) + 1):
                other = text[first:last]
                shares, exceeds = first < end and begin < last, first < begin or last > end
                if not (shares and exceeds and len(other) > 1) or other in demanded or other not in self.log_p:
                    continue
                if first <= begin and end <= last:
                    left, right = text[first:begin], text[end:last]
                    if (not left or left in self.log_p) and (not right or (len(right) > 1 and right in self.log_p)):
                        continue
                low, high = min(first, begin), max(last, end)
                own = max(self.divided(word), min(self.log_p.values()))
                mine = self.divided(text[low:begin]) + own + self.divided(text[end:high])
                its = self.divided(text[low:first]) + self.log_p[other] + self.divided(text[last:high])
                if its > mine - MARGIN and (word, other) not in self.harmless:
                    return False
        return True

    def places(self, item: Item, text: str) -> list[tuple[int, int]]:
        """Where one of the words of an item is one."""
        return [
            (begin, begin + len(word))
            for word in item
            for begin in range(len(text) - len(word) + 1)
            if text.startswith(word, begin) and self.stands(word, text, begin)
        ]

    def holds(self, text: str, overlap: bool = False) -> bool:
        """Whether each item has a place, no two of which share characters unless they may."""
        options = [self.places(item, text) for item in dict.fromkeys(self.items)]
        return any(
            overlap or all(a[1] <= b[0] or b[1] <= a[0] for a, b in permutations(chosen, 2))
            for chosen in product(*options)
        )

    def in_order(self, text: str) -> bool:
        """Whether the items stand one after the other."""
        options = [self.places(item, text) for item in self.items]
        return any(all(a[1] <= b[0] for a, b in pairwise(chosen)) for chosen in product(*options))
