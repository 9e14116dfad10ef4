"""A file of `lm export` as it is written, read without running it: its graph must be one that the command writes, and all of it be there.

The format is that of protocol buffers: fields, each a number with a kind, then a whole number or so many bytes. What would make a file
more than it shows is refused here, before memory is taken: weights in another file, which no hash of this one covers; sizes that are not
those of the bytes; operators that the command does not write.
"""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, NamedTuple

from searchgen.errors import ModelFileError
from searchgen.lm.neural.architectures.llama_shape import Shape

__all__ = ["GraphFile", "read_graph_file"]

#: Numbers of fields: of a model, of its graph, of a node, of a tensor.
GRAPH, PROPERTIES, MODEL_REST = 7, 14, {20: "training", 25: "functions"}
NODES, TENSORS, GRAPH_REST = 1, 5, {15: "sparse weights"}
OPERATOR, ATTRIBUTES = 4, 5
DIMENSIONS, KIND, NAME, RAW, EXTERNAL, LOCATION = 1, 2, 8, 9, 13, 14

#: Of an attribute: tensors and graphs, which the command writes none of.
INSIDE = {5, 6, 10, 11, 22, 23}

#: Bytes of a number of each kind: floats, bytes, signed bytes, whole numbers of 32 and 64 bits.
BYTES = {1: 4, 2: 1, 3: 1, 6: 4, 7: 8}

#: The operators of a graph that the command writes.
OPERATORS = frozenset(
    {
        *(
            "Abs",
            "Add",
            "Attention",
            "Cast",
            "Concat",
            "Expand",
            "Gather",
            "GatherElements",
            "Gemm",
            "LogSoftmax",
            "Max",
        ),
        *(
            "MatMulIntegerToFloat",
            "Mul",
            "QuantizeLinear",
            "RMSNormalization",
            "Range",
            "ReduceMax",
            "Reshape",
            "Shape",
        ),
        *("RotaryEmbedding", "Sigmoid", "Squeeze", "TopK", "Transpose", "Unsqueeze"),
    }
)

#: What is stored besides weights: tables of the places, and numbers of at most so many parts.
TABLES, MOST_PARTS = ("cos", "sin"), 2
NUMBERS = frozenset({"all", "flat", "last", "one", "one scale", "step", "tiny", "width", "zero", "zero byte"})

#: No size is larger.
LARGEST = 1 << 31


class Tensor(NamedTuple):
    """A tensor of the file, by its header."""

    shape: tuple[int, ...]
    kind: int


@dataclass(frozen=True)
class GraphFile:
    """A file of `lm export`.

    Attributes:
        content: its bytes.
        facts: what the command wrote of the network.
        shape: the network's sizes, which are those of the weights.
        tokenizer: contents of tokenizer.json.
    """

    content: bytes
    facts: Mapping[str, Any]
    shape: Shape
    tokenizer: str


def read_graph_file(path: Path) -> GraphFile:
    """Read a file.

    Raises:
        ModelFileError: it is missing, damaged, or not of `lm export`; the message names what is missing or superfluous.
    """
    try:
        if path.exists() and not path.is_file():
            raise ModelFileError(f"{path} is not a regular file; name one that searchgen lm export wrote")
        content = path.read_bytes()
    except OSError as error:
        raise ModelFileError(f"{path}: cannot be read ({error.strerror})") from None
    try:
        graph, properties = _parts_of(content)
        tensors, operators = _graph_of(graph)
    except _OddError as error:
        raise ModelFileError(f"{path} {error}; export the model again") from None
    except (ValueError, IndexError) as error:
        raise ModelFileError(f"{path} is damaged or no ONNX file ({error}); export or fetch it again") from None
    if not {"searchgen", "tokenizer"} <= properties.keys():
        raise ModelFileError(f"{path} was not written by searchgen lm export; export it with that command")
    facts, shape = _facts_of(path, properties["searchgen"])
    _check(path, shape, tensors, operators)
    return GraphFile(content, facts, shape, properties["tokenizer"])


class _OddError(Exception):
    """The file holds something that `lm export` does not write."""


