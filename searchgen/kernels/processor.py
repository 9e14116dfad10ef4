"""Which instructions of the processor onnxruntime computes with: last bits of 32-bit numbers depend on them."""

import platform
from functools import cache

__all__ = ["instruction_set"]

#: The sets for which onnxruntime has products of its own, widest first, as LLVM names them.
SETS = ("amx-int8", "avx512vnni", "avx512f", "avxvnni", "avx2", "i8mm", "dotprod")


@cache
def instruction_set() -> str:
    """Return the name of the widest set that this processor has.

    Example:
        >>> len(instruction_set()) > 0
        True
    """
    from llvmlite.binding import get_host_cpu_features

    features = get_host_cpu_features()
    return next((name for name in SETS if features.get(name)), platform.machine().lower())
