"""Words, phrases and punctuation that must not occur."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from searchgen.automata import DEAD, ENTRY_LIMIT, START, Automaton, Ids, product, trim
from searchgen.constraints.base import Constraint, Phrase, Setting, folded, spell
from searchgen.constraints.flags import PHRASES, Flag
from searchgen.constraints.patterns import label_words, matcher
from searchgen.errors import RequestError
from searchgen.text import TextForm
from searchgen.text.items import item_tokens
from searchgen.text.lists import parse_items, separator_hints
from searchgen.vocabulary import Vocabulary

__all__ = ["Forbid"]


@dataclass(frozen=True)
class Forbid(Constraint):
    """No forbidden word or phrase occurs in the text.

    Case is ignored. A single word also bars tokens that contain it between non-letters: `dog` bars `dog's`. A phrase of several tokens
    bars exactly these tokens in a row; a punctuation mark bars itself.

    Attributes:
        items: the phrases, each a tuple of tokens.
    """

    name: ClassVar[str] = "forbid"
    flags: ClassVar[tuple[Flag, ...]] = (
        Flag("forbid", PHRASES, "Words or phrases that must not occur.", "LIST", (), ()),
    )
    items: tuple[Phrase, ...]

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
        return cls(tuple(item_tokens(phrase, form) for item in parse_items(values) for phrase in item))

    @classmethod
    def of_demands(cls, demands: Mapping[str, Any], setting: Setting) -> Sequence[Constraint]:
        """Return the constraint, if anything is forbidden."""
        phrases = tuple(item_tokens(phrase, setting.form) for phrase in demands["forbid"])
        setting.notes += separator_hints(demands["forbid"])
        return (cls(phrases),) if phrases else ()

    @classmethod
    def apart(cls, demands: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
        """Yield each phrase."""
        for phrase in dict.fromkeys(demands["forbid"]):
            rest = tuple(other for other in demands["forbid"] if other != phrase)
            yield f"without {phrase}", {"forbid": (phrase,)}, {"forbid": rest}

    def written(self, demands: Mapping[str, Any]) -> dict[str, str]:
        """The phrases as the user wrote them."""
        pairs = zip(self.items, demands["forbid"], strict=True)
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
        return "forbidden: " + ", ".join(map(spell, self.items))

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
        for item in self.items:
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
            `without dog`: True, ...
        """
        return {f"without {spell(item)}": self._count(item, ids, vocabulary) == 0 for item in self.items}

    def violations(self, ids: Ids, vocabulary: Vocabulary) -> int:
        """How often something forbidden occurs.

        Args:
            ids: a text.
            vocabulary: its tokens.

        Returns:
            0 iff nothing does.
        """
        return sum(self._count(item, ids, vocabulary) for item in dict.fromkeys(self.items))

    def _count(self, item: Phrase, ids: Ids, vocabulary: Vocabulary) -> int:
        if len(item) == 1:
            return int(np.isin(np.asarray(ids, np.int64), vocabulary.containing(item[0])).sum())
        text, phrase = folded(vocabulary.decode(ids), vocabulary), folded(item, vocabulary)
        return sum(text[place : place + len(phrase)] == phrase for place in range(len(text)))
