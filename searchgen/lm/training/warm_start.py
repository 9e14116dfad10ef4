"""The model that a training begins with, instead of drawn weights: a folder of `lm train`, a file of `lm export`, or an embedded model."""

from pathlib import Path

from searchgen.errors import RequestError
from searchgen.lm.embedded import EMBEDDED, MIXED, data_file
from searchgen.lm.neural.architectures.llama_weights import LlamaWeights
from searchgen.lm.training.recipe import ROW, SIZES

__all__ = ["read_warm_start", "size_of"]


def read_warm_start(name: str) -> LlamaWeights:
    """Read a model to go on with.

    Args:
        name: a folder that `lm train` wrote, a file that `lm export` wrote, or an embedded model with a transformer (en, zh).

    Raises:
        RequestError: it is none of these.
        ModelFileError: it is damaged.
    """
    if name in EMBEDDED and name not in MIXED:
        raise RequestError(
            f"--start-from {name} is an n-gram model; name {' or '.join(MIXED)}, or a folder of lm train"
        )
    path = data_file(name, ".onnx") if name in MIXED else Path(name)
    if path.is_dir():
        return LlamaWeights.of_folder(path)
    if path.suffix == ".onnx":
        from searchgen.lm.onnx.weights import read_graph

        return read_graph(path)
    raise RequestError(f"--start-from {name}: no such folder; name one that lm train wrote, or {' or '.join(MIXED)}")


def size_of(name: str, model: LlamaWeights) -> str:
    """Return the name of a model's size.

    Raises:
        RequestError: it has none; the message tells what it has.
    """
    shape = model.shape
    have = shape.width, shape.layers, shape.heads, shape.inner, shape.context
    for size, one in SIZES.items():
        if have == (one.width, one.layers, one.heads, one.inner, ROW):
            return size
    raise RequestError(
        f"--start-from {name} is of no size that lm train makes: width {shape.width}, {shape.layers} layers, {shape.heads} heads, "
        f"{shape.inner} inside, {shape.context} positions; sizes are {', '.join(SIZES)}"
    )
