"""An n-gram model over word classes: a second score of a text, about its grammar and not its words.

    log p(c) = sum over t of log p(c_t | c_1 ... c_(t-1)),        c_t the class of word w_t

A sequence of classes is seen far more often than one of words, so "he needs is an" is improbable even where no such words were ever
read together (P. F. Brown et al., "Class-based n-gram models of natural language", Computational Linguistics 18, 1992; without their
p(w | c), since the words have a model of their own).

The file is a model file whose tokens are classes; its metadata holds the class of every word of the word model, and that model's hash.
"""

import base64
import lzma
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from searchgen.errors import ModelFileError
from searchgen.lm.ngram.estimation.counts import count_ngrams
from searchgen.lm.ngram.estimation.kneser_ney import counted
from searchgen.lm.ngram.model import NGram
from searchgen.lm.ngram.scoring import score_tokens
from searchgen.lm.ngram.storage.open_file import open_model
from searchgen.lm.ngram.storage.packed import pack
from searchgen.lm.ngram.tables import NGramTables

__all__ = ["WordClasses", "open_classes", "pack_classes"]


@dataclass(frozen=True, eq=False)
class WordClasses:
    """A class model, ready to score texts.

    Attributes:
        tables: the n-gram model over classes.
        of_word: (V,) int32 class of each word of the word model.
    """

    tables: NGramTables
    of_word: npt.NDArray[np.int32]

    def score(self, words: npt.NDArray[np.int32], offsets: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """Return log p of the class of every word and of each text's end; arguments and layout as for `score_tokens`.

        Example:
            >>> over = NGram.from_sentences([["A", "B"], ["A", "B"]], order=2)
            >>> classes = WordClasses(over.tables, np.array([0, 1, 2, 3, 4, 4], np.int32))  # words 4 and 5 form a class
            >>> classes.score(np.array([3, 4, 3, 5], np.int32), np.array([0, 2, 4])).round(2).tolist()
            [-0.44, -0.44, -0.44, -0.44, -0.44, -0.44]
        """
        return score_tokens(self.tables, self.of_word[words], offsets)


def pack_classes(
    tokens: npt.NDArray[np.int32],
    of_word: npt.NDArray[np.int32],
    model: NGram,
    order: int,
    cut: tuple[int, ...],
    about: dict[str, Any],
) -> bytes:
    """Return the bytes of a class model's file.

    Args:
        tokens: ids of all sentences in a row, each from `<s>` to `</s>`.
        of_word: (V,) class of each word; `<unk>`, `<s>`, `</s>` are classes 0, 1, 2.
        model: the word model.
        order: length of the longest n-grams of classes.
        cut: as for a word model.
        about: anything worth keeping in the file.
    """
    members = [np.flatnonzero(of_word == c) for c in range(int(of_word.max()) + 1)]
    names = [model.vocabulary[words[0]] + ("+" if len(words) > 1 else "") for words in members]
    levels = count_ngrams(of_word[tokens], order, len(names))
    mapped = lzma.compress(of_word.astype("<u2").tobytes())
    metadata = {
        **about,
        "form": "raw",
        "words": len(names) - 3,
        "cut": list(cut),
        "of_model": model.hash,
        "of_word": base64.b64encode(mapped).decode(),
    }
    return pack(counted(levels, cut), names, metadata)


def open_classes(path: Path, model: NGram, notify: Callable[[str], None] | None = None) -> WordClasses:
    """Open the class model of a word model.

    Args:
        path: its file.
        model: the word model.
        notify: receives a line that the user should read.

    Raises:
        ModelFileError: the file is missing, damaged, no class model, or that of another word model.
    """
    over = open_model(path, notify=notify)
    if over.metadata.get("of_model") != model.hash:
        raise ModelFileError(
            f"{path}: these are not the word classes of the model {model.name}; build them again for it"
        )
    try:
        packed = lzma.LZMADecompressor().decompress(base64.b64decode(over.metadata["of_word"]), 2 * model.size + 1)
        of_word = np.frombuffer(packed, "<u2").astype(np.int32)
    except (KeyError, TypeError, ValueError, lzma.LZMAError):
        of_word = np.zeros(0, np.int32)
    if len(of_word) != model.size or of_word.max() >= over.size:
        raise ModelFileError(f"{path}: the file is damaged: its words have no classes; build them again")
    return WordClasses(over.tables, of_word)
