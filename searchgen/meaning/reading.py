"""Texts as rows of numbered words: what a language has vectors for, in its own manner of reading.

English words are runs of letters and digits with inner apostrophes, in small letters and without a possessive ending. Chinese words are
those of the most probable division. Marks are left out.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from searchgen.meaning.division import FIRST, LAST, divide, keys_of
from searchgen.text.lexicon.segmentation import chinese_words

__all__ = ["ChineseReader", "EnglishReader", "Reader", "Words", "reader_of"]

WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")

#: A run of ideographs, or of ASCII letters and digits.
PIECE = re.compile(rf"[{chr(FIRST)}-{chr(LAST)}]+|[0-9A-Za-z]+")


class Words(NamedTuple):
    """The words of several texts in a row.

    Attributes:
        number: (n,) int32 of each word; those that have no number of their own are numbered from V on.
        ends: (L,) int64 how many words there are up to the end of each text.
        others: the words that have no number of their own, in the order of theirs.
    """

    number: npt.NDArray[np.int32]
    ends: npt.NDArray[np.int64]
    others: tuple[str, ...]


class Reader(Protocol):
    """Reads texts of one language."""

    def read(self, texts: Sequence[str]) -> Words:
        """Return the words of texts, one line each."""
        ...


def english_words(text: str) -> list[str]:
    """Return the words of an English text, in small letters.

    Example:
        >>> english_words("The dog's tail -- isn’t it 3 inches?")
        ['the', 'dog', 'tail', "isn't", 'it', '3', 'inches']
    """
    return [word.removesuffix("'s") for word in WORD.findall(text.replace("’", "'").lower())]


@dataclass(frozen=True)
class EnglishReader:
    """Reads English.

    Attributes:
        number_of: the number of each word.
    """

    number_of: dict[str, int]

    def read(self, texts: Sequence[str]) -> Words:
        """Return the words of texts.

        Example:
            >>> EnglishReader({"dog": 0, "cat": 1}).read(["A dog.", "", "The cat's dog"])[1:]
            (array([2, 2, 5]), ('a', 'the'))
        """
        others: dict[str, int] = {}
        rows = [english_words(text) for text in texts]
        number = np.array([self._number(word, others) for row in rows for word in row], np.int32)
        return Words(number, np.cumsum([len(row) for row in rows], dtype=np.int64), tuple(others))

    def _number(self, word: str, others: dict[str, int]) -> int:
        found = self.number_of.get(word)
        return others.setdefault(word, len(self.number_of) + len(others)) if found is None else found


@dataclass(frozen=True, eq=False)
class ChineseReader:
    """Reads Chinese.

    Attributes:
        size: V, how many words have numbers of their own.
        keys: (W,) sorted keys of the words of any division.
        log_p: (W,) natural log p of each.
        number: (W,) int32 of those that have one, else -1.
    """

    size: int
    keys: npt.NDArray[np.uint64]
    log_p: npt.NDArray[np.float64]
    number: npt.NDArray[np.int32]

    @staticmethod
    def of(words: Sequence[str]) -> "ChineseReader":
        """Return the reader that numbers some words by their order."""
        known = chinese_words().log_p
        number_of = {word: i for i, word in enumerate(words)}
        every = list(known)
        keys = keys_of(every)
        order = np.argsort(keys, kind="stable")
        order = order[keys[order] > 0]
        log_p = np.array(list(known.values()), np.float64)[order]
        number = np.array([number_of.get(every[place], -1) for place in order.tolist()], np.int32)
        return ChineseReader(len(words), keys[order], log_p, number)

    def read(self, texts: Sequence[str]) -> Words:
        """Return the words of texts.

        Example:
            >>> words = ChineseReader.of(["我们", "公园"]).read(["我们去公园。", "iPhone"])
            >>> words.number.tolist(), words.ends.tolist(), words.others
            ([0, 2, 1, 3], [3, 4], ('去', 'iphone'))
        """
        whole = "".join(text.replace("\n", " ") + "\n" for text in texts)
        codes = np.frombuffer(whole.encode("utf-32-le", "surrogatepass"), np.uint32)
        n = len(codes)
        found, begins, ends = np.empty(n, np.int32), np.empty(n, np.int64), np.zeros(len(texts), np.int64)
        best, size = np.empty(n + 1), np.empty(n + 1, np.int8)
        count = divide(codes, self.keys, self.log_p, self.number, best, size, found, begins, ends)
        number, others = found[:count].copy(), dict[str, int]()
        for at in np.flatnonzero(number < 0).tolist():
            match = PIECE.match(whole, int(begins[at]))
            assert match is not None
            word = match[0].lower() if match[0].isascii() else whole[begins[at] : self._end(begins, at, count, match)]
            number[at] = others.setdefault(word, self.size + len(others))
        return Words(number, ends, tuple(others))

    @staticmethod
    def _end(begins: npt.NDArray[np.int64], at: int, count: int, run: re.Match[str]) -> int:
        """Where a Chinese word ends: where the next one of its run begins, or with the run."""
        return min(int(begins[at + 1]), run.end()) if at + 1 < count else run.end()


def reader_of(language: str, words: Sequence[str]) -> Reader:
    """Return the reader of a language, `en` or `zh`, that numbers some words by their order."""
    return ChineseReader.of(words) if language == "zh" else EnglishReader({word: i for i, word in enumerate(words)})
