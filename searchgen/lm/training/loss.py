"""The loss of an output layer over many pieces, and its gradients at once, for a few positions at a time: their scores stay in the cache.

The scores of all positions of a step are a hundred million bytes, which would be written and read again eight times.
"""

from typing import Any

import torch
from torch import Tensor

from searchgen.lm.training.packing import NOTHING

__all__ = ["summed_loss"]

#: Positions whose scores are computed together: with 8,192 pieces, 16 million bytes.
TOGETHER = 512


def summed_loss(hidden: Tensor, head: Tensor, following: Tensor, products: torch.dtype | None = None) -> Tensor:
    """Return the sum of -log p over positions, as `cross_entropy` of their scores would be.

    Args:
        hidden: (N, H) float32.
        head: (V, H) float32.
        following: (N,) int64, the piece that follows; NOTHING where none is to be predicted.
        products: the numbers in which matrices are multiplied; None: those of `head`.

    Returns:
        (), nats; its gradients are those for `hidden` and `head`.

    Example:
        >>> hidden, head = torch.zeros(3, 2), torch.zeros(4, 2)
        >>> round(float(summed_loss(hidden, head, torch.tensor([1, NOTHING, 3]))), 4)  # 2 ln 4
        2.7726
    """
    if not torch.is_grad_enabled():  # a weight asks for its gradient all the same
        head = head.detach()
    total: Tensor = _SummedLoss.apply(hidden, head, following, products or head.dtype)  # type: ignore[no-untyped-call]
    return total


class _SummedLoss(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, hidden: Tensor, head: Tensor, following: Tensor, products: torch.dtype) -> Tensor:
        learn = any(context.needs_input_grad)
        inputs, output = hidden.to(products), head.to(products)
        to_hidden, to_head, total = torch.empty_like(hidden), torch.zeros_like(head), head.new_zeros(())
        room = inputs.new_empty(TOGETHER, len(head))  # used again: new memory costs as much as a pass over it
        for start in range(0, len(hidden), TOGETHER):
            part = slice(start, start + TOGETHER)
            predicted, piece = following[part] != NOTHING, following[part].clamp(min=0)[:, None]
            scores = torch.mm(inputs[part], output.t(), out=room[: len(piece)]).to(head.dtype)
            scores -= scores.amax(1, keepdim=True)
            own = scores.gather(1, piece)
            sums = scores.exp_().sum(1, keepdim=True)
            total += ((sums.log() - own)[:, 0] * predicted).sum()
            if not learn:
                continue
            # The gradient for the scores: probabilities, less one for the piece that follows.
            scores *= predicted[:, None] / sums
            scores.scatter_add_(1, piece, -predicted[:, None].to(scores.dtype))
            wrong = scores.to(products)
            to_hidden[part] = wrong @ output
            if products == head.dtype:
                to_head.addmm_(wrong.t(), inputs[part])
            else:
                to_head += wrong.t() @ inputs[part]
        context.save_for_backward(to_hidden, to_head)
        return total

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None, None]:
        to_hidden, to_head = context.saved_tensors
        return to_hidden * gradients[0], to_head * gradients[0], None, None
