"""A LLaMA folder as one ONNX file: graph, weights, tokenizer. Written with the `onnx` package, of the extra `neural`.

    pieces (B, L) int64, at (N,) int64, target (N,) int64, most (1,) int64
        ->   log_p (N,) float32, best_log_p (N, most) float32, best (N, most) int64

`at` are flat positions of (B, L) after which pieces are scored, `target` the pieces that come there, and `best` the most probable ones.

With a byte for each weight, of which 7 bits are used, each row of a matrix has one scale. So has each row of what it is multiplied with: a
text's score does not depend on the texts beside it, as it would if one scale were found for the whole batch (`DynamicQuantizeLinear`). The
product is one of whole numbers.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from searchgen.files.whole import write_whole
from searchgen.lm.neural.architectures.llama_shape import Shape
from searchgen.lm.neural.architectures.llama_weights import LlamaWeights
from searchgen.lm.onnx.model import BEST, MOST

__all__ = ["export", "graph"]

Floats = npt.NDArray[np.float32]

#: The operator sets the graph is written in: attention, rotary positions and norms are operators since 23.
OPERATORS, FORMAT, MICROSOFT = 23, 11, 1

#: Of what weights are multiplied with, unsigned bytes: the one that stands for zero, and the largest distance from it.
ZERO, LARGEST = 128, 127

#: The largest whole number of a weight, a signed byte. Processors with AVX2 and no VNNI add two products in 16 bits: 2 * 255 * 63 fits,
#: so that every processor computes the same scores.
LARGEST_WEIGHT = 63


def export(folder: Path, output: Path, bits: int) -> int:
    """Write the model of a folder as one ONNX file; return its size in bytes.

    Args:
        folder: that `lm train` wrote, or another plain LLaMA with such a tokenizer.
        output: the file.
        bits: 32 or 8, of a weight.

    Raises:
        RequestError: the network or its tokenizer is of another kind.
        ModelFileError: the folder is damaged.
        SearchgenError: the file cannot be written.
    """
    read = LlamaWeights.of_folder(folder)
    shape, made = read.shape, graph(read.shape, read.weights, bits)
    card = folder / "README.md"
    facts = {**vars(shape), "parameters": shape.parameters, "bits": bits}
    about = {"searchgen": json.dumps(facts), "tokenizer": read.tokenizer}
    if card.is_file():
        about["card"] = card.read_text(encoding="utf-8", errors="replace")
    helper.set_model_props(made, about)
    content = made.SerializeToString()
    write_whole(output, content)
    return len(content)


def graph(shape: Shape, weights: Mapping[str, Floats], bits: int) -> onnx.ModelProto:
    """Return the model.

    Args:
        shape: the sizes.
        weights: by the names of the transformers library.
        bits: 32 or 8, of a weight.
    """
    return _Writing(shape, weights, bits).model()


class _Writing:
    """Collects the nodes of a graph."""

    def __init__(self, shape: Shape, weights: Mapping[str, Floats], bits: int) -> None:
        self.shape, self.weights, self.bits = shape, weights, bits
        self.nodes: list[onnx.NodeProto] = []
        self.stored: dict[str, onnx.TensorProto] = {}
        self.form = ""

    def model(self) -> onnx.ModelProto:
        """Return the whole."""
        shape = self.shape
        x = self.embedded()
        places = self.places()
        for layer in range(shape.layers):
            x = self.block(x, f"model.layers.{layer}.", places)
        x = self.norm(self.node("Gather", x, "at", axis=0), "model.norm.weight")
        head = "model.embed_tokens.weight" if shape.tied else "lm_head.weight"
        (scores,) = self.products(x, head)
        log_p = self.node("LogSoftmax", scores, axis=-1)
        scored = self.node("GatherElements", log_p, self.column("target"), axis=1)
        self.node("Squeeze", scored, self.constant("last", np.array([-1])), output="log_p")
        self.nodes.append(helper.make_node("TopK", [log_p, MOST], list(BEST), axis=-1))
        inputs = [
            helper.make_tensor_value_info("pieces", TensorProto.INT64, ["texts", "length"]),
            helper.make_tensor_value_info("at", TensorProto.INT64, ["scored"]),
            helper.make_tensor_value_info("target", TensorProto.INT64, ["scored"]),
            helper.make_tensor_value_info(MOST, TensorProto.INT64, [1]),
        ]
        outputs = [helper.make_tensor_value_info("log_p", TensorProto.FLOAT, ["scored"])]
        kinds = TensorProto.FLOAT, TensorProto.INT64
        outputs += [helper.make_tensor_value_info(*pair, ["scored", MOST]) for pair in zip(BEST, kinds, strict=True)]
        made = helper.make_graph(self.nodes, "causal", inputs, outputs, list(self.stored.values()))
        sets = [helper.make_opsetid("", OPERATORS), helper.make_opsetid("com.microsoft", MICROSOFT)]
        return helper.make_model(made, opset_imports=sets, ir_version=FORMAT, producer_name="searchgen")

    def block(self, x: str, layer: str, places: tuple[str, str, str]) -> str:
        """Return the hidden states (B * L, H) after a block."""
        y = self.norm(x, f"{layer}input_layernorm.weight")
        mixed = self.products(y, *(f"{layer}self_attn.{projected}_proj.weight" for projected in "qkv"))
        apart = [self.node("Reshape", projected, self.by_text()) for projected in mixed]
        query, key = (self.turned(projected, places) for projected in apart[:2])
        heads = self.shape.heads
        seen = self.node("Attention", query, key, apart[2], is_causal=1, q_num_heads=heads, kv_num_heads=heads)
        (seen,) = self.products(self.flat(seen), f"{layer}self_attn.o_proj.weight")
        x = self.node("Add", x, seen)
        y = self.norm(x, f"{layer}post_attention_layernorm.weight")
        gate, passed = self.products(y, *(f"{layer}mlp.{projected}_proj.weight" for projected in ("gate", "up")))
        y = self.node("Mul", self.node("Mul", gate, self.node("Sigmoid", gate)), passed)
        (down,) = self.products(y, f"{layer}mlp.down_proj.weight")
        return self.node("Add", x, down)

    def places(self) -> tuple[str, str, str]:
        """Return cosines and sines by place (context, H / heads / 2), and the places of the pieces (B, L)."""
        half = self.shape.width // self.shape.heads // 2
        angles = np.arange(self.shape.context)[:, None] * self.shape.base ** (-np.arange(half) / half)
        cosine, sine = (self.constant(f.__name__, f(angles).astype(np.float32)) for f in (np.cos, np.sin))
        size = self.node("Shape", "pieces")
        length = self.node("Gather", size, self.constant("one", np.array(1)), axis=0)
        row = self.node("Range", self.constant("zero", np.array(0)), length, self.constant("one", np.array(1)))
        return cosine, sine, self.node("Expand", row, size)

    def turned(self, x: str, places: tuple[str, str, str]) -> str:
        """Return queries or keys (B, L, H), turned by their places."""
        cosine, sine, at = places
        return self.node("RotaryEmbedding", x, cosine, sine, at, num_heads=self.shape.heads)

    def norm(self, x: str, weight: str) -> str:
        """Return x (.., H) of root mean square 1, weighted."""
        scale = self.constant(weight, self.weights[weight])
        return self.node("RMSNormalization", x, scale, axis=-1, epsilon=self.shape.epsilon)

    def embedded(self) -> str:
        """Return the hidden states of the pieces, (B * L, H)."""
        row = self.node("Reshape", "pieces", self.constant("all", np.array([-1])))
        name = "model.embed_tokens.weight"
        if self.bits == 32:
            return self.node("Gather", self.constant(name, self.weights[name]), row, axis=0)
        whole, scales = self.whole(name)
        x = self.node("Cast", self.node("Gather", whole, row, axis=0), to=TensorProto.FLOAT)
        return self.node("Mul", x, self.column(self.node("Gather", scales, row, axis=0)))

    def products(self, x: str, *names: str) -> list[str]:
        """Return x (N, K) times each of some transposed matrices (M, K)."""
        if self.bits == 32:
            return [self.node("Gemm", x, self.constant(name, self.weights[name]), transB=1) for name in names]
        largest = self.node("ReduceMax", self.node("Abs", x), self.constant("last", np.array([-1])), keepdims=0)
        scale = self.node("Mul", largest, self.constant("step", np.array(1 / LARGEST, np.float32)))
        scale = self.node("Max", scale, self.constant("tiny", np.array(1e-30, np.float32)))
        zeros = self.node("Expand", self.constant("zero byte", np.array(ZERO, np.uint8)), self.node("Shape", scale))
        rounded = self.node("QuantizeLinear", x, scale, zeros, axis=0)
        products = []
        for name in names:
            whole, scales = self.whole(name)
            turned = self.node("Transpose", whole, perm=[1, 0])  # done once, when the file is opened
            unit = self.constant("one scale", np.array(1, np.float32))
            product = self.node(
                "MatMulIntegerToFloat", rounded, turned, unit, scales, "zero byte", domain="com.microsoft"
            )
            products.append(self.node("Mul", product, self.column(scale)))
        return products

    def whole(self, name: str) -> tuple[str, str]:
        """Store a matrix (M, K) as signed bytes with a scale for each row, (M,); a tied embedding is stored once."""
        matrix = self.weights[name]
        scales = np.maximum(np.abs(matrix).max(axis=1) / LARGEST_WEIGHT, 1e-30).astype(np.float32)
        whole = np.rint(matrix / scales[:, None]).astype(np.int8)
        return self.constant(name, whole), self.constant(f"{name}.scales", scales)

    def column(self, scales: str) -> str:
        """Return scales (N,) as (N, 1)."""
        return self.node("Unsqueeze", scales, self.constant("last", np.array([-1])))

    def flat(self, x: str) -> str:
        """Return hidden states (B, L, H) as (B * L, H)."""
        return self.node("Reshape", x, self.constant("flat", np.array([-1, self.shape.width])))

    def by_text(self) -> str:
        """Return the shape (B, L, H)."""
        if not self.form:
            self.form = self.node(
                "Concat", self.node("Shape", "pieces"), self.constant("width", np.array([self.shape.width])), axis=0
            )
        return self.form

    def constant(self, name: str, value: npt.NDArray[Any]) -> str:
        """Store a tensor once."""
        if name not in self.stored:
            self.stored[name] = numpy_helper.from_array(value, name)
        return name

    def node(self, kind: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        """Add a node; return the name of its result."""
        name = output or f"{kind}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name
