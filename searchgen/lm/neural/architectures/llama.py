"""A small LLaMA as plain torch: trained by `lm train`, and loadable unchanged by the transformers library.

Touvron et al., "LLaMA: Open and Efficient Foundation Language Models" (2023): pre-norm blocks with root-mean-square norms, rotary positions
(Su et al., "RoFormer", 2021), gated feed-forward layers (Shazeer, "GLU Variants Improve Transformer", 2020), no biases.

Rotary positions are relative. So sentences packed into one row, each seeing itself only, get the very numbers that they get alone.
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from searchgen.lm.neural.architectures.llama_shape import Shape
from searchgen.lm.neural.key_values import KeyValues

__all__ = ["PUBLISHED", "Llama"]

#: Places whose angles are kept: config.json may allow millions, and texts have dozens.
PLACES = 1 << 14

#: From queries, keys and values (B, heads, L, H / heads) to the values mixed.
Attend = Callable[[Tensor, Tensor, Tensor], Tensor]


class Block(nn.Module):
    """Attention and a gated layer, each on the norm of what comes in and added to it."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        width, inner = shape.width, shape.inner
        self.heads, self.epsilon = shape.heads, shape.epsilon
        self.norm_1 = nn.Parameter(torch.ones(width))
        self.attend = nn.Parameter(
            torch.empty(3 * width, width)
        )  # queries, keys, values: one product is faster than three
        self.out = nn.Parameter(torch.empty(width, width))
        self.norm_2 = nn.Parameter(torch.ones(width))
        self.gated = nn.Parameter(torch.empty(2 * inner, width))  # gate, then what it lets through
        self.down = nn.Parameter(torch.empty(width, inner))

    def forward(self, x: Tensor, rotary: tuple[Tensor, Tensor], attend: Attend, dropout: float) -> Tensor:
        """Return the hidden states after the block, (B, L, H)."""
        batch, length, width = x.shape
        y = functional.rms_norm(x, (width,), self.norm_1, self.epsilon)
        mixed = functional.linear(y, self.attend).view(batch, length, 3 * self.heads, -1)
        turned = _turned(mixed[:, :, : 2 * self.heads], *rotary)
        query, key = turned.transpose(1, 2).chunk(2, dim=1)  # (B, heads, L, H / heads)
        value = mixed[:, :, 2 * self.heads :].transpose(1, 2)
        seen = attend(query, key, value)
        seen = functional.linear(seen.transpose(1, 2).reshape(batch, length, width), self.out)
        x = x + functional.dropout(seen, dropout, self.training)
        y = functional.rms_norm(x, (width,), self.norm_2, self.epsilon)
        gate, passed = functional.linear(y, self.gated).chunk(2, dim=-1)
        y = functional.linear(functional.silu(gate) * passed, self.down)
        return x + functional.dropout(y, dropout, self.training)


