"""Similarity of sentences: graded edits and paraphrases, raw against whitened vectors by dimensions, and a million lines.

    python -m benchmarks.meaning shipped en [--pairs FILE]              # the vectors that come with searchgen
    python -m benchmarks.meaning dimensions en CORPORA [--pairs FILE]   # vectors made anew, of 32 to 256 numbers
    python -m benchmarks.meaning speed en CORPORA [--lines 1000000]

Graded edits: lines of corpora/, which no vector has seen, each beside itself after 0, 1, 2, 3, 4 and 6 edits, and beside another line. An
edit deletes a word, puts one of another line in its place, or inserts one. FILE is a CSV with two sentences and a score in a row, such as
the test set of the STS benchmark. Numbers are Spearman's rank correlations.
"""

import argparse
import csv
import itertools
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from benchmarks.common import machine
from searchgen.meaning.nearest import nearest
from searchgen.meaning.overlap import overlap
from searchgen.meaning.vectors import Vectors, vectors_of
from searchgen.text import text_form

__all__ = ["Pairs", "graded", "scored", "spearman", "unit"]

Array = npt.NDArray[Any]

CORPORA = Path(__file__).parent.parent / "corpora"

#: Edits of a line, the grade of another line, and lines that are edited.
EDITS, OTHER, LINES = (0, 1, 2, 3, 4, 6), 20, 300


class Pairs(NamedTuple):
    """Pairs of sentences with scores, the higher the more alike."""

    first: list[str]
    second: list[str]
    score: Array


def spearman(one: Array, other: Array) -> float:
    """Return Spearman's rank correlation, equal values sharing their mean rank.

    Example:
        >>> round(spearman(np.array([1, 2, 2, 9]), np.array([0, 1, 1, 5])), 6)
        1.0
    """
    return float(np.corrcoef(_ranks(one), _ranks(other))[0, 1])


def _ranks(values: Array) -> Array:
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(count)
    return (ends - (count - 1) / 2)[place]


def unit(rows: Array) -> Array:
    """Return rows of length 1."""
    wide = np.asarray(rows, np.float64)
    return wide / np.maximum(np.linalg.norm(wide, axis=-1, keepdims=True), 1e-12)


def graded(language: str) -> Pairs:
    """Return lines with edited ones."""
    form, draw = text_form(language), random.Random(23)
    lines = (CORPORA / f"everyday-{language}.txt").read_text(encoding="utf-8").splitlines()
    first, second, score = [], [], []
    for line in draw.sample(lines, LINES):
        for edits in EDITS:
            tokens = form.tokenise(line)
            for _ in range(edits):
                place, kind = draw.randrange(len(tokens)), draw.choice("dri")
                new = [draw.choice(form.tokenise(draw.choice(lines)))]
                tokens[place : place + (kind != "i")] = [] if kind == "d" and len(tokens) > 1 else new
            first.append(line)
            second.append(form.detokenise(tokens))
            score.append(-edits)
        first.append(line)
        second.append(draw.choice(lines))
        score.append(-OTHER)
    return Pairs(first, second, np.array(score))


