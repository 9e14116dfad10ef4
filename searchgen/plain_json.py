"""Values as JSON has them."""

import json
import math
from typing import Any

__all__ = ["brief", "plain", "rounded"]

#: Characters of a value that a message shows.
LONGEST = 60

#: Numbers from here on are written with an exponent.
LARGE = 1e6


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


def brief(value: Any) -> str:
    """Return a value as a message shows it, as JSON and short, however long it is.

    Example:
        >>> brief("dog"), brief(7), brief(-(10**400)), brief(["a" * 100])
        ('"dog"', '7', 'a number of 401 digits', '["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...')
    """
    if isinstance(value, int) and value.bit_length() > 64:
        return f"a number of {_digits(value):,} digits"
    try:
        shown = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):  # no JSON value, or a number too long to be written within it
        shown = f"a value of type {type(value).__name__}"
    return shown if len(shown) <= LONGEST else shown[: LONGEST - 3] + "..."


def rounded(number: float) -> str:
    """Return a number with two digits that count.

    Example:
        >>> rounded(3501.2), rounded(7.13e11), rounded(4.9)
        ('3,500', '7.1e11', '5')
    """
    if number < LARGE:
        return f"{float(f'{number:.2g}'):,.0f}"
    mantissa, _, exponent = f"{number:.1e}".partition("e")
    return f"{mantissa}e{int(exponent)}"


def _digits(value: int) -> int:
    """Return how many decimal digits a number has; to write it down may be forbidden."""
    count = int(abs(value).bit_length() * math.log10(2))
    return count + int(abs(value) >= 10**count)
