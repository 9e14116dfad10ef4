"""A decoder as an ONNX graph, which reads texts behind a context that was read before.

    pieces (N,), depth (N,), node (B, L), cell (N,), start (), at (S,), target (S,), most (1,), together (1,), all int64,
    key.i (K, D, C), value.i (K, C, D) float32
        ->   log_p (S,) float32, best_log_p (S, most) float32, best (S, most) int64, state (N, H) float32,
             new_key.i (K, D, N), new_value.i (K, N, D)

Texts that begin alike share what they begin with: a node is a piece behind all pieces before it, and is computed once (`prefix_tree.py`).
`node` has the nodes of B texts, `cell` for each node one of their places, flat in (B, L), and `depth` how many pieces of its text stand
before it. Only attention among a text's own pieces sees texts apart. `key.i` and `value.i` are layer i's of the C pieces of the context,
in K heads of size D, which all texts share: attention is (q k_context, q k_own), one softmax over both. `start` is the place of the first
piece, `at` are nodes after which pieces are scored, `target` the pieces that come there, and `best` the most probable ones. Scores of all
pieces take most of the memory, so they are there for `together` of them at a time, a divisor of S. `state` is the hidden state two
thirds of the way up.
"""

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

from searchgen.lm.conversion.products import Products

__all__ = ["DecoderGraph", "read_layer"]

OPERATORS, FORMAT, MICROSOFT = 23, 11, 1

#: What is added to the score of a place that must not be seen.
UNSEEN = -1e9


def read_layer(layers: int) -> int:
    """Return the number of blocks before the hidden state that tells most about what a text means (notes/reading.md)."""
    return max(1, round(layers * 2 / 3))


