"""How a printed text may be divided into lines, in plain Python: whether, at best, and by chance.

A line ends at a space, in Chinese also between characters, and begins with a word. Given the text, a division has a weight of
exp(-BREAK_COST n), n breaks standing after an article, a preposition or a conjunction, or inside a Chinese word. It is drawn with a
probability in proportion to its weight.
"""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from searchgen.constraints.lines.holding import Held
from searchgen.constraints.printed.ranges import Range
from searchgen.text.printed_words import Sort, core, letters, printed_words, sort_of

__all__ = ["BREAK_COST", "Piece", "Shape", "pieces_of"]

#: Nats that a break costs after one of `BINDING`.
BREAK_COST = 3.0

#: Articles, prepositions and conjunctions, which belong to what follows them.
BINDING_WORDS = """a about across after against among an and at before behind beneath beside between beyond but by during for from
in into like near of off on onto or over than the through till to toward towards under until upon with without"""

#: Marks that stand with the word behind them.
OPENING = frozenset("“‘([（《「『【〈")


BINDING = frozenset(BINDING_WORDS.split())


class Piece(NamedTuple):
    """A part of a printed text that no break divides."""

    start: int  # in characters of the text
    end: int
    words: int  # of it
    letter: str  # the first one of its first word
    read: tuple[str, ...]  # its words, case ignored
    binds: bool  # to the piece behind it


class _Choice(NamedTuple):
    """The best of the ways to divide what follows a place, or the weight of all of them."""

    log_weight: float
    evenness: float  # the more, the better


@dataclass(frozen=True)
class Shape:
    """What lines a text has.

    Attributes:
        count: how many.
        words: of each line.
        letters: that the lines begin with; "": any.
        characters: of each line, spaces and marks included; None: any number.
        held: what single lines must hold.
    """

    count: int
    words: Range
    letters: str = ""
    characters: Range | None = None
    held: tuple[Held, ...] = ()

    def fits(self, number: int, line: str, form: str) -> bool:
        """Whether a text may be a line.

        Args:
            number: of the line, from 0.
            line: as it is printed.
            form: name of the text form.
        """
        words = printed_words(line, form)
        if not words or len(words) not in self.words:
            return False
        if self.letters and "".join(map(letters, words[0]))[:1] != self.letters[number]:
            return False
        if self.characters is not None and len(line) not in self.characters:
            return False
        return self._holds(number, [word.casefold() for word in words], form)

    def _holds(self, number: int, words: Sequence[str], form: str) -> bool:
        """Whether the words of a line, case ignored, are what it must hold."""
        return all(held.held_by(words, form) for held in self.held if held.line == number)

    def holds(self, text: str, form: str) -> bool:
        """Whether a text has these lines, or may be divided so if it is one line."""
        return self.held_by_lines(text.split("\n"), form) if "\n" in text else self.best(text, form) is not None

    def held_by_lines(self, lines: Sequence[str], form: str) -> bool:
        """Whether lines are these."""
        return len(lines) == self.count and all(self.fits(number, line, form) for number, line in enumerate(lines))

    def best(self, text: str, form: str, within: Collection[int] = ()) -> list[int] | None:
        """Return the places where the lines begin in the division of the largest weight, the most even of several; None: there is none.

        Args:
            text: as it is printed in one line.
            form: name of the text form.
            within: places inside a word, where a break costs as much as after one of `BINDING`.
        """
        pieces = pieces_of(text, form, within)
        after = self._after(pieces, form, summed=False)
        if not pieces or after[0][0].log_weight == -math.inf:
            return None
        starts, at = [], 0
        for number in range(self.count):
            starts.append(pieces[at].start)
            ends = self.ends(pieces, number, at, form)
            at = max(ends, key=lambda end: self._with(pieces, at, end, after[number + 1][end], summed=False))
        return starts

    def log_weight(self, text: str, form: str, within: Collection[int] = ()) -> float:
        """Return the natural log of the sum of the weights of all divisions, -inf where there is none; arguments as those of `best`.

        Example:
            >>> round(Shape(2, Range(1, 2)).log_weight("On the sea.", "en"), 3)  # the break stands after `the`, or after `on`
            -2.307
        """
        pieces = pieces_of(text, form, within)
        return self._after(pieces, form, summed=True)[0][0].log_weight if pieces else -math.inf

    def drawn(self, text: str, form: str, uniform: Sequence[float], within: Collection[int] = ()) -> list[int]:
        """Return the places where the lines begin in a division drawn in proportion to its weight.

        Args:
            text: as it is printed in one line, one that may be divided.
            form: name of the text form.
            uniform: a number from 0 to 1 for each line.
            within: places inside a word, where a break costs as much.
        """
        pieces = pieces_of(text, form, within)
        after = self._after(pieces, form, summed=True)
        starts, at = [], 0
        for number in range(self.count):
            starts.append(pieces[at].start)
            ends = self.ends(pieces, number, at, form)
            weights = [
                math.exp(self._with(pieces, at, end, after[number + 1][end], summed=True).log_weight) for end in ends
            ]
            left = uniform[number] * math.fsum(weights)
            for end, weight in zip(ends, weights, strict=True):
                if weight > 0.0:
                    at = end
                    left -= weight
                if left < 0.0:
                    break
        return starts

    def _after(self, pieces: Sequence[Piece], form: str, *, summed: bool) -> list[list[_Choice]]:
        """Return, for each line and each piece that it may begin with, what becomes of the rest of the text."""
        nothing, done = _Choice(-math.inf, -math.inf), _Choice(0.0, 0.0)
        after = [[nothing] * (len(pieces) + 1) for _ in range(self.count + 1)]
        after[self.count][len(pieces)] = done
        for number in reversed(range(self.count)):
            for at in range(len(pieces)):
                ways = [
                    self._with(pieces, at, end, after[number + 1][end], summed=summed)
                    for end in self.ends(pieces, number, at, form)
                ]
                after[number][at] = _joined(ways, summed=summed) if ways else nothing
        return after

    def ends(self, pieces: Sequence[Piece], number: int, at: int, form: str) -> list[int]:
        """Return the pieces behind a line that begins with a piece.

        Args:
            pieces: of the text.
            number: of the line, from 0.
            at: number of the piece that it begins with.
            form: name of the text form.
        """
        if self.letters and pieces[at].letter != self.letters[number]:
            return []
        ends, words = [], 0
        for end in range(at + 1, len(pieces) + 1):
            words += pieces[end - 1].words
            if self.words.high is not None and words > self.words.high:
                break
            length = pieces[end - 1].end - pieces[at].start
            if words >= max(1, self.words.low) and (self.characters is None or length in self.characters):
                ends.append(end)
        if any(held.line == number for held in self.held):
            read = [[word for piece in pieces[at:end] for word in piece.read] for end in ends]
            return [end for end, words in zip(ends, read, strict=True) if self._holds(number, words, form)]
        return ends

    @staticmethod
    def _with(pieces: Sequence[Piece], at: int, end: int, rest: _Choice, *, summed: bool) -> _Choice:
        """Return what a line and the rest are together."""
        cost = BREAK_COST if end < len(pieces) and pieces[end - 1].binds else 0.0
        length = pieces[end - 1].end - pieces[at].start
        return _Choice(rest.log_weight - cost, 0.0 if summed else rest.evenness - length**2)


