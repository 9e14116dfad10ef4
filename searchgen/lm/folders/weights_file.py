"""A file `model.safetensors`, read without the library of that name: its header is checked, and weights come as 32-bit floats.

Eight bytes hold the length of a header in JSON, which says of every tensor its type, its shape and where its bytes lie behind it.
Format: https://github.com/huggingface/safetensors
"""

import json
import mmap
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from searchgen.errors import ModelFileError
from searchgen.lm.neural.architectures.weight_files import Stored

__all__ = ["WeightsFile"]

#: Bytes that hold the length of the header, and the most that it may have, as the library allows.
LENGTH, MOST_BYTES = 8, 100_000_000

#: Bytes of a number, by the name of its type.
SIZES = {
    "F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "U64": 8, "I32": 4, "U32": 4, "I16": 2, "U16": 2, "I8": 1, "U8": 1,
    "BOOL": 1, "F8_E4M3": 1, "F8_E5M2": 1,
}  # fmt: skip

#: Types of floats that numpy has.
FLOATS = {"F64": np.float64, "F32": np.float32, "F16": np.float16}

Entry = tuple[Stored, int, int]


@dataclass(frozen=True, eq=False)
class WeightsFile:
    """An open file.

    Attributes:
        path: of the file.
        entries: of each tensor, by name, what it is, and where its bytes begin and end.
        content: its bytes, mapped.
    """

    path: Path
    entries: Mapping[str, Entry]
    content: mmap.mmap

    @staticmethod
    def open(path: Path) -> "WeightsFile":
        """Read the header of a file.

        Raises:
            ModelFileError: it is missing or damaged.
        """
        try:
            with path.open("rb") as file:
                content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            length = int.from_bytes(content[:LENGTH], "little")
            if len(content) < LENGTH or length > min(MOST_BYTES, len(content) - LENGTH):
                raise ValueError(f"it declares a header of {length:,} bytes")
            begin = LENGTH + length
            header = json.loads(content[LENGTH:begin])
            if not isinstance(header, dict):
                raise ValueError("its header is no object")
            entries = {name: _entry(name, one, begin) for name, one in header.items() if name != "__metadata__"}
            end = max((last for _, _, last in entries.values()), default=begin)
            if end != len(content):
                raise ValueError(f"its tensors end at byte {end:,} of {len(content):,}")
        except (OSError, ValueError, RecursionError) as error:  # an empty file cannot be mapped
            reason = " ".join(str(error).split())[:160]
            raise ModelFileError(f"{path} is damaged ({reason}); fetch the model again") from None
        return WeightsFile(path, entries, content)

    @property
    def stored(self) -> dict[str, Stored]:
        """What each tensor is, by name."""
        return {name: stored for name, (stored, _, _) in self.entries.items()}

    def floats(self, name: str) -> npt.NDArray[np.float32]:
        """Return a tensor of floats in 32 bits; one that has them already lies in the mapped file still.

        Raises:
            ModelFileError: a number of it is none.
        """
        stored, begin, end = self.entries[name]
        raw = np.frombuffer(self.content, np.uint8, end - begin, begin)
        if stored.kind == "BF16":  # the upper half of a float
            values = (raw.view("<u2").astype(np.uint32) << 16).view(np.float32)
        else:
            with np.errstate(over="ignore"):  # seen below
                values = raw.view(FLOATS[stored.kind]).astype(np.float32, copy=False)
        if not np.isfinite(values).all():
            raise ModelFileError(f"{self.path}: {name} holds what is no number; fetch the model again")
        return values.reshape(stored.shape)


def _entry(name: str, value: Any, begin: int) -> Entry:
    """Return a tensor's entry; raises `ValueError` where its parts do not fit each other."""
    if not isinstance(value, dict):
        raise ValueError(f"the entry of {name[:60]!r} is no object")
    kind, shape, places = value.get("dtype"), value.get("shape", ""), value.get("data_offsets", "")
    if not (_are_sizes(shape) and _are_sizes(places) and len(places) == 2):
        raise ValueError(f"shape or place of {name[:60]!r} is missing")
    if not isinstance(kind, str) or kind not in SIZES:
        raise ValueError(f"{name[:60]!r} has numbers of the unknown type {str(kind)[:20]!r}")
    first, last = places
    if last - first != prod(shape) * SIZES[kind]:
        raise ValueError(f"{name[:60]!r} has {last - first:,} bytes for the shape {tuple(shape)}")
    return Stored(tuple(shape), kind), begin + first, begin + last


def _are_sizes(value: Any) -> bool:
    return isinstance(value, list) and all(type(one) is int and one >= 0 for one in value)
