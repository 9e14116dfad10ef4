"""The n-grams of one order in an ARPA file."""

import sys
from bisect import bisect
from collections.abc import Iterator
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from searchgen.lm.ngram.storage.lines import Lines, shown
from searchgen.lm.ngram.storage.listed import Listed
from searchgen.lm.ngram.storage.rows import NUMBER, Rows, UnreadableRow, rows_of

__all__ = ["Section", "is_unknown", "line_of"]

Array = npt.NDArray[Any]

SPECIAL = (b"<unk>", b"<s>", b"</s>")

#: What tools call the word that stands for all unknown ones, in small letters. Such a word is never printed.
UNKNOWN_NAMES = (b"<unk>", b"[unk]", b"<oov>", b"[oov]", b"!!unk")

#: Printed probabilities may exceed 1 by this much in log10, no more.
ROUNDING = 1e-4

#: A larger log10 back-off is that of no model, and the product of several could overflow.
LARGEST_BACKOFF = 30.0

#: Unigrams whose probabilities sum to less are no law to draw from.
LEAST_SUM = 1e-90


def is_unknown(word: bytes) -> bool:
    """Return whether a word stands for all unknown ones.

    Example:
        >>> is_unknown(b"[UNK]"), is_unknown(b"unk")
        (True, False)
    """
    return word.lower() in UNKNOWN_NAMES


