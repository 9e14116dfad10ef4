"""Phrases as automata: the Aho-Corasick machine over token classes (Aho and Corasick 1975)."""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from searchgen.automata import CLASS_LIMIT, ENTRY_LIMIT, Automaton, Table, trim
from searchgen.constraints.base import Phrase
from searchgen.errors import RequestError, TooLarge
from searchgen.vocabulary import Vocabulary

__all__ = ["OTHER", "label_words", "matcher", "over_tokens"]

OTHER = 0  # the class of all tokens that no phrase names


def label_words(
    words: Iterable[str] | Mapping[str, str], vocabulary: Vocabulary
) -> tuple[npt.NDArray[np.int16], dict[str, int]]:
    """A token class for each word; tokens that are equal when case is ignored share it.

    Args:
        words: tokens of phrases, folded; a mapping gives several words one symbol.
        vocabulary: the tokens to label.

    Returns:
        (V,) classes, 0 for every other token; and the class of each symbol.

    Raises:
        RequestError: more than 32,766 words.
    """
    symbols = words if isinstance(words, Mapping) else {word: word for word in words}
    label = {symbol: place for place, symbol in enumerate(dict.fromkeys(symbols.values()), OTHER + 1)}
    if len(label) >= CLASS_LIMIT:
        raise RequestError(f"the lists hold {len(label):,} different words; at most {CLASS_LIMIT - 1:,} are possible")
    classes = np.zeros(len(vocabulary), np.int16)
    for word, symbol in symbols.items():
        classes[vocabulary.matching(word)] = label[symbol]
    return classes, label


def over_tokens(automaton: Automaton, labels: npt.NDArray[np.int16]) -> Automaton:
    """An automaton that reads labels as one that reads tokens: products over few labels cost next to nothing.

    Args:
        automaton: over labels.
        labels: (V,) the label of each token.

    Returns:
        The trimmed automaton over tokens; labels without a token are dropped.
    """
    return trim(Automaton.of(automaton.classes[labels], automaton.next, automaton.accept))


def matcher(
    phrases: Sequence[Phrase], label: dict[str, int], limit: int = ENTRY_LIMIT
) -> tuple[Table, npt.NDArray[np.bool_]]:
    """The Aho-Corasick machine: its node after any tokens is the longest suffix that begins a phrase.

    Args:
        phrases: phrases of labelled words, none empty.
        label: the class of each word.
        limit: the most entries of the table.

    Returns:
        (N, K) next node, node 0 the beginning; (N,) whether some phrase has just ended.

    Raises:
        TooLarge: the table would pass the limit.

    >>> table, ended = matcher([("a", "b")], {"a": 1, "b": 2})
    >>> table.tolist(), ended.tolist()
    ([[0, 1, 0], [0, 1, 2], [0, 1, 0]], [False, False, True])
    """
    children: list[dict[int, int]] = [{}]
    end_nodes = []
    for phrase in phrases:
        node = 0
        for word in phrase:
            node = children[node].setdefault(label[word], len(children))
            if node == len(children):
                children.append({})
        end_nodes.append(node)
    if len(children) * (len(label) + 1) > limit:
        raise TooLarge(f"{len(phrases):,} phrases need a table of more than {limit:,} entries; list fewer")
    ended = np.zeros(len(children), np.bool_)
    ended[end_nodes] = True
    return _link(children, len(label) + 1, ended), ended


def _link(children: list[dict[int, int]], classes: int, ended: npt.NDArray[np.bool_]) -> Table:
    """Fill the rows breadth-first: a node behaves like its longest proper suffix, but for its own children."""
    table = np.zeros((len(children), classes), np.int32)
    suffix = [0] * len(children)
    queue = deque([0])
    while queue:
        node = queue.popleft()
        if node:
            table[node] = table[suffix[node]]
            ended[node] |= ended[suffix[node]]
        for word, child in children[node].items():
            suffix[child] = int(table[node, word])
            table[node, word] = child
            queue.append(child)
    return table
