"""GPT-2 as plain torch: the same numbers as the transformers library, whose import alone takes longer than a short job.

Radford et al., "Language Models are Unsupervised Multitask Learners" (2019): pre-norm blocks, learned positions, tied output.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from searchgen.errors import ModelFileError
from searchgen.lm.neural.architectures.weight_files import Plain
from searchgen.lm.neural.key_values import KeyValues

__all__ = ["FORM", "GPT2", "is_plain", "weight_shapes"]

#: The activations of published GPT-2 checkpoints; "gelu_new" is the tanh form.
ACTIVATIONS = {"gelu_new": "tanh", "gelu_pytorch_tanh": "tanh", "gelu": "none"}


#: Files hold masks of older versions besides weights, and the output layer, which is the embedding.
FORM = Plain("transformer.", re.compile(r"h\.\d+\.attn\.(masked_)?bias|lm_head\.weight"), "wte.weight")

#: Sizes that config.json leaves out where they are those of the smallest published checkpoint.
USUAL = {"vocab_size": 50257, "n_embd": 768, "n_layer": 12, "n_head": 12, "n_positions": 1024}


def weight_shapes(config: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """Return the shape of every weight of a network, by its published name without "transformer." before it.

    Raises:
        ModelFileError: the sizes do not fit each other.
    """
    vocabulary, width, layers, heads, places = (config.get(name) or usual for name, usual in USUAL.items())
    if width % heads:
        raise ModelFileError(f"config.json: n_embd {width} is not a multiple of n_head {heads}; fetch the model again")
    inner = config.get("n_inner") or 4 * width
    matrices = {
        "attn.c_attn": (width, 3 * width),
        "attn.c_proj": (width, width),
        "mlp.c_fc": (width, inner),
        "mlp.c_proj": (inner, width),
    }
    block: dict[str, tuple[int, ...]] = {
        f"{norm}.{kind}": (width,) for norm in ("ln_1", "ln_2") for kind in ("weight", "bias")
    }
    for name, shape in matrices.items():
        block |= {f"{name}.weight": shape, f"{name}.bias": shape[1:]}
    ends = {
        "wte.weight": (vocabulary, width),
        "wpe.weight": (places, width),
        "ln_f.weight": (width,),
        "ln_f.bias": (width,),
    }
    return {**ends, **{f"h.{i}.{name}": shape for i in range(layers) for name, shape in block.items()}}


def is_plain(config: Mapping[str, Any]) -> bool:
    """Return whether a checkpoint's config describes exactly the network below."""
    return (
        config.get("model_type") == "gpt2"
        and (config.get("activation_function") or "gelu_new") in ACTIVATIONS
        and config.get("scale_attn_weights") is not False
        and not config.get("scale_attn_by_inverse_layer_idx", False)
        and not config.get("add_cross_attention", False)
        and config.get("tie_word_embeddings") is not False
    )


