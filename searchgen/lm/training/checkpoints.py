"""Checkpoints: everything that training needs to go on as if it had never stopped, in one file named by a hash of its contents."""

import json
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load, save
from torch import Tensor

from searchgen.errors import ModelFileError
from searchgen.files.whole import write_whole
from searchgen.lm.neural.architectures.llama import Llama
from searchgen.lm.training.optimiser import Optimiser

__all__ = ["Progress", "State", "read_newest", "write_checkpoint"]

#: The newest ones are kept: if one is damaged the other serves.
KEPT = 2

NAME = re.compile(r"step-(\d+)-([0-9a-f]{16})\.safetensors")


@dataclass
class Progress:
    """How far training has come.

    Attributes:
        step: steps done.
        due: after which of them the held-out loss is measured next.
        steps: steps in all.
        seconds: of computing so far.
        best: the lowest held-out loss, bits a byte.
        best_step: after which it was measured.
        learnt: (step, nats a piece) of the text learnt from, means since the last entry.
        held_out: (step, bits a byte).
        waiting: measurements in a row that were no lower than the one before.
        recent: steps since the last entry of `learnt`, and the sum of their losses.
    """

    steps: int
    step: int = 0
    due: int = 0
    seconds: float = 0.0
    best: float = float("inf")
    best_step: int = 0
    learnt: list[tuple[int, float]] = field(default_factory=list)
    held_out: list[tuple[int, float]] = field(default_factory=list)
    waiting: int = 0
    recent: tuple[int, float] = (0, 0.0)


@dataclass(eq=False)
class State:
    """A training that can go on.

    Attributes:
        network: with its weights.
        optimiser: of all of them.
        best: the weights with the lowest held-out loss.
        progress: numbers.
    """

    network: Llama
    optimiser: Optimiser
    best: dict[str, Tensor]
    progress: Progress


def write_checkpoint(folder: Path, state: State) -> None:
    """Write a checkpoint and take away those older than the last two.

    Raises:
        SearchgenError: it cannot be written; the older ones are still there.
    """
    tensors = {f"best.{name}": weight for name, weight in state.best.items()}
    for name, weight in state.network.named_parameters():
        tensors[f"weight.{name}"] = weight.detach()
    tensors |= state.optimiser.tensors()
    content = save(tensors, {"progress": json.dumps(asdict(state.progress))})
    name = f"step-{state.progress.step:09d}-{sha256(content).hexdigest()[:16]}.safetensors"
    write_whole(folder / name, content)
    for _, path in _checkpoints(folder)[:-KEPT]:
        path.unlink(missing_ok=True)


def read_newest(folder: Path, state: State, say: Callable[[str], None]) -> bool:
    """Bring a training to where its newest good checkpoint stands; return whether there is one.

    Args:
        folder: of checkpoints.
        state: of the same network.
        say: is told of damaged ones.

    Raises:
        ModelFileError: there are checkpoints, and all are damaged.
    """
    checkpoints = _checkpoints(folder)
    for digest, path in reversed(checkpoints):
        try:
            content = path.read_bytes()
            if sha256(content).hexdigest()[:16] != digest:
                raise ValueError("its contents are not those written")
            _take(state, content)
            return True
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            say(f"{path} is damaged ({error}): the checkpoint before it is taken")
    if checkpoints:
        raise ModelFileError(
            f"{folder}: every checkpoint is damaged; remove the folder to begin again, or restore one of its files"
        )
    return False


def _take(state: State, content: bytes) -> None:
    size = int.from_bytes(content[:8], "little")
    written: dict[str, Any] = json.loads(json.loads(content[8 : 8 + size])["__metadata__"]["progress"])
    tensors = load(content)
    with torch.no_grad():
        for name, weight in state.network.named_parameters():
            weight.copy_(tensors[f"weight.{name}"])
    state.optimiser.take(tensors)
    state.best = {name.removeprefix("best."): value for name, value in tensors.items() if name.startswith("best.")}
    for curve in ("learnt", "held_out"):
        written[curve] = [(int(step), float(loss)) for step, loss in written[curve]]
    written["recent"] = tuple(written["recent"])
    state.progress = Progress(**written)


def _checkpoints(folder: Path) -> list[tuple[str, Path]]:
    """Return hash and path of every checkpoint, the newest last."""
    named = [(match, path) for path in folder.iterdir() if (match := NAME.fullmatch(path.name))]
    return [(match[2], path) for match, path in sorted(named, key=lambda pair: int(pair[0][1]))]
