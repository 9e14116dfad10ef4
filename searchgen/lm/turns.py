"""Who may use what is shared in a process: one thread at a time, and after a fork the child alone.

A model keeps the scores of the search that it serves, so two searches in two threads take turns with it. A lock that another thread holds
while a process forks is held in the child for ever, by nobody: there it is a new one.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock
from weakref import WeakKeyDictionary

__all__ = ["Turns", "turn_with"]


class Turns:
    """A lock of the process that takes it.

    Example:
        >>> turns = Turns()
        >>> with turns.taken(), turns.taken():
        ...     "a thread may take it twice"
        'a thread may take it twice'
    """

    def __init__(self) -> None:
        """Begin with a lock that nobody holds."""
        self._process, self._lock = os.getpid(), RLock()

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Wait for the lock, and hold it until the block is left."""
        if self._process != os.getpid():
            self._process, self._lock = os.getpid(), RLock()
        with self._lock:
            yield


#: Of every model that is used by searches; a model that goes takes its own along.
_TURNS: WeakKeyDictionary[object, Turns] = WeakKeyDictionary()


@contextmanager
def turn_with(model: object) -> Iterator[None]:
    """Have a model alone until the block is left.

    Args:
        model: that scores texts.
    """
    with _TURNS.setdefault(model, Turns()).taken():
        yield
