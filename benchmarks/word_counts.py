"""What stands beside what: the words of the training texts, counted in pairs within a window. For `benchmarks.word_vectors`."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numba
import numpy as np
import numpy.typing as npt

from benchmarks.registers import MODELS, files
from searchgen.lm.ngram.estimation.reading import text_files
from searchgen.meaning.reading import english_words, reader_of
from searchgen.text.lexicon.segmentation import chinese_words

__all__ = ["Pairs", "Texts", "paired", "read_texts"]

Array = npt.NDArray[Any]

#: Lines that are read together.
TOGETHER = 20_000

#: Slots of the table of pairs at first, and the share of them that may be full.
FEWEST_SLOTS, FULL = 1 << 22, 0.6


class Texts(NamedTuple):
    """The training texts as words.

    Attributes:
        words: V words, the most frequent first.
        count: (V,) of each.
        number: (n,) int32 of all words in a row, -1 for rarer ones.
        ends: (L,) int64 how many words there are up to the end of each line.
        total: all words, rarer ones too.
    """

    words: list[str]
    count: Array
    number: Array
    ends: Array
    total: int


def lines_of(corpora: Path, language: str) -> Iterator[list[str]]:
    """Yield the lines of the files that the n-gram model of a language was counted from, many together, each line once."""
    seen: set[int] = set()
    group: list[str] = []
    for register in MODELS[language].values():
        for path in text_files(files(corpora, language, register)):
            for line in path.read_text(encoding="utf-8").splitlines():
                mark = hash(line)
                if line and mark not in seen:
                    seen.add(mark)
                    group.append(line)
                if len(group) == TOGETHER:
                    yield group
                    group = []
    yield group


def read_texts(corpora: Path, language: str, most: int, least: int) -> Texts:
    """Return the texts as numbers of the most frequent words.

    Args:
        corpora: the folder of the texts.
        language: en or zh.
        most: words at most.
        least: how often a word occurs at least.
    """
    counts: Counter[str] = Counter()
    if language == "en":
        for group in lines_of(corpora, language):
            for line in group:
                counts.update(english_words(line))
    else:
        every = list(chinese_words().log_p)
        reader = reader_of(language, every)
        found = np.zeros(len(every), np.int64)
        for group in lines_of(corpora, language):
            number = reader.read(group).number
            found += np.bincount(number[number < len(every)], minlength=len(every))
        counts.update({word: int(count) for word, count in zip(every, found, strict=True) if count})
    kept = sorted((word for word in counts if counts[word] >= least), key=lambda word: (-counts[word], word))[:most]
    reader = reader_of(language, kept)
    parts = [reader.read(group) for group in lines_of(corpora, language)]
    sizes = np.concatenate([np.diff(part.ends, prepend=0) for part in parts])
    number = np.concatenate([part.number for part in parts])
    number[number >= len(kept)] = -1
    count = np.array([counts[word] for word in kept], np.float64)
    return Texts(kept, count, number, np.cumsum(sizes), sum(counts.values()))


class Pairs(NamedTuple):
    """A sparse symmetric matrix of counts: (V + 1,) starts of rows, columns, counts."""

    start: Array
    column: Array
    times: Array


def paired(texts: Texts, window: int) -> Pairs:
    """Return how often words stand at most `window` words apart on a line, nearer pairs counting more: 1 / distance.

    Args:
        texts: as read.
        window: words on each side.
    """
    keys, times = np.zeros(FEWEST_SLOTS, np.int64) - 1, np.zeros(FEWEST_SLOTS, np.float32)
    used, begin = 0, 0
    for first in range(0, len(texts.ends), TOGETHER):
        ends = texts.ends[first : first + TOGETHER]
        while used + window * (int(ends[-1]) - begin) > FULL * len(keys):
            keys, times = _grown(keys, times)
        used += _count(texts.number, begin, ends, window, len(texts.words), keys, times)
        begin = int(ends[-1])
    kept = keys >= 0
    keys, times = keys[kept], times[kept]
    order = np.argsort(keys)
    keys, times = keys[order], times[order]
    rows, column = keys // len(texts.words), keys % len(texts.words)
    both = rows != column
    rows, column, times = (
        np.concatenate([rows, column[both]]),
        np.concatenate([column, rows[both]]),
        np.concatenate([times, times[both]]),
    )
    order = np.lexsort((column, rows))
    start = np.searchsorted(rows[order], np.arange(len(texts.words) + 1))
    return Pairs(start, column[order].astype(np.int32), times[order])


@numba.njit
def _count(number: Array, begin: int, ends: Array, window: int, words: int, keys: Array, times: Array) -> int:
    """Add the pairs of some lines to a table of open addresses, and return how many new ones there are."""
    mask, new = len(keys) - 1, 0
    for end in ends:
        for i in range(begin, end):
            if number[i] < 0:
                continue
            for j in range(i + 1, min(end, i + window + 1)):
                if number[j] < 0:
                    continue
                low, high = min(number[i], number[j]), max(number[i], number[j])
                key = np.int64(low) * words + high
                slot = ((np.uint64(key) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(20)) & np.uint64(mask)
                while keys[slot] != key and keys[slot] >= 0:
                    slot = (slot + np.uint64(1)) & np.uint64(mask)
                if keys[slot] < 0:
                    keys[slot] = key
                    new += 1
                times[slot] += np.float32(1.0 / (j - i))
        begin = end
    return new


@numba.njit
def _moved(keys: Array, times: Array, new_keys: Array, new_times: Array) -> None:
    mask = len(new_keys) - 1
    for at in range(len(keys)):
        if keys[at] >= 0:
            slot = ((np.uint64(keys[at]) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(20)) & np.uint64(mask)
            while new_keys[slot] >= 0:
                slot = (slot + np.uint64(1)) & np.uint64(mask)
            new_keys[slot] = keys[at]
            new_times[slot] = times[at]


def _grown(keys: Array, times: Array) -> tuple[Array, Array]:
    """Return a table of twice the size with the same pairs."""
    new_keys, new_times = np.zeros(2 * len(keys), np.int64) - 1, np.zeros(2 * len(keys), np.float32)
    _moved(keys, times, new_keys, new_times)
    return new_keys, new_times
