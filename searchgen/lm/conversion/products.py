"""Nodes of a graph, and products with matrices of few bits.

With 8 bits a weight, rows of matrices and of hidden states are whole numbers with one scale each, as in `lm/onnx/export.py`, whatever
stands in other rows. A few numbers of a hidden state are tens of times larger than the others, which one scale would round to little.
So both sides of a product are turned first, each run of 32 numbers by the same Hadamard matrix: the product stays what it was, and a large
number is spread over its run (QuaRot, arXiv:2404.00456).

With 4 bits, matrices of blocks have a scale for each run of 32 weights, and so has what they are multiplied with, in 8 bits. The table
of pieces and the output keep 8 bits.
"""

from collections.abc import Callable
from itertools import count
from math import gcd
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

from searchgen.lm.decoder.shape import Shape
from searchgen.lm.decoder.source import Weights

__all__ = ["BLOCK", "RUN", "Products", "in_four_bits"]

Floats = npt.NDArray[np.float32]

#: Whole numbers of weights and of hidden states: `lm/onnx/export.py` says why so few.
LARGEST_WEIGHT, LARGEST, ZERO = 63, 127, 128

#: Numbers that are turned together, at most: 64 take more time and round hardly better (measured).
RUN = 32

#: With 4 bits a weight, the weights that share a scale, and how what they are multiplied with is computed: in 8 bits, by such runs, too.
BLOCK, EIGHT_BITS = 32, 4

#: Tensors of fewer bytes stand in the graph itself.
SMALL = 1024


