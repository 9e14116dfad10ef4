"""The network that a GGUF file describes: its sizes, and what distinguishes the families of decoders."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from searchgen.errors import ModelFileError, RequestError
from searchgen.lm.gguf.file import GgufFile

__all__ = ["FAMILIES", "Family", "Shape"]

#: Most positions that are computed: rotary tables have a row for each.
MOST_POSITIONS = 8192

#: No declared size may be larger: 405 billion weights have a width of 16,384.
LARGEST = 1 << 20

#: Nor may a head, of which rotary tables have the size.
LARGEST_HEAD = 1024


@dataclass(frozen=True)
class Family:
    """What distinguishes the decoders of an architecture.

    Attributes:
        interleaved: whether rotary pairs are neighbours, as in rows that were permuted for llama.cpp; else halves.
        bias: whether queries, keys and values have biases.
        head_norm: whether queries and keys are normalised, head by head.
        gemma: whether embeddings are scaled, layers are normalised behind, too, gates are GELU, and most layers see a window only.
    """

    interleaved: bool = False
    bias: bool = False
    head_norm: bool = False
    gemma: bool = False

    @property
    def tensors(self) -> frozenset[str]:
        """The names of a block's tensors, behind its number."""
        names = ["attn_norm", "attn_q", "attn_k", "attn_v", "attn_output", "ffn_norm", "ffn_gate", "ffn_up", "ffn_down"]
        names += ["attn_q_norm", "attn_k_norm"] if self.head_norm else []
        names += ["post_attention_norm", "post_ffw_norm"] if self.gemma else []
        biases = ["attn_q.bias", "attn_k.bias", "attn_v.bias"] if self.bias else []
        # Some older files hold their rotary waves, which follow from the base.
        return frozenset([*(f"{name}.weight" for name in names), *biases, "attn_rot_embd.weight"])


#: Families by the architecture that files name. Mistral and SmolLM are llama there.
FAMILIES = {
    "llama": Family(interleaved=True),
    "qwen2": Family(bias=True),
    "qwen3": Family(head_norm=True),
    "gemma3": Family(head_norm=True, gemma=True),
}

#: Gemma 3: every sixth layer sees all, the others a window, with a rotary base of their own.
GLOBAL_EVERY, LOCAL_BASE = 6, 10_000.0

#: Gemma 3 of so many layers scales its queries by width / heads, not by the size of a head; files do not say so.
LARGEST_GEMMA = 62


@dataclass(frozen=True, eq=False)
class Shape:
    """The sizes of a decoder.

    Attributes:
        family: of its architecture.
        vocabulary: number of pieces, V.
        width: of hidden states, H.
        layers: number of blocks.
        heads: of queries.
        shared: heads of keys and values, each shared by heads / shared of the queries.
        size: of a head.
        inner: width of the gated layer.
        context: most positions.
        base: of the rotary wave lengths.
        slower: (size / 2,) by which each rotary wave is slowed down.
        scale: by which products of queries and keys are multiplied.
        epsilon: of the norms.
        tied: whether the embedding is the output layer, too.
    """

    family: Family
    vocabulary: int
    width: int
    layers: int
    heads: int
    shared: int
    size: int
    inner: int
    context: int
    base: float
    slower: npt.NDArray[np.float64]
    scale: float
    epsilon: float
    tied: bool

    @staticmethod
    def of(file: GgufFile) -> "Shape":
        """Read the sizes that a file declares.

        Raises:
            RequestError: its architecture, or a part of it, is not known here.
            ModelFileError: a size is missing or makes no sense.
        """
        name = file.architecture
        if name not in FAMILIES:
            raise RequestError(
                f"{file.path} is of the architecture {name[:40]!r}; those known are {', '.join(FAMILIES)}"
            )
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

    @property
    def parameters(self) -> int:
        """Number of weights, norms and biases apart."""
        return self._in_blocks + self.vocabulary * self.width * (1 if self.tied else 2)

    @property
    def _in_blocks(self) -> int:
        block = self.width * self.size * 2 * (self.heads + self.shared) + 3 * self.width * self.inner
        return self.layers * block

    def bytes(self, bits: int) -> int:
        """Return the bytes of its weights, of which those outside the blocks have at least 8 bits; 4 bits have scales beside them.

        Args:
            bits: of a weight, 32, 8 or 4.
        """
        each = (bits + 1) / 8 if bits == 4 else bits / 8
        return int(self._in_blocks * each) + (self.parameters - self._in_blocks) * max(bits, 8) // 8

    def waves(self, layer: int) -> npt.NDArray[np.float64]:
        """Return the angle (size / 2,) by which each pair of a head is turned from place to place."""
        local = self.family.gemma and (layer + 1) % GLOBAL_EVERY != 0
        half = self.size // 2
        base = LOCAL_BASE if local else self.base
        waves = base ** (-np.arange(half) / half)
        return waves if local else waves / self.slower


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
