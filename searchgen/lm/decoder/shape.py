"""The sizes of a decoder, and what distinguishes the families of decoders."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["LARGEST", "LARGEST_HEAD", "MOST_POSITIONS", "Family", "Shape"]

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


#: Gemma 3: every sixth layer sees all, the others a window, with a rotary base of their own.
GLOBAL_EVERY, LOCAL_BASE = 6, 10_000.0


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
