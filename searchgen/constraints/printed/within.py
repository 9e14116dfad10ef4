"""Words that stand near each other in the printed text."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from searchgen.automata import Automaton
from searchgen.constraints.base import Phrase
from searchgen.constraints.printed.condition import Printed, explored
from searchgen.errors import RequestError
from searchgen.text.printed_words import Sort, core, printed_words, sort_of
from searchgen.text.printing import Alphabet

__all__ = ["Within"]

#: The widest stretch, and the most words that are to be near each other.
WIDEST, MOST_ITEMS = 30, 4


class _Read(NamedTuple):
    """What counts of a text.

    Attributes:
        ages: for each item how many words ago it stood, -1: too long ago.
        within: a word is being read.
        spelled: the targets that the word can still be, each with how much of it was read.
        done: all items were near each other.
    """

    ages: tuple[int, ...]
    within: bool = False
    spelled: frozenset[tuple[int, int, int]] = frozenset()
    done: bool = False


@dataclass(frozen=True)
class Within(Printed):
    """All of some words stand within so many words in a row, in any order.

    >>> Within(3, (("dog",), ("ball", "balls"))).held_by("The ball hit dog Rex.", "en")
    True
    """

    name: ClassVar[str] = "within"
    width: int
    items: tuple[tuple[str, ...], ...]

    def validate(self) -> None:
        """Refuse what is too wide, too many, and words with spaces."""
        if not 2 <= self.width <= WIDEST:
            raise RequestError(f"{self.width} words; give 2 to {WIDEST}")
        if not 2 <= len(self.items) <= MOST_ITEMS:
            raise RequestError(f"{len(self.items)} words are to be near each other; give 2 to {MOST_ITEMS}")
        odd = next((word for item in self.items for word in item if not core(word) or " " in word.strip()), None)
        if odd is not None:
            raise RequestError(f"{odd!r} is not one word; give single words")

    def describe(self) -> str:
        """Width and words."""
        return f"within {self.width}: {', '.join(map('|'.join, self.items))}"

    def phrases(self) -> Sequence[Phrase]:
        """The words."""
        return [(word,) for item in self._targets for word in item]

    def demanded(self) -> tuple[str, ...]:
        """The words, but for those that hyphens join, which are several tokens."""
        return tuple(word for item in self._targets for word in item if "-" not in word)

    def hyphens(self) -> int:
        """Those of the words, of alternatives the most."""
        return sum(max(word.count("-") for word in item) for item in self._targets)

    @property
    def _targets(self) -> list[list[str]]:
        return [[core(word.strip().removeprefix("=")) for word in item] for item in self.items]

    def characters(self, alphabet: Alphabet, form: str, limit: int) -> Automaton:
        """The state is how long ago each item stood, and what the word being read can be."""
        targets = [[word.casefold() for word in item] for item in self._targets]
        named = {sign for item in targets for word in item for sign in word}
        spelled = [(sort_of(sign, form), sign.casefold() if sign.casefold() in named else "") for sign in alphabet]
        kinds = list(dict.fromkeys(spelled))
        every = [(i, j, 0) for i, item in enumerate(targets) for j in range(len(item))]

        def ended(read: _Read) -> _Read:
            if not read.within or read.done:
                return read
            stood = {i for i, j, at in read.spelled if at >= len(targets[i][j])}
            ages = tuple(0 if i in stood else age for i, age in enumerate(read.ages))
            return _Read(ages, done=min(ages) >= 0)

        def step(read: _Read, kind: int) -> _Read | None:
            sort, sign = kinds[kind]
            if read.done:
                return read
            if sort == Sort.SPACE:
                return ended(read)
            if not read.within:
                if sort == Sort.MARK:
                    return read
                older = tuple(age + 1 if 0 <= age < self.width - 1 else -1 for age in read.ages)
                read = _Read(older, True, frozenset(every))
            return read._replace(spelled=frozenset(_longer(read.spelled, targets, sort, sign)))

        start = _Read((-1,) * len(targets))
        return explored([kinds.index(kind) for kind in spelled], start, step, lambda read: ended(read).done, limit)

    def held_by(self, text: str, form: str) -> bool:
        """Whether there is such a stretch."""
        found = [word.casefold() for word in printed_words(text, form)]
        wanted = [{word.casefold() for word in item} for item in self._targets]
        rows = (found[begin : begin + self.width] for begin in range(len(found)))
        return any(all(item & {*row} for item in wanted) for row in rows)


def _longer(
    spelled: frozenset[tuple[int, int, int]], targets: list[list[str]], sort: Sort, sign: str
) -> "list[tuple[int, int, int]]":
    """The targets that go on with a character; one that is read may be followed by marks."""
    result = []
    for i, j, at in spelled:
        word = targets[i][j]
        if at < len(word) and word[at] == sign:
            result.append((i, j, at + 1))
        if at >= len(word) and sort == Sort.MARK:
            result.append((i, j, len(word) + 1))
    return result
