"""What a transformer is; only a network of the transformers library is opened, to try whether it can keep keys and values."""

import importlib.util
import json
from pathlib import Path
from typing import Any

from searchgen.errors import ModelFileError, RequestError
from searchgen.lm.conversion.bits import chosen_bits
from searchgen.lm.conversion.folder_model import folder_hash, is_served
from searchgen.lm.neural.config_file import CAUSAL, read_config
from searchgen.lm.neural.opening import EXTRA, content_hash, folder_of, why_uncached
from searchgen.lm.neural.settings import NeuralSettings
from searchgen.lm.onnx.model import graph_of, open_graph

__all__ = ["describe"]

#: Names of the sizes in config.json: of LLaMA and its kin, and of GPT-2.
SIZES = {
    "layers": ("num_hidden_layers", "n_layer"),
    "width": ("hidden_size", "n_embd"),
    "heads": ("num_attention_heads", "n_head"),
    "vocabulary": ("vocab_size",),
    "context": ("max_position_embeddings", "n_positions"),
}


def describe(name: str) -> dict[str, Any]:
    """Return the facts of a transformer, by name.

    Args:
        name: a folder, a file of `lm export`, or a name of the hub.

    Raises:
        RequestError: there is none, or it is damaged.
    """
    graph = graph_of(name)
    if graph is not None:
        opened = open_graph(name, graph, NeuralSettings())
        facts = {key: opened.facts.get(key) for key in ("bits", "parameters", *SIZES)}
        return {"model": name, "kind": "ONNX", **facts, "bytes": graph.stat().st_size, "hash": opened.hash}
    folder = folder_of(name)
    config = read_config(folder)
    sizes = {key: next((config[field] for field in names if field in config), None) for key, names in SIZES.items()}
    weights = sorted(folder.glob("*.safetensors"))
    return {
        "model": name,
        "kind": config.get("model_type"),
        "parameters": sum(map(_parameters, weights)) or None,
        **sizes,
        "bytes": sum(path.stat().st_size for path in weights or folder.glob("*.bin")),
        **_computed(folder),
        **_cache(folder, config),
    }


def _computed(folder: Path) -> dict[str, Any]:
    """Return what computes a folder on this machine, in how many bits a weight (None: as stored, or 32), and the hash of its law."""
    if is_served(folder, NeuralSettings()):
        return {
            "computed_by": "onnxruntime",
            "bits": chosen_bits(folder),
            "hash": folder_hash(folder, NeuralSettings()),
        }
    return {"computed_by": "torch", "bits": None, "hash": content_hash(folder, NeuralSettings())}


def _cache(folder: Path, config: dict[str, Any]) -> dict[str, Any]:
    """Return whether a causal network keeps keys and values (None: unknown), and why not; nothing of others, or without the extra."""
    architectures = config.get("architectures") or []
    other = architectures and not any(architecture.endswith(CAUSAL) for architecture in architectures)
    if other or any(importlib.util.find_spec(name) is None for name in EXTRA):
        return {}
    from searchgen.lm.neural.architectures.library_reader import MISFITS

    try:
        reason = why_uncached(folder, config)
    except (RequestError, MemoryError, *MISFITS) as error:  # what cannot be opened can still be described
        reason = " ".join(f"the network was not tried ({error})".split())
        return {"keys_and_values_kept": None, "not_kept_because": reason}
    return {"keys_and_values_kept": not reason, **({"not_kept_because": reason} if reason else {})}


def _parameters(path: Path) -> int:
    """Return how many weights a file holds, from its header."""
    try:
        with path.open("rb") as file:
            size = int.from_bytes(file.read(8), "little")
            if size > path.stat().st_size:
                raise ValueError(f"a header of {size:,} bytes")
            header = json.loads(file.read(size))
        total = 0
        for name, tensor in header.items():
            if name != "__metadata__":
                count = 1
                for size in tensor["shape"]:
                    count *= size
                total += count
        return total
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise ModelFileError(f"{path} is damaged: {error}; fetch the model again") from None
