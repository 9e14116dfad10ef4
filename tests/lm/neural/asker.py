"""What a worker process answers; it imports no torch, for workers that need none start in a moment."""

from collections.abc import Callable

from searchgen.lm import torch_threads

__all__ = ["make_asker"]


def make_asker() -> Callable[[int], bool]:
    """Return what says whether the process is one of ours."""
    return lambda _task: torch_threads.are_ours()
