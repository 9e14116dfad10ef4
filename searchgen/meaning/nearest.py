"""The lines of a file that are most like a text, by comparing it with all of them.

A line is read and pooled once, which takes longer than all comparisons with it: an index would not help a single search.
"""

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from searchgen.errors import NotFound, RequestError
from searchgen.meaning.measures import SentenceVectors

__all__ = ["MOST", "Kept", "Near", "nearest", "query"]

#: The most lines that can be asked for.
MOST = 10_000

#: Lines that are read together.
TOGETHER = 20_000

#: Lines that are kept for several texts: 770 MB of vectors.
MOST_KEPT = 500_000


class Near(NamedTuple):
    """A line, and how alike it is.

    Attributes:
        similarity: cosine, -1 to 1.
        number: of the line, from 1.
        line: without its end.
    """

    similarity: float
    number: int
    line: str


def query(vectors: SentenceVectors, text: str) -> npt.NDArray[np.float32]:
    """Return the vector of a text that lines are compared with.

    Raises:
        RequestError: the text is empty.
        NotFound: no word of it has a vector.
    """
    if not text.strip():
        raise RequestError("the text is empty; give one to compare with")
    if not vectors.knows(text):
        raise NotFound(f"no word of {text[:40]!r} has a vector in {vectors.language!r}; give a text of common words")
    vector: npt.NDArray[np.float32] = vectors.sentences([text])[0]
    return vector


def nearest(vectors: SentenceVectors, text: str, lines: Iterable[str], count: int) -> list[Near]:
    """Return the lines most like a text, the most alike first; of equals the earlier one.

    Args:
        vectors: of the language of the text.
        text: any with a known word.
        lines: any number; they are not kept.
        count: of lines to return.

    Raises:
        RequestError: the text is empty, or there are no lines.
        NotFound: no word of the text has a vector.

    Example:
        >>> from searchgen.meaning.vectors import vectors_of
        >>> lines = ["The train is late.", "I would like some tea.", "A mug of coffee, please."]
        >>> [near.number for near in nearest(vectors_of("en"), "a cup of coffee", lines, 2)]
        [3, 2]
    """
    wanted = query(vectors, text)
    found: list[tuple[float, int, str]] = []
    number = 0
    for group in _groups(lines):
        similarity = vectors.sentences(group) @ wanted
        found = heapq.nlargest(count, [*found, *_best(similarity, group, number, count)])
        number += len(group)
    if not number:
        raise RequestError("there are no lines to compare with; give a file with a text a line")
    return [Near(similarity, -place, line) for similarity, place, line in found]


@dataclass(frozen=True, eq=False)
class Kept:
    """Lines whose vectors are kept for several texts.

    Attributes:
        lines: all of them.
        rows: by language, their vectors.
    """

    lines: tuple[str, ...]
    rows: dict[str, npt.NDArray[np.float32]]

    @staticmethod
    def of(lines: Iterable[str]) -> "Kept":
        """Keep lines.

        Raises:
            RequestError: there are none, or too many.
        """
        kept = tuple(islice(lines, MOST_KEPT + 1))
        if not kept:
            raise RequestError("there are no lines to compare with; give a file with a text a line")
        if len(kept) > MOST_KEPT:
            raise RequestError(
                f"there are more than {MOST_KEPT:,} lines, too many for texts from stdin; give one text, or split the file"
            )
        return Kept(kept, {})

    def nearest(self, vectors: SentenceVectors, text: str, count: int) -> list[Near]:
        """Do as the function does, without reading the lines again."""
        wanted = query(vectors, text)
        if vectors.language not in self.rows:
            self.rows[vectors.language] = np.concatenate([vectors.sentences(group) for group in _groups(self.lines)])
        best = _best(self.rows[vectors.language] @ wanted, self.lines, 0, count)
        return [Near(similarity, -place, line) for similarity, place, line in heapq.nlargest(count, best)]


def _groups(lines: Iterable[str]) -> Iterator[Sequence[str]]:
    iterator = iter(lines)
    return iter(lambda: list(islice(iterator, TOGETHER)), [])


def _best(
    similarity: npt.NDArray[np.float32], lines: Sequence[str], before: int, count: int
) -> list[tuple[float, int, str]]:
    """Return the best of some lines, each with its similarity and its negative number, so that equals fall in order."""
    order = np.argsort(-similarity, kind="stable")[:count].tolist()
    return [(round(float(similarity[place]), 6), -(before + place + 1), lines[place]) for place in order]
