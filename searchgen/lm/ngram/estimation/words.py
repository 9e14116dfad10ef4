"""Which words a model knows, in which order, and sentences as their ids."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from searchgen.errors import RequestError
from searchgen.lm.ngram.tables import BEGIN, END

__all__ = ["SPECIAL", "WordIds", "encode_sentences", "select_vocabulary"]

Array = npt.NDArray[Any]

SPECIAL = ("<unk>", "<s>", "</s>")


class WordIds(dict[str, int]):
    """Gives every new word the next free id, beginning after `<unk>`, `<s>`, `</s>`."""

    def __init__(self) -> None:
        """Start with the three special words."""
        super().__init__((word, i) for i, word in enumerate(SPECIAL))

    def __missing__(self, word: str) -> int:
        """Give a new word its id."""
        number = self[word] = len(self)
        return number


def encode_sentences(
    sentences: Iterable[Sequence[str]], *, min_count: int = 1, limit: int | None = None
) -> tuple[Array, list[str]]:
    """Choose a vocabulary and write sentences as ids, each from `<s>` to `</s>`.

    Args:
        sentences: tokens of each sentence.
        min_count: words that occur less often become `<unk>`.
        limit: the most words to keep.

    Returns:
        int32 ids of all sentences in a row, and the vocabulary.

    Raises:
        RequestError: a sentence holds `<s>` or `</s>`.

    Example:
        >>> tokens, vocabulary = encode_sentences([["b", "a"], ["b"]])
        >>> tokens.tolist(), vocabulary[3:]
        ([1, 3, 4, 2, 1, 3, 2], ['b', 'a'])
    """
    ids = WordIds()
    flat: list[int] = []
    for sentence in sentences:
        tokens = [ids[word] for word in sentence]
        if BEGIN in tokens or END in tokens:
            raise RequestError(
                "a training sentence holds the word <s> or </s>, which marks the bounds of sentences; take it out"
            )
        flat += [BEGIN, *tokens, END]
    raw = np.array(flat, dtype=np.int32)
    renumbered, vocabulary = select_vocabulary(list(ids), np.bincount(raw, minlength=len(ids)), min_count, limit)
    return renumbered[raw], vocabulary


def select_vocabulary(
    words: list[str], counts: Array, min_count: int = 1, limit: int | None = None
) -> tuple[Array, list[str]]:
    """Order words by falling count, ties by code point, and drop the rare ones.

    Args:
        words: `<unk>`, `<s>`, `</s>` and the others in any order.
        counts: how often each occurs.
        min_count: words that occur less often are dropped.
        limit: the most words to keep.

    Returns:
        The new id of each word (0, `<unk>`, for dropped ones) and the vocabulary.

    Example:
        >>> renumbered, vocabulary = select_vocabulary([*SPECIAL, "a", "b"], np.array([0, 2, 2, 1, 3]), min_count=2)
        >>> renumbered.tolist(), vocabulary
        ([0, 1, 2, 0, 3], ['<unk>', '<s>', '</s>', 'b'])
    """
    often = [i for i in np.flatnonzero(counts >= min_count).tolist() if i >= len(SPECIAL)]
    often.sort(key=lambda i: (-counts[i], words[i]))
    chosen = [0, BEGIN, END, *often[:limit]]
    renumbered = np.zeros(len(words), dtype=np.int32)
    renumbered[chosen] = np.arange(len(chosen), dtype=np.int32)
    return renumbered, [words[i] for i in chosen]
