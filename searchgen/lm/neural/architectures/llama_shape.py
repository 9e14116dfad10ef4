"""The sizes of a LLaMA network, and the config.json that tells them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from searchgen.errors import ModelFileError
from searchgen.lm.neural.architectures.weight_files import Plain

__all__ = ["FORM", "Shape", "is_llama"]

#: Files hold wave lengths of older versions besides weights, and perhaps an output layer that is the embedding.
FORM = Plain(
    "",
    re.compile(r"model\.(layers\.\d+\.self_attn\.)?rotary_emb\.inv_freq|lm_head\.weight"),
    "model.embed_tokens.weight",
)


@dataclass(frozen=True)
class Shape:
    """The sizes of a network.

    Attributes:
        vocabulary: number of pieces, V.
        width: of hidden states, H.
        layers: number of blocks.
        heads: of attention; each has H / heads numbers.
        inner: width of the gated layer.
        context: most positions.
        base: of the rotary wave lengths.
        epsilon: of the norms.
        tied: whether the embedding is the output layer, too.
    """

    vocabulary: int
    width: int
    layers: int
    heads: int
    inner: int
    context: int
    base: float = 10000.0
    epsilon: float = 1e-5
    tied: bool = True

    @property
    def parameters(self) -> int:
        """Number of weights."""
        block = 4 * self.width**2 + 3 * self.width * self.inner + 2 * self.width
        return self.layers * block + self.width + self.vocabulary * self.width * (1 if self.tied else 2)

    def weights(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of each weight by its name in the transformers library."""
        wide, long = (self.width, self.width), (self.inner, self.width)
        block: dict[str, tuple[int, ...]] = {
            "input_layernorm": (self.width,),
            "self_attn.q_proj": wide,
            "self_attn.k_proj": wide,
            "self_attn.v_proj": wide,
            "self_attn.o_proj": wide,
            "post_attention_layernorm": (self.width,),
            "mlp.gate_proj": long,
            "mlp.up_proj": long,
            "mlp.down_proj": (self.width, self.inner),
        }
        table = self.vocabulary, self.width
        ends = {"model.embed_tokens.weight": table, "model.norm.weight": (self.width,)}
        head = {} if self.tied else {"lm_head.weight": table}
        layers = range(self.layers)
        return {
            **ends,
            **head,
            **{f"model.layers.{i}.{name}.weight": shape for i in layers for name, shape in block.items()},
        }

    def config(self, begin: int, end: int) -> dict[str, Any]:
        """Return the config.json that the transformers library reads."""
        return {
            "architectures": ["LlamaForCausalLM"],
            "model_type": "llama",
            "vocab_size": self.vocabulary,
            "hidden_size": self.width,
            "intermediate_size": self.inner,
            "num_hidden_layers": self.layers,
            "num_attention_heads": self.heads,
            "num_key_value_heads": self.heads,
            "max_position_embeddings": self.context,
            "rms_norm_eps": self.epsilon,
            "rope_theta": self.base,
            "rope_parameters": {"rope_type": "default", "rope_theta": self.base},
            "hidden_act": "silu",
            "attention_bias": False,
            "mlp_bias": False,
            "tie_word_embeddings": self.tied,
            "bos_token_id": begin,
            "eos_token_id": end,
            "dtype": "float32",
        }

    @staticmethod
    def of(config: Mapping[str, Any]) -> "Shape":
        """Read a config.json for which `is_llama` holds.

        Raises:
            ModelFileError: a size is missing, or two do not fit each other.
        """
        names = ("vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size")
        missing = [name for name in names if not config.get(name)]
        if missing:
            raise ModelFileError(f"config.json lacks {missing[0]}; fetch the model again")
        vocabulary, width, layers, heads, inner = (int(config[name]) for name in names)
        if width % (2 * heads):
            raise ModelFileError(
                f"config.json: hidden_size {width} is not an even multiple of num_attention_heads {heads}; fetch the model again"
            )
        return Shape(
            vocabulary,
            width,
            layers,
            heads,
            inner,
            int(config.get("max_position_embeddings") or 2048),
            _rotary(config)[1],
            float(config.get("rms_norm_eps") or 1e-6),
            bool(config.get("tie_word_embeddings")),
        )


def _rotary(config: Mapping[str, Any]) -> tuple[str, float]:
    rotary = config.get("rope_parameters") or config.get("rope_scaling") or {}
    base = rotary.get("rope_theta") or config.get("rope_theta") or 10000.0
    return str(rotary.get("rope_type", rotary.get("type", "default"))), float(base)


def is_llama(config: Mapping[str, Any]) -> bool:
    """Return whether a checkpoint's config describes exactly the network below."""
    heads = config.get("num_attention_heads")
    return (
        config.get("model_type") == "llama"
        and (config.get("num_key_value_heads") or heads) == heads
        and (config.get("hidden_act") or "silu") == "silu"
        and config.get("head_dim") in (None, (config.get("hidden_size") or 0) // (heads or 1))
        and not config.get("attention_bias")
        and not config.get("mlp_bias")
        and _rotary(config)[0] == "default"
    )
