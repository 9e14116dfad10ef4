"""Numbers as people write them in flags, refused with their value."""

from math import isfinite

import typer

__all__ = ["decimal", "whole"]

#: What machines count with; a larger number in a flag is a mistake.
LARGEST = 2**63


def whole(text: str | int) -> int:
    """Return a whole number.

    Raises:
        typer.BadParameter: it is not one.

    Example:
        >>> whole("12"), whole(" 7 ")
        (12, 7)
    """
    try:
        number = int(text)
    except ValueError:
        raise typer.BadParameter(f"{_short(text)} is not a whole number") from None
    if abs(number) >= LARGEST:
        raise typer.BadParameter(f"{_short(text)} is beyond 2^63")
    return number


def decimal(text: str | float) -> float:
    """Return a finite number.

    Raises:
        typer.BadParameter: it is not one.

    Example:
        >>> decimal("0.5")
        0.5
    """
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not isfinite(number):
        raise typer.BadParameter(f"{_short(text)} is not a number")
    return number


def _short(text: str | float) -> str:
    shown = str(text)
    return repr(shown) if len(shown) <= 40 else repr(shown[:37] + "...")
