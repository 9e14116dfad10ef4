"""Values as JSON has them."""

import math
from typing import Any

__all__ = ["plain"]


def plain(value: Any) -> Any:
    """Return a value as JSON has it: numpy's numbers as Python's, tuples as lists, numbers that are not finite as None.

    Example:
        >>> plain({"error": float("inf"), "window": (1, 3)})
        {'error': None, 'window': [1, 3]}
    """
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if hasattr(value, "item"):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