class Products:
    """Collects the nodes of a graph; its large tensors go, one by one, to where they are kept."""

    def __init__(
        self, shape: Shape, weights: Weights, bits: int, keep: Callable[[str, npt.NDArray[Any]], onnx.TensorProto]
    ) -> None:
        """Begin with no node.

        Args:
            shape: the sizes.
            weights: by their names in GGUF files.
            bits: 32, 8 or 4, of a weight.
            keep: stores a large tensor and returns what refers to it.
        """
        self.shape, self.weights, self.bits, self.keep = shape, weights, bits, keep
        self.nodes: list[onnx.NodeProto] = []
        self.number = count()
        self.stored: dict[str, onnx.TensorProto] = {}
        self.rounded: dict[str, tuple[str, str]] = {}

    def _product(self, x: str, name: str, rows: int, columns: int) -> str:
        """Return x (N, columns) times a transposed matrix (rows, columns)."""
        if self.bits == 32:
            return self._node("Gemm", x, self._matrix(name, (rows, columns)), transB=1)
        if self.bits == 4 and name.startswith("blk.") and columns % BLOCK == 0:
            return self._product_by_runs(x, name, rows, columns)
        rounded, scale = self._rounded(x, columns)
        whole, scales = self._whole(name, (rows, columns))
        unit, zero = self._constant("unit", np.array(1, np.float32)), self._zero()
        product = self._node("MatMulIntegerToFloat", rounded, whole, unit, scales, zero, domain="com.microsoft")
        return self._node("Mul", product, self._column(scale))

    def _product_by_runs(self, x: str, name: str, rows: int, columns: int) -> str:
        """Return x (N, columns) times a transposed matrix (rows, columns) of 4 bits a weight; runs need not be turned (measured)."""
        parts = name, f"{name}.scales", f"{name}.zeros"
        if name not in self.stored:
            values: tuple[npt.NDArray[Any], ...] = in_four_bits(self.weights(name, (rows, columns)))
            for part, value in zip(parts, values, strict=True):
                self._constant(part, value)
        return self._node(
            "MatMulNBits", x, *parts, domain="com.microsoft",
            K=columns, N=rows, bits=4, block_size=BLOCK, accuracy_level=EIGHT_BITS,
        )  # fmt: skip

    def _rounded(self, x: str, columns: int) -> tuple[str, str]:
        """Return x (N, columns), turned, as unsigned bytes with a scale for each row, (N,); once for all its products."""
        if x not in self.rounded:
            turned = self._spread(x, columns)
            largest = self._node("ReduceMax", self._node("Abs", turned), self._ints("last", [-1]), keepdims=0)
            scale = self._node("Mul", largest, self._constant("step", np.array(1 / LARGEST, np.float32)))
            scale = self._node("Max", scale, self._constant("tiny", np.array(1e-30, np.float32)))
            zeros = self._node("Expand", self._zero(), self._node("Shape", scale))
            self.rounded[x] = self._node("QuantizeLinear", turned, scale, zeros, axis=0), scale
        return self.rounded[x]

    def _spread(self, x: str, columns: int) -> str:
        """Return x (N, columns), every run turned by a Hadamard matrix; twice is not at all."""
        run = gcd(RUN, columns)
        matrix = self._constant(f"hadamard {run}", _hadamard(run))
        runs = self._node("MatMul", self._node("Reshape", x, self._ints(f"runs of {run}", [-1, run])), matrix)
        return self._node("Reshape", runs, self._ints(f"{columns} columns", [-1, columns]))

    def _zero(self) -> str:
        return self._constant("zero byte", np.array(ZERO, np.uint8))

    def _whole(self, name: str, size: tuple[int, int]) -> tuple[str, str]:
        """Store a matrix (M, K), turned and transposed, as signed bytes (K, M) with a scale for each row, (M,); a tied embedding once."""
        if name not in self.stored:
            hadamard = _hadamard(gcd(RUN, size[1]))
            matrix = (self.weights(name, size).reshape(-1, len(hadamard)) @ hadamard).reshape(size)
            scales = np.maximum(np.abs(matrix).max(axis=1) / LARGEST_WEIGHT, 1e-30).astype(np.float32)
            whole = np.rint(matrix / scales[:, None]).astype(np.int8)
            self._constant(name, np.ascontiguousarray(whole.T))
            self._constant(f"{name}.scales", scales)
        return name, f"{name}.scales"

    def _matrix(self, name: str, size: tuple[int, int]) -> str:
        return name if name in self.stored else self._constant(name, self.weights(name, size))

    def _shaped(self, x: str, *parts: str) -> str:
        return self._node("Reshape", x, self._node("Concat", *parts, axis=0))

    def _column(self, x: str) -> str:
        """Return (N,) as (N, 1)."""
        return self._node("Unsqueeze", x, self._ints("last", [-1]))

    def _ints(self, name: str, values: list[int]) -> str:
        return self._constant(name, np.array(values, np.int64))

    def _constant(self, name: str, value: npt.NDArray[Any]) -> str:
        """Store a tensor once."""
        if name not in self.stored:
            self.stored[name] = numpy_helper.from_array(value, name) if value.nbytes < SMALL else self.keep(name, value)
        return name

    def _node(self, kind: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        """Add a node; return the name of its result."""
        name = output or f"{kind}_{next(self.number)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name


def in_four_bits(matrix: Floats) -> tuple[npt.NDArray[np.uint8], Floats, npt.NDArray[np.uint8]]:
    """Return a matrix (M, K) as whole numbers of 4 bits, with a scale and a number that is zero for each run of `BLOCK`.

    Args:
        matrix: K is a multiple of `BLOCK`.

    Returns:
        (M, K / BLOCK, BLOCK / 2) bytes of two weights each, (M, K / BLOCK) float32 scales, and (M, K / BLOCK / 2) bytes of two zeros each.
    """
    runs = matrix.reshape(len(matrix), -1, BLOCK)
    least, most = np.minimum(runs.min(axis=-1), 0), np.maximum(runs.max(axis=-1), 0)
    scales = np.maximum((most - least) / 15, 1e-30).astype(np.float32)
    zeros = np.rint(-least / scales)
    whole = np.clip(np.rint(runs / scales[..., None] + zeros[..., None]), 0, 15).astype(np.uint8)
    zeros = np.pad(zeros, ((0, 0), (0, zeros.shape[1] % 2))).astype(np.uint8)
    return _paired(whole), scales, _paired(zeros)


def _paired(whole: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Return numbers of 4 bits (.., 2 n) as bytes (.., n), the first in the lower half."""
    paired: npt.NDArray[np.uint8] = np.bitwise_or(whole[..., 0::2], whole[..., 1::2] * np.uint8(16), dtype=np.uint8)
    return paired


def _hadamard(size: int) -> Floats:
    """Return the symmetric Hadamard matrix of a power of two, (size, size), of which the square is 1."""
    matrix: Floats = np.ones((1, 1), np.float32)
    while len(matrix) < size:
        matrix = np.block([[matrix, matrix], [matrix, -matrix]])
    return matrix / np.float32(size**0.5)
