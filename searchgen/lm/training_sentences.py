"""Which sentences a model was trained on, as a Bloom filter: what is printed is to be new.

Every training sentence is found again; another text is taken for one with probability `FALSE` (B. H. Bloom, "Space/time trade-offs in hash
coding with allowable errors", CACM 1970). Case does not count.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from math import ceil, log
from pathlib import Path

import numpy as np
import numpy.typing as npt

from searchgen.errors import ModelFileError

__all__ = ["FALSE", "FEWEST", "MOST", "TrainingSentences"]

#: Share of other texts that are taken for training sentences.
FALSE = 0.003

#: Shorter sentences are everybody's, and longer ones are not come upon by chance: neither are kept. In tokens.
FEWEST, MOST = 5, 20

HASHES = round(-log(FALSE) / log(2))


@dataclass(frozen=True, eq=False)
class TrainingSentences:
    """A set of sentences that answers whether a text is one of them.

    Attributes:
        bits: (n,) uint8, eight bits of the filter each.

    Example:
        >>> learnt = TrainingSentences.of([["It", "was", "a", "dog", "."], ["so", "."]])
        >>> ["it", "was", "a", "dog", "."] in learnt, ["it", "was", "a", "cat", "."] in learnt, ["so", "."] in learnt
        (True, False, False)
    """

    bits: npt.NDArray[np.uint8]

    @staticmethod
    def of(sentences: Iterable[Sequence[str]]) -> "TrainingSentences":
        """Return the set of those sentences, as tokens, that have `FEWEST` to `MOST` of them."""
        digests = {_digest(tokens) for tokens in sentences if FEWEST <= len(tokens) <= MOST}
        size = max(1, ceil(-len(digests) * log(FALSE) / log(2) ** 2 / 8))
        bits = np.zeros(8 * size, np.bool_)
        for digest in digests:
            bits[_places(digest, 8 * size)] = True
        return TrainingSentences(np.packbits(bits))

    @staticmethod
    def open(path: Path) -> "TrainingSentences":
        """Map the set that `save` wrote into memory.

        Raises:
            ModelFileError: the file is damaged.
        """
        try:
            bits = np.load(path, mmap_mode="r")
        except Exception as error:  # NumPy reads the head as Python, and raises whatever that does
            raise ModelFileError(f"{path}: the file is damaged ({error}); install searchgen again") from None
        if bits.dtype != np.uint8 or bits.ndim != 1 or not len(bits):
            raise ModelFileError(f"{path}: the file is damaged; install searchgen again")
        return TrainingSentences(bits)

    def save(self, path: Path) -> None:
        """Write the set, in NumPy's format."""
        np.save(path, self.bits)

    def __contains__(self, tokens: Sequence[str]) -> bool:
        """Return whether the tokens of a text are a training sentence, or one of the few others."""
        if not FEWEST <= len(tokens) <= MOST:
            return False
        places = _places(_digest(tokens), 8 * len(self.bits))
        return bool((self.bits[places >> 3] >> (7 - (places & 7)).astype(np.uint8) & 1).all())


def _digest(tokens: Sequence[str]) -> bytes:
    return blake2b(" ".join(tokens).lower().encode(), digest_size=16).digest()


def _places(digest: bytes, size: int) -> npt.NDArray[np.int64]:
    """Return the places of a sentence's bits, by double hashing."""
    first, step = int.from_bytes(digest[:8], "little"), int.from_bytes(digest[8:], "little") | 1
    return np.array([(first + i * step) % size for i in range(HASHES)], np.int64)
