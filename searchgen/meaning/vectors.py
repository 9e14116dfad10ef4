"""Vectors of words and sentences of one language, and how alike two texts are.

Word vectors are the leading eigenvectors of the matrix of positive pointwise mutual information within a window, of length 1. Frequent
words weigh less in a sentence: a / (a + p(word)). `pooling.py` has the vector of a sentence.

Sources:
    O. Levy and Y. Goldberg, "Neural word embedding as implicit matrix factorization" (2014), for the matrix.
    S. Arora, Y. Liang and T. Ma, "A simple but tough-to-beat baseline for sentence embeddings" (2017), for the weights.
    J. Su et al., "Whitening sentence representations for better semantics and faster retrieval", and J. Huang et al., "WhiteningBERT:
    an easy unsupervised sentence embedding approach" (2021), for centred and whitened vectors.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from searchgen.errors import ModelFileError, RequestError
from searchgen.meaning.pooling import SIGNS, cosine, pool, spell
from searchgen.meaning.reading import Reader, Words, reader_of

__all__ = ["LANGUAGES", "Vectors", "sequences_of", "vectors_of"]

#: The languages that have vectors.
LANGUAGES = ("en", "zh")

DATA = Path(__file__).parent / "data"

#: a of the weights a / (a + p).
RARE = 1e-3

#: Characters of a word that is spelled.
LONGEST = 60

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Vectors:
    """The vectors of one language.

    Attributes:
        language: `en` or `zh`.
        words: V words.
        count: (V,) of each in the training texts.
        total: words of these texts.
        stored: (V, D) int8, from -7 to 7.
        mean: (D,) float32 of the stored parts of lines.
        scales: what the stored and the spelled part of a line are multiplied by.
        sources: names of the texts.
    """

    language: str
    words: tuple[str, ...]
    count: npt.NDArray[np.int64]
    total: int
    stored: npt.NDArray[np.int8]
    mean: Floats
    scales: tuple[float, float]
    sources: tuple[str, ...] = ()

    @cached_property
    def reader(self) -> Reader:
        """Reads texts as numbers of the words."""
        return reader_of(self.language, self.words)

    @cached_property
    def weight(self) -> Floats:
        """(V,) of each word in a sentence."""
        return (RARE / (RARE + self.count / self.total)).astype(np.float32)

    @cached_property
    def spelled(self) -> npt.NDArray[np.int8]:
        """(V, SIGNS) what the words are spelled like."""
        return sequences_of(self.words, self.language)

    @cached_property
    def norms(self) -> tuple[Floats, Floats]:
        """(V,) lengths of the stored and of the spelled parts."""
        return _lengths(self.stored), _lengths(self.spelled)

    @cached_property
    def hash(self) -> str:
        """Of all parts, in hexadecimal digits."""
        arrays = (self.count, self.stored, self.mean, np.array([self.total, *self.scales]))
        whole = b"".join([self.language.encode(), "\n".join(self.words).encode(), *(one.tobytes() for one in arrays)])
        return hashlib.sha256(whole).hexdigest()

    def knows(self, text: str) -> bool:
        """Whether a word of a text has a vector."""
        return bool((self.reader.read([text]).number < len(self.words)).any())

    def sentences(self, texts: Sequence[str]) -> Floats:
        """Return the vectors of texts.

        Args:
            texts: n of them.

        Returns:
            (n, D + SIGNS), each of length 1; zeros for a text without words.

        Example:
            >>> found = vectors_of("en").sentences(["A dog runs.", "A dog ran.", "Prices rose."])
            >>> bool(found[0] @ found[1] > 0.4 > found[0] @ found[2])
            True
        """
        return self.pooled(self.reader.read(texts))

    def pooled(self, words: Words) -> Floats:
        """Return the vectors of texts that were read; only the rows of their words are touched."""
        unique, number = np.unique(words.number, return_inverse=True)
        known, n = unique[unique < len(self.words)], len(words.others)
        other = sequences_of(words.others, self.language) if n else self.spelled[:0]
        stored = np.concatenate([self.stored[known], np.zeros((n, self.stored.shape[1]), np.int8)])
        spelled = np.concatenate([self.spelled[known], other])
        weight = np.concatenate([self.weight[known], np.ones(n, np.float32)])
        norms = (
            np.concatenate([self.norms[0][known], np.zeros(n, np.float32)]),
            np.concatenate([self.norms[1][known], _lengths(other)]),
        )
        out = np.zeros((len(words.ends), stored.shape[1] + SIGNS), np.float32)
        places = number.ravel().astype(np.int32)
        pool(places, words.ends, stored, spelled, weight, *norms, self.mean, *self.scales, out)
        return out

    def similarity(self, text: str, other: str) -> float:
        """Return the cosine of the vectors of two texts, -1 to 1; 0 where one of them has no word.

        Example:
            >>> round(vectors_of("zh").similarity("我喜欢喝咖啡。", "我喜欢喝咖啡！"), 3)
            1.0
        """
        first, second = self.sentences([text, other])
        return float(cosine(first, second))

    @staticmethod
    def open(path: Path) -> "Vectors":
        """Read what `save` wrote.

        Raises:
            ModelFileError: the file is damaged.
        """
        try:
            with path.open("rb") as file, np.load(file) as written:
                packed = written["packed"]
                stored = np.stack([packed & 15, packed >> 4], axis=2).reshape(len(packed), -1).astype(np.int8) - 8
                language, words, sources = (str(written[name]) for name in ("language", "words", "sources"))
                return Vectors(
                    language,
                    tuple(words.split("\n")),
                    written["count"].astype(np.int64),
                    int(written["total"]),
                    np.ascontiguousarray(stored, np.int8),
                    written["mean"].astype(np.float32),
                    (float(written["scales"][0]), float(written["scales"][1])),
                    tuple(sources.split("\n")),
                )
        except Exception as error:  # NumPy and zipfile raise whatever damage leads them to
            raise ModelFileError(f"{path}: the file is damaged ({error}); install searchgen again") from None

    def save(self, path: Path, command: str) -> None:
        """Write the vectors, four bits a number, in NumPy's format."""
        raised = (self.stored + 8).astype(np.uint8)
        np.savez_compressed(
            path,
            language=np.array(self.language),
            words=np.array("\n".join(self.words)),
            count=self.count.astype(np.int32),
            total=np.array(self.total),
            packed=raised[:, ::2] | raised[:, 1::2] << 4,
            mean=self.mean,
            scales=np.array(self.scales),
            sources=np.array("\n".join(self.sources)),
            command=np.array(command),
        )


