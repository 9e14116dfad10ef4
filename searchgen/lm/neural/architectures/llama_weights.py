"""A LLaMA that `lm train` made, read back as numbers and tokenizer."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from searchgen.errors import ModelFileError, RequestError
from searchgen.lm.bpe import BytePairs
from searchgen.lm.neural.architectures.llama_shape import FORM, Shape, is_llama
from searchgen.lm.neural.architectures.weight_files import check_head, plain_names
from searchgen.lm.neural.config_file import read_config

__all__ = ["LlamaWeights"]

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class LlamaWeights:
    """A network without code.

    Attributes:
        shape: its sizes.
        tokenizer: contents of tokenizer.json.
        weights: by the names of the transformers library.
    """

    shape: Shape
    tokenizer: str
    weights: Mapping[str, Floats]

    @staticmethod
    def of_folder(folder: Path) -> "LlamaWeights":
        """Read a folder in Hugging Face format.

        Raises:
            RequestError: it holds no model of this kind.
            ModelFileError: it is damaged.
        """
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        config = read_config(folder)
        if not is_llama(config):
            kind = config.get("model_type") or "no config.json"
            raise RequestError(f"{folder} is not a plain LLaMA ({kind}); name a folder that searchgen lm train wrote")
        path, shape = folder / "model.safetensors", Shape.of(config)
        try:
            tokenizer = (folder / "tokenizer.json").read_text(encoding="utf-8")
            names = plain_names(path, shape.layers, shape.weights, FORM)
            tensors = {names[name]: value.astype(np.float32) for name, value in load_file(path).items()}
            head = tensors.get("lm_head.weight")
            check_head(path, head is None or not shape.tied or np.array_equal(head, tensors[FORM.embedding]))
            read = LlamaWeights(shape, tokenizer, {name: tensors[name] for name in shape.weights()})
            read.check()
        except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
            raise ModelFileError(f"{folder} is damaged: {error}; train or fetch the model again") from None
        return read

    def check(self) -> None:
        """Compare tokenizer and weights with the shape.

        Raises:
            ModelFileError: the tokenizer is of another kind.
            ValueError: they do not fit.
        """
        pieces = len(BytePairs.of(self.tokenizer).vocabulary)
        if pieces != self.shape.vocabulary:
            raise ValueError(f"the tokenizer has {pieces} pieces, the network {self.shape.vocabulary}")
        for name, expected in self.shape.weights().items():
            if name not in self.weights:
                raise ValueError(f"{name} is missing")
            if self.weights[name].shape != expected:
                raise ValueError(f"{name} has the shape {self.weights[name].shape}, not {expected}")
