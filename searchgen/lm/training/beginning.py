"""The model that a training begins with, instead of drawn weights: a folder of `lm train`, or a file of `lm export`."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from searchgen.errors import ModelFileError, RequestError
from searchgen.lm.embedded import EMBEDDED, MIXED, data_file
from searchgen.lm.neural.llama_shape import Shape, is_llama
from searchgen.lm.neural.spelling import read_json
from searchgen.lm.training.recipe import ROW, SIZES

__all__ = ["Beginning", "read_beginning"]

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Beginning:
    """A model to go on with.

    Attributes:
        name: as the user named it.
        shape: its sizes.
        tokenizer: contents of tokenizer.json.
        weights: by the names of the transformers library.
    """

    name: str
    shape: Shape
    tokenizer: str
    weights: Mapping[str, Floats]

    @property
    def size(self) -> str:
        """The name of its size.

        Raises:
            RequestError: it has none.
        """
        shape = self.shape
        for name, size in SIZES.items():
            if shape == Shape(shape.vocabulary, size.width, size.layers, size.heads, size.inner, ROW):
                return name
        raise RequestError(
            f"--start-from {self.name} has {shape.layers} layers of width {shape.width} and {shape.context} positions, which "
            "is no size of lm train; name a model that it made"
        )


def read_beginning(name: str) -> Beginning:
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
        return _of_folder(name, path)
    if path.suffix == ".onnx":
        return _of_graph(name, path)
    raise RequestError(f"--start-from {name}: no such folder; name one that lm train wrote, or {' or '.join(MIXED)}")


def _of_folder(name: str, folder: Path) -> Beginning:
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    config = read_json(folder / "config.json")
    if not is_llama(config):
        raise RequestError(
            f"--start-from {name} is no model of lm train ({config.get('model_type') or 'no config.json'})"
        )
    try:
        tokenizer = (folder / "tokenizer.json").read_text(encoding="utf-8")
        weights = {key: value.astype(np.float32) for key, value in load_file(folder / "model.safetensors").items()}
        return Beginning(name, Shape.of(config), tokenizer, weights)
    except (OSError, SafetensorError, KeyError, TypeError) as error:
        raise ModelFileError(f"--start-from {name} is damaged: {error}; train or fetch it again") from None


def _of_graph(name: str, path: Path) -> Beginning:
    """Read weights back: those of 8 bits are multiples of their row's scale."""
    import onnx

    try:
        made = onnx.load_from_string(path.read_bytes())
        written = {one.key: one.value for one in made.metadata_props}
        facts, tokenizer = json.loads(written["searchgen"]), written["tokenizer"]
        shape = Shape(**{key: facts[key] for key in Shape.__dataclass_fields__})
    except OSError as error:
        raise ModelFileError(f"--start-from {name}: cannot be read ({error.strerror})") from None
    except Exception as error:  # protobuf's own, of several kinds
        reason = " ".join(str(error).split())[:160]
        raise ModelFileError(f"--start-from {name} is no file of lm export ({reason})") from None
    stored = {one.name: onnx.numpy_helper.to_array(one) for one in made.graph.initializer}
    weights = {key: value.astype(np.float32) for key, value in stored.items() if key.endswith(".weight")}
    for key, value in weights.items():
        if (scales := stored.get(f"{key}.scales")) is not None:
            weights[key] = value * scales[:, None]
    return Beginning(name, shape, tokenizer, weights)
