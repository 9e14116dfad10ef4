"""Lines for the user that no result depends on: what the cache folder could not keep, and what takes a while, once."""

from collections.abc import Callable
from pathlib import Path

__all__ = ["announce", "hear_notices", "report_unkept"]

Listener = Callable[[str], None]

_listener: Listener | None = None
_informed: set[Listener] = set()


def hear_notices(listener: Listener | None) -> None:
    """Have a function receive the lines from now on; None: nobody reads them."""
    global _listener
    _listener = listener
    _informed.clear()


def announce(line: str) -> None:
    """Give a line to the listener, if there is one."""
    if _listener is not None:
        _listener(line)


def report_unkept(
    folder: Path | None, error: Exception | None, instead: Path | None = None, listener: Listener | None = None
) -> None:
    """Report that a cache folder cannot be written, once to each listener.

    Args:
        folder: it; None: the user has no such folder.
        error: the reason.
        instead: the folder that takes its place; None: there is none.
        listener: receives the line; by default the one of `hear_notices`.

    Example:
        >>> lines = []
        >>> for _ in range(2):
        ...     report_unkept(Path("/c"), OSError(28, "No space left on device"), listener=lines.append)
        >>> lines[0][:65], len(lines)
        ('the cache folder /c cannot be written (No space left on device); ', 1)
    """
    listener = listener or _listener
    if listener is None or listener in _informed:
        return
    _informed.add(listener)
    if folder is None:
        listener("there is no cache folder, so every start takes longer; SEARCHGEN_CACHE names one")
        return
    reason = getattr(error, "strerror", None) or error
    rest = f"{instead} takes its place" if instead else "every start takes longer; SEARCHGEN_CACHE names another folder"
    listener(f"the cache folder {folder} cannot be written ({reason}); {rest}")
