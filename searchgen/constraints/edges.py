"""How a text begins and how it ends."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from searchgen.automata import DEAD, ENTRY_LIMIT, START, Automaton, Ids, minimise
from searchgen.constraints.base import Constraint, Phrase, Setting, folded, spell
from searchgen.constraints.flags import Flag
from searchgen.constraints.length import default_window
from searchgen.constraints.patterns import label_words, matcher, over_tokens
from searchgen.errors import RequestError
from searchgen.text import TextForm
from searchgen.text.items.reading import Place, item_tokens
from searchgen.vocabulary import Vocabulary

__all__ = ["EndsWith", "StartsWith"]


@dataclass(frozen=True)
class _Edge(Constraint):
    """What both edges share: a phrase of tokens, case ignored."""

    verb: ClassVar[str]
    place: ClassVar[Place]
    phrase: Phrase

    @classmethod
    def of(cls, text: str, form: TextForm) -> Self:
        """The constraint from a flag's value.

        Args:
            text: the first or last words of the texts wanted.
            form: splits it into tokens.

        Returns:
            The constraint.

        Raises:
            RequestError: the text is empty.
        """
        return cls(item_tokens(text, form, cls.place))

    @classmethod
    def of_demands(cls, demands: Mapping[str, Any], setting: Setting) -> Sequence[Constraint]:
        """Return the constraint, if the flag has a value."""
        text, form = demands[cls.flags[0].key], setting.form
        if not text:
            return ()
        edge = cls.of(text, form)
        words = sum(map(form.is_word, edge.phrase))
        shortest, _ = default_window(form.name, demands["min_words"], demands["max_words"], words)
        if cls.begins and demands["sentence"] and edge.phrase[-1] in form.final_tokens and words < shortest:
            # The sentence goes on after the mark.
            return (cls(item_tokens(text, form, cls.place._replace(inner=True))),)
        return (edge,)

    @classmethod
    def apart(cls, demands: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
        """Yield the one part."""
        key = cls.flags[0].key
        if demands[key]:
            yield f"{cls.verb} with {demands[key]}", {key: demands[key]}, {key: ""}

    def least_words(self, form: TextForm) -> int:
        """The tokens of the phrase."""
        return len(self.phrase)

    def hyphens(self) -> int:
        """Those of the phrase."""
        return self.phrase.count("-")

    def written(self, demands: Mapping[str, Any]) -> dict[str, str]:
        """The phrase as the user wrote it."""
        return {self.describe(): f"{self.verb} with {' '.join(demands[self.flags[0].key].lower().split())}"}

    def validate(self) -> None:
        """Refuse an empty phrase.

        Raises:
            RequestError: in this case.
        """
        if not self.phrase:
            raise RequestError(f"an empty {self.name}; give at least one word")

    def phrases(self) -> Sequence[Phrase]:
        """The one phrase."""
        return (self.phrase,)

    def demanded(self) -> tuple[str, ...]:
        """The tokens of the phrase."""
        return self.phrase

    def describe(self) -> str:
        """The phrase.

        >>> StartsWith(("once", "upon")).describe(), EndsWith(("the", "park")).describe()
        ('starts with once upon', 'ends with the park')
        """
        return f"{self.verb} with {spell(self.phrase)}"

    def parts(self, ids: Ids, vocabulary: Vocabulary) -> dict[str, bool]:
        """Whether the text has this edge.

        Args:
            ids: a text.
            vocabulary: its tokens.

        Returns:
            One part.
        """
        return {self.describe(): self.violations(ids, vocabulary) == 0}


@dataclass(frozen=True)
class StartsWith(_Edge):
    """The text starts with the given words."""

    name: ClassVar[str] = "starts-with"
    flags: ClassVar[tuple[Flag, ...]] = (Flag("starts-with", str, "The first words of the text.", "TEXT", "", ""),)
    verb: ClassVar[str] = "starts"
    begins: ClassVar[bool] = True
    place: ClassVar[Place] = Place(first=True)

    def automaton(self, vocabulary: Vocabulary, limit: int = ENTRY_LIMIT) -> Automaton:
        """The texts that begin with the phrase.

        Args:
            vocabulary: the tokens, those of the phrase included.
            limit: not needed: the table has one row a token.

        Returns:
            A trimmed automaton.
        """
        phrase = folded(self.phrase, vocabulary)
        labels, label = label_words(phrase, vocabulary)
        table = np.full((len(phrase) + 2, len(label) + 1), DEAD)
        for place, word in enumerate(phrase, START):
            table[place, label[word]] = place + 1
        table[-1] = len(phrase) + 1
        return over_tokens(Automaton.of(np.arange(len(label) + 1), table, np.arange(len(table)) > len(phrase)), labels)

    def violations(self, ids: Ids, vocabulary: Vocabulary) -> int:
        """How many of the first tokens are others than the phrase's.

        Args:
            ids: a text.
            vocabulary: its tokens.

        Returns:
            0 iff the text begins with the phrase.
        """
        return _mismatches(folded(self.phrase, vocabulary), folded(vocabulary.decode(ids), vocabulary))

    def places(self, ids: Ids, vocabulary: Vocabulary) -> Sequence[tuple[str, int, int]]:
        """Where the phrase stands: at the beginning, if it does.

        Args:
            ids: a text.
            vocabulary: its tokens.

        Returns:
            One place, or none.
        """
        return [(self.describe(), 0, len(self.phrase))] if self.violations(ids, vocabulary) == 0 else []


@dataclass(frozen=True)
class EndsWith(_Edge):
    """The text ends with the given words, before its final mark.

    Unless the phrase itself ends with a final mark, any final and closing marks may follow it: `the park` accepts
    `... the park.` and `... “the park”.`
    """

    name: ClassVar[str] = "ends-with"
    flags: ClassVar[tuple[Flag, ...]] = (
        Flag("ends-with", str, "The last words of the text, before its final mark.", "TEXT", "", ""),
    )
    verb: ClassVar[str] = "ends"
    place: ClassVar[Place] = Place(last=True)

    def automaton(self, vocabulary: Vocabulary, limit: int = ENTRY_LIMIT) -> Automaton:
        """The texts that end with the phrase.

        The state is the longest suffix that begins the phrase, and whether only marks were read since the last one.

        Args:
            vocabulary: the tokens, those of the phrase included.
            limit: the most entries of the table.

        Returns:
            A minimal automaton.

        Raises:
            RequestError: the phrase is too long for the limit.
        """
        phrase, marks = folded(self.phrase, vocabulary), self._marks(vocabulary)
        labels, label = label_words((*phrase, *marks), vocabulary)
        table, ended = matcher([phrase], label, limit // 2)
        mark = np.zeros(len(label) + 1, np.bool_)
        mark[[label[token] for token in marks]] = True
        size = len(table)
        rows = [np.where(ended[table] | (since & mark), table + size, table) + START for since in (False, True)]
        accept = np.arange(2 * size + 1) > size
        states = np.concatenate([np.full((1, len(mark)), DEAD), *rows])
        return over_tokens(minimise(Automaton.of(np.arange(len(mark)), states, accept)), labels)

    def violations(self, ids: Ids, vocabulary: Vocabulary) -> int:
        """How many of the last tokens are others than the phrase's, marks after it aside.

        Args:
            ids: a text.
            vocabulary: its tokens.

        Returns:
            0 iff the text ends with the phrase.
        """
        phrase, marks = folded(self.phrase, vocabulary)[::-1], self._marks(vocabulary)
        text = folded(vocabulary.decode(ids), vocabulary)[::-1]
        tail = next((place for place, token in enumerate(text) if token not in marks), len(text))
        return min(_mismatches(phrase, text[skipped:]) for skipped in range(tail + 1))

    def places(self, ids: Ids, vocabulary: Vocabulary) -> Sequence[tuple[str, int, int]]:
        """Where the phrase stands: at the end, marks after it aside.

        Args:
            ids: a text.
            vocabulary: its tokens.

        Returns:
            One place, or none.
        """
        phrase, text = folded(self.phrase, vocabulary), folded(vocabulary.decode(ids), vocabulary)
        if self.violations(ids, vocabulary):
            return []
        first = max(at for at in range(len(text)) if text[at : at + len(phrase)] == phrase)
        return [(self.describe(), first, first + len(phrase))]

    def _marks(self, vocabulary: Vocabulary) -> Phrase:
        """The marks that may follow the phrase."""
        form = vocabulary.form
        if self.phrase[-1] in form.final_tokens:
            return ()
        return folded([*form.final_tokens, *form.brackets.values()], vocabulary)


def _mismatches(phrase: Phrase, text: Phrase) -> int:
    return len(phrase) - sum(wanted == token for wanted, token in zip(phrase, text, strict=False))
