"""The automaton of lines that hold what single ones must.

A state is, as for lines alone, the set of places that the text may be in; a place is a line, the number of its words, and how far each item
of the line has been read.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from searchgen.automata import Automaton
from searchgen.constraints.lines.shape import Shape
from searchgen.constraints.printed.condition import explored
from searchgen.errors import TooLarge
from searchgen.text.printed_words import Sort, letters, sort_of
from searchgen.text.printing import Alphabet

__all__ = ["holding_lines"]

#: Places in all sets, above which the divisions are too many to be followed: a second or two.
MOST_PLACES = 200_000

#: An item that has been read whole.
DONE = -1


class _Place(NamedTuple):
    """Where in a division the text may be."""

    line: int
    words: int
    read: tuple[tuple[int, ...], ...]  # of each item of the line: words read of each alternative, or `DONE`


class _Places:
    """The sets of places, and what a word makes of them."""

    def __init__(self, lines: Shape, form: str) -> None:
        self.lines, self.low = lines, max(1, lines.words.low)
        self.rows = [[held.rows(form) for held in lines.held if held.line == line] for line in range(lines.count)]
        self.after: dict[tuple[frozenset[_Place] | None, str, str], frozenset[_Place]] = {}
        self.followed = 0

    def next(self, places: frozenset[_Place] | None, letter: str, word: str) -> frozenset[_Place]:
        """Return the places behind a word that begins with a letter; None: it is the first of the text."""
        key = places, letter, word
        if key not in self.after:
            self.followed += len(places or ())
            if self.followed > MOST_PLACES:
                raise TooLarge(
                    "lines with words in them: too many divisions to follow; give a narrower --words-per-line"
                )
            found = {self._begun(0, letter, word)} if places is None else set()
            for place in places or ():
                found.add(self._longer(place, word))
                if self.is_full(place):
                    found.add(self._begun(place.line + 1, letter, word))
            self.after[key] = frozenset(place for place in found if place is not None)
        return self.after[key]

    def is_full(self, place: _Place) -> bool:
        """Return whether the line may end."""
        return place.words >= self.low and all(item == (DONE,) for item in place.read)

    def _begun(self, line: int, letter: str, word: str) -> _Place | None:
        spelled = self.lines.letters
        if line == self.lines.count or (spelled and spelled[line] != letter):
            return None
        return _Place(line, 1, tuple(_read((0,) * len(rows), rows, word) for rows in self.rows[line]))

    def _longer(self, place: _Place, word: str) -> _Place | None:
        high = self.lines.words.high
        if high is not None and place.words == high:
            return None
        words = place.words + 1 if high is not None else min(place.words + 1, self.low)
        read = zip(place.read, self.rows[place.line], strict=True)
        return _Place(place.line, words, tuple(_read(item, rows, word) for item, rows in read))


def _read(item: tuple[int, ...], rows: Sequence[tuple[str, ...]], word: str) -> tuple[int, ...]:
    """Return how much of each alternative is read behind one more word."""
    if item == (DONE,):
        return item
    after = []
    for read, row in zip(item, rows, strict=True):
        seen = (*row[:read], word)
        after.append(max(size for size in range(len(seen) + 1) if seen[len(seen) - size :] == row[:size]))
        if after[-1] == len(row):
            return (DONE,)
    return tuple(after)


class _Word(NamedTuple):
    """A word that is being read.

    Attributes:
        letter: its first letter that an acrostic asks for; "": none yet.
        is_known: whether its first letter was read.
        text: its characters, as far as they begin a word of an item; None: they do not.
        is_marked: whether marks were read since, which are a part of it only if it goes on.
    """

    letter: str = ""
    is_known: bool = False
    text: str | None = ""
    is_marked: bool = False


def holding_lines(lines: Shape, alphabet: Alphabet, form: str, limit: int) -> Automaton:
    """Return the automaton over characters of texts that can be divided into lines which hold what they must.

    Args:
        lines: with what their lines hold.
        alphabet: every character that can be printed.
        form: name of the text form.
        limit: the most entries of its table.

    Raises:
        TooLarge: there are too many divisions, or the table would pass the limit.
    """
    places = _Places(lines, form)
    words = {word for held in lines.held for row in held.rows(form) for word in row}
    prefixes = {word[:size] for word in words for size in range(len(word) + 1)}
    named = {sign for word in words for sign in word}
    sorts = [_sort(sign, form, named, frozenset(lines.letters)) for sign in alphabet]
    marks = "".join(sign.text for sign in sorts if sign.sort == Sort.MARK)
    kinds = list(dict.fromkeys(sorts))
    number: Mapping[_Sign, int] = {kind: place for place, kind in enumerate(kinds)}
    State = tuple[frozenset[_Place] | None, _Word | None]

    def ended(state: State) -> frozenset[_Place] | None:
        before, word = state
        if word is None:
            return before
        # A mark at the end of a word is a part of it only if it is one of the word that is looked for.
        read = (word.text, word.text.rstrip(marks)) if word.text is not None else ()
        return places.next(before, word.letter, next((text for text in read if text in words), ""))

    def step(state: State, sort: int) -> State | None:
        sign, (before, word) = kinds[sort], state
        if sign.sort == Sort.MARK:
            return before, word and _marked(word, sign, prefixes)
        if sign.sort in (Sort.SPACE, Sort.ALONE):
            before, word = ended(state), None
        if sign.sort == Sort.ALONE:
            before = places.next(before, sign.letter, sign.text if sign.text in words else "")
        elif sign.sort == Sort.PLAIN:
            word = _grown(word or _Word(), sign, prefixes)
        return None if before is not None and not before else (before, word)

    def accepts(state: State) -> bool:
        return any(place.line == lines.count - 1 and places.is_full(place) for place in ended(state) or ())

    start: State = None, None
    return explored([number[sort] for sort in sorts], start, step, accepts, limit)


class _Sign(NamedTuple):
    """What a character is to lines."""

    sort: Sort
    is_letter: bool
    letter: str  # that an acrostic asks for
    text: str  # case ignored, if a word of an item has it


def _sort(sign: str, form: str, named: set[str], spelled: frozenset[str]) -> _Sign:
    sort, read, folded = sort_of(sign, form), letters(sign)[:1], sign.casefold()
    if sort in (Sort.SPACE, Sort.MARK):
        return _Sign(sort, is_letter=False, letter="", text=folded if sort == Sort.MARK and folded in named else "")
    return _Sign(sort, bool(read), read if read in spelled else "", folded if folded in named else "")


def _marked(word: _Word, sign: _Sign, prefixes: set[str]) -> _Word:
    """Return a word behind which a mark was read."""
    goes_on = word.text is not None and not word.is_marked and sign.text != "" and word.text + sign.text in prefixes
    return word._replace(text=f"{word.text}{sign.text}") if goes_on else word._replace(is_marked=True)


def _grown(word: _Word, sign: _Sign, prefixes: set[str]) -> _Word:
    letter = word.letter if word.is_known else sign.letter
    is_out = word.text is None or word.is_marked or not sign.text or word.text + sign.text not in prefixes
    text = None if is_out else (word.text or "") + sign.text
    return _Word(letter, word.is_known or sign.is_letter, text, is_marked=False)
