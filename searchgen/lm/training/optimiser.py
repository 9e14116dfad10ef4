"""Muon for the matrices inside a network, AdamW for all other weights.

Muon (Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024) steps along the semi-orthogonal matrix nearest to the
momentum; a step is as long as one of AdamW would be (Liu et al., "Muon is scalable for LLM training", 2025). AdamW is of Loshchilov and
Hutter (2019).

torch.optim.Muon takes stacked matrices for one, and needs five rounds of one polynomial where four of different ones bring more singular
values nearer to 1. It computes in bfloat16, which is slow where there are no circuits for it, and too rough for products of rows, whose
errors the polynomials enlarge: of a momentum of nearly one direction the largest singular value became 26.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from searchgen.lm.neural.architectures.llama import PUBLISHED, Llama

__all__ = ["Optimiser", "orthogonalised"]

#: AdamW: decay of the two moments.
MOMENTS = 0.9, 0.95

#: Muon: decay of the momentum, and the root mean square of a step, as a share of the rate.
MOMENTUM, STEP = 0.95, 0.5

#: The share of a matrix that decays in a step, over the rate.
DECAY = 0.1

#: Odd polynomials a x + b x^3 + c x^5, one after the other: each is nearest to 1 where the one before left the singular values, which begin
#: from 0.003 to 1. All end within 0.21 of 1 (Amsel et al., "The Polar Express", 2025; found by linear programming).
POLYNOMIALS = (
    (8.3837, -24.7659, 18.3571),
    (4.0434, -3.0114, 0.5695),
    (3.5056, -2.6267, 0.5257),
    (2.4901, -1.8343, 0.4368),
)


class Optimiser:
    """Changes the weights of a network along their gradients."""

    def __init__(self, network: Llama) -> None:
        """Begin with nothing remembered.

        Args:
            network: on its device; only its blocks' matrices are Muon's.
        """
        self._named = dict(network.named_parameters())
        self._parts = {
            weight: len(PUBLISHED[name.rpartition(".")[2]])  # matrices kept as one
            for name, weight in self._named.items()
            if name.startswith("blocks.") and weight.ndim == 2
        }
        self._momentum: dict[Tensor, Tensor] = {}
        others = [weight for weight in self._named.values() if weight not in self._parts]
        groups = [
            {"params": [weight for weight in others if weight.ndim == 2], "weight_decay": DECAY},
            {"params": [weight for weight in others if weight.ndim != 2], "weight_decay": 0.0},
        ]
        self._adam = torch.optim.AdamW(groups, lr=0.0, betas=MOMENTS, fused=True)

    def step(self, rate: float) -> None:
        """Change every weight along the gradient it holds.

        Args:
            rate: of learning, that of AdamW.
        """
        for group in self._adam.param_groups:
            group["lr"] = rate
        self._adam.step()
        with torch.no_grad():
            for weight, parts in self._parts.items():
                gradient = weight.grad
                if gradient is None:
                    continue
                momentum = self._momentum.setdefault(weight, torch.zeros_like(weight))
                momentum.lerp_(gradient, 1 - MOMENTUM)
                ahead = gradient.lerp(momentum, MOMENTUM)  # Nesterov's
                stacked = orthogonalised(ahead.view(parts, -1, ahead.shape[1]))
                weight.mul_(1 - rate * DECAY)
                weight.add_(stacked.reshape(weight.shape), alpha=-STEP * rate * max(stacked.shape[1:]) ** 0.5)

    def tensors(self) -> dict[str, Tensor]:
        """Return what is remembered of each weight, by what it is and the weight's name."""
        tensors = {}
        for name, weight in self._named.items():
            for what, value in self._adam.state.get(weight, {}).items():
                tensors[f"{what}.{name}"] = value
            if weight in self._momentum:
                tensors[f"momentum.{name}"] = self._momentum[weight]
        return tensors

    def take(self, tensors: Mapping[str, Tensor]) -> None:
        """Take over what `tensors` returned."""
        for name, weight in self._named.items():
            moments = {what: tensors.get(f"{what}.{name}") for what in ("step", "exp_avg", "exp_avg_sq")}
            if moments["step"] is not None:
                # AdamW's fused loop wants its step count on the device, too.
                self._adam.state[weight] = {
                    what: value.to(weight.device) for what, value in moments.items() if value is not None
                }
            momentum = tensors.get(f"momentum.{name}")
            if momentum is not None:
                self._momentum[weight] = momentum.to(weight.device)


def orthogonalised(matrices: Tensor) -> Tensor:
    """Return matrices with the singular vectors of others and singular values near 1, by Newton and Schulz's iteration.

    Args:
        matrices: (n, rows, columns).

    Returns:
        (n, rows, columns).
    """
    tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.transpose(1, 2) if tall else matrices
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    x = _by_products(x) if x.shape[2] > 2 * x.shape[1] else _by_itself(x)
    return x.transpose(1, 2) if tall else x


def _by_itself(x: Tensor) -> Tensor:
    """Apply the polynomials to matrices (n, R, C) with R <= C."""
    for first, third, fifth in POLYNOMIALS:
        squared = x @ x.transpose(1, 2)
        x = torch.baddbmm(x, torch.baddbmm(squared, squared, squared, beta=third, alpha=fifth), x, beta=first)
    return x


def _by_products(x: Tensor) -> Tensor:
    """Do the same with products of rows (n, R, R) in place of the matrices, which is less work where those are long."""
    squared, identity = x @ x.transpose(1, 2), torch.eye(x.shape[1], dtype=x.dtype, device=x.device)

    def polynomial(first: float, third: float, fifth: float) -> Tensor:
        return torch.baddbmm(squared, squared, squared, beta=third, alpha=fifth) + first * identity

    factor = step = polynomial(*POLYNOMIALS[0])
    for coefficients in POLYNOMIALS[1:]:
        squared = step @ squared @ step
        step = polynomial(*coefficients)
        factor = step @ factor
    return factor @ x
