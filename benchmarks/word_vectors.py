"""The word vectors that come with searchgen, from the texts that the n-gram model of the language was counted from.

    python -m benchmarks.word_vectors CORPORA en -o searchgen/meaning/data/en.npz

Positive pointwise mutual information of words within a window, contexts smoothed to the power of 3/4; its leading eigenvectors by a
randomised iteration, without the eigenvalues, each word of length 1; four bits a number. No file of a folder by-sa/ takes part.
"""

import argparse
from pathlib import Path
from typing import Any

import numba
import numpy as np
import numpy.typing as npt

from benchmarks.registers import MODELS
from benchmarks.word_counts import Pairs, Texts, lines_of, paired, read_texts
from searchgen.meaning.vectors import Vectors

__all__ = ["WORDS", "eigenvectors", "finished", "quantised"]

Array = npt.NDArray[Any]

#: Words of each language, how often one occurs at least, words on each side of one, and numbers a word.
WORDS, LEAST, WINDOW, DIMENSIONS = {"en": 40_000, "zh": 30_000}, 5, 5, 128

#: Of the pairs of words: a single one that is not adjacent is left out. Contexts are smoothed to this power.
LEAST_PAIR, SMOOTHING = 0.45, 0.75

#: Of the randomised iteration: rounds and numbers more than are kept.
ROUNDS, MORE = 2, 16

#: Every so many lines give the mean of sentences.
EVERY = 20


def eigenvectors(pairs: Pairs, dimensions: int) -> tuple[Array, Array]:
    """Return the eigenvectors of largest absolute eigenvalue, and these.

    N. Halko, P. G. Martinsson and J. A. Tropp, "Finding structure with randomness" (2011).

    Args:
        pairs: counts.
        dimensions: of the result.

    Returns:
        (V, dimensions) and (dimensions,).
    """
    words = len(pairs.start) - 1
    row = np.repeat(np.arange(words), np.diff(pairs.start))
    total = np.bincount(row, weights=pairs.times, minlength=words)
    context = total**SMOOTHING / (total**SMOOTHING).sum()
    value = np.log(pairs.times / (total[row] * context[pairs.column])).astype(np.float32)
    kept = (value > 0) & (pairs.times > LEAST_PAIR)
    start = np.searchsorted(row[kept], np.arange(words + 1))
    column, value = pairs.column[kept], value[kept]
    basis = np.random.default_rng(1).standard_normal((words, dimensions + MORE)).astype(np.float32)
    image = np.empty_like(basis)
    for _ in range(ROUNDS + 1):
        _multiply(start, column, value, basis, image)
        basis = np.ascontiguousarray(np.linalg.qr(image)[0].astype(np.float32))
    _multiply(start, column, value, basis, image)
    small = basis.T @ image
    eigenvalues, turned = np.linalg.eigh((small + small.T) / 2)
    order = np.argsort(-np.abs(eigenvalues))[:dimensions]
    return basis @ turned[:, order], eigenvalues[order]


@numba.njit
def _multiply(start: Array, column: Array, value: Array, dense: Array, out: Array) -> None:
    """Multiply a sparse and a dense matrix."""
    for i in range(len(start) - 1):
        out[i, :] = 0
        for j in range(start[i], start[i + 1]):
            for k in range(dense.shape[1]):
                out[i, k] += value[j] * dense[column[j], k]


def quantised(vectors: Array) -> npt.NDArray[np.int8]:
    """Return vectors in whole numbers from -7 to 7, each word with its own step: three standard deviations are 7."""
    step = 3 / 7 * np.sqrt((vectors**2).mean(axis=1, keepdims=True))
    return np.clip(np.round(vectors / np.maximum(step, 1e-12)), -7, 7).astype(np.int8)


def finished(language: str, texts: Texts, stored: npt.NDArray[np.int8], lines: list[str]) -> Vectors:
    """Return the vectors with the mean and the scales of some lines.

    Args:
        language: of the texts.
        texts: the words and their counts.
        stored: (V, D) word vectors.
        lines: of any texts.
    """
    sources = tuple(f"{language}/{name}" for register in MODELS[language].values() for name in register.files)
    zero = np.zeros(stored.shape[1], np.float32)
    parts = []
    for scales in ((1.0, 0.0), (0.0, 1.0)):
        bare = Vectors(language, tuple(texts.words), texts.count.astype(np.int64), texts.total, stored, zero, scales)
        parts.append(_means(bare, lines, stored.shape[1], first=scales[0] > 0))
    mean = parts[0].mean(axis=0).astype(np.float32)
    spread = [float(np.sqrt((part**2).sum(axis=1).mean())) for part in (parts[0] - mean, parts[1])]
    scales = (float(np.sqrt(0.5)) / spread[0], float(np.sqrt(0.5)) / spread[1])
    return Vectors(language, bare.words, bare.count, bare.total, stored, mean, scales, sources)


def _means(vectors: Vectors, lines: list[str], dimensions: int, first: bool) -> Array:
    """Return the weighted mean of the stored or of the spelled parts of each line."""
    words = vectors.reader.read(lines)
    part, norm = (vectors.stored, vectors.norms[0]) if first else (vectors.spelled, vectors.norms[1])
    rows = np.repeat(np.arange(len(lines)), np.diff(words.ends, prepend=0))
    kept = words.number < len(vectors.words)
    rows, number = rows[kept], words.number[kept]
    weight = vectors.weight[number]
    sums = np.zeros((len(lines), part.shape[1]))
    np.add.at(sums, rows, part[number] * (weight / norm[number])[:, None])
    total = np.bincount(rows, weights=weight, minlength=len(lines))
    return sums[total > 0] / total[total > 0, None]


def main() -> None:
    """Count, factorise, write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.word_vectors", description=__doc__)
    parser.add_argument("corpora", type=Path, help="the folder of the texts, as for benchmarks.registers")
    parser.add_argument("language", choices=tuple(MODELS))
    parser.add_argument("-o", "--output", required=True, type=Path, metavar="FILE")
    flags = parser.parse_args()
    texts = read_texts(flags.corpora, flags.language, WORDS[flags.language], LEAST)
    print(f"{len(texts.words):,} words, {texts.total:,} in {len(texts.ends):,} lines", flush=True)
    vectors, _ = eigenvectors(paired(texts, WINDOW), DIMENSIONS)
    lines = [line for group in lines_of(flags.corpora, flags.language) for line in group[::EVERY]]
    made = finished(flags.language, texts, quantised(vectors), lines)
    made.save(flags.output, f"python -m benchmarks.word_vectors corpora {flags.language} -o {flags.output.name}")
    print(f"{flags.output}: {flags.output.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
