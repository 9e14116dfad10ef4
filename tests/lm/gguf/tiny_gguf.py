"""Random transformers of a few thousand weights, written as GGUF files the way convert_hf_to_gguf.py of llama.cpp writes them."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("onnx")
gguf = pytest.importorskip("gguf")

from transformers import AutoConfig, AutoModelForCausalLM  # noqa: E402

from searchgen.lm.bpe import byte_signs  # noqa: E402

torch.set_num_threads(1)

__all__ = ["BYTES", "END", "KINDS", "network", "tables", "written"]

END = "<|endoftext|>"

#: A vocabulary that spells everything: the end, then the signs of all bytes.
BYTES = [END, *sorted(byte_signs())]

NORMAL, CONTROL = 1, 3

SIZES: dict[str, Any] = {
    "hidden_size": 24, "intermediate_size": 40, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "max_position_embeddings": 128, "initializer_range": 0.4, "rms_norm_eps": 1e-4,
    "bos_token_id": 0, "eos_token_id": 0, "pad_token_id": 0,
}  # fmt: skip

LINEAR = {"rope_type": "linear", "factor": 2.5, "rope_theta": 10_000.0}
LLAMA3 = {
    "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64, "rope_theta": 5000.0,
}  # fmt: skip
GEMMA_BASES = {
    "full_attention": {"rope_type": "linear", "factor": 8.0, "rope_theta": 1_000_000.0},
    "sliding_attention": {"rope_type": "default", "rope_theta": 10_000.0},
}

#: Networks by name: their architecture in GGUF files, and what their configuration has besides `SIZES`.
KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "llama": ("llama", {"model_type": "llama", "tie_word_embeddings": False, "head_dim": 6}),
    "llama tied": ("llama", {"model_type": "llama", "tie_word_embeddings": True}),
    "llama plain": ("llama", {"model_type": "llama", "num_key_value_heads": 4}),
    "llama one key": ("llama", {"model_type": "llama", "num_key_value_heads": 1, "head_dim": 8}),
    "llama linear": ("llama", {"model_type": "llama", "rope_parameters": LINEAR}),
    "llama 3": ("llama", {"model_type": "llama", "rope_parameters": LLAMA3, "head_dim": 16}),
    "mistral": ("llama", {"model_type": "mistral", "sliding_window": None, "head_dim": 8}),
    "qwen2": ("qwen2", {"model_type": "qwen2", "tie_word_embeddings": True}),
    "qwen2 untied": ("qwen2", {"model_type": "qwen2", "tie_word_embeddings": False}),
    "qwen3": ("qwen3", {"model_type": "qwen3", "head_dim": 10, "tie_word_embeddings": True}),
    "gemma3": (
        "gemma3",
        {
            "model_type": "gemma3_text", "head_dim": 8, "num_hidden_layers": 7, "query_pre_attn_scalar": 8,
            "sliding_window": 73, "rope_parameters": GEMMA_BASES, "tie_word_embeddings": True, "initializer_range": 0.3,
        },
    ),
    "gemma3 largest": (
        "gemma3",
        {
            "model_type": "gemma3_text", "head_dim": 8, "num_hidden_layers": 62, "query_pre_attn_scalar": 6,
            "sliding_window": 73, "rope_parameters": GEMMA_BASES, "tie_word_embeddings": True, "initializer_range": 0.1,
        },
    ),
}  # fmt: skip


def network(kind: str, vocabulary: int = len(BYTES), seed: int = 0) -> Any:
    """Return a random network, its norms and biases far from what they are at first."""
    torch.manual_seed(seed)
    given = {**SIZES, **KINDS[kind][1], "vocab_size": vocabulary}
    build: Any = AutoModelForCausalLM.from_config
    made = build(AutoConfig.for_model(given.pop("model_type"), **given))
    with torch.no_grad():
        for name, one in made.named_parameters():
            if one.dim() == 1:
                one.copy_(torch.randn_like(one) * 0.3 + (0 if "bias" in name or "gemma" in kind else 1))
    return made.eval()


def tables(pieces: Sequence[str] = BYTES, **more: Any) -> dict[str, Any]:
    """Return the facts of a tokenizer of bytes, by key behind `tokenizer.ggml.`; more facts replace them, None drops one."""
    facts = {
        "model": "gpt2",
        "pre": "smollm",
        "tokens": list(pieces),
        "token_type": [CONTROL if one == END else NORMAL for one in pieces],
        "merges": [],
        "bos_token_id": 0,
        "eos_token_id": 0,
        **more,
    }
    return {key: value for key, value in facts.items() if value is not None}


def written(
    path: Path,
    kind: str = "llama tied",
    tokenizer: Mapping[str, Any] | None = None,
    seed: int = 0,
    change: Callable[[str, npt.NDArray[np.float32]], npt.NDArray[np.float32] | None] = lambda name, value: value,
    facts: Mapping[str, Any] | None = None,
) -> tuple[Path, Any]:
    """Write a file; return its path and the network of the transformers library.

    Args:
        path: of the file.
        kind: one of `KINDS`.
        tokenizer: as `tables` returns it.
        seed: of the weights.
        change: what becomes of a tensor before it is written; None: it is left out.
        facts: more facts, or others; None drops one.
    """
    tokenizer = tables() if tokenizer is None else tokenizer
    made = network(kind, len(tokenizer["tokens"]), seed)
    architecture = KINDS[kind][0]
    writer = gguf.GGUFWriter(path, architecture)
    all_facts = {**_facts(architecture, made.config), **{f"tokenizer.ggml.{k}": v for k, v in tokenizer.items()}}
    for key, value in {**all_facts, **(facts or {})}.items():
        if value is not None:
            _add(writer, key, value)
    for name, value in _tensors(architecture, made):
        changed = change(name, value)
        if changed is not None:
            writer.add_tensor(name, np.ascontiguousarray(changed))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path, made


def _add(writer: Any, key: str, value: Any) -> None:
    kinds = ((bool, writer.add_bool), (int, writer.add_uint32), (float, writer.add_float32), (str, writer.add_string))
    if isinstance(value, list):
        if value:
            writer.add_array(key, value)
        return
    next(add for kind, add in kinds if isinstance(value, kind))(key, value)


def _facts(architecture: str, config: Any) -> dict[str, Any]:
    rope = config.rope_parameters
    full = rope.get("full_attention", rope)
    facts = {
        "context_length": config.max_position_embeddings,
        "embedding_length": config.hidden_size,
        "block_count": config.num_hidden_layers,
        "feed_forward_length": config.intermediate_size,
        "attention.head_count": config.num_attention_heads,
        "attention.head_count_kv": config.num_key_value_heads,
        "attention.layer_norm_rms_epsilon": config.rms_norm_eps,
        "rope.freq_base": full["rope_theta"],
    }
    size = getattr(config, "head_dim", None)
    if size:
        facts |= {"attention.key_length": size, "attention.value_length": size}
    if architecture == "llama":
        facts["rope.dimension_count"] = size or config.hidden_size // config.num_attention_heads
    if architecture == "gemma3":
        facts["attention.sliding_window"] = config.sliding_window
    if full["rope_type"] == "linear":
        facts |= {"rope.scaling.type": "linear", "rope.scaling.factor": full["factor"]}
    return {f"{architecture}.{key}": value for key, value in facts.items()}


def _tensors(architecture: str, made: Any) -> list[tuple[str, npt.NDArray[np.float32]]]:
    config, found = made.config, []
    kind = next(one for one, name in gguf.MODEL_ARCH_NAMES.items() if name == architecture)
    names = gguf.get_tensor_name_map(kind, config.num_hidden_layers)
    for name, tensor in made.state_dict().items():
        if name == "lm_head.weight" and config.tie_word_embeddings:
            continue
        value = tensor.numpy().astype(np.float32)
        if architecture == "gemma3" and name.endswith("norm.weight"):
            value = value + 1
        if architecture == "llama" and ".q_proj." in name:
            value = _permuted(value, config.num_attention_heads)
        if architecture == "llama" and ".k_proj." in name:
            value = _permuted(value, config.num_key_value_heads)
        found.append((names.get_name(name, try_suffixes=(".weight", ".bias")), value))
    if config.rope_parameters.get("rope_type") == "llama3":
        found.append(("rope_freqs.weight", _slower(config)))
    return found


def _permuted(value: npt.NDArray[np.float32], heads: int) -> npt.NDArray[np.float32]:
    """Return rows in the order in which the halves of a head alternate."""
    halves = value.reshape(heads, 2, value.shape[0] // heads // 2, *value.shape[1:])
    return halves.swapaxes(1, 2).reshape(value.shape)


def _slower(config: Any) -> npt.NDArray[np.float32]:
    """Return by what each wave is slowed down, as Llama 3 defines it."""
    rope, size = config.rope_parameters, config.head_dim
    length = 2 * np.pi * rope["rope_theta"] ** (np.arange(0, size, 2) / size)
    low, high = rope["low_freq_factor"], rope["high_freq_factor"]
    smooth = (rope["original_max_position_embeddings"] / length - low) / (high - low)
    return (1 / ((1 - smooth.clip(0, 1)) / rope["factor"] + smooth.clip(0, 1))).astype(np.float32)
