"""Which texts go through the network together: by length, within a budget of positions."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

__all__ = ["batches", "free_bytes", "is_memory", "positions_for"]

#: Positions of one pass: beyond these no device gets faster (measured on a CPU; on GPUs larger passes help).
MOST_POSITIONS = {"cpu": 2048, "cuda": 1 << 17}
FEWEST_POSITIONS = 64

#: The share of the free memory that passes may take, and the 32-bit numbers of hidden width that one position takes inside a block.
SHARE, WIDTHS = 0.25, 24

#: Bytes that are assumed free where the system does not tell.
UNKNOWN_FREE = 2 << 30


def free_bytes(device: "torch.device | None") -> int:
    """Return the memory a device has free now, in bytes; None is the CPU."""
    if device is not None and device.type == "cuda":
        import torch

        return int(torch.cuda.mem_get_info(device)[0])
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, AttributeError):
        return UNKNOWN_FREE


def positions_for(free: int, width: int, vocabulary: int, most: int) -> int:
    """Return how many positions a pass may have: a power of two, so that small changes of the free memory change no batch.

    Args:
        free: bytes.
        width: of the hidden states.
        vocabulary: number of pieces; each position has a score for every one.
        most: the largest useful number.

    Example:
        >>> positions_for(8 << 30, 288, 8192, 2048), positions_for(1 << 26, 288, 8192, 2048)
        (2048, 128)
    """
    bytes_each = 4 * (WIDTHS * width + 3 * vocabulary)
    fitting = max(FEWEST_POSITIONS, int(SHARE * free) // bytes_each)
    return min(most, 1 << (fitting.bit_length() - 1))


def batches(lengths: Sequence[int], positions: int) -> Iterator[list[int]]:
    """Yield the indices of texts of like length whose padded positions fit into a pass; every text occurs once.

    Args:
        lengths: of the texts.
        positions: of a pass; a longer text goes alone.

    Example:
        >>> list(batches([3, 9, 4, 3], 9))
        [[0, 3], [2], [1]]
    """
    batch: list[int] = []
    for i in sorted(range(len(lengths)), key=lambda i: lengths[i]):
        if batch and (len(batch) + 1) * lengths[i] > positions:
            yield batch
            batch = []
        batch.append(i)
    if batch:
        yield batch


def is_memory(error: Exception) -> bool:
    """Return whether an error says that something did not fit into the memory of a device or of the machine.

    Example:
        >>> is_memory(MemoryError()), is_memory(RuntimeError("size mismatch"))
        (True, False)
    """
    signs = ("out of memory", "can't allocate memory", "not enough memory", "failed to allocate memory", "alloc_cpu")
    # torch's own by its name: onnxruntime computes without torch.
    own = isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"
    return own or any(sign in str(error).lower() for sign in signs)
