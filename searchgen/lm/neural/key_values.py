"""Keys and values of texts read so far, and what reads on from them."""

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor
from torch.nn import functional

__all__ = ["KeyValues", "Reader"]


@dataclass(eq=False)
class KeyValues:
    """What attention has seen of each text: keys and values by place.

    Attributes:
        keys: of every layer, (B, heads, T, H / heads).
        values: likewise.
    """

    keys: list[Tensor]
    values: list[Tensor]

    def select(self, rows: Tensor) -> "KeyValues":
        """Return those of texts `rows` (N,), in this order; a text may be taken several times."""
        return KeyValues([k.index_select(0, rows) for k in self.keys], [v.index_select(0, rows) for v in self.values])

    def widened(self, places: int) -> "KeyValues":
        """Return them with room for more places."""
        more = places - self.keys[0].shape[2]
        if more <= 0:
            return self
        return KeyValues(
            *([functional.pad(tensor, (0, 0, 0, more)) for tensor in side] for side in (self.keys, self.values))
        )


class Reader(Protocol):
    """A network that reads on from keys and values."""

    @property
    def place_bytes(self) -> int:
        """Bytes that keys and values of one place of one text take."""

    def nothing_seen(self, texts: int) -> KeyValues:
        """Return keys and values of texts of which nothing has been read."""

    def extend(self, pieces: Tensor, start: Tensor, seen: KeyValues) -> Tensor:
        """Read on: return the hidden states (B, M, H) of pieces (B, M) that begin at places `start` (B,).

        What `seen` holds from there on is overwritten; it has room for all places that are read. Padding is on the right.
        """
