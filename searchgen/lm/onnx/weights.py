"""The weights in a file of `lm export`, read back: those of 8 bits are multiples of their row's scale. Needs the `onnx` package."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx

from searchgen.errors import ModelFileError
from searchgen.lm.neural.architectures.llama_weights import LlamaWeights
from searchgen.lm.onnx.graph_file import read_graph_file

__all__ = ["read_graph"]


def read_graph(path: Path) -> LlamaWeights:
    """Read a file of `lm export`.

    Raises:
        ModelFileError: it is missing, damaged, or not of that command.
    """
    file = read_graph_file(path)
    try:
        made = onnx.load_from_string(file.content)
        stored = {entry.name: onnx.numpy_helper.to_array(entry) for entry in made.graph.initializer}
        read = LlamaWeights(file.shape, file.tokenizer, dict(_scaled(stored)))
        read.check()
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
