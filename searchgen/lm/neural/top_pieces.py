"""What a causal network says of a text, piece by piece: how probable each was, and which ones it expected there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from searchgen.lm.bpe import byte_signs

__all__ = ["Expected", "Scored", "piece_texts"]

#: From the signs of bytes to letters of that number.
BYTE_OF = {ord(sign): byte for byte, sign in enumerate(byte_signs())}


@dataclass(frozen=True, eq=False)
class Scored:
    """Pieces under a network.

    Attributes:
        log_p: (n,) float64, natural log p of each after all before it.
        piece: (n, K) int64, the K most probable pieces in its place, most probable first.
        piece_log_p: (n, K) float64, theirs.
        sense: of a whole text, natural log odds of a reader's verdict on it; None: the network has not been taught that.
    """

    log_p: npt.NDArray[np.float64]
    piece: npt.NDArray[np.int64]
    piece_log_p: npt.NDArray[np.float64]
    sense: float | None = None

    @staticmethod
    def joined(parts: Sequence["Scored"]) -> "Scored":
        """Return parts one after the other."""
        return Scored(
            np.concatenate([part.log_p for part in parts]),
            np.concatenate([part.piece for part in parts]),
            np.concatenate([part.piece_log_p for part in parts]),
        )

    def split(self, ends: npt.NDArray[np.int64]) -> list["Scored"]:
        """Return what lies before each of the ends, which rise, and behind the last."""
        columns = (np.split(one, ends) for one in (self.log_p, self.piece, self.piece_log_p))
        return [Scored(*one) for one in zip(*columns, strict=True)]


@dataclass(frozen=True, eq=False)
class Expected:
    """A text under a network, with the places of its pieces.

    Attributes:
        starts: the place where each piece begins, in signs that are no spaces; the text's end has none.
        scored: its pieces, then its end.
    """

    starts: Sequence[int]
    scored: Scored


def piece_texts(vocabulary: Mapping[str, int]) -> dict[int, str]:
    """Return what pieces stand for, by their ids; the space before a word is part of it, bytes that are no text are left out.

    Args:
        vocabulary: pieces as a tokenizer's file has them: in the signs of their bytes, or with a low block for a space somewhere.

    Example:
        >>> piece_texts({"Ġdog": 5, "â": 6, "Ã©": 8}), piece_texts({"▁dog": 5, "é": 6})
        ({5: ' dog', 8: 'é'}, {5: ' dog', 6: 'é'})
    """
    if any("▁" in piece for piece in vocabulary):
        return {number: piece.replace("▁", " ") for piece, number in vocabulary.items()}
    texts = {}
    for piece, number in vocabulary.items():
        try:
            texts[number] = piece.translate(BYTE_OF).encode("latin-1").decode()
        except UnicodeEncodeError:  # a sign that stands for no byte
            texts[number] = piece
        except UnicodeDecodeError:
            continue
    return texts