def _fields(content: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Yield the fields of a message: numbers, and a whole number or bytes of each."""
    at = 0
    while at < len(content):
        tag, at = _whole(content, at)
        number, kind = tag >> 3, tag & 7
        if kind == 0:
            value, at = _whole(content, at)
            yield number, value
            continue
        if kind == 2:
            size, at = _whole(content, at)
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
        else:
            raise ValueError(f"a field of kind {kind}")
        if at + size > len(content):
            raise ValueError("it ends in the middle")
        yield number, content[at : at + size]
        at += size


def _whole(content: memoryview, at: int) -> tuple[int, int]:
    """Return the whole number that begins at a place, seven bits a byte, and the place behind it."""
    value = 0
    for shift in range(0, 70, 7):
        byte = content[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
    raise ValueError("a number has too many bytes")


def _bytes(value: int | memoryview) -> memoryview:
    if isinstance(value, int):
        raise ValueError("a number stands in the place of a part")
    return value


def _text(value: int | memoryview) -> str:
    return bytes(_bytes(value)).decode("utf-8")


def _parts_of(content: bytes) -> tuple[memoryview, dict[str, str]]:
    """Return the graph of a model, and its properties."""
    graph, properties = None, {}
    for number, value in _fields(memoryview(content)):
        if number in MODEL_REST:
            raise _OddError(f"holds {MODEL_REST[number]}, which searchgen lm export does not write")
        if number == GRAPH:
            graph = _bytes(value)
        elif number == PROPERTIES:
            pair = {1: "", 2: "", **{key: _text(text) for key, text in _fields(_bytes(value))}}
            properties[pair[1]] = pair[2]
    if graph is None:
        raise ValueError("it has no graph")
    return graph, properties


def _graph_of(graph: memoryview) -> tuple[dict[str, Tensor], set[str]]:
    """Return the tensors of a graph by name, and the operators of its nodes."""
    tensors: dict[str, Tensor] = {}
    operators: set[str] = set()
    for number, value in _fields(graph):
        if number in GRAPH_REST:
            raise _OddError(f"holds {GRAPH_REST[number]}, which searchgen lm export does not write")
        if number == TENSORS:
            name, tensor = _tensor_of(_bytes(value))
            if name in tensors:
                raise _OddError(f"holds {name} twice")
            tensors[name] = tensor
        elif number == NODES:
            for part, inner in _fields(_bytes(value)):
                if part == OPERATOR:
                    operators.add(_text(inner))
                elif part == ATTRIBUTES and not INSIDE.isdisjoint(key for key, _ in _fields(_bytes(inner))):
                    raise _OddError("holds a tensor or a graph inside a node, which searchgen lm export does not write")
    return tensors, operators


def _tensor_of(content: memoryview) -> tuple[str, Tensor]:
    """Return a tensor's name and header, once its bytes are as many as its sizes say."""
    name, kind, size = "", 0, 0
    dimensions: list[int] = []
    for number, value in _fields(content):
        if number == EXTERNAL or (number == LOCATION and value):
            raise _OddError("keeps weights in another file, which its hash does not cover")
        if number == NAME:
            name = _text(value)
        elif number == KIND:
            kind = value if isinstance(value, int) else 0
        elif number == RAW:
            size = len(_bytes(value))
        elif number == DIMENSIONS:
            dimensions += [value] if isinstance(value, int) else _packed(value)
    if kind not in BYTES or math.prod(dimensions) * BYTES[kind] != size:
        raise _OddError(f"is damaged: {name} has {size:,} bytes for a tensor of {'x'.join(map(str, dimensions)) or 1}")
    return name, Tensor(tuple(dimensions), kind)


def _packed(content: memoryview) -> list[int]:
    values, at = [], 0
    while at < len(content):
        value, at = _whole(content, at)
        values.append(value)
    return values


def _facts_of(path: Path, written: str) -> tuple[dict[str, Any], Shape]:
    """Return what the command wrote of the network, and its sizes.

    Raises:
        ModelFileError: they are impossible.
    """
    try:
        facts = json.loads(written)
        sizes = {field.name: facts[field.name] for field in fields(Shape) if field.name in facts}
        for name, value in sizes.items():
            number = isinstance(value, int | float) and 0 < value < LARGEST
            whole = isinstance(value, int) or name in ("base", "epsilon")
            if not (isinstance(value, bool) if name == "tied" else number and whole and not isinstance(value, bool)):
                raise ValueError(f"{name} is {ascii(value)[:40]}")
        shape = Shape(**sizes)
        if facts.get("bits") not in (8, 32):
            raise ValueError(f"bits are {ascii(facts.get('bits'))[:40]}")
        if shape.width % (2 * shape.heads):
            raise ValueError(f"width {shape.width} is not an even multiple of {shape.heads} heads")
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
        raise ModelFileError(f"{path}: the facts of the network are damaged ({error}); export it again") from None
    return facts, shape


def _check(path: Path, shape: Shape, tensors: Mapping[str, Tensor], operators: set[str]) -> None:
    """Compare tensors and operators with those that the command writes for a network of these sizes."""
    foreign = sorted(operators - OPERATORS)
    if foreign:
        raise ModelFileError(
            f"{path} computes {foreign[0]!r}, which searchgen lm export does not write; export the model again"
        )
    if shape.layers > len(tensors):
        raise ModelFileError(
            f"{path} holds {len(tensors):,} tensors, too few for {shape.layers:,} layers; export the model again"
        )
    expected = shape.weights()
    expected |= dict.fromkeys(TABLES, (shape.context, shape.width // shape.heads // 2))
    for name, rows in expected.items():
        if name not in tensors:
            raise ModelFileError(f"{path} lacks {name}; export the model again")
        if tensors[name].shape != rows:
            raise ModelFileError(
                f"{path}: {name} has the shape {tensors[name].shape}, not {rows}; export the model again"
            )
    for name, tensor in tensors.items():
        matrix = expected.get(name.removesuffix(".scales"), ())
        scales = name.endswith(".scales") and tensor.shape == matrix[:1] and len(matrix) > 1
        number = name in NUMBERS and math.prod(tensor.shape) <= MOST_PARTS
        if not (name in expected or scales or number):
            raise ModelFileError(
                f"{path} holds {name}, which a network of its sizes does not have; export the model again"
            )
