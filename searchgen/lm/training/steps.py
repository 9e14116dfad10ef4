"""One step of training: the gradient of a batch, in portions that fit, at a rate along a cosine."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import cos, pi

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from searchgen.errors import Outage, RequestError
from searchgen.kernels.randomness import key_of
from searchgen.lm.neural.architectures.llama import Llama
from searchgen.lm.neural.batches import is_memory
from searchgen.lm.training.loss import summed_loss
from searchgen.lm.training.optimiser import Optimiser
from searchgen.lm.training.packing import NOTHING, targets, visible
from searchgen.lm.training.products import product_dtype

__all__ = ["Stepper", "rate_of_step"]

#: The rate rises for a twentieth of the steps, at most so many, and falls to this share of its height.
WARM_UP, LOWEST = 200, 0.05

#: Longer gradients are shortened to this norm.
LONGEST = 1.0

#: Positions computed at once; halved when they do not fit.
PORTION = {"cpu": 4096, "cuda": 1 << 16}


def rate_of_step(step: int, steps: int, peak: float) -> float:
    """Return the learning rate: a straight rise, then half a cosine.

    Example:
        >>> [round(rate_of_step(step, 100, 1.0), 3) for step in (0, 4, 52, 99)]
        [0.2, 1.0, 0.533, 0.05]
    """
    rise = min(WARM_UP, max(1, steps // 20))
    if step < rise:
        return peak * (step + 1) / rise
    return peak * (LOWEST + (1 - LOWEST) * (1 + cos(pi * (step - rise) / max(1, steps - rise))) / 2)


@dataclass(eq=False)
class Stepper:
    """Computes losses and gradients of rows.

    Attributes:
        network: on its device.
        seed: of dropout.
        portion: positions that go through the network together.
        compiled: whether torch is to compile the network for steps, which takes a minute and a C++ compiler, and makes them faster.
        halvings: how often they did not fit.
    """

    network: Llama
    seed: int = 0
    portion: int = 0
    compiled: bool = False
    halvings: int = 0

    def __post_init__(self) -> None:
        self.device = self.network.embedding.device
        self.portion = self.portion or PORTION[self.device.type]
        self._compiled = torch.compile(self._hidden) if self.compiled else None

    def step(self, optimiser: Optimiser, rows: npt.NDArray[np.uint16], rate: float, number: int) -> float:
        """Make one step; return the loss before it, nats a piece. If loss or gradient is no number, nothing is changed.

        Args:
            optimiser: over the network's weights.
            rows: (B, L) of the batch.
            rate: of learning.
            number: of the step.
        """
        self.network.train()
        while True:
            try:
                loss = self._gradient(rows, number)
                break
            except (RuntimeError, MemoryError) as error:
                self._halve(rows.shape[1], error)
        norm = torch.nn.utils.clip_grad_norm_(self.network.parameters(), LONGEST)
        if np.isfinite(loss) and bool(norm.isfinite()):
            optimiser.step(rate)
        else:
            loss = float("nan")
        self.network.zero_grad(set_to_none=True)
        return loss

    def loss(self, rows: npt.NDArray[np.uint16]) -> float:
        """Return the sum of -log p of all that rows predict, nats."""
        self.network.eval()
        while True:
            try:
                with torch.inference_mode():
                    return sum(float(self._nats(part, self._hidden)) for part in self._portions(rows))
            except (RuntimeError, MemoryError) as error:
                self._halve(rows.shape[1], error)

    def _gradient(self, rows: npt.NDArray[np.uint16], number: int) -> float:
        """Add up the gradient of the mean loss over portions; return that loss."""
        self.network.zero_grad(set_to_none=True)
        count = int((targets(torch.from_numpy(rows.astype(np.int64))) != NOTHING).sum())
        total = torch.zeros((), device=self.device, dtype=torch.float64)
        for place, part in enumerate(self._portions(rows)):
            if self.network.dropout:
                torch.manual_seed(key_of(self.seed, "dropout", str(number), str(place)))
            nats = self._learnt_from(part)
            (nats / count).backward()  # type: ignore[no-untyped-call]
            total += nats.detach()
        return float(total) / max(count, 1)

    def _learnt_from(self, part: Tensor) -> Tensor:
        """Return the nats of a portion, compiled if asked for.

        Raises:
            RequestError: torch cannot compile here.
        """
        if self._compiled is None:
            return self._nats(part, self._hidden)
        from torch._dynamo.exc import TorchDynamoException

        try:
            return self._nats(part, self._compiled)
        except TorchDynamoException as error:
            reason = " ".join(str(error).split())[:160]
            raise RequestError(
                f"--compile: torch cannot compile here ({reason}); drop the flag to go on without"
            ) from None

    def _portions(self, rows: npt.NDArray[np.uint16]) -> Iterator[Tensor]:
        together = max(1, self.portion // rows.shape[1])
        for start in range(0, len(rows), together):
            yield torch.from_numpy(rows[start : start + together].astype(np.int64)).to(self.device)

    def _nats(self, rows: Tensor, hidden_of: Callable[[Tensor], Tensor]) -> Tensor:
        following, head = targets(rows).reshape(-1), self.network.head
        products = product_dtype(self.device) if torch.is_grad_enabled() else torch.float32
        with torch.autocast(self.device.type, products, enabled=products != torch.float32):
            hidden = hidden_of(rows).flatten(0, 1)
            if self.device.type == "cpu":
                return summed_loss(hidden, head, following, products)
            scores = functional.linear(hidden, head)
        return functional.cross_entropy(scores.float(), following, ignore_index=NOTHING, reduction="sum")

    def _hidden(self, rows: Tensor) -> Tensor:
        hidden: Tensor = self.network(rows, visible(rows))
        return hidden

    def _halve(self, row: int, error: Exception) -> None:
        """Ask for smaller portions if memory is what lacks; sums over them stay the same but for rounding and dropout's masks."""
        if not is_memory(error):
            raise error
        if self.portion <= row:
            raise Outage(
                f"out of memory: one row of {row} pieces does not fit on {self.device}; try a smaller --size or --device cpu"
            ) from error
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        self.network.zero_grad(set_to_none=True)
        self.portion = max(row, self.portion // 2)
        self.halvings += 1
