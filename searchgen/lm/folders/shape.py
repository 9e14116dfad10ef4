"""The decoder that a config.json describes, where the graph of GGUF files computes it exactly; of anything else there is none."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from searchgen.lm.gguf.shape import LARGEST, LARGEST_HEAD, MOST_POSITIONS, Family, Shape

__all__ = ["shape_of"]

#: Families by architecture, each with the type of model that belongs to it. Rotary pairs are halves in all of them.
FAMILIES = {
    "LlamaForCausalLM": ("llama", Family()),
    "MistralForCausalLM": ("mistral", Family()),
    "Qwen2ForCausalLM": ("qwen2", Family(bias=True)),
    "Qwen3ForCausalLM": ("qwen3", Family(head_norm=True)),
}

#: Sizes that must be stated.
SIZES = ("vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size")

#: Settings of which no other value than the first is computed; a missing one has this value.
PLAIN: Mapping[str, tuple[Any, ...]] = {
    "hidden_act": ("silu", None),
    "attention_bias": (False, None),
    "mlp_bias": (False, None),
    "is_causal": (True, None),
    "partial_rotary_factor": (1.0, None),
}


def shape_of(config: Mapping[str, Any]) -> Shape | None:
    """Return the sizes that a config.json states, None: it describes a network that the graph does not compute.

    Args:
        config: as `read_config` returns it.

    Example:
        >>> shape_of({"architectures": ["GPT2LMHeadModel"]}) is None
        True
    """
    architectures = config.get("architectures") or [""]
    kind, family = FAMILIES.get(architectures[0], ("", Family()))
    sizes, context, rotary = (
        [config.get(name) for name in SIZES],
        config.get("max_position_embeddings"),
        _rotary(config),
    )
    if not kind or len(architectures) > 1 or config.get("model_type") != kind or rotary is None or not context:
        return None
    if any(config.get(name, values[0]) not in values for name, values in PLAIN.items()):
        return None
    if any(not size or size > LARGEST for size in sizes):
        return None
    vocabulary, width, layers, heads, inner = (int(size) for size in sizes if size)
    shared = int(config.get("num_key_value_heads") or heads)
    size = int(config.get("head_dim") or width // heads)
    context = min(int(context), MOST_POSITIONS)
    if heads % shared or size % 2 or not 0 < size <= LARGEST_HEAD or not _sees_all(config, context):
        return None
    if not config.get("head_dim") and width % heads:
        return None
    base, factor = rotary
    epsilon = float(config.get("rms_norm_eps") or 1e-6)
    return Shape(
        family, vocabulary, width, layers, heads, shared, size, inner, context, base, np.full(size // 2, factor),
        size**-0.5, epsilon, bool(config.get("tie_word_embeddings")),
    )  # fmt: skip


def _rotary(config: Mapping[str, Any]) -> tuple[float, float] | None:
    """Return the base of the wave lengths, and by what all are slowed down; None: they are made in another way."""
    rotary = config.get("rope_parameters") or config.get("rope_scaling") or {}
    kind = rotary.get("rope_type", rotary.get("type", "default"))
    base = rotary.get("rope_theta") or config.get("rope_theta")
    factor = rotary.get("factor") if kind == "linear" else 1.0
    odd = rotary.get("partial_rotary_factor") not in (1.0, None) or any(
        isinstance(one, dict) for one in rotary.values()
    )
    if odd or kind not in ("default", "linear") or not (base and isinstance(factor, int | float) and 0 < factor < 1e6):
        return None
    return float(base), float(factor)


def _sees_all(config: Mapping[str, Any], context: int) -> bool:
    """Return whether every place sees all before it: no layer has a window, or none that is shorter than the context."""
    kinds = config.get("layer_types")
    if kinds is None:
        narrow = config.get("use_sliding_window") is not False
    elif isinstance(kinds, list) and set(map(str, kinds)) <= {"full_attention", "sliding_attention"}:
        narrow = "sliding_attention" in kinds
    else:
        return False
    window = config.get("sliding_window")
    return not narrow or window is None or (isinstance(window, int) and window >= context)
