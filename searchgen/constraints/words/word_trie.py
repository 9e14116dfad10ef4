"""Rows of listed words without spaces between them: which sequences of tokens they make.

The machine follows all ways to part a text at once. Its state is the set of the nodes of a trie at which some way stands; node 0, the root,
is the end of a word.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from searchgen.automata import DEAD, START, Table
from searchgen.constraints.base import Phrase
from searchgen.errors import TooLarge

__all__ = ["WordTrie"]

ROOT = 0
State = frozenset[int]


@dataclass(frozen=True)
class WordTrie:
    """Words as a trie of tokens.

    Attributes:
        children: of each node, by token.
        ends: whether a word ends at each node.
    """

    children: tuple[dict[str, int], ...]
    ends: tuple[bool, ...]

    @staticmethod
    def of(words: Iterable[Phrase]) -> "WordTrie":
        """The trie of some words."""
        children: list[dict[str, int]] = [{}]
        ends = [False]
        for word in sorted(words):
            node = ROOT
            for token in word:
                node = children[node].setdefault(token, len(children))
                if node == len(children):
                    children.append({})
                    ends.append(False)
            ends[node] = True
        return WordTrie(tuple(children), tuple(ends))

    def step(self, state: State, token: str) -> State:
        """The state after one more token, empty where no way goes on."""
        reached = {self.children[node][token] for node in state if token in self.children[node]}
        inner = {node for node in reached if self.children[node]}
        return frozenset(inner | ({ROOT} if any(self.ends[node] for node in reached) else set()))

    def parts(self, tokens: Sequence[str], is_word: Sequence[bool]) -> bool:
        """Whether a text is a row of words, with marks between them.

        Args:
            tokens: folded.
            is_word: whether each is one; others are marks.

        >>> trie = WordTrie.of([("a", "b"), ("a",)])
        >>> trie.parts("a,ab", [True, False, True, True]), trie.parts("a,b", [True, False, True])
        (True, False)
        """
        state: State = frozenset({ROOT})
        for token, word in zip(tokens, is_word, strict=True):
            state = self.step(state, token) if word else state & {ROOT}
        return ROOT in state

    def table(
        self, tokens: Sequence[str], is_word: npt.NDArray[np.bool_], limit: int
    ) -> tuple[npt.NDArray[np.int32], Table, npt.NDArray[np.bool_]]:
        """The machine as classes, next states and acceptance.

        Args:
            tokens: (V,) folded.
            is_word: (V,) whether each is a word.
            limit: the most entries of the table.

        Raises:
            TooLarge: the limit would be passed.
        """
        # Tokens that stand alone in words behave alike; class 0 is no word's, 1 are marks, 2 words of one token only.
        within = {token for node in self.children[1:] for token in node}
        within |= {token for token, node in self.children[ROOT].items() if self.children[node]}
        label = {token: place for place, token in enumerate(sorted(within), 3)}
        label |= {token: 2 for token in self.children[ROOT] if token not in within}
        classes = np.array([label.get(token, 0) for token in tokens], np.int32)
        classes[~is_word] = 1
        width = len(within) + 3
        number: dict[State, int] = {frozenset({ROOT}): START}
        queue = [frozenset({ROOT})]
        rows = [np.zeros(width, np.int32)]
        after_root = {token: self.step(frozenset({ROOT}), token) for token in self.children[ROOT]}
        base = np.zeros(width, np.int32)
        for state in queue:
            if (len(number) + 1) * width > limit:
                raise TooLarge(f"--only-words: the words need a table of more than {limit:,} entries; list fewer")
            if len(rows) == START:  # the root itself: where words begin anew is the same in every state that holds it
                for token, after in after_root.items():
                    base[label[token]] = _number(after, number, queue)
                base[1] = START
            row = base.copy() if ROOT in state else np.zeros(width, np.int32)
            for token in {token for node in state - {ROOT} for token in self.children[node]}:
                row[label[token]] = _number(self.step(state, token), number, queue)
            rows.append(row)
        accept = [False, *(ROOT in state for state in queue)]
        return classes, np.array(rows, np.int32), np.array(accept, np.bool_)


def _number(state: State, number: dict[State, int], queue: list[State]) -> int:
    """The number of a state, a new one for one not seen before."""
    if not state:
        return DEAD
    if state not in number:
        number[state] = len(number) + 1
        queue.append(state)
    return number[state]
