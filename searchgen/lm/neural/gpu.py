"""Whether torch has a GPU here, without importing torch where there can be none: its import takes seconds."""

import sys
from importlib.util import find_spec
from pathlib import Path

__all__ = ["has_gpu"]

#: Files of drivers: a machine has one of them for each kind of GPU that torch computes with.
DRIVERS = ("/dev/nvidiactl", "/dev/nvidia0", "/dev/nvmap", "/dev/dxg", "/dev/kfd")


def has_gpu() -> bool:
    """Return whether torch is installed and sees a GPU.

    Example:
        >>> has_gpu() in (False, True)
        True
    """
    # Drivers of Windows leave no file in one place.
    if find_spec("torch") is None or not (sys.platform == "win32" or any(Path(driver).exists() for driver in DRIVERS)):
        return False
    import torch

    return torch.cuda.is_available()
