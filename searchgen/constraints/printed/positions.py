"""Where in a printed text a word stands: as the first, the fourth, the last."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, NamedTuple

from searchgen.automata import Automaton
from searchgen.constraints.base import Constraint, Phrase, Setting
from searchgen.constraints.flags import ITEMS, Flag
from searchgen.constraints.length import MOST_WORDS
from searchgen.constraints.printed.condition import Printed, explored
from searchgen.errors import RequestError
from searchgen.text import TextForm
from searchgen.text.items.reading import item_tokens
from searchgen.text.printed_words import Sort, core, printed_words, sort_of
from searchgen.text.printing import Alphabet
from searchgen.vocabulary import Vocabulary

__all__ = ["At"]

#: The farthest place from the end: the automaton doubles with each.
FARTHEST_FROM_END = 7


class _Target(NamedTuple):
    """A word or several in a row, without outer marks.

    Attributes:
        text: as it is printed.
        exact: whether case counts.
    """

    text: str
    exact: bool

    def reads(self, place: int, character: str) -> bool:
        wanted = self.text[place : place + 1]
        return wanted == character or (not self.exact and wanted.casefold() == character.casefold() != "")


class _Spot(NamedTuple):
    """How far a text has been read.

    Attributes:
        words: that have begun, before the target or after it.
        within: a word is being read.
        target: which one is being read; -1: none yet, -2: it has been read.
        read: characters of it.
    """

    words: int
    within: bool
    target: int = -1
    read: int = 0


BEFORE, AFTER = -1, -2


@dataclass(frozen=True)
class At(Printed):
    """The word at a place is a given one; 1 is the first, -1 the last. In Chinese the place is that of a character.

    Attributes:
        place: where; never 0.
        words: alternatives, each a word or several in a row; one that begins with `=` in this case only.
        form: name of the text form whose tokens they are; "": that of their language.

    >>> At(2, ("dog",)).held_by("A dog’s life? No: “dog”.", "en"), At(-1, ("dog",)).held_by("No: the “dog”.", "en")
    (False, True)
    """

    name: ClassVar[str] = "at"
    flags: ClassVar[tuple[Flag, ...]] = (
        Flag("at", ITEMS, "Words at places, such as 1=the,4=dog|cat,-1=park; -1 is the last.", "LIST", (), ()),
    )
    place: int
    words: tuple[str, ...]
    form: str = field(default="", compare=False)

    @classmethod
    def of_demands(cls, demands: Mapping[str, Any], setting: Setting) -> Sequence[Constraint]:
        """Return one constraint a place."""
        return [replace(cls.of_item(item), form=setting.form.name) for item in demands["at"]]

    @classmethod
    def of_item(cls, item: Sequence[str]) -> "At":
        """Return the constraint of an item such as `4=dog|cat`.

        Raises:
            RequestError: it has no place.
        """
        number, sign, first = item[0].partition("=")
        try:
            place = int(number)
        except ValueError:
            sign = ""
            place = 0
        if not sign:
            raise RequestError(f"--at {item[0][:30]!r}: give a place and a word, such as 4=dog or -1=park")
        return cls(place, tuple(word.strip() for word in (first, *item[1:])))

    @classmethod
    def wording(cls, demands: Mapping[str, Any]) -> str:
        """Return the words."""
        items = demands["at"] or ()
        return " ".join(word if isinstance(word, str) else " ".join(word) for word in items)

    @classmethod
    def apart(cls, demands: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
        """Yield each place."""
        items = demands["at"]
        for item in dict.fromkeys(items):
            yield cls.of_item(item).describe(), {"at": (item,)}, {"at": tuple(one for one in items if one != item)}

    def validate(self) -> None:
        """Refuse places that are none, and words without a letter, digit or sign."""
        if self.place == 0 or abs(self.place) > MOST_WORDS:
            raise RequestError(f"at {self.place}: places are 1, 2, ... from the beginning and -1, -2, ... from the end")
        if self.place < -FARTHEST_FROM_END:
            raise RequestError(f"at {self.place}: at most {FARTHEST_FROM_END} from the end; count from the beginning")
        if not self.words or not all(core(word.lstrip("=")) for word in self.words):
            raise RequestError(f"at {self.place}: give a word")

    def describe(self) -> str:
        """Place and words."""
        return f"at {self.place}: {'|'.join(self.words)}"

    def hyphens(self) -> int:
        """Those of the word with most."""
        return max(target.text.count("-") for target in self._targets)

    def word_range(self, form: TextForm) -> tuple[int, int | None]:
        """At least so many words."""
        return abs(self.place), None

    def phrases(self) -> Sequence[Phrase]:
        """The words, each as its parts."""
        from searchgen.text import detect, text_form

        return [item_tokens(target.text, text_form(self.form or detect(target.text))) for target in self._targets]

    def demanded(self) -> tuple[str, ...]:
        """The tokens of the words."""
        return tuple(token for phrase in self.phrases() for token in phrase)

    def exactly(self, vocabulary: Vocabulary) -> Iterator[str]:
        """The words whose case counts and that the vocabulary has in another case only."""
        for target, phrase in zip(self._targets, self.phrases(), strict=True):
            for place, token in enumerate(phrase if target.exact else ()):
                known = vocabulary.matching(token)
                first = self.place == 1 and place == 0
                printed = vocabulary.form.firsts([vocabulary[one] for one in known]) if first else ()
                if known and vocabulary.find(token) < 0 and token not in printed:
                    yield token

    @property
    def _targets(self) -> list[_Target]:
        return [_Target(core(word.lstrip("=").strip()), word.startswith("=")) for word in self.words]

    def characters(self, alphabet: Alphabet, form: str, limit: int) -> Automaton:
        """All ways to take a place of the text for the one that is meant, at once."""
        targets = self._targets
        named = {sign for target in targets for sign in (*target.text, *target.text.casefold())}
        spelled = [(sort_of(sign, form), sign if {sign, sign.casefold()} & named else "") for sign in alphabet]
        kinds = list(dict.fromkeys(spelled))
        reader = _Reader(self.place, targets, form == "zh")

        def step(spots: frozenset[_Spot], kind: int) -> frozenset[_Spot] | None:
            return frozenset(after for spot in spots for after in reader.after(spot, *kinds[kind])) or None

        def accepts(spots: frozenset[_Spot]) -> bool:
            return any(map(reader.is_end, spots))

        return explored([kinds.index(kind) for kind in spelled], frozenset([_Spot(0, False)]), step, accepts, limit)

    def held_by(self, text: str, form: str) -> bool:
        """Whether one of the words stands there."""
        if form != "zh":
            parts = text.split(" ")
            begins = [number for number, part in enumerate(parts) if core(part)]
            return any(self._stands(target, parts, begins) for target in self._targets)
        found = printed_words(text, form)
        return any(self._stands_in_chinese(target, found, text) for target in self._targets)

    def _stands(self, target: _Target, parts: list[str], begins: list[int]) -> bool:
        wanted = target.text if target.exact else target.text.casefold()
        size = len(wanted.split(" "))
        for number in range(len(parts) - size + 1):
            row = " ".join(parts[number : number + size])
            if core(parts[number]) and (core(row) if target.exact else core(row).casefold()) == wanted:
                before = sum(begin < number for begin in begins)
                after = sum(begin >= number + size for begin in begins)
                if (before + 1 == self.place) if self.place > 0 else (after + 1 == -self.place):
                    return True
        return False

    def _stands_in_chinese(self, target: _Target, found: list[str], text: str) -> bool:
        spelled = printed_words(target.text, "zh")
        first = self.place - 1 if self.place > 0 else len(found) + self.place + 1 - len(spelled)
        row = found[first : first + len(spelled)] if first >= 0 else []
        same = row == spelled if target.exact else [*map(str.casefold, row)] == [*map(str.casefold, spelled)]
        return same and _in_a_row(found, first, text, target)


def _in_a_row(found: list[str], first: int, text: str, target: _Target) -> bool:
    """Whether what stands in the text there is the target, with the marks and spaces between its words that the target has."""
    begin = 0
    for number, word in enumerate(found):
        begin = text.index(word, begin)
        if number == first:
            piece = text[begin : begin + len(target.text)]
            return piece == target.text if target.exact else piece.casefold() == target.text.casefold()
        begin += len(word)
    return False


class _Reader(NamedTuple):
    """Reads a text character by character, for one place of some words."""

    place: int
    targets: list[_Target]
    chinese: bool

    def after(self, spot: _Spot, sort: Sort, sign: str) -> Iterator[_Spot]:
        """Yield what a spot can become."""
        if spot.target == BEFORE:
            yield from self._before(spot, sort, sign)
        elif spot.target == AFTER:
            yield from self._counted(spot, sort)
        else:
            target = self.targets[spot.target]
            if spot.read < len(target.text) and sign and target.reads(spot.read, sign):
                yield spot._replace(read=spot.read + 1)
            if spot.read >= len(target.text):
                yield from self._past(spot, sort)

    def _before(self, spot: _Spot, sort: Sort, sign: str) -> Iterator[_Spot]:
        begins = sort == Sort.ALONE or (sort == Sort.PLAIN and not spot.within)
        if begins and (self.place < 0 or spot.words + 1 == self.place):
            for number, target in enumerate(self.targets):
                if sign and target.reads(0, sign):
                    yield _Spot(0, True, number, 1)
        if begins and self.place > 0 and spot.words + 1 >= self.place:
            return
        words = spot.words + begins if self.place > 0 else 0
        yield _Spot(words, self._is_within(spot.within, sort))

    def _past(self, spot: _Spot, sort: Sort) -> Iterator[_Spot]:
        """The target is read; its word must end here, perhaps after marks."""
        if self.chinese:
            ended = sort_of(self.targets[spot.target].text[-1], "zh") == Sort.ALONE
            if sort != Sort.PLAIN or ended:
                yield from self._counted(_Spot(0, False, AFTER), sort)
        elif sort == Sort.MARK:
            yield spot._replace(read=len(self.targets[spot.target].text) + 1)
        elif sort == Sort.SPACE:
            yield _Spot(0, False, AFTER)

    def _counted(self, spot: _Spot, sort: Sort) -> Iterator[_Spot]:
        """After the target words count only where its place is one from the end."""
        if self.place > 0:
            yield _Spot(0, False, AFTER)
            return
        begins = sort == Sort.ALONE or (sort == Sort.PLAIN and not spot.within)
        if spot.words + begins < -self.place:
            yield _Spot(spot.words + begins, self._is_within(spot.within, sort), AFTER)

    def _is_within(self, within: bool, sort: Sort) -> bool:
        return sort == Sort.PLAIN or (within and sort == Sort.MARK)

    def is_end(self, spot: _Spot) -> bool:
        """Whether a text may end here."""
        if spot.target == AFTER:
            return self.place > 0 or spot.words == -self.place - 1
        read = spot.target >= 0 and spot.read >= len(self.targets[spot.target].text)
        return read and (self.place > 0 or self.place == -1)
