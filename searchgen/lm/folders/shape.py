"""The decoder that a config.json describes, where the graph of a conversion computes it exactly; of anything else there is none."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from searchgen.lm.decoder.shape import LARGEST, LARGEST_HEAD, MOST_POSITIONS, Family, Shape

__all__ = ["shape_of"]

Floats = npt.NDArray[np.float64]

#: Families by architecture, each with the type of model that belongs to it. Rotary pairs are halves in all of them.
FAMILIES = {
    "LlamaForCausalLM": ("llama", Family()),
    "MistralForCausalLM": ("mistral", Family()),
    "Qwen2ForCausalLM": ("qwen2", Family(bias=True)),
    "Qwen3ForCausalLM": ("qwen3", Family(head_norm=True)),
}

#: Sizes that must be stated.
SIZES = ("vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size")

#: Ways to slow rotary waves down, each with the numbers that it needs; and what none of them reaches.
SCALED = {
    "default": (),
    "linear": ("factor",),
    "llama3": ("factor", "low_freq_factor", "high_freq_factor", "original_max_position_embeddings"),
}
MOST = 1e9

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
    sizes, context = [config.get(name) for name in SIZES], config.get("max_position_embeddings")
    if not kind or len(architectures) > 1 or config.get("model_type") != kind or not context:
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
    rotary = _rotary(config, size)
    if rotary is None or (not config.get("head_dim") and width % heads):
        return None
    base, slower = rotary
    epsilon = float(config.get("rms_norm_eps") or 1e-6)
    return Shape(
        family, vocabulary, width, layers, heads, shared, size, inner, context, base, slower, size**-0.5, epsilon,
        bool(config.get("tie_word_embeddings")),
    )  # fmt: skip


def _rotary(config: Mapping[str, Any], size: int) -> tuple[float, Floats] | None:
    """Return the base of the wave lengths, and by what each is slowed down, (size / 2,); None: they are made in another way."""
    rotary = config.get("rope_parameters") or config.get("rope_scaling") or {}
    kind = rotary.get("rope_type", rotary.get("type", "default"))
    base = rotary.get("rope_theta") or config.get("rope_theta")
    odd = rotary.get("partial_rotary_factor") not in (1.0, None) or any(
        isinstance(one, dict) for one in rotary.values()
    )
    names = SCALED.get(kind) if isinstance(kind, str) else None
    if odd or not base or names is None:
        return None
    numbers = [rotary.get(name, 0) for name in names]
    if not all(isinstance(number, int | float) and 0 < number < MOST for number in numbers):
        return None
    if kind != "llama3":
        return float(base), np.full(size // 2, *numbers or [1.0])
    factor, low, high, length = map(float, numbers)
    if low >= high:
        return None
    # Long waves are slowed down by the factor, short ones not, and those between the two in part.
    turns = length / (2 * np.pi) * float(base) ** (-np.arange(size // 2) / (size // 2))
    share = ((turns - low) / (high - low)).clip(0, 1)
    return float(base), 1 / ((1 - share) / factor + share)


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