def _turned(x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """Turn the two halves of each head's numbers by the angles of their places; x is (B, L, heads, H / heads)."""
    first, second = x.chunk(2, dim=-1)
    return torch.cat([first * cosine - second * sine, second * cosine + first * sine], dim=-1)


def _rotary(shape: Shape, places: int) -> tuple[Tensor, Tensor]:
    """Return cosines and sines of the angles of places, (places, 1, H / heads / 2) each."""
    half = shape.width // shape.heads // 2
    angles = torch.arange(places)[:, None] * shape.base ** (-torch.arange(half) / half)
    return angles.cos()[:, None, :], angles.sin()[:, None, :]


class Llama(nn.Module):
    """The trunk: piece ids (B, L) to hidden states (B, L, H); `head` is (V, H)."""

    def __init__(self, shape: Shape, dropout: float = 0.0) -> None:
        """Make room for the weights; they are not set.

        Args:
            shape: the sizes.
            dropout: the share of each block's results that training drops.
        """
        super().__init__()
        self.shape, self.dropout = shape, dropout
        self.embedding = nn.Parameter(torch.empty(shape.vocabulary, shape.width))
        self.untied = None if shape.tied else nn.Parameter(torch.empty(shape.vocabulary, shape.width))
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape.layers))
        self.last = nn.Parameter(torch.ones(shape.width))
        cosine, sine = _rotary(shape, min(shape.context, PLACES))
        self.register_buffer("cosine", cosine, persistent=False)
        self.register_buffer("sine", sine, persistent=False)

    @property
    def head(self) -> Tensor:
        """The output layer, (V, H)."""
        return self.embedding if self.untied is None else self.untied

    def initialise(self, seed: int, deviation: float = 0.02) -> "Llama":
        """Draw the weights: normal, those that end a block smaller, so that its variance does not grow with the depth."""
        generator = torch.Generator().manual_seed(seed)
        ends = deviation / (2 * self.shape.layers) ** 0.5
        with torch.no_grad():
            for name, weight in self.named_parameters():
                if weight.ndim == 2:
                    weight.normal_(0.0, ends if name.endswith((".out", ".down")) else deviation, generator=generator)
        return self

    def forward(self, pieces: Tensor, visible: Tensor | None = None) -> Tensor:
        """Return the hidden states of a batch.

        Args:
            pieces: (B, L) int64.
            visible: (B, 1, L, L) bool, what each position sees; None: all before it, and itself.
        """
        causal = visible is None

        def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
            return functional.scaled_dot_product_attention(q, k, v, attn_mask=visible, is_causal=causal)

        cosine, sine = (table[: pieces.shape[1]] for table in self._tables(pieces.shape[1]))
        return self._through(pieces, (cosine, sine), lambda _layer: attend)

    def _tables(self, places: int) -> tuple[Tensor, Tensor]:
        """Return cosines and sines of so many places or more, (places, 1, H / heads / 2)."""
        cosine: Tensor = self.cosine  # type: ignore[assignment]
        sine: Tensor = self.sine  # type: ignore[assignment]
        if places <= len(cosine):
            return cosine, sine
        longer = _rotary(self.shape, places)
        return longer[0].to(cosine), longer[1].to(sine)

    @property
    def place_bytes(self) -> int:
        """Bytes that keys and values of one place of one text take."""
        return 2 * self.shape.layers * self.shape.width * self.embedding.element_size()

    def nothing_seen(self, texts: int) -> KeyValues:
        """Return keys and values of texts of which nothing has been read."""
        shape = self.shape
        empty = (texts, shape.heads, 0, shape.width // shape.heads)
        sides = [[self.embedding.new_zeros(empty) for _ in self.blocks] for _ in range(2)]
        return KeyValues(*sides)

    def extend(self, pieces: Tensor, start: Tensor, seen: KeyValues) -> Tensor:
        """Read on; see `Reader.extend`. Keys are kept turned by their places."""
        at = start[:, None] + torch.arange(pieces.shape[1], device=pieces.device)  # (B, M)
        visible = torch.arange(seen.keys[0].shape[2], device=pieces.device) <= at[:, :, None]  # (B, M, T)

        def attend_in(layer: int) -> Attend:
            keys, values = seen.keys[layer], seen.values[layer]

            def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
                place = at[:, None, :, None].expand(k.shape)
                keys.scatter_(2, place, k)
                values.scatter_(2, place, v)
                return functional.scaled_dot_product_attention(q, keys, values, attn_mask=visible[:, None])

            return attend

        places = min(seen.keys[0].shape[2], self.shape.context)
        last = at.clamp(max=places - 1)  # of padding
        cosine, sine = (table[last] for table in self._tables(places))
        return self._through(pieces, (cosine, sine), attend_in)

    def _through(self, pieces: Tensor, angles: tuple[Tensor, Tensor], attend_in: Callable[[int], Attend]) -> Tensor:
        """Return hidden states: `angles` are cosines and sines of the places, `attend_in` says how a layer mixes values."""
        x = functional.embedding(pieces, self.embedding)
        rotary = angles[0].to(x.dtype), angles[1].to(x.dtype)
        for layer, block in enumerate(self.blocks):
            x = block(x, rotary, attend_in(layer), self.dropout)
        return functional.rms_norm(x, (self.shape.width,), self.last, self.shape.epsilon)

    def published(self) -> dict[str, Tensor]:
        """Return the weights by the names of the transformers library."""
        tensors: dict[str, Tensor] = {"model.embed_tokens.weight": self.embedding, "model.norm.weight": self.last}
        if self.untied is not None:
            tensors["lm_head.weight"] = self.untied
        for number, block in enumerate(self.blocks):
            for name, weight in block.named_parameters():
                names = PUBLISHED[name]
                for part_name, part in zip(names, weight.chunk(len(names)), strict=True):
                    tensors[f"model.layers.{number}.{part_name}.weight"] = part
        return {name: weight.detach() for name, weight in tensors.items()}

    def take(self, weights: Mapping[str, Tensor]) -> "Llama":
        """Take over weights by the names of the transformers library.

        Raises:
            KeyError: one is missing.
            RuntimeError: one has another shape.
        """
        with torch.no_grad():
            self.embedding.copy_(weights["model.embed_tokens.weight"])
            self.last.copy_(weights["model.norm.weight"])
            if self.untied is not None:
                self.untied.copy_(weights["lm_head.weight"])
            for number, block in enumerate(self.blocks):
                for name, weight in block.named_parameters():
                    parts = [weights[f"model.layers.{number}.{part_name}.weight"] for part_name in PUBLISHED[name]]
                    weight.copy_(torch.cat(parts))
        return self


#: The weights of a block and the published ones that each is made of, one below the other.
PUBLISHED = {
    "norm_1": ("input_layernorm",),
    "attend": ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"),
    "out": ("self_attn.o_proj",),
    "norm_2": ("post_attention_layernorm",),
    "gated": ("mlp.gate_proj", "mlp.up_proj"),
    "down": ("mlp.down_proj",),
}
