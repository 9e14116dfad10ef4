"""A small text form, for tests of constraints."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from searchgen.automata import Automaton, anything
from searchgen.text.kinds import Kind, Kinds
from searchgen.vocabulary import Vocabulary


class ToyForm:
    """Tokens are separated by spaces; nothing is canonical or not."""

    name = "toy"
    final_tokens = frozenset(".!")
    brackets = {"(": ")", "<": ">"}  # noqa: RUF012

    def tokenise_as_printed(self, text: str) -> list[str]:
        return text.split()

    def fold(self, text: str) -> str:
        return text.casefold()

    def is_word(self, token: str) -> bool:
        return any(map(str.isalnum, token))

    def kinds(self, vocabulary: Sequence[str]) -> Kinds:
        return np.array([Kind.WORD if self.is_word(token) else Kind.COMMA for token in vocabulary], np.int8)

    def detokenise(self, tokens: Sequence[str]) -> str:
        return " ".join(tokens)

    def joins(self, tokens: Sequence[str]) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
        return np.zeros(len(tokens), np.bool_), np.zeros(len(tokens), np.bool_)

    def firsts(self, words: Sequence[str]) -> list[str]:
        return list(words)

    def canonical(self, vocabulary: Sequence[str], kinds: Kinds | None = None) -> Automaton:
        return anything(len(vocabulary))


FORM = ToyForm()


def vocabulary(tokens: str) -> Vocabulary:
    return Vocabulary(tokens.split(), FORM)  # type: ignore[arg-type]
