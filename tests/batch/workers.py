"""What worker processes of tests do."""

import os
import time
from pathlib import Path

__all__ = ["make_again", "make_fragile", "make_squares", "make_useless"]


def make_squares(delay: float):
    def work(task: int) -> int:
        time.sleep(delay * (task % 3))
        return task * task

    return work


def make_fragile(folder: str):
    """End the process at every third task, once; at every seventh, always."""

    def work(task: int) -> int:
        mark = Path(folder) / str(task)
        if task % 7 == 6 or (task % 3 == 2 and not mark.exists()):
            with mark.open("a") as tried:
                tried.write("x")
            os._exit(9)
        return task * task

    return work


def make_useless():
    os._exit(5)


def make_again():
    return lambda task: 2 * task
