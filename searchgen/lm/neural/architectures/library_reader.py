"""Reading on from keys and values with any causal network of the transformers library that has them, tried before it is trusted.

The library's cache holds as many places for one text as for another. Here texts differ in what they have been read to, so it is filled
anew for each call up to the longest, places that a text has not reached are masked, and the positions of new pieces are given. Not
every architecture can be read so (recurrent ones, windows, positions made of something else): a trial compares with reading at once.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache

from searchgen.lm.neural.key_values import KeyValues

__all__ = ["MISFITS", "LibraryReader", "Trial", "library_reader"]

#: How far states read in parts may be from those read at once, of the largest: rounding, by the bits of the network's numbers.
APART = {torch.float32: 1e-4, torch.bfloat16: 5e-2, torch.float16: 1e-2}

#: What the networks of the library call their cache: from 5.24 on, and before; from 5.40 on the old name is gone.
NAMES = ("cache", "past_key_values")

#: What networks raise of a cache that is not their own kind: met with those of the library. Warnings made errors are none of these.
MISFITS = (TypeError, ValueError, AttributeError, LookupError, RuntimeError, AssertionError)

#: Characters of the library's own words that a reason repeats.
LONGEST_WORDS = 100


@dataclass(frozen=True, eq=False)
class Trial:
    """What came of trying to read on from keys and values.

    Attributes:
        reader: what reads on; None: the network cannot.
        reason: why it cannot; empty: it can.
    """

    reader: "LibraryReader | None"
    reason: str = ""


class LibraryReader:
    """A network with its cache in our own form."""

    def __init__(self, network: Any, hidden_of: Callable[[Any], Tensor], context: int) -> None:
        """Learn the shapes of keys and values from one piece.

        Args:
            network: called with the library's arguments.
            hidden_of: from its output to hidden states.
            context: most positions, 0: unlimited.

        Raises:
            TypeError: it takes no cache, or keeps something else in it; networks raise any of `MISFITS`.
        """
        self._network, self._hidden_of, self._last = network, hidden_of, context - 1 if context else None
        taken = inspect.signature(network.forward).parameters
        self._name = next((name for name in NAMES if name in taken), "")
        if not self._name:
            raise TypeError("no argument of that name")
        self._takes_positions = "position_ids" in taken
        piece = torch.ones((1, 1), dtype=torch.long, device=network.device)
        cache = DynamicCache()
        network(input_ids=piece, use_cache=True, **{self._name: cache})
        self._empty = [tuple(side[:, :, :0] for side in pair) for pair in _layers(cache)]

    @property
    def place_bytes(self) -> int:
        """Bytes that keys and values of one place of one text take."""
        return sum(side.shape[1] * side.shape[3] * side.element_size() for pair in self._empty for side in pair)

    def nothing_seen(self, texts: int) -> KeyValues:
        """Return keys and values of texts of which nothing has been read."""
        keys, values = ([pair[i].repeat(texts, 1, 1, 1) for pair in self._empty] for i in (0, 1))
        return KeyValues(keys, values)

    def extend(self, pieces: Tensor, start: Tensor, seen: KeyValues) -> Tensor:
        """Read on; see `Reader.extend`."""
        reached_by_all = int(start.max())
        cache = DynamicCache()
        if reached_by_all:
            for layer, (keys, values) in enumerate(zip(seen.keys, seen.values, strict=True)):
                cache.update(keys[:, :, :reached_by_all], values[:, :, :reached_by_all], layer)
        at = start[:, None] + torch.arange(pieces.shape[1], device=pieces.device)  # (B, M)
        reached = torch.arange(reached_by_all, device=pieces.device) < start[:, None]  # (B, reached by all)
        mask = torch.cat([reached.long(), torch.ones_like(pieces)], dim=1)
        more: dict[str, Any] = {self._name: cache}
        if self._takes_positions:
            more["position_ids"] = at.clamp(max=self._last)
        output = self._network(input_ids=pieces, attention_mask=mask, use_cache=True, **more)
        for layer, pair in enumerate(_layers(cache)):
            for whole, new in zip((seen.keys[layer], seen.values[layer]), pair, strict=True):
                added = new[:, :, reached_by_all:]
                whole.scatter_(2, at[:, None, :, None].expand(added.shape), added)
        return self._hidden_of(output)


def _layers(cache: DynamicCache) -> list[tuple[Tensor, Tensor]]:
    """Return keys and values of every layer, (B, heads, T, D) each."""
    layers: Any = cache.layers  # some kinds have neither
    pairs: list[tuple[Tensor, Tensor]] = [(layer.keys, layer.values) for layer in layers]
    if not pairs or not all(isinstance(side, Tensor) and side.ndim == 4 for pair in pairs for side in pair):
        raise TypeError("no keys and values by place")
    return pairs


def library_reader(
    network: Any, hidden_of: Callable[[Any], Tensor], trunk: Callable[[Tensor], Tensor], context: int
) -> Trial:
    """Try to read on from keys and values, and compare with reading at once.

    Args:
        network: called with the library's arguments.
        hidden_of: from its output to hidden states.
        trunk: pieces (B, L) to hidden states (B, L, H), read at once.
        context: most positions, 0: unlimited.
    """
    try:
        with torch.inference_mode():
            reader = LibraryReader(network, hidden_of, context)
            apart, most = _apart(reader, trunk, network.device)
    except MISFITS as error:
        words = " ".join(str(error).split())[:LONGEST_WORDS]
        return Trial(None, f"the network does not take a cache of keys and values ({type(error).__name__}: {words})")
    if not apart <= most:  # nor if it is not a number
        return Trial(None, f"states read in parts differ from states read at once by {apart:.0e} of the largest")
    return Trial(reader)


def _apart(reader: LibraryReader, trunk: Callable[[Tensor], Tensor], device: torch.device) -> tuple[float, float]:
    """Return how far two texts read in parts, one of them exchanged, cut back and read on elsewhere, are off, and how far they may be."""
    # Few and small ids, which every vocabulary has.
    texts = torch.tensor([[1, 2, 3, 1, 2, 2, 3, 1], [3, 2, 3, 3, 1, 2, 1, 1]], device=device)
    expected = trunk(texts)
    seen = reader.nothing_seen(1).widened(8)
    reader.extend(texts[:1, :5], torch.tensor([0], device=device), seen)
    seen = seen.select(torch.tensor([0, 0], device=device))
    # The first goes on where it was; the second shares nothing with it, and is read from the beginning.
    padded = torch.zeros_like(texts)
    padded[0, :3], padded[1] = texts[0, 5:], texts[1]
    seen = seen.widened(16)
    read_on = reader.extend(padded, torch.tensor([5, 0], device=device), seen)
    again = reader.extend(texts[:, 6:], torch.tensor([6, 6], device=device), seen)
    pairs = ((read_on[0, :3], expected[0, 5:]), (read_on[1], expected[1]), (again, expected[:, 6:]))
    furthest = torch.stack([(state - other).abs().max() for state, other in pairs]).max().float()
    return float(furthest / expected.abs().max().float()), APART.get(expected.dtype, 1e-4)
