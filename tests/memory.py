"""The most memory that a process has had."""

import resource
from pathlib import Path

__all__ = ["peak_megabytes"]


def peak_megabytes() -> int:
    """Return the peak of this process; `ru_maxrss` would count that of the one that started it, too."""
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) // 1024
    return int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) // 1024
