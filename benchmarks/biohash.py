"""Binary codes of words in the manner of BioHash, beside the shipped vectors at the same size.

    python -m benchmarks.biohash CORPORA en --words FILE [--words FILE ...]

Y. Liang et al., "Can a fruit fly learn word embeddings?" (2021). A hidden unit is a vector over context words and centre words. Of the
bag of words in a window the most active unit alone learns, towards the bag with each word divided by its frequency: spherical k-means.
A word's code has ones at its most active units. FILE has word pairs with a score: word, tab, word, tab, number.
"""

import argparse
from pathlib import Path
from typing import Any

import numba
import numpy as np
import numpy.typing as npt

from benchmarks.meaning import spearman, unit
from benchmarks.word_counts import Texts, read_texts
from benchmarks.word_vectors import LEAST, WINDOW, WORDS
from searchgen.meaning.vectors import vectors_of

__all__ = ["codes", "pairs_of", "trained"]

Array = npt.NDArray[Any]

#: Hidden units and ones of a code, bags that are seen, and the power of the frequency that words are divided by.
UNITS, ONES, BAGS, POWER = 400, 25, 1_000_000, 0.5

#: First and last rate of learning; words more frequent than this are centres less often.
RATE, LAST_RATE, FREQUENT = 0.05, 0.002, 1e-4


def trained(texts: Texts, bags: int = BAGS, units: int = UNITS, power: float = POWER) -> tuple[Array, Array]:
    """Return the weights of the hidden units, for words as centres and as contexts.

    Args:
        texts: numbered words.
        bags: windows that are seen.
        units: hidden ones.
        power: of the frequency.

    Returns:
        Two of (V, units).
    """
    words, draw = len(texts.words), np.random.default_rng(0)
    frequency = texts.count / texts.total
    kept = np.minimum(1.0, np.sqrt(FREQUENT / frequency) + FREQUENT / frequency)
    centres = draw.choice(np.flatnonzero(texts.number >= 0), 4 * bags)
    centres = centres[draw.random(len(centres)) < kept[texts.number[centres]]][:bags]
    lines = np.searchsorted(texts.ends, centres, side="right")
    share = (frequency**-power).astype(np.float32)
    share /= share.mean()
    weights = draw.standard_normal((2 * words, units)).astype(np.float32) * np.float32(0.1 / np.sqrt(2 * words))
    scale = np.ones(units, np.float32)
    first = draw.choice(len(centres), units)
    _learn(texts.number, texts.ends, lines[first], centres[first], WINDOW, weights, scale, share, words, 1.0, 1.0, True)
    _learn(texts.number, texts.ends, lines, centres, WINDOW, weights, scale, share, words, RATE, LAST_RATE, False)
    weights *= scale
    return weights[words:], weights[:words]


@numba.njit(fastmath=True)
def _learn(
    number: Array, ends: Array, lines: Array, centres: Array, window: int, weights: Array, scale: Array, share: Array,
    words: int, rate: float, last: float, begins: bool,
) -> None:  # fmt: skip
    """See bags one after the other; at the beginning each unit takes the bag of its number."""
    units = weights.shape[1]
    active, bag = np.zeros(units, np.float32), np.empty(2 * window + 1, np.int64)
    for turn in range(len(centres)):
        centre, line = centres[turn], lines[turn]
        bag[0], size, square = words + number[centre], 1, share[number[centre]] ** 2
        begin = max(ends[line - 1] if line > 0 else 0, centre - window)
        for at in range(begin, min(ends[line], centre + window + 1)):
            if at != centre and number[at] >= 0:
                bag[size] = number[at]
                size += 1
                square += share[number[at]] ** 2
        active[:] = 0
        for i in range(size):
            for k in range(units):
                active[k] += weights[bag[i], k]
        best = turn if begins else np.argmax(active * scale)
        length, inner = np.sqrt(square), np.float32(0)
        for i in range(size):
            inner += weights[bag[i], best] * share[bag[i] % words]
        step = rate + (last - rate) * turn / len(centres)
        scale[best] *= 1.0 if begins else 1.0 - step * inner * scale[best] / length
        for i in range(size):
            weights[bag[i], best] += np.float32(step * share[bag[i] % words] / length / scale[best])


def codes(weights: Array, ones: int = ONES) -> npt.NDArray[np.float32]:
    """Return the codes of words: ones at their most active units."""
    found = np.zeros(weights.shape, np.float32)
    np.put_along_axis(found, np.argpartition(-weights, ones, axis=1)[:, :ones], 1.0, axis=1)
    return found


def pairs_of(path: Path) -> list[tuple[str, str, float]]:
    """Return the pairs of words of a file, with their scores; lines without a number are left out."""
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        fields = line.lower().split("\t")
        numbers = [field for field in fields[2:] if field.replace(".", "", 1).isdigit()]
        if numbers and not line.startswith("#"):
            found.append((fields[0], fields[1], float(numbers[0])))
    return found


def main() -> None:
    """Train, and print Spearman's correlations."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.biohash", description=__doc__)
    parser.add_argument("corpora", type=Path)
    parser.add_argument("language", choices=("en", "zh"))
    parser.add_argument("--words", type=Path, action="append", required=True, metavar="FILE")
    parser.add_argument("--bags", type=int, default=BAGS)
    flags = parser.parse_args()
    texts = read_texts(flags.corpora, flags.language, WORDS[flags.language], LEAST)
    report(flags.language, texts, flags.words, flags.bags)


def report(language: str, texts: Texts, files: list[Path], bags: int) -> None:
    """Print the correlations of both kinds of vectors."""
    shipped = vectors_of(language)
    centre, context = trained(texts, bags)
    kinds = {
        "PPMI + SVD, 128 x 4 bits": (shipped.words, shipped.stored),
        f"BioHash, {UNITS} bits, centres": (texts.words, codes(centre)),
        f"BioHash, {UNITS} bits, contexts": (texts.words, codes(context)),
    }
    for name, (words, rows) in kinds.items():
        number_of = {word: place for place, word in enumerate(words)}
        for path in files:
            known = [(number_of[a], number_of[b], c) for a, b, c in pairs_of(path) if a in number_of and b in number_of]
            first, second, score = map(np.array, zip(*known, strict=True))
            cosine = (unit(rows[first]) * unit(rows[second])).sum(axis=1)
            print(f"{name:<28} {path.name:<16} {len(known):>4} pairs  {spearman(cosine, score):.3f}", flush=True)


if __name__ == "__main__":
    main()