def sequences_of(words: Sequence[str], language: str) -> npt.NDArray[np.int8]:
    """Return the spelled part of words: English ones by sequences of 3 and 4 letters, edges included, Chinese ones by characters.

    Returns:
        (n, SIGNS).
    """
    edges = ("<", ">") if language == "en" else ("", "")
    written = [f"{edges[0]}{word[:LONGEST]}{edges[1]}" for word in words]
    codes = np.frombuffer("".join(written).encode("utf-32-le", "surrogatepass"), np.uint32)
    out = np.zeros((len(written), SIGNS), np.int8)
    sizes = (3, 4) if language == "en" else (1, 1)
    spell(codes, np.cumsum([len(word) for word in written], dtype=np.int64), *sizes, out)
    return out


def _lengths(rows: npt.NDArray[Any]) -> Floats:
    wide = rows.astype(np.float32)
    lengths: Floats = np.sqrt((wide * wide).sum(axis=1))
    return lengths


@cache
def vectors_of(language: str) -> Vectors:
    """Return the vectors that come with searchgen.

    Args:
        language: `en` or `zh`.

    Raises:
        RequestError: the language has none.
        ModelFileError: the file is damaged.
    """
    if language not in LANGUAGES:
        raise RequestError(
            f"there are no word vectors for {language!r}; texts can be compared in {' and '.join(LANGUAGES)}"
        )
    return Vectors.open(DATA / f"{language}.npz")
