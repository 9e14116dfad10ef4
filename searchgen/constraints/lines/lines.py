"""The text can be divided into lines: so many, each with so many words, each beginning with its letter of an acrostic.

A division is a choice of places, and an automaton has none. So it follows all divisions at once: which line the text may be in, and how
many words of that line there are. The set of these is a state.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np

from searchgen.automata import DEAD, ENTRY_LIMIT, START, Automaton, Ids, minimise, trim
from searchgen.constraints.base import Constraint, Phrase, Setting
from searchgen.constraints.flags import ITEMS, Flag
from searchgen.constraints.length import MOST_WORDS
from searchgen.constraints.lines.holding import Held, read_item
from searchgen.constraints.lines.holding_lines import holding_lines
from searchgen.constraints.lines.shape import Shape
from searchgen.constraints.printed.condition import Printed, explored
from searchgen.constraints.printed.letters import letters_given
from searchgen.constraints.printed.ranges import Range
from searchgen.constraints.printed.sizes import LONGEST_TEXT, Characters
from searchgen.errors import RequestError, TooLarge
from searchgen.plain_json import brief
from searchgen.text import TextForm
from searchgen.text.items.reading import item_tokens
from searchgen.text.printed_words import Sort, letters, sort_of
from searchgen.text.printing import Alphabet
from searchgen.vocabulary import Vocabulary

__all__ = ["CharactersOfLines", "Lines"]

#: Words of a line where nothing is said of its size, by text form.
USUAL_WORDS = {"en": Range(3, 8), "zh": Range(5, 7), "raw": Range(3, 8)}

#: The same for acrostics of so many letters and more, but in Chinese: more choices would need too large an automaton.
USUAL_WORDS_OF_MANY = {9: Range(5, 5), 5: Range(4, 6)}

MOST_LINES = 40

#: Sets of places, above which the divisions are too many to be followed.
MOST_SETS = 200_000

#: A word that begins with no letter that is asked for.
OTHER = 0


@dataclass(frozen=True)
class Lines(Printed):
    r"""The text has so many lines; each has so many words, and begins with its letter of an acrostic.

    >>> four = Lines(2, Range(2, 3), "mo")
    >>> four.held_by("My dear old cat.", "en"), four.held_by("My cat is old.", "en"), four.held_by("My cat\nOn us", "en")
    (True, False, True)
    """

    name: ClassVar[str] = "lines"
    flags: ClassVar[tuple[Flag, ...]] = (
        Flag("lines", int | None, "Lines of the text.", "N", None, None),
        Flag("words-per-line", str, "Words of each line (in Chinese: characters).", "A..B", "", ""),
        Flag("chars-per-line", str, "Characters of each line, spaces and marks included.", "A..B", "", ""),
        Flag("acrostic", str, "A word that the first letters of the lines spell.", "WORD", "", ""),
        Flag("line-words", ITEMS, "Words in lines, such as 2=sea|ocean,-1=night; -1 is the last.", "LIST", (), ()),
    )
    count: int
    words: Range
    spelled: str = ""
    held: tuple[Held, ...] = ()
    form: str = field(default="", compare=False)

    @classmethod
    def check(cls, demands: Mapping[str, Any]) -> None:
        """Refuse sizes of lines without lines, and numbers out of bounds.

        Raises:
            RequestError: it names flag and value.
        """
        count = demands["lines"]
        if count is None and not demands["acrostic"]:
            given = next((name for name in ("words_per_line", "chars_per_line", "line_words") if demands[name]), None)
            if given:
                raise RequestError(f"--{given.replace('_', '-')} without lines; give --lines N, or --acrostic WORD")
        if count is not None:
            _within_bounds(count)
        if demands["acrostic"]:
            spelled = letters_given("acrostic", demands["acrostic"])
            if count is not None and count != len(spelled):
                raise RequestError(
                    f"--lines {count} with --acrostic {demands['acrostic']}, which has {len(spelled)}; leave --lines out"
                )
            _within_bounds(len(spelled))

    @classmethod
    def of_demands(cls, demands: Mapping[str, Any], setting: Setting) -> Sequence[Constraint]:
        """Return the lines; where their characters count, two more, for these are judged text by text.

        Raises:
            RequestError: lines are asked for in several places.
        """
        asked = [shape for constraint in setting.made if (shape := constraint.lines) is not None]
        if len(asked) + (demands["lines"] is not None or bool(demands["acrostic"])) > 1:
            raise RequestError("--lines: lines are asked for twice; write the number of lines, or the acrostic, once")
        if demands["lines"] is None and not demands["acrostic"]:
            return ()
        form, sized, words = setting.form, demands["chars_per_line"], demands["words_per_line"]
        words = words or ("1.." if sized else "")
        lines = (
            cls.of_acrostic(demands["acrostic"], words, form)
            if demands["acrostic"]
            else cls.of_count(demands["lines"], words, form)
        )
        lines = lines.holding(demands["line_words"], form)
        if not sized:
            return (lines,)
        each = Range.of("chars-per-line", sized, LONGEST_TEXT)
        between = 0 if form.name == "zh" else lines.count - 1
        most = None if each.high is None else min(LONGEST_TEXT, lines.count * each.high + between)
        whole = Range(lines.count * each.low + between, most)
        return lines, CharactersOfLines(lines.count, lines.words, lines.spelled, each, lines.held), Characters(whole)

    @classmethod
    def of_count(cls, count: int, words: str, form: TextForm) -> "Lines":
        """Return so many lines.

        Args:
            count: how many.
            words: of each line, a range; empty: as many as usual.
            form: of the texts.

        Raises:
            RequestError: a number is out of bounds.
        """
        return cls(_within_bounds(count), _words(words, form))

    @classmethod
    def of_acrostic(cls, word: str, words: str, form: TextForm) -> "Lines":
        """Return a line for each letter of a word; arguments and errors as those of `of_count`."""
        spelled = letters_given("acrostic", word)
        fewer = [each for least, each in USUAL_WORDS_OF_MANY.items() if len(spelled) >= least and form.name != "zh"]
        return cls(_within_bounds(len(spelled)), fewer[0] if fewer and not words else _words(words, form), spelled)

    def holding(self, items: Sequence[Sequence[str]], form: TextForm) -> "Lines":
        """Return the same lines, of which single ones hold words; arguments and errors as those of `read_item`."""
        return replace(self, held=tuple(read_item(item, self.count, form.name) for item in items), form=form.name)

    @classmethod
    def wording(cls, demands: Mapping[str, Any]) -> str:
        """Return the acrostic and the words of lines, or something that has no language where lines are asked for."""
        words = " ".join(text.partition("=")[2] or text for item in demands["line_words"] or () for text in item)
        is_asked = demands["lines"] is not None or demands["words_per_line"] or demands["chars_per_line"]
        return f"{demands['acrostic'] or ''} {words}".strip() or ("0" if is_asked else "")

    @classmethod
    def apart(cls, demands: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
        """Yield the one part, by all its flags."""
        given = {flag: demands[flag.key] for flag in cls.flags if demands[flag.key] != flag.free}
        if demands["lines"] is not None or demands["acrostic"]:
            name = ", ".join(f"{flag.name} {_written(value)}" for flag, value in given.items())
            yield name, {flag.key: value for flag, value in given.items()}, {flag.key: flag.free for flag in given}

    @property
    def lines(self) -> Shape:
        """The same for plain texts."""
        return Shape(self.count, self.words, self.spelled, None, self.held)

    def validate(self) -> None:
        """Refuse empty lines, and as many letters as there are no lines for."""
        self.words.within("words-per-line", MOST_WORDS)
        if self.spelled and len(self.spelled) != self.count:
            raise RequestError(f"{self.count} lines cannot spell {self.spelled!r}")

    def describe(self) -> str:
        """Number, size and acrostic."""
        spelled = f", acrostic {self.spelled}" if self.spelled else ""
        held = "".join(f", {item}" for item in self.held)
        return f"{self.count} lines of {self.words} words{spelled}{held}"

    def phrases(self) -> Sequence[Phrase]:
        """What the lines hold."""
        from searchgen.text import detect, text_form

        texts = [text for held in self.held for text in held.words]
        return [item_tokens(text, text_form(self.form or detect(text))) for text in texts]

    def demanded(self) -> tuple[str, ...]:
        """Its tokens."""
        return tuple(dict.fromkeys(token for phrase in self.phrases() for token in phrase))

    def hyphens(self) -> int:
        """Those of what the lines hold, of alternatives the most."""
        return sum(max(text.count("-") for text in held.words) for held in self.held)

    def word_range(self, form: TextForm) -> tuple[int, int | None] | None:
        """The words of all lines."""
        low, high = self.count * max(1, self.words.low), self.words.high
        if high is None:
            return None if low <= 1 else (low, None)
        return min(low, MOST_WORDS), min(MOST_WORDS, self.count * high)

    def characters(self, alphabet: Alphabet, form: str, limit: int) -> Automaton:
        """The state is the set of places, and whether a word is being read and its first letter is known."""
        if self.held:
            return holding_lines(self.lines, alphabet, form, limit)
        sets = sets_of(self)
        label = {letter: number for number, letter in enumerate(dict.fromkeys(self.spelled), 1)}
        sorts = [_sort(character, form, label) for character in alphabet]
        outside, begun, known = range(3)

        def after(state: int, word: int) -> int:
            return int(sets.next[state, sets.classes[word]])

        def step(state: tuple[int, int], sort: tuple[Sort, int | None]) -> tuple[int, int] | None:
            places, phase = state
            kind, word = sort
            if kind == Sort.MARK:
                return state
            if kind in (Sort.SPACE, Sort.ALONE) and phase == begun:
                places = after(places, OTHER)
            if kind == Sort.SPACE:
                phase = outside
            elif kind == Sort.ALONE:
                places, phase = after(places, word or OTHER), outside
            elif word is None:
                phase = phase or begun
            elif phase != known:
                places, phase = after(places, word), known
            return None if places == DEAD else (places, phase)

        def accepts(state: tuple[int, int]) -> bool:
            return bool(sets.accept[after(state[0], OTHER) if state[1] == begun else state[0]])

        numbered = {sort: number for number, sort in enumerate(dict.fromkeys(sorts))}
        named = list(numbered)
        return explored(
            [numbered[sort] for sort in sorts],
            (START, outside),
            lambda state, sort: step(state, named[sort]),
            accepts,
            limit,
        )

    def held_by(self, text: str, form: str) -> bool:
        """Whether the text has these lines, or can be divided so."""
        return self.lines.holds(text, form)


@dataclass(frozen=True)
class CharactersOfLines(Constraint):
    """Lines of so many characters each, at the same time as all else that is asked of the lines: judged text by text."""

    name: ClassVar[str] = "chars-per-line"
    black_box: ClassVar[bool] = True
    count: int
    words: Range
    spelled: str
    size: Range
    held: tuple[Held, ...] = ()

    @property
    def lines(self) -> Shape:
        """The same for plain texts."""
        return Shape(self.count, self.words, self.spelled, self.size, self.held)

    def describe(self) -> str:
        """The size."""
        return f"lines of {self.size} characters"

    def automaton(self, vocabulary: Vocabulary, limit: int = ENTRY_LIMIT) -> Automaton:
        """None of a usable size.

        Raises:
            TooLarge: always.
        """
        raise TooLarge(f"{self.describe()}: the divisions by characters are too many for an automaton")

    def held_by(self, text: str, form: str) -> bool:
        """Whether the text has these lines, or can be divided so."""
        return self.lines.holds(text, form)

    def parts(self, ids: Ids, vocabulary: Vocabulary) -> dict[str, bool]:
        """Whether the text can be divided so.

        Args:
            ids: a text.
            vocabulary: its tokens.

        Returns:
            One part.
        """
        return {self.describe(): self.held_by(vocabulary.form.detokenise(vocabulary.decode(ids)), vocabulary.form.name)}

    def violations(self, ids: Ids, vocabulary: Vocabulary) -> int:
        """How many characters are missing or too many, over all lines of the division that is nearest.

        Args:
            ids: a text.
            vocabulary: its tokens.

        Returns:
            0 iff the text can be divided so.
        """
        return self.violations_of([ids], vocabulary)[0]

    def violations_of(self, texts: Sequence[Ids], vocabulary: Vocabulary) -> list[int]:
        """The same of many texts; arguments as those of `Constraint.violations_of`."""
        from searchgen.constraints.lines.distance import distances

        form = vocabulary.form
        return distances(self.lines, [form.detokenise(vocabulary.decode(ids)) for ids in texts], form.name)


def _written(value: Any) -> str:
    return ",".join(map("|".join, value)) if isinstance(value, tuple) else str(value)


def _within_bounds(count: int) -> int:
    if not 1 <= count <= MOST_LINES:
        raise RequestError(f"--lines {brief(count)}: give 1 to {MOST_LINES}")
    return count


def _words(words: str, form: TextForm) -> Range:
    return Range.of("words-per-line", words, MOST_WORDS) if words else USUAL_WORDS[form.name]


def _sort(character: str, form: str, label: Mapping[str, int]) -> tuple[Sort, int | None]:
    """What a character is to words, and as which letter it begins one; None: it is no letter."""
    sort, read = sort_of(character, form), letters(character)[:1]
    return sort, None if sort in (Sort.SPACE, Sort.MARK) or not read else label.get(read, OTHER)


@lru_cache(maxsize=32)
def sets_of(lines: Lines) -> Automaton:
    """The automaton over words, each given by the letter it begins with: 0 for another one than those that are asked for.

    A set of places is a number with a bit for each line and number of words in it. Where the words of a line have no upper end, the last
    bit stands for so many and more.

    Raises:
        TooLarge: the sets are too many.
    """
    low, high = max(1, lines.words.low), lines.words.high
    width = high or low
    letter_of = [0] * lines.count
    label = {letter: number for number, letter in enumerate(dict.fromkeys(lines.spelled), 1)}
    if lines.spelled:
        letter_of = [label[letter] for letter in lines.spelled]
    labels = range(len(label) + 1)
    last = sum(1 << (line * width + width - 1) for line in range(lines.count))
    full = sum(((1 << width) - (1 << (low - 1))) << (line * width) for line in range(lines.count))
    begins = [
        sum(1 << (line * width) for line in range(lines.count) if not lines.spelled or letter_of[line] == word)
        for word in labels
    ]

    def ended(places: int) -> int:
        """A bit at the first place of each line that may begin now: those behind a line that is full."""
        bits = 0
        for line in range(lines.count - 1):
            if (places & full) >> (line * width) & ((1 << width) - 1):
                bits |= 1 << ((line + 1) * width)
        return bits

    number, queue = {-1: START}, [-1]  # -1: no word yet
    rows = [[DEAD] * len(labels)]
    for places in queue:
        stays = 0 if places < 0 else ((places & ~last) << 1) | (places & last if high is None else 0)
        opened = 1 if places < 0 else ended(places)
        row = []
        for word in labels:
            after = stays | (opened & begins[word])
            if after and after not in number:
                number[after] = len(number) + START
                queue.append(after)
            row.append(number[after] if after else DEAD)
        rows.append(row)
        if len(number) > MOST_SETS:
            raise TooLarge(f"{lines.describe()}: too many divisions to follow; give a narrower --words-per-line")
    final = full & (((1 << width) - 1) << ((lines.count - 1) * width))
    accept = [False, *(places > 0 and places & final != 0 for places in queue)]
    return minimise(trim(Automaton.of(np.arange(len(labels)), rows, accept)))
