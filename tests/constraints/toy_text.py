"""A small text form and the enumeration of all its short texts, for tests of constraints."""

from collections.abc import Callable, Sequence
from itertools import product as sequences

import numpy as np

from searchgen.automata import START, Automaton, anything
from searchgen.text.kinds import Kind, Kinds
from searchgen.vocabulary import Vocabulary

Text = tuple[str, ...]
Truth = Callable[[Text], bool]


class ToyForm:
    """Tokens are separated by spaces; nothing is canonical or not."""

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

    def canonical(self, vocabulary: Sequence[str], kinds: Kinds | None = None) -> Automaton:
        return anything(len(vocabulary))


FORM = ToyForm()


def vocabulary(tokens: str) -> Vocabulary:
    return Vocabulary(tokens.split(), FORM)  # type: ignore[arg-type]


def texts(tokens: str, longest: int) -> list[tuple[int, ...]]:
    return [ids for length in range(longest + 1) for ids in sequences(range(len(tokens.split())), repeat=length)]


def disagreements(automaton: Automaton, tokens: str, predicate: Truth, longest: int = 6) -> int:
    """How many sequences the automaton and the predicate judge differently."""
    words, table, classes = tokens.split(), automaton.next.tolist(), automaton.classes.tolist()
    reached = {(): START}
    wrong = 0
    for ids in texts(tokens, longest):
        if ids:
            reached[ids] = table[reached[ids[:-1]]][classes[ids[-1]]]
        wrong += bool(automaton.accept[reached[ids]]) != predicate(tuple(words[token] for token in ids))
    return wrong
