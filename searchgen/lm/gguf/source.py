"""The network of a GGUF file, and the rest of what the file holds."""

from dataclasses import asdict
from pathlib import Path

from searchgen.errors import ModelFileError, RequestError
from searchgen.lm.decoder.content_hash import TOKENIZER
from searchgen.lm.decoder.shape import Shape
from searchgen.lm.decoder.source import Rest, Source
from searchgen.lm.gguf.file import GgufFile
from searchgen.lm.gguf.shape import shape_of
from searchgen.lm.gguf.tokenizer import read_tokenizer, special_pieces

__all__ = ["gguf_source"]


def gguf_source(path: Path) -> Source:
    """Return what a GGUF file holds.

    Raises:
        ModelFileError: it is missing or damaged.
        RequestError: its architecture is not known here.
    """
    file = GgufFile.open(path)
    shape = shape_of(file)
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
