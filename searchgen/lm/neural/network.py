"""A causal network on its device, whatever it is made of."""

import os
from collections.abc import Callable
from dataclasses import dataclass

import torch

from searchgen.lm.neural.key_values import Reader

__all__ = ["Network", "alone_after_fork"]

#: The process in which our networks have been computed; none yet: empty.
_process: list[int] = []


@dataclass(frozen=True, eq=False)
class Network:
    """A network on its device.

    Attributes:
        trunk: pieces (B, L) int64 to hidden states (B, L, H); right of a position nothing matters to it.
        head: hidden states (N, H) to scores (N, V), unnormalised.
        device: where it is.
        context: most positions, 0: unlimited.
        positions: of one pass.
        cache: the network that reads on from keys and values kept; None: prefixes are read anew.
        uncached: why they are; empty: keys and values are kept.
        vocabulary: number of pieces that it reads and predicts.
    """

    trunk: Callable[[torch.Tensor], torch.Tensor]
    head: Callable[[torch.Tensor], torch.Tensor]
    device: torch.device
    context: int
    positions: int
    cache: Reader | None = None
    uncached: str = ""
    vocabulary: int = 0


def alone_after_fork() -> None:
    """Have torch compute with one thread in a fork of a process that has computed: it would wait for ever for threads of its parent."""
    if _process != [os.getpid()]:
        if _process:
            torch.set_num_threads(1)
        _process[:] = [os.getpid()]
