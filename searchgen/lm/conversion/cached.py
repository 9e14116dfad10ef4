"""The conversions in the cache folder: named by the content of what was converted, found by it or by its path, and deleted.

    converted/HASH-BITS-EDITION/  model.onnx  weights.bin  tokenizer.json  facts.json  contexts/

HASH is that of the original's content: a GGUF file, or a folder in Hugging Face format, whose tokenizer is read where it is.
"""

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from searchgen.errors import SearchgenError
from searchgen.files.cache_folder import cache_folder
from searchgen.lm.conversion.bits import choose_bits
from searchgen.lm.decoder.content_hash import hash_of
from searchgen.lm.gguf.tokenizer import Special

__all__ = [
    "EDITION",
    "FACTS",
    "GRAPH",
    "WEIGHTS",
    "Converted",
    "conversion_name",
    "conversions",
    "conversions_of",
    "digest_of",
    "is_converted",
    "mark_of",
    "place_of",
    "read_conversion",
    "remove_conversions",
]

#: Raised with the layout of graphs, so that older conversions are made anew.
EDITION = 6

#: The files of a conversion, beside its tokenizer.
GRAPH, WEIGHTS, FACTS = "model.onnx", "weights.bin", "facts.json"


@dataclass(frozen=True)
class Converted:
    """A converted model.

    Attributes:
        folder: that holds it.
        facts: sizes and special pieces.
    """

    folder: Path
    facts: Mapping[str, Any]

    @property
    def special(self) -> Special:
        """Its special pieces."""
        known = self.facts["special"]
        return Special(known["begin"], known["start"], known["end"], tuple(known["refused"]))

    @property
    def size(self) -> int:
        """Its bytes on the disk."""
        return sum(path.stat().st_size for path in self.folder.rglob("*") if path.is_file())


def conversion_name(path: Path, bits: int) -> str:
    """Return the name of a conversion's folder, by the content of a file or folder; raises as `hash_of`."""
    return f"{hash_of(path)}-{bits}-{EDITION}"


def place_of(path: Path, bits: int) -> Path:
    """Return the folder of a conversion, there or not; raises as `hash_of`."""
    return cache_folder() / "converted" / conversion_name(path, bits)


def is_converted(path: Path, bits: int) -> bool:
    """Return whether a file or folder has been converted; raises as `hash_of`."""
    return read_conversion(place_of(path, bits)) is not None


def conversions() -> list[Converted]:
    """Return what has been converted on this machine."""
    folders = sorted((cache_folder() / "converted").glob(f"[0-9a-f]*/{FACTS}"))
    return [known for path in folders if (known := read_conversion(path.parent)) is not None]


def read_conversion(folder: Path) -> Converted | None:
    """Return a conversion; None where it is missing, or no longer as it was written."""
    try:
        facts = json.loads((folder / FACTS).read_text(encoding="utf-8"))
        mark = facts.pop("mark")
        known = {name: (folder / name).stat().st_size for name in facts["bytes"]}
        whole = known == facts["bytes"] and mark == mark_of(facts)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return Converted(folder, facts) if whole else None


def mark_of(facts: Mapping[str, Any]) -> str:
    """Return the hash of facts, by which a change of them is seen."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def digest_of(one: Converted) -> str:
    """Return the SHA-256 of the file that a conversion was made of."""
    return one.folder.name.partition("-")[0]


def conversions_of(digest: str = "", path: Path | None = None) -> list[Converted]:
    """Return the conversions of a file.

    Args:
        digest: the SHA-256 of its content; "": it is not known.
        path: where it is, or was.
    """
    paths = set() if path is None else {str(path), str(path.resolve())}
    return [one for one in conversions() if digest_of(one) == digest or one.facts.get("file") in paths]


def remove_conversions(digest: str = "", path: Path | None = None) -> int:
    """Delete the conversions of a file, and what was settled of them; return how many bytes that frees.

    Raises:
        SearchgenError: one cannot be deleted.
    """
    freed = 0
    for one in conversions_of(digest, path):
        freed += one.size
        try:
            shutil.rmtree(one.folder)
        except OSError as error:
            raise SearchgenError(f"{one.folder}: cannot be deleted ({error.strerror}); make it writable") from None
        choose_bits(digest_of(one), None)
    place = cache_folder() / "converted"
    # What is left is damaged, or was never finished.
    for left in (*place.glob(f"{digest}-*"), *place.glob(f".{digest}-*")) if digest else ():
        freed += sum(path.stat().st_size for path in left.rglob("*") if path.is_file())
        shutil.rmtree(left, ignore_errors=True)
    return freed
