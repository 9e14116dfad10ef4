"""Whose choice the number of torch's threads is: a command's in its own process, the user's in a Python program.

torch has one number for a whole process. What a network computes depends on it in the last bits.
"""

from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["are_ours", "claim", "claimed"]

_claims: list[str] = []


def are_ours() -> bool:
    """Return whether a model that is opened now may tell torch with how many threads to compute."""
    return bool(_claims)


def claim(process: str) -> None:
    """Say that this process is one of ours to its end, in a word for debuggers."""
    _claims.append(process)


@contextmanager
def claimed(process: str) -> Iterator[None]:
    """Do as `claim` does until the block is left.

    Example:
        >>> with claimed("a command"):
        ...     are_ours()
        True
    """
    claim(process)
    try:
        yield
    finally:
        _claims.remove(process)
