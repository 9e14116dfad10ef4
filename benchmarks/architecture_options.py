"""A small causal transformer with switches, whose default is the network that `lm train` makes; for measurements only.

Each switch is one idea: positions (Vaswani et al. 2017; Su et al. 2021), attention logits that add up over the layers (He et al.,
"RealFormer", 2020), where the norms stand, how the weights are drawn, the output layer, the layer between (Shazeer 2020; So et al. 2021),
and attention that is linear in the length (Choromanski et al., "Rethinking Attention with Performers", 2021).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from searchgen.lm.neural.architectures.llama_shape import Shape
from searchgen.lm.training.packing import BEGIN

__all__ = ["Network", "Options", "Seen", "places"]

#: Random features of linear attention, as a multiple of a head's width.
FEATURES = 2

#: Added to each feature, so that no text has a sum of zero.
LEAST = 1e-6


@dataclass(frozen=True)
class Options:
    """The parts of a network.

    Attributes:
        positions: rotary, lines (rotary over line and column), learned, sinusoidal or none.
        residual: whether each layer's attention logits are added to those of the layer before.
        norm: pre or post.
        deviation: of the drawn weights: 0.02, width (1 / sqrt H), or 1 / sqrt of a mean of a matrix's two dimensions: arithmetic,
            geometric or quadratic.
        output: tied; untied; or one of them followed by ", scaled": the blocks' input and the scores are then drawn with a variance of one.
        inner: gated, gelu or squared (ReLU); with equally many weights.
        linear: whether attention is a sum of positive random features.
    """

    positions: str = "rotary"
    residual: bool = False
    norm: str = "pre"
    deviation: str = "0.02"
    output: str = "tied"
    inner: str = "gated"
    linear: bool = False


class Seen(NamedTuple):
    """The state that a layer keeps of the earlier pieces.

    Softmax: keys and values, both (B, heads, T, D). Linear: sums over places of features, (B, heads, F), and of their products with values,
    (B, heads, F, D).
    """

    first: Tensor
    second: Tensor


def places(rows: Tensor, breaks: Sequence[int] = ()) -> tuple[Tensor, Tensor]:
    """Return line and column of each position of rows (B, L); without `breaks` all is one line. A line begins with its break.

    Example:
        >>> [x.tolist() for x in places(torch.tensor([[0, 5, 6, 9, 5, 0, 7]]), [9])]
        [[[0, 0, 0, 1, 1, 0, 0]], [[0, 1, 2, 0, 1, 0, 1]]]
    """
    begins = rows == BEGIN
    opens = begins | torch.isin(rows, torch.tensor(list(breaks), dtype=rows.dtype))
    at = torch.arange(rows.shape[1]).expand_as(rows)
    column = at - torch.where(opens, at, 0).cummax(1).values
    count = opens.cumsum(1)
    return count - torch.where(begins, count, 0).cummax(1).values, column


class Block(nn.Module):
    """Attention, and the layer between."""

    def __init__(self, shape: Shape, options: Options) -> None:
        super().__init__()
        width, self.options, self.shape = shape.width, options, shape
        inner = shape.inner if options.inner == "gated" else shape.inner * 3 // 2
        self.norm_1, self.norm_2 = nn.Parameter(torch.ones(width)), nn.Parameter(torch.ones(width))
        self.query, self.key, self.value, self.out = (nn.Parameter(torch.empty(width, width)) for _ in range(4))
        if options.inner == "gated":
            self.gate = nn.Parameter(torch.empty(inner, width))
        self.up, self.down = nn.Parameter(torch.empty(inner, width)), nn.Parameter(torch.empty(width, inner))
        if options.linear:
            self.register_buffer("directions", _directions(width // shape.heads))

    def forward(
        self, x: Tensor, angles: Tensor | None, mask: Tensor, logits: Tensor | None, seen: Seen | None
    ) -> tuple[Tensor, Tensor | None, Seen]:
        """Return hidden states (B, L, H), attention logits to hand on, and the state that a longer text needs."""
        mixed, logits, seen = self._attention(self._before(x, self.norm_1), angles, mask, logits, seen)
        x = self._after(x + functional.linear(mixed, self.out), self.norm_1)
        y = self._between(self._before(x, self.norm_2))
        return self._after(x + functional.linear(y, self.down), self.norm_2), logits, seen

    def _norm(self, x: Tensor, weight: Tensor) -> Tensor:
        return functional.rms_norm(x, (self.shape.width,), weight, self.shape.epsilon)

    def _before(self, x: Tensor, weight: Tensor) -> Tensor:
        return self._norm(x, weight) if self.options.norm == "pre" else x

    def _after(self, x: Tensor, weight: Tensor) -> Tensor:
        return self._norm(x, weight) if self.options.norm == "post" else x

    def _between(self, y: Tensor) -> Tensor:
        if self.options.inner == "gated":
            gate, passed = functional.linear(y, torch.cat([self.gate, self.up])).chunk(2, dim=-1)
            return functional.silu(gate) * passed
        y = functional.linear(y, self.up)
        return functional.gelu(y) if self.options.inner == "gelu" else functional.relu(y).square()

    def _attention(
        self, y: Tensor, angles: Tensor | None, mask: Tensor, logits: Tensor | None, seen: Seen | None
    ) -> tuple[Tensor, Tensor | None, Seen]:
        batch, length, width = y.shape
        together = functional.linear(y, torch.cat([self.query, self.key, self.value]))
        q, k, v = together.view(batch, length, 3 * self.shape.heads, -1).transpose(1, 2).chunk(3, dim=1)
        if angles is not None:
            q, k = _turned(q, angles), _turned(k, angles)
        if self.options.linear:
            mixed, seen = self._linear(q, k, v, mask, seen)
        else:
            if seen is not None:
                k, v = torch.cat([seen.first, k], dim=2), torch.cat([seen.second, v], dim=2)
            seen = Seen(k, v)
            if self.options.residual:
                mine = q @ k.mT / sqrt(q.shape[-1])
                logits = mine if logits is None else logits + mine
                mixed = logits.masked_fill(~mask, -torch.inf).softmax(-1) @ v
            else:
                mixed = functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        return mixed.transpose(1, 2).reshape(batch, length, width), logits, seen

    def _linear(self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor, seen: Seen | None) -> tuple[Tensor, Seen]:
        """Mix values by sums of features: within a short row as a product of all pairs, beyond it by the sums."""
        directions: Tensor = self.directions  # type: ignore[assignment]
        q, k = _features(q, directions, True), _features(k, directions, False)
        shares = (q @ k.mT).masked_fill(~mask, 0.0)
        upper, lower = shares @ v, shares.sum(-1, keepdim=True)
        sums, products = k.sum(2), k.mT @ v
        if seen is not None:
            upper, lower = upper + q @ seen.second, lower + q @ seen.first[..., None]
            sums, products = sums + seen.first, products + seen.second
        return upper / lower, Seen(sums, products)


class Network(nn.Module):
    """The trunk: piece ids (B, L) to hidden states (B, L, H); `head` is (V, H)."""

    def __init__(self, shape: Shape, options: Options = Options(), breaks: Sequence[int] = ()) -> None:
        """Make room for the weights; they are not set.

        Args:
            shape: the sizes.
            options: its parts.
            breaks: the pieces that begin a line.
        """
        super().__init__()
        self.shape, self.options, self.breaks, self.dropout = shape, options, breaks, 0.0
        self.embedding = nn.Parameter(torch.empty(shape.vocabulary, shape.width))
        if options.output.startswith("untied"):
            self.untied = nn.Parameter(torch.empty(shape.vocabulary, shape.width))
        if options.positions == "learned":
            self.learned = nn.Parameter(torch.empty(shape.context, shape.width))
        self.blocks = nn.ModuleList(Block(shape, options) for _ in range(shape.layers))
        self.last = nn.Parameter(torch.ones(shape.width))

    @property
    def head(self) -> Tensor:
        """The output layer, (V, H)."""
        return self.untied if self.options.output.startswith("untied") else self.embedding

    def initialise(self, seed: int) -> "Network":
        """Draw the weights: normal, those that end a block smaller by sqrt(2 layers)."""
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for name, weight in self.named_parameters():
                if weight.ndim == 2:
                    ends = sqrt(2 * self.shape.layers) if name.endswith((".out", ".down")) else 1.0
                    weight.normal_(0.0, self._deviation(name, weight) / ends, generator=generator)
        return self

    def _deviation(self, name: str, weight: Tensor) -> float:
        one, other = weight.shape
        if self.options.output.endswith("scaled") and name in ("embedding", "untied"):
            return 1.0 if name == "embedding" and self.options.output == "untied, scaled" else self.shape.width**-0.5
        means = {
            "width": float(self.shape.width),
            "arithmetic": (one + other) / 2,
            "geometric": sqrt(one * other),
            "quadratic": sqrt((one**2 + other**2) / 2),
        }
        mean = means.get(self.options.deviation)
        return mean**-0.5 if mean else float(self.options.deviation)

    def forward(self, pieces: Tensor, visible: Tensor) -> Tensor:
        """Return the hidden states of packed rows (B, L); `visible` is (B, 1, L, L) bool, what each position sees."""
        return self._through(pieces, places(pieces, self._breaks), visible, None)[0]

    def read(self, pieces: Tensor, seen: list[Seen] | None = None, start: int = 0) -> tuple[Tensor, list[Seen]]:
        """Read texts (B, L), one per row, or continue them; return hidden states (B, L, H) and the state to continue from.

        Args:
            pieces: the next ones.
            seen: the state after the pieces before them.
            start: the number of those pieces. Lines are not counted further: rotary positions over lines are not supported.
        """
        length = pieces.shape[1]
        mask = torch.ones(length, length + start, dtype=torch.bool).tril(start)
        if self.options.linear:
            mask = mask[:, start:]
        column = torch.arange(start, start + length).expand_as(pieces)
        return self._through(pieces, (torch.zeros_like(column), column), mask, seen)

    @property
    def _breaks(self) -> Sequence[int]:
        return self.breaks if self.options.positions == "lines" else ()

    def _through(
        self, pieces: Tensor, where: tuple[Tensor, Tensor], mask: Tensor, seen: list[Seen] | None
    ) -> tuple[Tensor, list[Seen]]:
        x = functional.embedding(pieces, self.embedding)
        if self.options.output == "tied, scaled":
            x = x * sqrt(self.shape.width)
        x, angles, logits, kept = self._placed(x, *where), self._angles(*where), None, []
        for layer, block in enumerate(self.blocks):
            x, logits, one = block(x, angles, mask, logits, seen[layer] if seen else None)
            kept.append(one)
        if self.options.norm == "pre":
            x = functional.rms_norm(x, (self.shape.width,), self.last, self.shape.epsilon)
        return x, kept

    def _placed(self, x: Tensor, line: Tensor, column: Tensor) -> Tensor:
        """Add positions that are added: drawn and learned, or waves as large as the embeddings begin."""
        if self.options.positions == "learned":
            return x + functional.embedding(column, self.learned)
        if self.options.positions == "sinusoidal":
            turns = _waves(column, self.shape.width // 2, self.shape.base)
            size = sqrt(2) * self._deviation("embedding", self.embedding)
            return x + size * torch.cat([turns.cos(), turns.sin()], dim=-1)
        return x

    def _angles(self, line: Tensor, column: Tensor) -> Tensor | None:
        """Return the angles (B, 1, L, D / 2) by which a head's numbers are turned; of lines and columns every other one."""
        half = self.shape.width // self.shape.heads // 2
        if self.options.positions == "rotary":
            return _waves(column, half, self.shape.base)[:, None]
        if self.options.positions == "lines":
            both = [_waves(one, half // 2, self.shape.base) for one in (line, column)]
            return torch.cat(both, dim=-1)[:, None]
        return None


def _waves(place: Tensor, count: int, base: float) -> Tensor:
    return place[..., None] * base ** (-torch.arange(count) / count)


def _turned(x: Tensor, angles: Tensor) -> Tensor:
    """Rotate the two halves of each head's numbers; x is (B, heads, L, D)."""
    cosine, sine = angles.cos(), angles.sin()
    first, second = x.chunk(2, dim=-1)
    return torch.cat([first * cosine - second * sine, second * cosine + first * sine], dim=-1)


def _directions(width: int) -> Tensor:
    """Draw (F, D) directions: orthogonal by blocks of D, each as long as a normal vector; always the same."""
    generator = torch.Generator().manual_seed(0)
    blocks = [torch.linalg.qr(torch.randn(width, width, generator=generator)).Q for _ in range(FEATURES)]
    lengths = torch.randn(FEATURES * width, width, generator=generator).norm(dim=1, keepdim=True)
    found: Tensor = torch.cat(blocks) * lengths
    return found


def _features(x: Tensor, directions: Tensor, scale: bool) -> Tensor:
    """Return features (B, heads, L, F) whose products have the mean exp(q k / sqrt D).

    With `scale` each position's are divided by their greatest, which cancels for queries and would not for keys.
    """
    x = x / x.shape[-1] ** 0.25
    exponent = x @ directions.mT - x.square().sum(-1, keepdim=True) / 2
    if scale:
        exponent = exponent - exponent.detach().amax(-1, keepdim=True)
    return exponent.exp() + LEAST
