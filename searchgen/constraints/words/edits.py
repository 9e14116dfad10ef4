"""Texts within a few edits of a given one: words and marks inserted, deleted or replaced, each for one edit; case is ignored."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from searchgen.automata import ENTRY_LIMIT, Automaton, Ids, edit_automaton, minimise
from searchgen.constraints.base import Constraint, Counted, Phrase, Setting, folded, word_count
from searchgen.constraints.flags import PHRASES, Flag
from searchgen.constraints.length import MOST_WORDS
from searchgen.errors import RequestError
from searchgen.text import TextForm
from searchgen.text.edits.alignment import distance
from searchgen.text.items.reading import item_tokens, odd_words
from searchgen.text.items.units import Units
from searchgen.vocabulary import Vocabulary

__all__ = ["Edits", "held_spans", "source_tokens"]

#: The most edits that can be asked for, and the most characters of a source.
MOST_EDITS, LONGEST = 50, 20_000

#: An address of the web is one word; compiled when it is needed, for that takes a millisecond.
ADDRESS = r"[A-Za-z]{2,9}://[^\s\u2e80-\uffff]+"

#: The most entries of the automaton of edits: a few seconds of work.
MOST_ENTRIES = 1_000_000


@dataclass(frozen=True)
class Edits(Counted):
    """The text is the source after at most so many edits; held spans of the source are in it, untouched.

    Attributes:
        source: the tokens of the source.
        most: edits.
        held: spans of its tokens: the first, and the one after the last.
    """

    name: ClassVar[str] = "edits"
    flags: ClassVar[tuple[Flag, ...]] = (
        Flag("source", str, "A text to edit: results are within --max-edits of it.", "TEXT", "", ""),
        Flag("max-edits", int | None, "Most words and marks inserted, deleted or replaced.", "K"),
        Flag("protect", PHRASES, "Words and phrases of the source that stay untouched.", "LIST", (), ()),
    )
    source: Phrase
    most: int
    held: tuple[tuple[int, int], ...] = ()

    @classmethod
    def check(cls, demands: Mapping[str, Any]) -> None:
        """Refuse edits without a source or a bound.

        Raises:
            RequestError: in these cases, and where the source or the bound is beyond all measure.
        """
        source, most, cost = demands["source"], demands["max_edits"], demands["closeness"]
        needy = (
            ("--max-edits", most is not None),
            ("--protect", bool(demands["protect"])),
            ("--closeness", cost is not None),
        )
        for name, is_given in needy:
            if is_given and not source:
                raise RequestError(f"{name} without a text to edit; give --source TEXT, or use searchgen rewrite")
        if source and most is None:
            raise RequestError("--source without --max-edits; say how many words may change, such as --max-edits 2")
        if most is not None and not 0 <= most <= MOST_EDITS:
            raise RequestError(f"--max-edits {most}: give a number from 0 to {MOST_EDITS}")
        if len(source) > LONGEST:
            raise RequestError(f"--source has {len(source):,} characters, and {LONGEST:,} are possible; give sentences")

    @classmethod
    def of_demands(cls, demands: Mapping[str, Any], setting: Setting) -> Sequence[Constraint]:
        """Return the constraint, if there is a source.

        Raises:
            RequestError: the source has no word or too many, or lacks a protected phrase.
        """
        if not demands["source"]:
            return ()
        tokens = source_tokens(demands["source"], setting.form)
        return (cls(tokens, demands["max_edits"], held_spans(tokens, demands["protect"], setting.form)),)

    @classmethod
    def apart(cls, demands: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
        """Yield the one part."""
        if demands["source"]:
            only = {flag.key: demands[flag.key] for flag in cls.flags}
            yield "source", only, {"closeness": None, **{flag.key: flag.free for flag in cls.flags}}

    def validate(self) -> None:
        """Refuse what is no text, and no number of edits.

        Raises:
            RequestError: in these cases.
        """
        if not self.source:
            raise RequestError("--source has no word; give a text to edit")
        if self.most < 0:
            raise RequestError(f"--max-edits {self.most}: give a number from 0 to {MOST_EDITS}")
        if any(not 0 <= begin < end <= len(self.source) for begin, end in self.held):
            raise RequestError(f"protected places {self.held} are not in a text of {len(self.source)} words and marks")

    def describe(self) -> str:
        """The bound.

        >>> Edits(("the", "dog"), 1).describe(), Edits(("the", "dog"), 2, ((1, 2),)).describe()
        ('at most 1 edit', 'at most 2 edits, dog untouched')
        """
        kept = ", ".join(" ".join(self.source[begin:end]) for begin, end in self.held)
        return f"at most {self.most} edit{'s' * (self.most != 1)}{', ' * bool(kept)}{kept}{' untouched' * bool(kept)}"

    def automaton(self, vocabulary: Vocabulary, limit: int = ENTRY_LIMIT) -> Automaton:
        """The texts within the bound.

        Args:
            vocabulary: the tokens.
            limit: the most entries of a table.

        Returns:
            A minimal automaton.

        Raises:
            TooLarge: the limit would be passed.
        """
        source = folded(self.source, vocabulary)
        label = {token: number for number, token in enumerate(dict.fromkeys(source), 1)}
        classes = np.zeros(len(vocabulary), np.int16)
        for token, number in label.items():
            classes[vocabulary.matching(token)] = number
        held, joined = np.zeros(len(source), np.bool_), np.zeros(len(source) + 1, np.bool_)
        for begin, end in self.held:
            held[begin:end], joined[begin + 1 : end] = True, True
        row = [label[token] for token in source]
        table, accept = edit_automaton(row, held, joined, self.most, len(label) + 1, min(limit, MOST_ENTRIES))
        return minimise(Automaton.of(classes, table, accept))

    def violations(self, ids: Ids, vocabulary: Vocabulary) -> int:
        """How many edits there are beyond the bound; very many where a protected phrase is touched.

        Args:
            ids: a text.
            vocabulary: its tokens.

        Returns:
            0 iff the text is accepted.
        """
        text = folded(vocabulary.decode(ids), vocabulary)
        return max(0, distance(folded(self.source, vocabulary), text, self.held) - self.most)

    def phrases(self) -> Sequence[Phrase]:
        """The source, whose words with signs stay whole."""
        return [self.source]

    def demanded(self) -> tuple[str, ...]:
        """Its tokens."""
        return tuple(dict.fromkeys(self.source))

    def word_range(self, form: TextForm) -> tuple[int, int | None]:
        """The words of the source, fewer or more by the edits; an edit that puts a hyphen for a word, or back, counts for two."""
        words, each = word_count(self.source, form), 2 if form.name == "en" else 1
        return max(1, words - each * self.most), min(MOST_WORDS, words + each * self.most)

    def hyphens(self) -> int:
        """Those of the source."""
        return self.source.count("-")


def source_tokens(text: str, form: TextForm) -> Phrase:
    """Return the tokens of a text to edit, its words with signs whole.

    Args:
        text: as the user wrote it.
        form: of the texts.

    Raises:
        RequestError: it has no word, or more than 200.

    Example:
        >>> from searchgen.text import text_form
        >>> source_tokens("He wrote C++, too.", text_form("en"))
        ('He', 'wrote', 'C++', ',', 'too', '.')
    """
    addresses = [match[0].rstrip(".,;:!?)]”’\"'") for match in re.finditer(ADDRESS, text)]
    form = form.with_units(Units(tuple(dict.fromkeys([*addresses, *odd_words(re.sub(ADDRESS, " ", text), form)]))))
    tokens = tuple(form.tokenise(text))
    words = sum(map(form.is_word, tokens))
    if not words:
        raise RequestError(f"{text[:40]!r} has no word; give a text to edit")
    if words > MOST_WORDS:
        raise RequestError(
            f"the text has {words:,} words, and at most {MOST_WORDS} can be edited at once; give it sentence by sentence"
        )
    return tokens


def held_spans(tokens: Sequence[str], phrases: Sequence[str], form: TextForm) -> tuple[tuple[int, int], ...]:
    """Return where a text holds phrases.

    Args:
        tokens: of the text.
        phrases: as the user wrote them.
        form: of the texts.

    Raises:
        RequestError: the text lacks one.

    Example:
        >>> from searchgen.text import text_form
        >>> held_spans(("the", "old", "door", "."), ("old door",), text_form("en"))
        ((1, 3),)
    """
    text = [form.fold(token) for token in tokens]
    spans: set[tuple[int, int]] = set()
    for phrase in phrases:
        wanted = [form.fold(token) for token in item_tokens(phrase, form)]
        found = [place for place in range(len(text)) if wanted and text[place : place + len(wanted)] == wanted]
        if not found:
            raise RequestError(f"--protect {phrase!r} is not in the text; write it as it stands there, or drop it")
        spans.update((place, place + len(wanted)) for place in found)
    return tuple(sorted(spans))