class DecoderGraph(Products):
    """The nodes of a decoder."""

    def model(self) -> onnx.ModelProto:
        """Return the whole graph."""
        self._sizes()
        x = self._embedded()
        for layer in range(self.shape.layers):
            x = self._block(x, layer)
            if layer + 1 == read_layer(self.shape.layers):
                self._node("Identity", x, output="state")
        self._scored(self._norm(self._node("Gather", x, "at", axis=0), "output_norm.weight", self.shape.width))
        sets = [helper.make_opsetid("", OPERATORS), helper.make_opsetid("com.microsoft", MICROSOFT)]
        made = helper.make_graph(self.nodes, "decoder", *self._ends(), list(self.stored.values()))
        return helper.make_model(made, opset_imports=sets, ir_version=FORMAT, producer_name="searchgen")

    def _scored(self, x: str) -> None:
        """Compute the outputs of the hidden states (N, H), a part of them at a time."""
        every = self._ints("last", [-1])
        x = self._shaped(x, every, "together", self._ints("width", [self.shape.width]))
        target = self._shaped("target", every, "together")
        names, outer = ("log_p", "best_log_p", "best"), self.nodes
        self.nodes = []
        ends = self._part("part x", "part target")
        kinds = TensorProto.FLOAT, TensorProto.FLOAT, TensorProto.INT64
        given = [helper.make_tensor_value_info("part x", TensorProto.FLOAT, ["together", self.shape.width])]
        given.append(helper.make_tensor_value_info("part target", TensorProto.INT64, ["together"]))
        out = [helper.make_tensor_value_info(end, kind, None) for end, kind in zip(ends, kinds, strict=True)]
        body = helper.make_graph(self.nodes, "part", given, out)
        self.nodes = outer
        parts = [f"parts of {name}" for name in names]
        self.nodes.append(helper.make_node("Scan", [x, target], parts, body=body, num_scan_inputs=len(given)))
        rows = self._node("Shape", "at")
        best = self._node("Concat", rows, "most", axis=0)
        for part, name, size in zip(parts, names, (rows, best, best), strict=True):
            self._node("Reshape", part, size, output=name, allowzero=1)

    def _part(self, x: str, target: str) -> tuple[str, str, str]:
        """Return log p, the best ones and their pieces of hidden states (together, H)."""
        head = "token_embd.weight" if self.shape.tied else "output.weight"
        scores = self._product(x, head, self.shape.vocabulary, self.shape.width)
        log_p = self._node("LogSoftmax", scores, axis=-1)
        found = self._node("GatherElements", log_p, self._column(target), axis=1)
        best = "part best log_p", "part best"
        self.nodes.append(helper.make_node("TopK", [log_p, "most"], list(best), axis=-1))
        return self._node("Squeeze", found, self._ints("last", [-1])), *best

    def _ends(self) -> tuple[list[Any], list[Any]]:
        """Return the inputs and outputs of the graph."""
        value, whole, real = helper.make_tensor_value_info, TensorProto.INT64, TensorProto.FLOAT
        heads, size = self.shape.shared, self.shape.size
        inputs = [value(name, whole, ["nodes"]) for name in ("pieces", "depth", "cell")]
        inputs += [value("node", whole, ["texts", "length"]), value("start", whole, [])]
        inputs += [value(name, whole, ["scored"]) for name in ("at", "target")]
        inputs += [value(name, whole, [1]) for name in ("most", "together")]
        outputs = [value("log_p", real, ["scored"])]
        outputs += [value("best_log_p", real, ["scored", "most"]), value("best", whole, ["scored", "most"])]
        outputs.append(value("state", real, ["nodes", self.shape.width]))
        for layer in range(self.shape.layers):
            inputs.append(value(f"key.{layer}", real, [heads, size, "context"]))
            inputs.append(value(f"value.{layer}", real, [heads, "context", size]))
            outputs.append(value(f"new_key.{layer}", real, [heads, size, "nodes"]))
            outputs.append(value(f"new_value.{layer}", real, [heads, "nodes", size]))
        return inputs, outputs

    def _sizes(self) -> None:
        """Compute what all layers share: the numbers of texts and places, the places of nodes, and which of them each may see."""
        size = self._node("Shape", "node")
        self.texts = self._node("Slice", size, self._ints("from 0", [0]), self._ints("to 1", [1]))
        self.length = self._node("Slice", size, self._ints("to 1", [1]), self._ints("to 2", [2]))
        self.places = self._column(self._node("Add", "start", "depth"))  # (N, 1)
        length = self._node("Squeeze", self.length)
        row = self._node("Range", self._constant("zero", np.array(0)), length, self._constant("one", np.array(1)))
        later = self._node("Greater", self._node("Unsqueeze", row, self._ints("from 0", [0])), self._column(row))
        unseen, seen = (self._constant(f"mask {one:g}", np.array(one, np.float32)) for one in (UNSEEN, 0.0))
        self.mask = self._node("Where", later, unseen, seen)  # (L, L)

    def _block(self, x: str, layer: int) -> str:
        """Return the hidden states (N, H) after a block."""
        name, gemma = f"blk.{layer}.", self.shape.family.gemma
        seen = self._attention(self._norm(x, f"{name}attn_norm.weight", self.shape.width), layer)
        if gemma:
            seen = self._norm(seen, f"{name}post_attention_norm.weight", self.shape.width)
        x = self._node("Add", x, seen)
        y = self._norm(x, f"{name}ffn_norm.weight", self.shape.width)
        gate, passed = (
            self._product(y, f"{name}ffn_{one}.weight", self.shape.inner, self.shape.width) for one in ("gate", "up")
        )
        gate = (
            self._node("Gelu", gate, approximate="tanh")
            if gemma
            else self._node("Mul", gate, self._node("Sigmoid", gate))
        )
        y = self._node("Mul", gate, passed)
        down = self._product(y, f"{name}ffn_down.weight", self.shape.width, self.shape.inner)
        if gemma:
            down = self._norm(down, f"{name}post_ffw_norm.weight", self.shape.width)
        return self._node("Add", x, down)

    def _attention(self, x: str, layer: int) -> str:
        """Return what the heads see, (N, H)."""
        shape, name = self.shape, f"blk.{layer}."
        query = self._turned(self._heads(x, f"{name}attn_q", shape.heads), layer, f"{name}attn_q_norm.weight")
        key = self._turned(self._heads(x, f"{name}attn_k", shape.shared), layer, f"{name}attn_k_norm.weight")
        value = self._heads(x, f"{name}attn_v", shape.shared)
        query, key, value = (self._node("Transpose", one, perm=[2, 1, 0, 3]) for one in (query, key, value))
        first = self._ints("from 0", [0])
        self._node("Transpose", self._node("Squeeze", key, first), output=f"new_key.{layer}", perm=[0, 2, 1])
        self._node("Squeeze", value, first, output=f"new_value.{layer}")
        query = self._node("Mul", query, self._constant("scale", np.array(shape.scale, np.float32)))
        # Heads that share keys stand one below the other: (.., K, G * N, D), and of each text (B, K, G * L, D).
        below = self._ints("below", [shape.shared, -1, shape.size])
        one, apart = self._ints("to 1", [1]), self._ints("apart", [shape.heads])
        before = self._node("MatMul", self._shaped(query, one, below), f"key.{layer}")
        own = self._node(
            "MatMul",
            self._shaped(self._by_text(query), self.texts, below),
            self._node("Transpose", self._by_text(key), perm=[0, 1, 3, 2]),
        )
        own = self._node("Add", self._shaped(own, self.texts, apart, self.length, self.length), self.mask)
        rows = self._ints("shared", [shape.shared, -1])
        own = self._shaped(self._by_node(own, self.length), one, rows, self.length)
        share = self._node("Softmax", self._node("Concat", before, own, axis=-1), axis=-1)
        context = self._node("Shape", f"key.{layer}", start=2, end=3)
        axis = self._ints("axis 3", [3])
        before = self._node("Slice", share, first, context, axis)
        own = self._node("Slice", share, context, self._ints("to the end", [1 << 40]), axis)
        before = self._node("MatMul", before, f"value.{layer}")
        own = self._by_text(self._shaped(own, one, apart, self._ints("last", [-1]), self.length))
        own = self._node("MatMul", self._shaped(own, self.texts, rows, self.length), self._by_text(value))
        heads = self._ints("heads", [shape.heads, -1, shape.size])
        own = self._by_node(self._shaped(own, self.texts, heads), self._ints("size", [shape.size]))
        seen = self._node("Add", self._shaped(before, one, heads), own)
        wide = shape.heads * shape.size
        flat = self._node("Reshape", self._node("Transpose", seen, perm=[0, 2, 1, 3]), self._ints("flat", [-1, wide]))
        return self._product(flat, f"{name}attn_output.weight", shape.width, wide)

    def _by_text(self, x: str) -> str:
        """Return what nodes have (1, heads, N, M) text by text, (B, heads, L, M)."""
        x = self._node("Squeeze", self._node("Gather", x, "node", axis=2), self._ints("from 0", [0]))
        return self._node("Transpose", x, perm=[1, 0, 2, 3])

    def _by_node(self, x: str, size: str) -> str:
        """Return what texts have (B, heads, L, M) node by node, (1, heads, N, M); `size` is M."""
        x = self._node("Transpose", x, perm=[1, 0, 2, 3])
        x = self._shaped(
            x, self._ints("to 1", [1]), self._ints("apart", [self.shape.heads]), self._ints("last", [-1]), size
        )
        return self._node("Gather", x, "cell", axis=2)

    def _heads(self, x: str, name: str, heads: int) -> str:
        """Return queries, keys or values, (N, heads, 1, D)."""
        wide = heads * self.shape.size
        y = self._product(x, f"{name}.weight", wide, self.shape.width)
        if self.shape.family.bias:
            y = self._node("Add", y, self._constant(f"{name}.bias", self.weights(f"{name}.bias", (wide,))))
        return self._node("Reshape", y, self._ints(f"{heads} heads", [-1, heads, 1, self.shape.size]))

    def _turned(self, x: str, layer: int, norm: str) -> str:
        """Return queries or keys (N, heads, 1, D), turned by their places."""
        if self.shape.family.head_norm:
            x = self._norm(x, norm, self.shape.size)
        waves = self.shape.waves(layer)
        angles = np.arange(self.shape.context)[:, None] * waves
        tables = [
            self._constant(f"{f.__name__} {waves[-1]:.9g}", f(angles).astype(np.float32)) for f in (np.cos, np.sin)
        ]
        return self._node("RotaryEmbedding", x, *tables, self.places, interleaved=int(self.shape.family.interleaved))

    def _norm(self, x: str, weight: str, width: int) -> str:
        """Return x (.., width) of root mean square 1, weighted."""
        scale = self._constant(weight, self.weights(weight, (width,)))
        return self._node("RMSNormalization", x, scale, axis=-1, epsilon=self.shape.epsilon)

    def _embedded(self) -> str:
        """Return the hidden states of the pieces, (N, H)."""
        row, name = "pieces", "token_embd.weight"
        size = self.shape.vocabulary, self.shape.width
        if self.bits == 32:
            x = self._node("Gather", self._matrix(name, size), row, axis=0)
        else:
            whole, scales = self._whole(name, size)
            # Of a tied table the columns are pieces.
            x = self._node("Cast", self._node("Gather", whole, row, axis=1), to=TensorProto.FLOAT)
            x = self._node(
                "Mul", self._node("Transpose", x, perm=[1, 0]), self._column(self._node("Gather", scales, row, axis=0))
            )
            x = self._spread(x, self.shape.width)  # back
        if self.shape.family.gemma:
            x = self._node("Mul", x, self._constant("embedding scale", np.array(self.shape.width**0.5, np.float32)))
        return x