class GPT2(nn.Module):
    """The trunk: piece ids (B, L) to hidden states (B, L, H); `head` is (V, H)."""

    def __init__(self, config: Mapping[str, Any], weights: Mapping[str, Tensor]) -> None:
        """Take over the weights of a checkpoint.

        Args:
            config: its config.json.
            weights: its tensors, by their published names, with or without "transformer." before them.

        Raises:
            KeyError: a tensor is missing.
        """
        super().__init__()
        self.heads = int(config.get("n_head") or USUAL["n_head"])
        self.epsilon = float(config.get("layer_norm_epsilon") or 1e-5)
        self.approximate = ACTIVATIONS[config.get("activation_function") or "gelu_new"]
        plain = {name.removeprefix("transformer."): value for name, value in weights.items()}
        self.register_buffer("head", plain["wte.weight"], persistent=False)
        self.register_buffer("position", plain["wpe.weight"], persistent=False)
        self.blocks: list[dict[str, Tensor]] = []
        for layer in range(int(config.get("n_layer") or USUAL["n_layer"])):
            self.blocks.append({part: self._kept(plain, f"h.{layer}.{part}") for part in BLOCK})
        self.last = (self._kept(plain, "ln_f.weight"), self._kept(plain, "ln_f.bias"))

    def _kept(self, plain: Mapping[str, Tensor], name: str) -> Tensor:
        # Stored as (in, out); the copy is contiguous as (out, in), which the fastest matrix products read.
        value = plain[name]
        return value.t().contiguous() if value.ndim == 2 else value

    def to_device(self, device: torch.device, dtype: torch.dtype) -> "GPT2":
        """Move and convert every tensor."""
        self.to(device=device, dtype=dtype)
        self.blocks = [{k: v.to(device=device, dtype=dtype) for k, v in block.items()} for block in self.blocks]
        self.last = (self.last[0].to(device=device, dtype=dtype), self.last[1].to(device=device, dtype=dtype))
        return self

    def forward(self, pieces: Tensor) -> Tensor:
        """Return the hidden states of a batch; what stands right of a position never matters to it."""
        at = torch.arange(pieces.shape[1], device=pieces.device)
        return self._through(
            pieces, at, lambda _layer, q, k, v: functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        )

    @property
    def place_bytes(self) -> int:
        """Bytes that keys and values of one place of one text take."""
        return 2 * len(self.blocks) * len(self.last[0]) * self.last[0].element_size()

    def nothing_seen(self, texts: int) -> KeyValues:
        """Return keys and values of texts of which nothing has been read."""
        head: Tensor = self.head  # type: ignore[assignment]
        width = head.shape[1] // self.heads
        sides = [[head.new_zeros(texts, self.heads, 0, width) for _ in self.blocks] for _ in range(2)]
        return KeyValues(*sides)

    def extend(self, pieces: Tensor, start: Tensor, seen: KeyValues) -> Tensor:
        """Read on: return the hidden states (B, M, H) of pieces (B, M) that begin at places `start` (B,).

        What `seen` holds from there on is overwritten; it has room for all places that are read. Padding is on the right.
        """
        at = start[:, None] + torch.arange(pieces.shape[1], device=pieces.device)  # (B, M)
        capacity = seen.keys[0].shape[2]
        visible = torch.arange(capacity, device=pieces.device) <= at[:, :, None]  # (B, M, T)

        def attend(layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
            place = at[:, None, :, None].expand(k.shape)
            seen.keys[layer].scatter_(2, place, k)
            seen.values[layer].scatter_(2, place, v)
            return functional.scaled_dot_product_attention(
                q, seen.keys[layer], seen.values[layer], attn_mask=visible[:, None]
            )

        position: Tensor = self.position  # type: ignore[assignment]
        return self._through(pieces, at.clamp(max=len(position) - 1), attend)

    def _through(self, pieces: Tensor, at: Tensor, attend: Callable[[int, Tensor, Tensor, Tensor], Tensor]) -> Tensor:
        """Return hidden states: `at` holds the places of the pieces, `attend` mixes values by layer, queries, keys."""
        batch, length = pieces.shape
        head: Tensor = self.head  # type: ignore[assignment]
        position: Tensor = self.position  # type: ignore[assignment]
        x = functional.embedding(pieces, head) + position[at]  # (B, L, H)
        for layer, block in enumerate(self.blocks):
            y = self._norm(x, block["ln_1.weight"], block["ln_1.bias"])
            mixed = functional.linear(y, block["attn.c_attn.weight"], block["attn.c_attn.bias"])
            q, k, v = mixed.view(batch, length, 3 * self.heads, -1).transpose(1, 2).chunk(3, dim=1)
            seen = attend(layer, q, k, v)  # (B, heads, L, H / heads)
            seen = seen.transpose(1, 2).reshape(batch, length, -1)
            x = x + functional.linear(seen, block["attn.c_proj.weight"], block["attn.c_proj.bias"])
            y = self._norm(x, block["ln_2.weight"], block["ln_2.bias"])
            y = functional.linear(y, block["mlp.c_fc.weight"], block["mlp.c_fc.bias"])
            y = functional.gelu(y, approximate=self.approximate)
            x = x + functional.linear(y, block["mlp.c_proj.weight"], block["mlp.c_proj.bias"])
        return self._norm(x, *self.last)

    def _norm(self, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        return functional.layer_norm(x, (x.shape[-1],), weight, bias, self.epsilon)


BLOCK = tuple(
    f"{part}.{kind}"
    for part in ("ln_1", "attn.c_attn", "attn.c_proj", "ln_2", "mlp.c_fc", "mlp.c_proj")
    for kind in ("weight", "bias")
)
