"""Muon and AdamW as `lm train` uses them: against torch's own Muon, and against singular values."""

import pytest

torch = pytest.importorskip("torch")

from searchgen.lm.neural.architectures.llama import Llama  # noqa: E402
from searchgen.lm.neural.architectures.llama_shape import Shape  # noqa: E402
from searchgen.lm.training.optimiser import Optimiser, orthogonalised  # noqa: E402

SHAPE = Shape(50, 32, 2, 2, 64, 256)


def test_a_step_of_the_matrices_is_that_of_muon() -> None:
    """Against the nearest semi-orthogonal matrices, by singular values; stacked ones apart. Norms and embedding are AdamW's."""
    network, rate = Llama(SHAPE).initialise(0), 1e-2
    block = network.blocks[0]
    exact = {name: list(getattr(block, name).detach().clone().chunk(n)) for name, n in (("attend", 3), ("down", 1))}
    momentum = {name: [torch.zeros_like(one) for one in several] for name, several in exact.items()}
    ours, before = Optimiser(network), network.embedding.detach().clone()
    for step in range(3):
        for i, weight in enumerate(network.parameters()):
            weight.grad = torch.randn(weight.shape, generator=torch.Generator().manual_seed(100 * step + i))
        for name, several in exact.items():
            for one, mean, gradient in zip(
                several, momentum[name], getattr(block, name).grad.chunk(len(several)), strict=True
            ):
                mean.mul_(0.95).add_(gradient, alpha=0.05)
                left, _, right = torch.linalg.svd(0.05 * gradient + 0.95 * mean, full_matrices=False)
                one.mul_(1 - 0.1 * rate).sub_(left @ right, alpha=0.5 * rate * max(one.shape) ** 0.5)
        ours.step(rate)
    for name, several in exact.items():
        begun = Llama(SHAPE).initialise(0).blocks[0]
        way = torch.cat(several) - getattr(begun, name).detach()
        off = getattr(block, name).detach() - torch.cat(several)
        assert float(off.norm()) < 0.2 * float(way.norm()), name
    assert float((network.embedding.detach() - before).abs().mean()) > rate / 2


def test_singular_values_come_near_one_and_singular_vectors_stay() -> None:
    """Those of 0.003 of a matrix's length and more, on both ways through; as near as five rounds of Jordan's polynomial, or nearer."""
    generator = torch.Generator().manual_seed(0)
    for rows, columns in ((12, 40), (40, 12), (16, 16), (16, 24)):
        least = min(rows, columns)
        left = torch.linalg.qr(torch.randn(2, rows, least, generator=generator, dtype=torch.float64)).Q
        right = torch.linalg.qr(torch.randn(2, columns, least, generator=generator, dtype=torch.float64)).Q
        values = torch.logspace(-2.4, 0, least, dtype=torch.float64)
        values /= values.norm()
        made = orthogonalised(left @ torch.diag(values) @ right.transpose(1, 2))
        found = left.transpose(1, 2) @ made @ right
        inside = torch.diagonal(found, dim1=1, dim2=2)
        assert float((found - torch.diag_embed(inside)).abs().max()) < 1e-6
        assert float((inside[:, values > 0.003] - 1).abs().max()) < 0.2
        five = values
        for _ in range(5):
            five = 3.4445 * five - 4.7750 * five**3 + 2.0315 * five**5
        assert float((inside - 1).abs().max()) < float((five - 1).abs().max())
