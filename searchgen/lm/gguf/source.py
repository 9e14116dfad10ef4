"""What is converted to a graph: a network's sizes and weights, and the rest of what its file or folder holds."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from searchgen.errors import ModelFileError, RequestError
from searchgen.lm.gguf.content_hash import TOKENIZER
from searchgen.lm.gguf.file import GgufFile
from searchgen.lm.gguf.shape import Shape
from searchgen.lm.gguf.tokenizer import read_tokenizer, special_pieces

if TYPE_CHECKING:
    from searchgen.lm.gguf.products import Weights

__all__ = ["Rest", "Source", "gguf_source"]


@dataclass(frozen=True)
class Rest:
    """What is kept of a model beside its network.

    Attributes:
        texts: the contents of further files, by name.
        facts: what is known of the model, by name.
    """

    texts: Mapping[str, str]
    facts: Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Source:
    """A model that can be converted.

    Attributes:
        path: of its file or folder.
        shape: the sizes of its network.
        weights: gives a tensor by its name in GGUF files and its shape.
        read_rest: checks the model once more as a whole, and returns the rest; raises `RequestError`.
    """

    path: Path
    shape: Shape
    weights: "Weights"
    read_rest: Callable[[], Rest]


def gguf_source(path: Path) -> Source:
    """Return what a GGUF file holds.

    Raises:
        ModelFileError: it is missing or damaged.
        RequestError: its architecture is not known here.
    """
    file = GgufFile.open(path)
    shape = Shape.of(file)
    return Source(path, shape, file.weights, lambda: _rest_of(file, shape))


def _rest_of(file: GgufFile, shape: Shape) -> Rest:
    tokenizer, special = read_tokenizer(file), special_pieces(file)
    _refuse_unknown(file, shape)
    facts = {
        "name": str(file.facts.get("general.name", file.path.stem))[:200],
        "licence": str(file.facts.get("general.license", ""))[:80],
        "architecture": file.architecture,
        "special": asdict(special),
    }
    return Rest({TOKENIZER: tokenizer.to_str()}, facts)


def _refuse_unknown(file: GgufFile, shape: Shape) -> None:
    """Refuse tensors that the graph has no place for, without which its scores would be wrong, and pieces that have no row."""
    pieces = len(file.facts["tokenizer.ggml.tokens"])
    if pieces > shape.vocabulary:
        raise ModelFileError(
            f"{file.path}: the tensor token_embd.weight has {shape.vocabulary:,} rows for {pieces:,} pieces; fetch it again"
        )
    for name in file.tensors:
        begin, _, rest = name.partition(".")
        if begin == "blk" and rest.partition(".")[2] not in shape.family.tensors:
            raise RequestError(f"{file.path}: {name[:60]} is not known in {file.architecture}; name another file")
