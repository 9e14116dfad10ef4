"""The sizes of the decoder that a GGUF file describes."""

from typing import Any

import numpy as np
import numpy.typing as npt

from searchgen.errors import ModelFileError, RequestError
from searchgen.lm.decoder.shape import LARGEST, LARGEST_HEAD, MOST_POSITIONS, Family, Shape
from searchgen.lm.gguf.file import GgufFile

__all__ = ["shape_of"]

#: Families by the architecture that files name. Mistral and SmolLM are llama there.
FAMILIES = {
    "llama": Family(interleaved=True),
    "qwen2": Family(bias=True),
    "qwen3": Family(head_norm=True),
    "gemma3": Family(head_norm=True, gemma=True),
}

#: Gemma 3 of so many layers scales its queries by width / heads, not by the size of a head; files do not say so.
LARGEST_GEMMA = 62


def shape_of(file: GgufFile) -> Shape:
    """Read the sizes that a file declares.

    Raises:
        RequestError: its architecture, or a part of it, is not known here.
        ModelFileError: a size is missing or makes no sense.
    """
    name = file.architecture
    if name not in FAMILIES:
        raise RequestError(f"{file.path} is of the architecture {name[:40]!r}; those known are {', '.join(FAMILIES)}")
    width, layers, heads, inner = (
        _size(file, f"{name}.{key}")
        for key in ("embedding_length", "block_count", "attention.head_count", "feed_forward_length")
    )
    shared = _size(file, f"{name}.attention.head_count_kv", heads)
    size = _size(file, f"{name}.attention.key_length", width // heads)
    if (
        heads % shared
        or size % 2
        or size > LARGEST_HEAD
        or file.fact(f"{name}.attention.value_length", int, size) != size
    ):
        raise ModelFileError(f"{file.path}: heads of {size}, {heads} of queries and {shared} of keys do not fit")
    rotated = file.fact(f"{name}.rope.dimension_count", int, size)
    if rotated != size or file.facts.get(f"{name}.expert_count"):
        raise RequestError(f"{file.path}: its experts, or heads that are turned in part, are not known here")
    embedding = file.tensors.get("token_embd.weight")
    if embedding is None or len(embedding.shape) != 2:
        raise ModelFileError(f"{file.path} lacks the tensor token_embd.weight; fetch it again")
    context = min(_size(file, f"{name}.context_length", 2048), MOST_POSITIONS)
    if FAMILIES[name].gemma:  # within the window all layers see all
        context = min(context, _size(file, f"{name}.attention.sliding_window", context))
    base = file.fact(f"{name}.rope.freq_base", float, 10_000.0)
    epsilon = file.fact(f"{name}.attention.layer_norm_rms_epsilon", float, 1e-5)
    if not (0 < base < 1e12 and 0 <= epsilon < 1):
        raise ModelFileError(f"{file.path}: rotary base {base:g} or epsilon {epsilon:g} makes no sense")
    tied = "output.weight" not in file.tensors
    scaled = width // heads if FAMILIES[name].gemma and layers == LARGEST_GEMMA else size
    return Shape(
        FAMILIES[name], embedding.shape[0], width, layers, heads, shared, size, inner, context, base,
        _slower(file, name, size), scaled**-0.5, epsilon, tied,
    )  # fmt: skip


def _size(file: GgufFile, key: str, default: int | None = None) -> int:
    number = int(file.fact(key, int, default))
    if not 1 <= number <= LARGEST:
        raise ModelFileError(f"{file.path}: {key} is {number}; convert the model again")
    return number


def _slower(file: GgufFile, name: str, size: int) -> npt.NDArray[np.float64]:
    """Return by what the rotary waves are slowed down: a factor for all, or one for each."""
    kind: Any = file.facts.get(f"{name}.rope.scaling.type", "none")
    factor = file.fact(f"{name}.rope.scaling.factor", float, 1.0)
    if f"{name}.rope.scale_linear" in file.facts:  # as older files have it
        kind, factor = "linear", file.fact(f"{name}.rope.scale_linear", float)
    if kind not in ("none", "linear") or not 0 < factor < 1e6:
        raise RequestError(f"{file.path}: rotary places are scaled as {str(kind)[:20]!r}, which is not known here")
    slower = np.full(size // 2, factor if kind == "linear" else 1.0)
    if "rope_freqs.weight" in file.tensors:
        slower = slower * file.weights("rope_freqs.weight", (size // 2,)).astype(np.float64)
    return slower
