"""How many sentences a text has: a final mark ends each, the last one included."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from searchgen.automata import DEAD, ENTRY_LIMIT, START, Automaton, Ids, minimise
from searchgen.constraints.base import Counted
from searchgen.constraints.flags import Flag
from searchgen.constraints.length import MOST_WORDS
from searchgen.constraints.printed.ranges import Range
from searchgen.text import TextForm
from searchgen.vocabulary import Vocabulary

__all__ = ["Sentences"]

OTHER, WORD, FINAL = range(3)


@dataclass(frozen=True)
class Sentences(Counted):
    """The text consists of so many sentences; a word stands in each, and a final mark ends it.

    >>> from searchgen.text import text_form
    >>> Sentences.of("2..3", text_form("en")).describe()
    'sentences 2..3'
    """

    name: ClassVar[str] = "sentences"
    flags: ClassVar[tuple[Flag, ...]] = (
        Flag("sentences", str, "Sentences of the text, each with its final mark.", "A..B", "", ""),
    )
    size: Range

    @classmethod
    def of(cls, value: str, form: TextForm) -> Self:
        """Return the constraint that a range asks for."""
        del form
        return cls(Range.of(cls.name, value, MOST_WORDS))

    @classmethod
    def wording(cls, demands: Mapping[str, Any]) -> str:
        """Return nothing that has a language, but something where there is a range."""
        return "0" if demands["sentences"] else ""

    def validate(self) -> None:
        """Refuse a range that is none."""
        self.size.within(self.name, MOST_WORDS)

    def describe(self) -> str:
        """The range."""
        return f"{self.name} {self.size}"

    def automaton(self, vocabulary: Vocabulary, limit: int = ENTRY_LIMIT) -> Automaton:
        """The texts of so many sentences.

        The state is how many have ended, and whether a word was read since.

        Args:
            vocabulary: the tokens; its form knows the final marks.
            limit: not needed: there are two states a sentence.

        Returns:
            A minimal automaton.
        """
        cap = self.size.cap
        table = np.full((2 * cap + 3, 3), DEAD)
        for ended in range(cap + 1):
            between, inside = START + 2 * ended, START + 2 * ended + 1
            more = min(cap, ended + 1)
            table[between] = between, inside, between
            table[inside] = inside, inside, START + 2 * more
            if self.size.high is not None and ended + 1 > self.size.high:
                table[between, WORD] = DEAD
        accept = [False, *(state % 2 == 0 and state // 2 in self.size for state in range(2 * cap + 2))]
        return minimise(Automaton.of(self._classes(vocabulary), table, accept))

    def violations(self, ids: Ids, vocabulary: Vocabulary) -> int:
        """How many sentences are missing or too many, and one more where the last has no final mark.

        Args:
            ids: a text.
            vocabulary: its tokens.

        Returns:
            0 iff the text has so many sentences.
        """
        ended, inside = 0, False
        for label in self._classes(vocabulary)[np.asarray(ids, np.int64)].tolist():
            ended += inside and label == FINAL
            inside = label == WORD or (inside and label != FINAL)
        return self.size.distance(ended) + int(inside)

    def _classes(self, vocabulary: Vocabulary) -> npt.NDArray[np.int64]:
        classes = np.where(vocabulary.is_word, WORD, OTHER)
        classes[[place for mark in vocabulary.form.final_tokens if (place := vocabulary.find(mark)) >= 0]] = FINAL
        return classes
