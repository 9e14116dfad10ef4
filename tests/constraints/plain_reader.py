"""Judges printed texts by their letters and borders: what it means that a text holds a word, spelled out without tokens.

A word or phrase is held where it stands between borders, case aside: the edge of the text, a space, or a sign that is no part of a word
with signs. In Chinese a neighbour of an ideograph is a border, too. Imports nothing of searchgen.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

HAN = re.compile("[\u4e00-\u9fff]")
FINAL, CLOSING = ".?!。？！", "”’)]）》"


@dataclass(frozen=True)
class Reader:
    """A reader of the texts of one request.

    Attributes:
        units: the words with signs of the request.
    """

    units: Sequence[str] = ()

    def held(self, item: str, text: str, apostrophes: str = "") -> bool:
        """Whether a text holds an item somewhere; `apostrophes`: signs that part words here and are part of words elsewhere."""
        return any(True for _ in self.places(item, text, apostrophes))

    def begins(self, item: str, text: str) -> bool:
        return any(begin == 0 for begin, _ in self.places(item, text))

    def ends(self, item: str, text: str) -> bool:
        marks = "" if item[-1] in FINAL and item not in self.units else FINAL + CLOSING
        return any(not text[end:].strip(marks) for _, end in self.places(item, text))

    def places(self, item: str, text: str, apostrophes: str = "") -> Iterator[tuple[int, int]]:
        """Where an item is held."""
        item, text = item.casefold(), text.casefold()
        spans = list(self._spans(text))
        for begin in range(len(text)):
            end = begin + len(item)
            if not text.startswith(item, begin):
                continue
            cut = any(
                (a < begin < b or a < end < b) and not (apostrophes and self._parted(text[a:b], begin - a, end - a))
                for a, b in spans
            )
            left, right = text[begin - 1 : begin], text[end : end + 1]
            within = not apostrophes and (right == "'" and text[end + 1 : end + 2].isalpha())
            if not cut and not within and border(left, item[0]) and border(right, item[-1]):
                yield begin, end

    def _spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Where units stand, the longest first, each where it stands between borders."""
        longest = sorted((unit.casefold() for unit in self.units), key=len, reverse=True)
        begin = 0
        while begin < len(text):
            for unit in longest:
                end = begin + len(unit)
                if (
                    text.startswith(unit, begin)
                    and border(text[begin - 1 : begin], unit[0])
                    and border(text[end : end + 1], unit[-1])
                ):
                    yield begin, end
                    begin = end - 1
                    break
            begin += 1

    @staticmethod
    def _parted(unit: str, begin: int, end: int) -> bool:
        """Whether a part of a unit stands between spaces."""
        return (begin <= 0 or unit[begin - 1] == " ") and (end >= len(unit) or unit[end] == " ")


def border(outside: str, edge: str) -> bool:
    """Whether a neighbour ("" at the edge of a text) parts what begins or ends with a character from the rest."""
    mark = not edge.isalnum() and edge in FINAL + CLOSING + ",，;:“‘(（《-"
    return not outside.isalnum() or HAN.match(outside) is not None or HAN.match(edge) is not None or mark
