"""Where Chinese words begin and end: the most probable division of a text into pieces that each have one probability.

The pieces and their probabilities are found in plain text without any list of words, by expectation maximisation over all divisions
(Kudo, "Subword Regularization", 2018; `benchmarks/word_pieces.py`), so set phrases are pieces, too. What is read off is only where a word
is *not* one: 我不知道路 divides into 我 / 不知道 / 路, so 道路 is not a word there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from searchgen.errors import ModelFileError

__all__ = ["UNKNOWN", "Segmentation"]

#: Natural log p of a token that is no piece.
UNKNOWN = -20.0


@dataclass(frozen=True, eq=False)
class Segmentation:
    """Pieces with natural log p.

    Attributes:
        log_p: by piece.

    Example:
        >>> of = Segmentation({"不": -4.0, "知道": -5.0, "不知道": -6.0, "道路": -9.0, "路": -7.0, "道": -8.0, "知": -9.0})
        >>> sorted(of.borders("不知道路"))
        [0, 3, 4]
    """

    log_p: Mapping[str, float]

    @cached_property
    def longest(self) -> int:
        """The length of the longest piece."""
        return max(map(len, self.log_p), default=1)

    @cached_property
    def least(self) -> float:
        """Natural log p of the rarest piece."""
        return min(self.log_p.values(), default=UNKNOWN)

    def borders(self, tokens: Sequence[str], words: Sequence[Sequence[str]] = ()) -> frozenset[int]:
        """Return the places before, between and after tokens at which pieces of the most probable division begin or end.

        Args:
            tokens: of the text.
            words: that are pieces, too, as rare as the rarest if they are not known.
        """
        more = {"".join(word): self.least for word in words}
        longest = max(self.longest, *map(len, words), 1)
        best, size_of = [0.0], [0]
        for end in range(1, len(tokens) + 1):
            ways = []
            for size in range(1, min(longest, end) + 1):
                piece = "".join(tokens[end - size : end])
                log_p = self.log_p.get(piece, more.get(piece, UNKNOWN if size == 1 else -np.inf))
                ways.append((best[end - size] + log_p, size))
            score, size = max(ways)
            best.append(score)
            size_of.append(size)
        borders, place = {0}, len(tokens)
        while place:
            borders.add(place)
            place -= size_of[place]
        return frozenset(borders)

    @staticmethod
    def open(path: Path) -> "Segmentation":
        """Read what `save` wrote.

        Raises:
            ModelFileError: the file is damaged.
        """
        try:
            with path.open("rb") as file, np.load(file) as written:
                pieces = str(written["pieces"]).split("\n")
                return Segmentation(dict(zip(pieces, written["log_p"].astype(float).tolist(), strict=True)))
        except Exception as error:  # NumPy and zipfile raise whatever damage leads them to
            raise ModelFileError(f"{path}: the file is damaged ({error}); install searchgen again") from None

    def save(self, path: Path) -> None:
        """Write the pieces, compressed, in NumPy's format; probabilities keep three digits."""
        pieces = sorted(self.log_p)
        np.savez_compressed(
            path,
            pieces=np.array("\n".join(pieces)),
            log_p=np.array([self.log_p[piece] for piece in pieces], np.float16),
        )
