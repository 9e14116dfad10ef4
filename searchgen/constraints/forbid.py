"""Words, phrases and punctuation that must not occur."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from searchgen.automata import DEAD, ENTRY_LIMIT, START, Automaton, Ids, product, trim
from searchgen.constraints.base import Constraint, Phrase, Setting, folded, spell
from searchgen.constraints.flags import PHRASES, Flag
from searchgen.constraints.patterns import label_words, matcher
from searchgen.constraints.words.inflected import Inflected
from searchgen.errors import RequestError
from searchgen.text import TextForm
from searchgen.text.items.lists import parse_items, separator_hints
from searchgen.text.items.reading import item_tokens, narrow
from searchgen.vocabulary import Vocabulary

__all__ = ["Forbid"]


@dataclass(frozen=True)
class Forbid(Constraint):
    """No forbidden word or phrase occurs in the text.

    Case is ignored. A single word also bars tokens that contain it between non-letters: `dog` bars `dog's`. A phrase of several tokens
    bars exactly these tokens in a row; a punctuation mark bars itself.

    Attributes:
        items: the phrases, each a tuple of tokens.
        asked: the word of the user of whose forms each is one; empty: each is asked for itself.
    """

    #: Longer lists are one part of a text's verdict, and a set of words: each token is looked at once.
    LONG_LIST: ClassVar[int] = 2_000

    name: ClassVar[str] = "forbid"
    flags: ClassVar[tuple[Flag, ...]] = (
        Flag("forbid", PHRASES, "Words or phrases that must not occur.", "LIST", (), ()),
    )
    items: tuple[Phrase, ...]
    asked: tuple[str, ...] = ()

    @classmethod
    def of(cls, values: Sequence[str], form: TextForm) -> "Forbid":
        """Forbidden phrases from the values of a list flag; alternatives are entries like any other.

        Args:
            values: as `parse_items` reads them.
            form: splits phrases into tokens.

        Returns:
            The constraint.

        Raises:
            RequestError: nothing is listed, or a file cannot be read.
        """
        return cls(tuple(item_tokens(narrow(phrase), form) for item in parse_items(values) for phrase in item))

    @classmethod
    def of_demands(cls, demands: Mapping[str, Any], setting: Setting) -> Sequence[Constraint]:
        """Return the constraint, if anything is forbidden."""
        asked, inflected = demands["forbid"], Inflected.of(demands, setting.form)
        forms = [(form, text) for text in asked for form in (inflected.forms(text) if inflected else [text])]
        phrases = tuple(item_tokens(narrow(form), setting.form) for form, _ in forms)
        setting.notes += separator_hints(asked)
        return (cls(phrases, tuple(text for _, text in forms) if inflected else ()),) if phrases else ()

    @classmethod
    def apart(cls, demands: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
        """Yield each phrase; a long list is one part."""
        forms = Inflected.given(demands)
        if len(demands["forbid"]) > cls.LONG_LIST:
            yield f"without {len(demands['forbid']):,} words", {**forms, "forbid": demands["forbid"]}, {"forbid": ()}
            return
        for phrase in dict.fromkeys(demands["forbid"]):
            others = tuple(item for item in demands["forbid"] if item != phrase)
            yield f"without {phrase}", {**forms, "forbid": (phrase,)}, {"forbid": others}

    def written(self, demands: Mapping[str, Any]) -> dict[str, str]:
        """The phrases as the user wrote them."""
        if self._is_long:
            return {}
        pairs = zip(self.items, self.asked or demands["forbid"], strict=True)
        return {f"without {spell(phrase)}": f"without {' '.join(words.lower().split())}" for phrase, words in pairs}

    def validate(self) -> None:
        """Refuse an empty list and an empty phrase.

        Raises:
            RequestError: in these cases.
        """
        if not self.items or not all(self.items):
            raise RequestError("nothing to forbid; give at least one word")

    def phrases(self) -> Sequence[Phrase]:
        """What must not occur."""
        return self.items

    def describe(self) -> str:
        """The phrases as a list flag would take them.

        >>> Forbid((("dog",), ("hot", "dog"))).describe()
        'forbidden: dog, hot dog'
        """
        if self._is_long:
            return f"forbidden: {', '.join(map(spell, self.items[:3]))} and {len(self.items) - 3:,} more"
        return "forbidden: " + ", ".join(map(spell, self.items))

    @property
    def _is_long(self) -> bool:
        return len(self.items) > self.LONG_LIST

    @cached_property
    def _words(self) -> dict[str, Phrase]:
        """The forbidden single words, in small letters."""
        return {item[0].casefold(): item for item in self.items if len(item) == 1}

    def bars(self, phrase: Phrase, vocabulary: Vocabulary) -> bool:
        """Whether a phrase contains something forbidden.

        Args:
            phrase: tokens.
            vocabulary: gives the text form and the tokens that contain a word.

        Returns:
            True when no text with the phrase is allowed.
        """
        ids = [next(iter(vocabulary.matching(word)), -1) for word in phrase]
        return min(ids) >= 0 and self.violations(ids, vocabulary) > 0

    def automaton(self, vocabulary: Vocabulary, limit: int = ENTRY_LIMIT) -> Automaton:
        """The texts in which nothing forbidden occurs.

        Args:
            vocabulary: the tokens.
            limit: the most entries of a table.

        Returns:
            A trimmed automaton.

        Raises:
            RequestError: the limit would be passed.
        """
        classes = np.zeros(len(vocabulary), np.int16)
        if self._is_long:
            # Most tokens are plain letters, which contain themselves alone.
            written = enumerate(vocabulary.folded_tokens)
            barred = (
                word in self._words if word.isalpha() else any(self._within(at, vocabulary)) for at, word in written
            )
            classes[np.fromiter(barred, np.bool_, len(vocabulary))] = 1
        for item in self.items if not self._is_long else ():
            if len(item) == 1:
                classes[vocabulary.containing(item[0])] = 1
        words = Automaton.of(classes, [[0, 0], [1, 0]], [False, True])
        phrases = [folded(item, vocabulary) for item in self.items if len(item) > 1]
        if not phrases:
            return words
        labels, label = label_words((word for phrase in phrases for word in phrase), vocabulary)
        table, ended = matcher(phrases, label, limit)
        live = np.where(ended, DEAD, np.arange(START, START + len(ended)))
        rows = np.concatenate([np.zeros((1, table.shape[1]), np.int32), live[table]])
        accept = np.concatenate([[False], ~ended])
        return trim(product(words, Automaton.of(labels, rows, accept), limit=limit))

    def parts(self, ids: Ids, vocabulary: Vocabulary) -> dict[str, bool]:
        """Whether each phrase is absent.

        Args:
            ids: a text.
            vocabulary: its tokens.

        Returns:
            `without dog`: True, ... ; of a long list one part, and those that occur.
        """
        if self._is_long:
            present = {f"without {spell(item)}": False for item in self._occurring(ids, vocabulary)}
            return {f"without {len(self.items):,} words": not present, **present}
        return {f"without {spell(item)}": self._count(item, ids, vocabulary) == 0 for item in self.items}

    def violations(self, ids: Ids, vocabulary: Vocabulary) -> int:
        """How often something forbidden occurs.

        Args:
            ids: a text.
            vocabulary: its tokens.

        Returns:
            0 iff nothing does.
        """
        if self._is_long:
            return len(self._occurring(ids, vocabulary))
        return sum(self._count(item, ids, vocabulary) for item in dict.fromkeys(self.items))

    def _occurring(self, ids: Ids, vocabulary: Vocabulary) -> list[Phrase]:
        """What of a long list occurs."""
        words = [item for token in map(int, ids) for item in self._within(token, vocabulary)]
        phrases = (item for item in self.items if len(item) > 1)
        return [*dict.fromkeys(words), *(item for item in phrases if self._count(item, ids, vocabulary))]

    def _within(self, token: int, vocabulary: Vocabulary) -> Iterator[Phrase]:
        """The forbidden single words that a token contains."""
        written = vocabulary.form.fold(vocabulary[token])
        if written.isalpha():
            parts = [written]
        else:
            size = len(written)
            parts = [written[begin:end] for begin in range(size) for end in range(begin + 1, size + 1)]
        for part in dict.fromkeys(parts):
            if part in self._words and (part == written or vocabulary.contains(token, part)):
                yield self._words[part]

    def _count(self, item: Phrase, ids: Ids, vocabulary: Vocabulary) -> int:
        if len(item) == 1:
            return int(np.isin(np.asarray(ids, np.int64), vocabulary.containing(item[0])).sum())
        text, phrase = folded(vocabulary.decode(ids), vocabulary), folded(item, vocabulary)
        return sum(text[place : place + len(phrase)] == phrase for place in range(len(text)))
