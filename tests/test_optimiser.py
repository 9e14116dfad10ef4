"""Muon and AdamW as `lm train` uses them: against torch's own Muon, and against singular values."""

import pytest

torch = pytest.importorskip("torch")

from searchgen.lm.neural.llama import Llama  # noqa: E402
from searchgen.lm.neural.llama_shape import Shape  # noqa: E402
from searchgen.lm.training.optimiser import Optimiser, orthogonalised  # noqa: E402

SHAPE = Shape(50, 32, 2, 2, 64, 256)


def test_a_step_of_the_matrices_is_that_of_muon() -> None:
    """Against torch's, which computes in bfloat16; matrices kept as one are changed apart; norms and embedding are AdamW's."""
    network, rate = Llama(SHAPE).initialise(0), 1e-2
    share = 2.5  # of the rate: the root mean square of a step is 0.2 of torch's rate, and half of ours
    block = network.blocks[0]
    parts = {name: list(getattr(block, name).detach().clone().chunk(n)) for name, n in (("attend", 3), ("down", 1))}
    theirs = [one.requires_grad_() for several in parts.values() for one in several]
    muon = torch.optim.Muon(theirs, lr=share * rate, weight_decay=0.1 / share, adjust_lr_fn="match_rms_adamw")
    ours, before = Optimiser(network), network.embedding.detach().clone()
    for step in range(3):
        for i, weight in enumerate(network.parameters()):
            weight.grad = torch.randn(weight.shape, generator=torch.Generator().manual_seed(100 * step + i))
        for name, several in parts.items():
            for one, gradient in zip(several, getattr(block, name).grad.chunk(len(several)), strict=True):
                one.grad = gradient.clone()
        ours.step(rate)
        muon.step()
    for name, several in parts.items():
        moved = getattr(block, name).detach() - torch.cat(several).detach()
        assert float(moved.norm()) < 0.02 * 3 * rate * moved.numel() ** 0.5, name
    assert float((network.embedding.detach() - before).abs().mean()) > rate / 2


def test_orthogonalised_matrices_keep_their_singular_vectors() -> None:
    for rows, columns in ((8, 24), (24, 8), (16, 16)):
        matrices = torch.randn(2, rows, columns, generator=torch.Generator().manual_seed(0))
        left, values, right = torch.linalg.svd(matrices, full_matrices=False)
        found = left.transpose(1, 2) @ orthogonalised(matrices) @ right.transpose(1, 2)
        off = found - torch.diag_embed(torch.diagonal(found, dim1=1, dim2=2))
        assert float(off.abs().max()) < 1e-4
        large = torch.diagonal(found, dim1=1, dim2=2)[values > 0.1 * values.max()]
        assert float(large.min()) > 0.5
        assert float(large.max()) < 1.3