def _joined(ways: Sequence[_Choice], *, summed: bool) -> _Choice:
    if not summed:
        return max(ways)
    top = max(way.log_weight for way in ways)
    if top == -math.inf:
        return _Choice(top, 0.0)
    return _Choice(top + math.log(math.fsum(math.exp(way.log_weight - top) for way in ways)), 0.0)


def pieces_of(text: str, form: str, within: Collection[int] = ()) -> list[Piece]:
    """Return the parts of a printed text that no break divides: each has a word, and its marks.

    Args:
        text: as it is printed in one line.
        form: name of the text form.
        within: places inside a word.

    Example:
        >>> [text[piece.start : piece.end] for text in ["The well-known -- old dog."] for piece in pieces_of(text, "en")]
        ['The', 'well-known --', 'old', 'dog.']
        >>> [piece.letter for piece in pieces_of("“春天”来AI了。", "zh")]
        ['春', '天', '来', 'a', '了']
    """
    spans = _chinese(text) if form == "zh" else _spaced(text)
    return [_piece(text[start:end], form, start, end in within) for start, end in spans]


def _piece(part: str, form: str, start: int, binds: bool) -> Piece:
    count, letter, read, is_binding = _read(part, form)
    return Piece(start, start + len(part), count, letter, read, binds or is_binding)


@lru_cache(maxsize=1 << 14)
def _read(part: str, form: str) -> tuple[int, str, tuple[str, ...], bool]:
    """Return a part's number of words, its first letter, its words without case, and whether it is one of `BINDING`."""
    words = printed_words(part, form)
    spelled = "".join(map(letters, words[0])) if words else ""
    return len(words), spelled[:1], tuple(word.casefold() for word in words), part.lower() in BINDING


@lru_cache(maxsize=1 << 14)
def _has_word(part: str) -> bool:
    return bool(core(part))


def _spaced(text: str) -> list[tuple[int, int]]:
    spans: list[tuple[int, int]] = []
    start, begun = 0, False  # begun: a span has a word
    for part in text.split(" "):
        end = start + len(part)
        is_word = _has_word(part)
        if spans and not (is_word and begun):
            spans[-1] = spans[-1][0], end
        elif part:
            spans.append((start, end))
        begun |= is_word
        start = end + 1
    return spans


def _chinese(text: str) -> list[tuple[int, int]]:
    if not printed_words(text, "zh"):
        return []
    starts: list[int] = []
    within = False
    for at, character in enumerate(text):
        sort = sort_of(character, "zh")
        if sort == Sort.ALONE or (sort == Sort.PLAIN and not within):
            while at > 0 and text[at - 1] in OPENING:
                at -= 1
            starts.append(at if starts else 0)
        within = sort == Sort.PLAIN
    ends = [*starts[1:], len(text)]
    return [(start, start + len(text[start:end].rstrip(" "))) for start, end in zip(starts, ends, strict=True)]