def scored(path: Path) -> Pairs:
    """Return the pairs of a CSV file."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.reader(file) if len(row) == 3]
    return Pairs([row[0] for row in rows], [row[1] for row in rows], np.array([float(row[2]) for row in rows]))


def sets(language: str, path: Path | None) -> dict[str, Pairs]:
    """Return the sets of pairs."""
    found = {"graded edits": graded(language)}
    return found if path is None else found | {path.name: scored(path)}


def overlaps(language: str, pairs: Pairs) -> Array:
    """Return the share of words in common of each pair; of characters in Chinese."""
    form = text_form(language)

    def words(text: str) -> list[str]:
        return [form.fold(token) for token in form.tokenise(text) if form.is_word(token)]

    return np.array([overlap(words(a), words(b)) for a, b in zip(pairs.first, pairs.second, strict=True)])


def _shipped(language: str, path: Path | None) -> None:
    vectors = vectors_of(language)
    size = vectors.stored.shape[1]
    for name, pairs in sets(language, path).items():
        a, b = vectors.sentences(pairs.first), vectors.sentences(pairs.second)
        part = {
            "both parts": (a, b),
            "stored part": (a[:, :size], b[:, :size]),
            "spelled part": (a[:, size:], b[:, size:]),
        }
        found = {kind: (unit(one) * unit(other)).sum(axis=1) for kind, (one, other) in part.items()}
        found["word overlap"] = overlaps(language, pairs)
        for kind, values in found.items():
            print(f"{name:<16} {kind:<14} {spearman(values, pairs.score):.3f}")
        if name == "graded edits":
            for grade in sorted(set(pairs.score.tolist()), reverse=True):
                here = found["both parts"][pairs.score == grade]
                shown = "another line" if grade == -OTHER else f"{-grade:.0f} edits"
                print(
                    f"  {shown}: median {np.median(here):.2f}, 5 % to 95 % {np.quantile(here, 0.05):.2f} to {np.quantile(here, 0.95):.2f}"
                )


def _dimensions(language: str, corpora: Path, path: Path | None) -> None:
    from benchmarks.word_counts import lines_of, paired, read_texts
    from benchmarks.word_vectors import EVERY, LEAST, WINDOW, WORDS, eigenvectors

    texts = read_texts(corpora, language, WORDS[language], LEAST)
    vectors, values = eigenvectors(paired(texts, WINDOW), 256)
    lines = [line for group in lines_of(corpora, language) for line in group[::EVERY]]
    compared(vectors_of(language), vectors, values, lines, sets(language, path))


def compared(shipped: Vectors, vectors: Array, values: Array, lines: list[str], pairs: dict[str, Pairs]) -> None:
    """Print the correlations of raw, centred and whitened sentence vectors by dimensions, without the spelled part."""

    def pooled(rows: Array) -> Callable[[list[str]], Array]:
        def vectors_of_lines(texts: list[str]) -> Array:
            words = shipped.reader.read(texts)
            owner = np.repeat(np.arange(len(texts)), np.diff(words.ends, prepend=0))
            known = words.number < len(rows)
            weight = shipped.weight[words.number[known]]
            sums = np.zeros((len(texts), rows.shape[1]))
            np.add.at(sums, owner[known], rows[words.number[known]] * weight[:, None])
            total = np.bincount(owner[known], weights=weight, minlength=len(texts))
            return sums / np.maximum(total, 1e-12)[:, None]

        return vectors_of_lines

    for size in (32, 64, 128, 256):
        for kind, rows in (
            ("scaled by sqrt(eigenvalue)", vectors[:, :size] * np.sqrt(np.abs(values[:size]))),
            ("length 1", unit(vectors[:, :size])),
        ):
            of = pooled(rows)
            fitted = of(lines)
            mean = fitted.mean(axis=0)
            spread, turned = np.linalg.eigh(np.cov((fitted - mean).T))
            whitening = turned / np.sqrt(spread + 1e-12)
            ways: dict[str, Callable[[Array], Array]] = {
                "raw": lambda x: x,
                "centred": lambda x, m=mean: x - m,
                "whitened": lambda x, m=mean, w=whitening: (x - m) @ w,
            }
            for name, (first, second, score) in pairs.items():
                a, b = of(first), of(second)
                shown = ", ".join(
                    f"{way} {spearman((unit(f(a)) * unit(f(b))).sum(axis=1), score):.3f}" for way, f in ways.items()
                )
                print(f"{size:>4} {kind:<27} {name:<16} {shown}", flush=True)


def _lines(corpora: Path, language: str, count: int) -> Iterator[str]:
    from benchmarks.word_counts import lines_of

    whole = [line for group in lines_of(corpora, language) for line in group if len(line) < 200]
    return itertools.islice(itertools.cycle(whole), count)


def _speed(language: str, corpora: Path, count: int) -> None:
    vectors, text = vectors_of(language), {"en": "I would like a cup of coffee.", "zh": "我想喝一杯咖啡。"}[language]
    lines = list(_lines(corpora, language, count))
    nearest(vectors, text, lines[:1000], 5)
    begun = time.process_time()
    found = nearest(vectors, text, lines, 5)
    whole = time.process_time() - begun
    rows, wanted = vectors.sentences(lines[:200_000]), vectors.sentences([text])[0]
    begun = time.process_time()
    rows @ wanted
    products = (time.process_time() - begun) * count / len(rows)
    print(f"{count:,} lines: {whole:.1f} s of one core, {products:.2f} s of it inner products")
    for near in found:
        print(f"  {near.similarity:.3f} {near.line}")


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.meaning", description=__doc__)
    parser.add_argument("table", choices=("shipped", "dimensions", "speed"))
    parser.add_argument("language", choices=("en", "zh"))
    parser.add_argument("corpora", type=Path, nargs="?")
    parser.add_argument("--pairs", type=Path, metavar="FILE")
    parser.add_argument("--lines", type=int, default=1_000_000)
    flags = parser.parse_args()
    if flags.table != "shipped" and flags.corpora is None:
        parser.error("name the folder of the texts")
    print(", ".join(map(str, machine().values())))
    if flags.table == "shipped":
        _shipped(flags.language, flags.pairs)
    elif flags.table == "dimensions":
        _dimensions(flags.language, flags.corpora, flags.pairs)
    else:
        _speed(flags.language, flags.corpora, flags.lines)


if __name__ == "__main__":
    main()
