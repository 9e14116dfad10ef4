"""A toy size of network and training of `lm train`, which takes a second or two."""

from pathlib import Path
from typing import Any

import pytest
import torch

from searchgen.lm.training import train
from searchgen.lm.training.recipe import SIZES, Recipe, Size
from searchgen.lm.training.train import Trained, train_transformer
from tests.places import CORPORA

__all__ = ["RECIPE", "TEXT", "TOY", "Stop", "stopped_at", "trained", "trained_once"]

# As commands do for small models: two threads wait for each other most of the time.
torch.set_num_threads(1)

TEXT = CORPORA / "everyday-en.txt"
TOY = Size(32, 2, 2, 64, 1e-2)
RECIPE = Recipe(tokens=20 * 512, batch=512, vocabulary=400)


class Stop(Exception):
    """Raised in the middle of a training."""


def trained(output: Path, recipe: Recipe = RECIPE, **more: Any) -> Trained:
    """Train on the everyday sentences of the project."""
    return train_transformer([TEXT], output, recipe, device="cpu", **more)


def trained_once(folder: Path, **more: Any) -> Trained:
    """Do the same outside of a test, where the toy size is not yet in place."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(SIZES, "tiny", TOY)
        return trained(folder, **more)


def stopped_at(step: int, output: Path, monkeypatch: pytest.MonkeyPatch, recipe: Recipe = RECIPE) -> list[Path]:
    """Stop a training after a step, 0 before the first; return its checkpoints, the newest last."""

    def say(line: str) -> None:
        if line.startswith(f"step {step} ") or (not step and " bits a byte held out" in line):
            raise Stop

    monkeypatch.setattr(train, "BETWEEN", 0.0)
    with pytest.raises(Stop):
        trained(output, recipe, say=say)
    return sorted((output / "checkpoint").glob("step-*"))