class Section:
    """Reads the n-grams of one order; whatever is wrong is refused by line.

    Attributes:
        mark: the line before them.
        places: the first row of each run of lines, and its line.
    """

    def __init__(self, lines: Lines, order: int, declared: int, is_last: bool) -> None:
        """Begin before the first n-gram.

        Args:
            lines: the file.
            order: the length of the n-grams.
            declared: how many there must be.
            is_last: whether this is the highest order, whose back-offs have no effect.
        """
        self.lines, self.order, self.declared, self.is_last = lines, order, declared, is_last
        self.mark = b"\\%d-grams:" % order
        self.places: list[tuple[int, int]] = []

    def nothing(self) -> Listed:
        """Return no n-grams."""
        return Listed(np.zeros((0, self.order), np.int32), np.zeros(0), np.zeros(0))

    def ngrams(self, id_of: dict[bytes, int]) -> Listed:
        """Return n-grams of two and more words.

        Raises:
            ModelFileError: one is malformed, or there are more or fewer than declared.
        """
        parts = [self.nothing()]
        for line, rows in self._runs():
            try:
                ids = [list(map(id_of.__getitem__, column)) for column in rows.words]
            except KeyError:
                self._refuse_unlisted(line, rows, id_of)
            parts.append(Listed(np.array(ids, dtype=np.int32).T, *self._weights(line, rows)))
        return Listed(*(np.concatenate(column) for column in zip(*parts, strict=True)))

    def unigrams(self) -> tuple[list[str], dict[bytes, int], Listed]:
        """Return the vocabulary, the id of every word as it is written, and the unigrams in the order of the ids.

        Raises:
            ModelFileError: one is malformed or listed twice, there are more or fewer than declared, or no text can end.
        """
        row_of: dict[bytes, int] = {}
        parts: list[tuple[Array, Array]] = [(np.zeros(0), np.zeros(0))]
        for line, rows in self._runs():
            parts.append(self._weights(line, rows))
            first = len(row_of)
            for i, word in enumerate(rows.words[0]):
                if row_of.setdefault(word, first + i) != first + i:  # at once: a file may repeat a word a billion times
                    self.lines.fail(line + i, f"{shown(word)} stands among the 1-grams a second time")
        p, backoff = (np.concatenate(column) for column in zip(*parts, strict=True))
        return self._vocabulary(row_of, p, backoff)

    def _runs(self) -> Iterator[tuple[int, Rows]]:
        """Yield rows, each run with its first line."""
        count = 0
        for line, block in self.lines.tables():
            self.places.append((count, line))
            if count + len(block) > self.declared:
                reason = f"more than the {self.declared:,} {self.order}-grams follow that the header declares"
                self.lines.fail(line + self.declared - count, reason)
            try:
                rows = rows_of(block, self.order)
            except UnreadableRow as error:
                self.lines.fail(line + error.row, error.reason)
            yield line, rows
            count += len(block)
        if count != self.declared:
            reason = f"the {self.order}-grams end after {count:,}, but the header declares {self.declared:,}"
            self.lines.fail(self.lines.number + 1, reason)

    def _weights(self, line: int, rows: Rows) -> tuple[Array, Array]:
        """Return probabilities and back-offs."""
        log_p = self._reals(line, rows.log_p)
        above = np.flatnonzero(log_p > ROUNDING)
        if len(above):
            self.lines.fail(line + int(above[0]), f"log10 p is {log_p[above[0]]:g}, above 0")
        log_backoff = np.zeros(len(log_p)) if rows.log_backoff is None else self._reals(line, rows.log_backoff)
        large = np.flatnonzero(log_backoff > LARGEST_BACKOFF)
        if len(large):
            reason = f"log10 of the back-off is {log_backoff[large[0]]:g}; no model has one above {LARGEST_BACKOFF:g}"
            self.lines.fail(line + int(large[0]), reason)
        return 10.0 ** np.minimum(log_p, 0), np.ones(len(log_p)) if self.is_last else 10.0**log_backoff

    def _reals(self, line: int, fields: list[bytes]) -> Array:
        try:
            reals = np.array(list(map(float, fields)))
            is_plain = b"_" not in b"".join(fields)  # Python takes 1_000 for a number
        except ValueError:
            is_plain = False
        if not is_plain or not (reals < np.inf).all():
            for i, field in enumerate(fields):
                if not NUMBER.fullmatch(field):
                    self.lines.fail(line + i, f"{shown(field)} is not a number")
        return reals

    def _refuse_unlisted(self, line: int, rows: Rows, id_of: dict[bytes, int]) -> NoReturn:
        for i, words in enumerate(zip(*rows.words, strict=True)):
            for word in words:
                if word not in id_of:
                    self.lines.fail(line + i, f"{shown(word)} is not among the 1-grams")
        raise AssertionError

    def _vocabulary(
        self, row_of: dict[bytes, int], p: Array, backoff: Array
    ) -> tuple[list[str], dict[bytes, int], Listed]:
        end = self.lines.number + 1
        if b"</s>" not in row_of:
            self.lines.fail(end, "no </s> is among the 1-grams: this model cannot end a sentence")
        if p.sum() < LEAST_SUM:
            self.lines.fail(end, "every 1-gram has probability 0: no text can be drawn from this model")
        texts = {word: self._decoded(word, row) for word, row in row_of.items()}
        unknown = b"<unk>" if b"<unk>" in row_of else next(filter(is_unknown, row_of), b"<unk>")
        special = (unknown, *SPECIAL[1:])
        others = sorted(row_of.keys() - set(special), key=lambda word: (-p[row_of[word]], texts[word]))
        words = (*special, *others)
        order = np.array([row_of.get(word, -1) for word in words])
        listed = order >= 0  # a closed model has no <unk>: probability 0
        level = Listed(
            np.arange(len(order), dtype=np.int32)[:, None],
            np.where(listed, p[order], 0.0),
            np.where(listed, backoff[order], 1.0),
        )
        names = [word.decode() for word in SPECIAL] + [texts[word] for word in others]
        return names, {word: i for i, word in enumerate(words)}, level

    def _decoded(self, word: bytes, row: int) -> str:
        try:
            return word.decode()
        except UnicodeDecodeError:
            self.lines.fail(line_of(self.places, row), f"{shown(word)} is not UTF-8")


def line_of(places: list[tuple[int, int]], row: int) -> int:
    """Return the line of a row, by the first rows of runs and their lines.

    Example:
        >>> line_of([(0, 8), (3, 20)], 4)
        21
    """
    first, line = places[bisect(places, (row, sys.maxsize)) - 1]
    return line + row - first
