"""Sentence vectors from word vectors: compiled loops over many lines.

A word has a stored part, which says what it stands beside, and a spelled part, a sum of pseudo-random signs for each of its
letter sequences. A line is the weighted mean of both, the stored one less the mean of all lines:

    z = ( sqrt(1/2) (x - m) / s,  sqrt(1/2) r / t ),   x = sum w v / sum w,   r = sum w u / sum w
"""

from typing import Any

import numpy as np

from searchgen.kernels.compiled import inner, kernel

__all__ = ["SIGNS", "cosine", "pool", "spell"]

#: Numbers of the spelled part.
SIGNS = 256

#: FNV-1a and splitmix64.
OFFSET, PRIME = 0xCBF29CE484222325, 0x100000001B3
GOLDEN, FIRST_MIX, SECOND_MIX = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB


@kernel
def spell(codes: Any, ends: Any, shortest: int, longest: int, out: Any) -> None:
    """Add up the signs of the sequences of each word.

    Args:
        codes: (n,) uint32 code points of all words in a row.
        ends: (V,) int64 how many there are up to the end of each word.
        shortest: characters of a sequence, at least.
        longest: at most.
        out: (V, SIGNS) int8 zeros, receives the sums.
    """
    begin = 0
    for word in range(len(ends)):
        for first in range(begin, ends[word]):
            mark = np.uint64(OFFSET)
            for at in range(first, min(first + longest, ends[word])):
                mark = (mark ^ np.uint64(codes[at])) * np.uint64(PRIME)
                if at - first + 1 >= shortest:
                    _add_signs(mark, word, out)
        begin = ends[word]


@inner
def _add_signs(mark: Any, word: int, out: Any) -> None:
    """Add the pseudo-random signs of a sequence to those of a word."""
    for block in range(SIGNS // 64):
        bits = mark + np.uint64(GOLDEN) * np.uint64(block + 1)
        bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(FIRST_MIX)
        bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(SECOND_MIX)
        bits = bits ^ (bits >> np.uint64(31))
        for place in range(64):
            out[word, 64 * block + place] += 1 if (bits >> np.uint64(place)) & np.uint64(1) else -1


@kernel
def pool(
    number: Any, ends: Any, stored: Any, spelled: Any, weight: Any, stored_norm: Any, spelled_norm: Any, mean: Any,
    stored_scale: float, spelled_scale: float, out: Any,
) -> None:  # fmt: skip
    """Find the vector of each line, of length 1; zeros for one without words.

    Args:
        number: (n,) int32 of all words.
        ends: (L,) int64 how many there are up to the end of each line.
        stored: (V, D) int8.
        spelled: (V, SIGNS) int8.
        weight: (V,) float32 of each word.
        stored_norm: (V,) float32 lengths of the rows, 0: the word has none.
        spelled_norm: (V,) float32 the same.
        mean: (D,) float32 of the stored parts of lines.
        stored_scale: what the stored part is multiplied by.
        spelled_scale: what the spelled part is multiplied by.
        out: (L, D + SIGNS) float32 zeros, receives the vectors.
    """
    dimensions = stored.shape[1]
    begin = 0
    for line in range(len(ends)):
        total, known = np.float32(0.0), np.float32(0.0)
        for at in range(begin, ends[line]):
            word = number[at]
            total += weight[word]
            if stored_norm[word] > 0:
                known += weight[word]
                factor = weight[word] / stored_norm[word]
                for i in range(dimensions):
                    out[line, i] += factor * stored[word, i]
            if spelled_norm[word] > 0:
                factor = weight[word] / spelled_norm[word]
                for i in range(SIGNS):
                    out[line, dimensions + i] += factor * spelled[word, i]
        begin = ends[line]
        if total > 0:
            _scale(out[line], dimensions, mean, known, total, stored_scale, spelled_scale)


@inner
def _scale(
    row: Any, dimensions: int, mean: Any, known: Any, total: Any, stored_scale: float, spelled_scale: float
) -> None:
    """Divide the sums of a line by its weights, and the whole by its length."""
    square = np.float32(0.0)
    for i in range(len(row)):
        if i < dimensions:
            row[i] = np.float32((row[i] / known - mean[i]) * stored_scale) if known > 0 else np.float32(0.0)
        else:
            row[i] = np.float32(row[i] / total * spelled_scale)
        square += row[i] * row[i]
    length = np.sqrt(square)
    for i in range(len(row)):
        row[i] = row[i] / length if length > 0 else row[i]


@kernel
def cosine(one: Any, other: Any) -> float:
    """Return the inner product of two vectors of length 1, (N,) float32 each.

    Products of NumPy differ in their last digits from processor to processor; whether a text keeps a bound must not.
    """
    total = 0.0
    for i in range(len(one)):
        total += one[i] * other[i]
    # Lengths are 1 to the last digit but one.
    return min(1.0, max(-1.0, total))
