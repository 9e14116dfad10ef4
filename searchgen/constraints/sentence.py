"""One whole sentence: a final mark at its end and nowhere else, quotes and brackets closed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from searchgen.automata import DEAD, ENTRY_LIMIT, START, Automaton, Ids, minimise
from searchgen.constraints.base import Constraint, Setting
from searchgen.constraints.flags import Flag
from searchgen.vocabulary import Vocabulary

__all__ = ["Sentence"]

WORD, FINAL, OTHER = 0, 1, 2  # token classes; then two for each pair of marks: opening, closing


@dataclass(frozen=True)
class Sentence(Constraint):
    """The text is one sentence, with a final mark at its end and nowhere else.

    It has a word, its last token is a final mark (`.` `?` `!` ...), no final mark stands inside, and quotes and
    brackets are closed before the end. At most one mark is open at a time: quotes inside brackets are not accepted.
    """

    name: ClassVar[str] = "sentence"
    flags: ClassVar[tuple[Flag, ...]] = (
        Flag("sentence", bool, "Require one sentence, with a final mark at its end only.", "", True, False),
    )
    repeated: ClassVar[bool] = True

    @classmethod
    def of_demands(cls, demands: Mapping[str, Any], setting: Setting) -> Sequence[Constraint]:
        """Return the constraint, if it is asked for and the model has a final mark."""
        if not demands["sentence"]:
            return ()
        marks = setting.form.final_tokens
        if any(setting.vocabulary.find(mark) >= 0 for mark in marks):
            return (cls(),)
        setting.notes.append(f"the model has no final mark ({' '.join(sorted(marks))}), so --sentence is ignored")
        return ()

    def describe(self) -> str:
        """Its name."""
        return "one sentence"

    def automaton(self, vocabulary: Vocabulary, limit: int = ENTRY_LIMIT) -> Automaton:
        """The texts that are one sentence.

        The state is which mark is open, and whether a word was read.

        Args:
            vocabulary: the tokens; its form knows final marks and brackets.
            limit: not needed: there are 2 states for each pair of marks, and four.

        Returns:
            A minimal automaton.
        """
        pairs = len(vocabulary.form.brackets)
        end = START + 2 * (pairs + 1)  # state of mark m (0: none) after words w: START + 2 m + w
        table = np.full((end + 1, OTHER + 1 + 2 * pairs), DEAD)
        for mark in range(pairs + 1):
            for worded in (0, 1):
                state = START + 2 * mark + worded
                table[state, WORD] = START + 2 * mark + 1
                table[state, OTHER] = state
                if mark:
                    table[state, OTHER + 2 * mark] = START + worded
        for worded in (0, 1):
            table[START + worded, OTHER + 1 :: 2] = START + worded + 2 * np.arange(1, pairs + 1)
        table[START + 1, FINAL] = end
        return minimise(Automaton.of(self._classes(vocabulary), table, np.arange(end + 1) == end))

    def _classes(self, vocabulary: Vocabulary) -> npt.NDArray[np.int64]:
        classes = np.where(vocabulary.is_word, WORD, OTHER)
        label = dict.fromkeys(vocabulary.form.final_tokens, FINAL)
        for place, pair in enumerate(vocabulary.form.brackets.items()):
            label |= {token: OTHER + 1 + 2 * place + side for side, token in enumerate(pair)}
        for mark, place in label.items():
            if (token := vocabulary.find(mark)) >= 0:
                classes[token] = place
        return classes

    def parts(self, ids: Ids, vocabulary: Vocabulary) -> dict[str, bool]:
        """What makes a sentence, one by one.

        Args:
            ids: a text.
            vocabulary: its tokens.

        Returns:
            Four parts.
        """
        tokens, final = vocabulary.decode(ids), vocabulary.form.final_tokens
        return {
            "sentence with a word": bool((self._classes(vocabulary)[np.asarray(ids, np.int64)] == WORD).any()),
            "sentence ends with a final mark": bool(tokens) and tokens[-1] in final,
            "sentence has no final mark inside": not any(token in final for token in tokens[:-1]),
            "sentence closes quotes and brackets": _closed(tokens, vocabulary.form.brackets),
        }


def _closed(tokens: list[str], pairs: Mapping[str, str]) -> bool:
    """Whether marks open and close in turn, one at a time."""
    expected = ""
    for token in tokens:
        if token == expected:
            expected = ""
        elif token in pairs and not expected:
            expected = pairs[token]
        elif token in pairs or token in pairs.values():
            return False
    return not expected
