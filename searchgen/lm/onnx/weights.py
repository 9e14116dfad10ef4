"""The weights in a file of `lm export`, read back: those of 8 bits are multiples of their row's scale. Needs the `onnx` package."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx

from searchgen.errors import ModelFileError
from searchgen.lm.neural.architectures.llama_shape import Shape
from searchgen.lm.neural.architectures.llama_weights import LlamaWeights

__all__ = ["read_graph"]


def read_graph(path: Path) -> LlamaWeights:
    """Read a file of `lm export`.

    Raises:
        ModelFileError: it is missing, damaged, or not of that command.
    """
    try:
        made = onnx.load_from_string(path.read_bytes())
        written = {entry.key: entry.value for entry in made.metadata_props}
        facts = json.loads(written["searchgen"])
        shape = Shape(**{field.name: facts[field.name] for field in fields(Shape)})
        stored = {entry.name: onnx.numpy_helper.to_array(entry) for entry in made.graph.initializer}
        read = LlamaWeights(shape, written["tokenizer"], dict(_scaled(stored)))
        read.check()
    except OSError as error:
        raise ModelFileError(f"{path}: cannot be read ({error.strerror})") from None
    except ModelFileError:
        raise
    except Exception as error:  # protobuf's own, of several kinds
        reason = " ".join(str(error).split())[:160]
        raise ModelFileError(f"{path} is damaged, or no file of searchgen lm export ({reason})") from None
    return read


def _scaled(stored: Mapping[str, npt.NDArray[Any]]) -> Iterator[tuple[str, npt.NDArray[np.float32]]]:
    for name, value in stored.items():
        if name.endswith(".weight"):
            scales = stored.get(f"{name}.scales")
            yield name, value.astype(np.float32) if scales is None else (value * scales[:, None]).astype(np.float32)
