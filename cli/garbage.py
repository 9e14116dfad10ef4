"""When Python looks for garbage: hardly while libraries and models are loaded, for they make many objects and drop few.

To look as often as usual takes a tenth of a start, and as much again at the end of the process.
"""

import gc

__all__ = ["begin_loading", "end_loading"]

#: How often Python looks by itself; and new objects after which it looks while libraries are loaded.
USUAL, LOADING = gc.get_threshold(), 1_000_000


def begin_loading() -> None:
    """Look for garbage rarely from now on: for as long as the process lives, or until `end_loading`."""
    gc.set_threshold(LOADING)


def end_loading() -> None:
    """Look for garbage as usual from now on, but never among what is loaded; nothing after the first time."""
    if gc.get_threshold()[0] == LOADING:
        gc.freeze()
        gc.set_threshold(*USUAL)
