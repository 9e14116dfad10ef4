"""The sizes of a LLaMA network, and the config.json that tells them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Shape", "is_llama"]


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
        """Read a config.json for which `is_llama` holds."""
        return Shape(
            config["vocab_size"],
            config["hidden_size"],
            config["num_hidden_layers"],
            config["num_attention_heads"],
            config["intermediate_size"],
            int(config.get("max_position_embeddings", 2048)),
            _rotary(config)[1],
            float(config.get("rms_norm_eps", 1e-6)),
            bool(config.get("tie_word_embeddings", False)),
        )


def _rotary(config: Mapping[str, Any]) -> tuple[str, float]:
    rotary = config.get("rope_parameters") or config.get("rope_scaling") or {}
    base = rotary.get("rope_theta", config.get("rope_theta", 10000.0))
    return rotary.get("rope_type", rotary.get("type", "default")), float(base)


def is_llama(config: Mapping[str, Any]) -> bool:
    """Return whether a checkpoint's config describes exactly the network below."""
    heads = config.get("num_attention_heads")
    return (
        config.get("model_type") == "llama"
        and config.get("num_key_value_heads", heads) == heads
        and config.get("hidden_act", "silu") == "silu"
        and config.get("head_dim") in (None, config.get("hidden_size", 0) // (heads or 1))
        and not config.get("attention_bias", False)
        and not config.get("mlp_bias", False)
        and _rotary(config)[0] == "default"
    )
