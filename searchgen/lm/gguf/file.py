"""A GGUF file: what it says of its model, and where its weights lie.

The head is read here, for nothing that a file declares is believed before the file's own size bears it out; weights are decoded by
the `gguf` package. Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

import mmap
import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from searchgen.errors import ModelFileError, RequestError

__all__ = ["MAGIC", "GgufFile", "Stored", "is_gguf"]

MAGIC = b"GGUF"

#: Versions of the format whose lengths have 64 bits.
VERSIONS = (2, 3)

#: Types of values: their struct codes; 8 is text, 9 an array.
CODES = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
TEXT, ARRAY = 8, 9

#: Fewest bytes that a value, an item of an array of texts, and the entry of a tensor take.
LEAST_VALUE, LEAST_TEXT, LEAST_TENSOR = 13, 8, 24

MOST_DIMENSIONS = 4

#: Most items of a table, bytes of a text, and entries of the head: several times what the largest models have.
MOST_ITEMS, MOST_BYTES, MOST_ENTRIES = 1 << 22, 1 << 24, 1 << 17


def is_gguf(path: Path) -> bool:
    """Return whether a file begins as a GGUF file does, whatever its name.

    Example:
        >>> is_gguf(Path(__file__))
        False
    """
    try:
        if not path.is_file():  # to open a pipe would wait for its writer
            return False
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except (OSError, ValueError):
        return False


@dataclass(frozen=True)
class Stored:
    """A tensor in a file.

    Attributes:
        shape: as numpy has it, the longest stride first.
        kind: the number of its quantisation.
        start: of its bytes in the file.
    """

    shape: tuple[int, ...]
    kind: int
    start: int


class _Head:
    """Reads values one after the other; refuses what goes beyond the file."""

    def __init__(self, path: Path, content: mmap.mmap) -> None:
        self.path, self.content, self.at = path, content, 0

    def damaged(self, why: str) -> ModelFileError:
        return ModelFileError(f"{self.path} is damaged: {why}; fetch it again")

    def take(self, code: str) -> Any:
        size = struct.calcsize("<" + code)
        if self.at + size > len(self.content):
            raise self.damaged("it ends within its head")
        (value,) = struct.unpack_from("<" + code, self.content, self.at)
        self.at += size
        return value

    def count(self, what: str, least: int, most: int) -> int:
        """Read how many things follow that take so many bytes each, at least."""
        number = int(self.take("Q"))
        if number > most or number * least > len(self.content) - self.at:
            raise self.damaged(f"it declares {number:,} {what}, more than there can be")
        return number

    def raw(self) -> bytes:
        length = self.count("bytes of text", 1, MOST_BYTES)
        self.at += length
        return self.content[self.at - length : self.at]

    def text(self) -> str:
        return self.raw().decode("utf-8", "replace")

    def value(self, kind: int) -> Any:
        if kind == TEXT:
            return self.text()
        if kind != ARRAY:
            if kind not in CODES:
                raise self.damaged(f"a value has the unknown type {kind}")
            return self.take(CODES[kind])
        inner = self.take("I")
        if inner == TEXT:
            return [self.text() for _ in range(self.count("texts", LEAST_TEXT, MOST_ITEMS))]
        if inner not in CODES:
            raise self.damaged(f"an array has items of the unknown type {inner}")
        size = struct.calcsize(CODES[inner])
        number = self.count("numbers", size, MOST_ITEMS)
        self.at += number * size
        return list(struct.unpack_from(f"<{number}{CODES[inner]}", self.content, self.at - number * size))


@dataclass(frozen=True, eq=False)
class GgufFile:
    """An open file.

    Attributes:
        path: of the file.
        facts: what it says of its model, by key.
        tensors: by name.
        content: its bytes, mapped.
    """

    path: Path
    facts: dict[str, Any]
    tensors: dict[str, Stored]
    content: mmap.mmap

    @staticmethod
    def open(path: Path) -> "GgufFile":
        """Read the head of a file.

        Raises:
            ModelFileError: it is missing, damaged, or of another kind or version.
        """
        try:
            if path.exists() and not path.is_file():
                raise ModelFileError(f"{path} cannot be read: it is no ordinary file; name a GGUF file")
            with path.open("rb") as file:
                content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError) as error:  # an empty file cannot be mapped
            raise ModelFileError(f"{path}: cannot be read ({error}); name a GGUF file") from None
        head = _Head(path, content)
        if content[: len(MAGIC)] != MAGIC:
            raise ModelFileError(f"{path} is no GGUF file: it does not begin with {MAGIC.decode()}")
        head.at = len(MAGIC)
        version = head.take("I")
        if version not in VERSIONS:
            raise ModelFileError(f"{path}: GGUF version {version} is not among {VERSIONS}; convert the model again")
        count = head.count("tensors", LEAST_TENSOR, MOST_ENTRIES)
        facts: dict[str, Any] = {}
        for _ in range(head.count("values", LEAST_VALUE, MOST_ENTRIES)):
            key = head.text()
            facts[key] = head.value(head.take("I"))
        entries = [_entry(head) for _ in range(count)]
        alignment = facts.get("general.alignment", 32)
        if not isinstance(alignment, int) or not 1 <= alignment <= 1 << 20:
            raise head.damaged(f"general.alignment is {alignment!r}")
        begin = -(-head.at // alignment) * alignment
        tensors = {name: Stored(shape, kind, begin + start) for name, shape, kind, start in entries}
        return GgufFile(path, facts, tensors, content)

    def fact(self, key: str, kind: Callable[[Any], Any] = int, default: Any = None) -> Any:
        """Return a value that the model's architecture has, converted; the default where the file does not say.

        Raises:
            ModelFileError: it is missing and has no default, or is of another type.
        """
        value = self.facts.get(key, default)
        if value is None:
            raise ModelFileError(f"{self.path} does not say its {key}; convert the model again")
        try:
            return kind(value)
        except (TypeError, ValueError, OverflowError):
            raise ModelFileError(f"{self.path}: {key} is {str(value)[:40]!r}; convert the model again") from None

    @cached_property
    def architecture(self) -> str:
        """The name of the kind of network."""
        return str(self.facts.get("general.architecture", ""))

    def weights(self, name: str, shape: tuple[int, ...]) -> npt.NDArray[np.float32]:
        """Return a tensor as 32-bit floats.

        Args:
            name: of the tensor.
            shape: that it must have.

        Raises:
            ModelFileError: it is missing, of another shape, reaches beyond the file, or is no number somewhere.
            RequestError: its quantisation cannot be decoded.
        """
        from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType
        from gguf.quants import dequantize

        stored = self.tensors.get(name)
        if stored is None:
            raise ModelFileError(f"{self.path} lacks the tensor {name}; fetch it again")
        if stored.shape != shape:
            raise ModelFileError(
                f"{self.path}: the tensor {name} has shape {stored.shape}, not {shape}; fetch it again"
            )
        try:
            kind = GGMLQuantizationType(stored.kind)
            block, size = GGML_QUANT_SIZES[kind]
        except (ValueError, KeyError):
            raise RequestError(
                f"{self.path}: {name} has the unknown quantisation {stored.kind}; name another file"
            ) from None
        if shape[-1] % block:
            raise ModelFileError(f"{self.path}: rows of {name} have {shape[-1]} numbers, no multiple of {block}")
        row = shape[-1] // block * size
        number = prod(shape[:-1]) * row
        if stored.start + number > len(self.content):
            raise ModelFileError(f"{self.path} ends within the tensor {name}; fetch it again")
        raw = np.frombuffer(self.content, np.uint8, number, stored.start)
        try:
            with np.errstate(all="ignore"):  # damaged scales overflow, which is seen below
                weights = (
                    self._decoded(raw, kind.name, row) if kind.name in PLAIN else dequantize(raw.reshape(-1, row), kind)
                )
        except NotImplementedError:
            raise RequestError(
                f"{self.path}: {name} is quantised as {kind.name}, which cannot be decoded; name a file of another quantisation"
            ) from None
        with np.errstate(all="ignore"):
            found = np.ascontiguousarray(weights.reshape(shape), np.float32)
        if not np.isfinite(found).all():
            raise ModelFileError(f"{self.path}: the tensor {name} holds what is no number; fetch it again")
        return found

    @staticmethod
    def _decoded(raw: npt.NDArray[np.uint8], kind: str, row: int) -> npt.NDArray[Any]:
        return raw.view(PLAIN[kind]).reshape(-1, row // np.dtype(PLAIN[kind]).itemsize)


#: Numbers that are stored as they are.
PLAIN = {"F32": np.float32, "F16": np.float16}


def _entry(head: _Head) -> tuple[str, tuple[int, ...], int, int]:
    name, dimensions = head.text(), head.take("I")
    if not 1 <= dimensions <= MOST_DIMENSIONS:
        raise head.damaged(f"the tensor {name[:60]!r} has {dimensions} dimensions")
    shape = tuple(int(head.take("Q")) for _ in range(dimensions))[::-1]
    kind, start = head.take("I"), head.take("Q")
    if prod(shape) > 64 * len(head.content) or start > len(head.content):
        raise head.damaged(f"the tensor {name[:60]!r} is declared larger than the file")
    return name, shape, kind, start
