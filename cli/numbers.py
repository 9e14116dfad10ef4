"""Numbers as people write them in flags, refused with their value."""

from math import isfinite

import typer

__all__ = ["decimal", "whole"]


def whole(text: str | int) -> int:
    """Return a whole number.

    Raises:
        typer.BadParameter: it is not one.

    Example:
        >>> whole("12"), whole(" 7 ")
        (12, 7)
    """
    try:
        return int(text)
    except ValueError:
        raise typer.BadParameter(f"{str(text)[:40]!r} is not a whole number") from None


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
        raise typer.BadParameter(f"{str(text)[:40]!r} is not a number")
    return number
