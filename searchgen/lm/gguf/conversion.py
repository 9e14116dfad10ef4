"""A model converted once, into the cache folder: a graph, its weights in a file that is mapped into memory, its tokenizer.

    converted/HASH-BITS-EDITION/  model.onnx  weights.bin  tokenizer.json  facts.json  contexts/

HASH is that of the original's content: a GGUF file, or a folder in Hugging Face format, whose tokenizer is read where it is. The
conversion is there whole or not at all; the original is never touched.
"""

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from searchgen.errors import ModelFileError, RequestError, SearchgenError
from searchgen.files.cache_folder import cache_folder
from searchgen.files.locked import open_locked
from searchgen.files.notices import announce
from searchgen.lm.folders.source import folder_source
from searchgen.lm.gguf.content_hash import hash_of
from searchgen.lm.gguf.shape import Shape
from searchgen.lm.gguf.source import Source, gguf_source
from searchgen.lm.gguf.tokenizer import Special

if TYPE_CHECKING:
    import onnx

__all__ = ["Converted", "conversion_name", "conversions", "convert", "is_converted", "is_large"]

#: Raised with the layout of graphs, so that older conversions are made anew.
EDITION = 5

GRAPH, WEIGHTS, FACTS = "model.onnx", "weights.bin", "facts.json"

#: Weights begin at multiples of this many bytes, as mapped pages do.
PAGE = 4096

#: Larger conversions are made only if the user says so.
LARGE = 2_000_000_000

#: Seconds to wait for another run's conversion, and between two looks.
PATIENCE, PAUSE = 900.0, 0.1

#: Bytes that are converted in a second, for the time that a conversion is said to take.
BYTES_A_SECOND = 35_000_000


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


def conversions() -> list[Converted]:
    """Return what has been converted on this machine."""
    folders = sorted((cache_folder() / "converted").glob(f"[0-9a-f]*/{FACTS}"))
    return [known for path in folders if (known := _read(path.parent)) is not None]


def convert(path: Path, bits: int = 8, notify: Callable[[str], None] | None = None, large: bool = False) -> Converted:
    """Return the conversion of a file, made if there is none yet.

    Args:
        path: the GGUF file, or the folder.
        bits: of a weight, 8, 4 or 32.
        notify: receives one line with size and time of a first conversion; by default the listener of `hear_notices`.
        large: whether more than 2 GB may be written.

    Raises:
        ModelFileError: the file is missing or damaged.
        RequestError: its architecture, quantisation or tokenizer is not known here; or it is large and `large` is not set.
        SearchgenError: there is no space for it.
    """
    folder = cache_folder() / "converted" / conversion_name(path, bits)
    known = _read(folder)
    if known is not None:
        return known
    source = folder_source(path) if path.is_dir() else gguf_source(path)
    size = source.shape.bytes(bits)
    if size > LARGE and not large:
        raise RequestError(
            f"{path} takes {size / 1e9:.1f} GB once converted; give --yes to searchgen lm get --from {path}"
        )
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(folder.parent, error) from None
    free = shutil.disk_usage(folder.parent).free
    if free < 1.1 * size:
        raise SearchgenError(
            f"{folder.parent}: {size / 1e6:,.0f} MB are needed and {free / 1e6:,.0f} are free; make space"
        )
    seconds = max(1, round(size / BYTES_A_SECOND))
    (notify or announce)(f"converting {path.name} once, {size / 1e6:,.0f} MB in about {seconds} s")
    lock = _locked(folder.parent / f"{folder.name}.lock")
    try:
        known = _read(folder)  # another run may have made it
        return known if known is not None else _made(source, bits, folder)
    finally:
        os.close(lock)


def conversion_name(path: Path, bits: int) -> str:
    """Return the name of a conversion's folder, by the content of a file or folder; raises as `hash_of`."""
    return f"{hash_of(path)}-{bits}-{EDITION}"


def is_converted(path: Path, bits: int) -> bool:
    """Return whether a file or folder has been converted; raises as `hash_of`."""
    return _read(cache_folder() / "converted" / conversion_name(path, bits)) is not None


def is_large(shape: Shape, bits: int) -> bool:
    """Return whether a conversion takes more than 2 GB, so that it is made only if the user says so."""
    return shape.bytes(bits) > LARGE


def _locked(path: Path) -> int:
    """Return the lock of a conversion, as `open_locked` does, once no other run has it."""
    begin = time.monotonic()
    while True:
        try:
            return open_locked(path)
        except RequestError:
            if not os.access(path, os.W_OK) or time.monotonic() - begin > PATIENCE:
                raise
        time.sleep(PAUSE)


def _read(folder: Path) -> Converted | None:
    """Return a conversion; None where it is missing, or no longer as it was written."""
    try:
        facts = json.loads((folder / FACTS).read_text(encoding="utf-8"))
        mark = facts.pop("mark")
        known = {name: (folder / name).stat().st_size for name in facts["bytes"]}
        whole = known == facts["bytes"] and mark == _mark(facts)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return Converted(folder, facts) if whole else None


def _mark(facts: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def _unwritable(folder: Path, error: OSError) -> SearchgenError:
    return SearchgenError(
        f"{folder}: cannot be written ({error.strerror}); make space or name a larger folder with SEARCHGEN_CACHE"
    )


def _made(source: Source, bits: int, folder: Path) -> Converted:
    """Write a conversion beside its place and move it there."""
    from searchgen.lm.gguf.graph import DecoderGraph

    shape, rest = source.shape, source.read_rest()
    begin = f".{folder.name}."
    for left in folder.parent.glob(f"{begin}*"):  # by a run that was killed: only the one with the lock writes here
        shutil.rmtree(left, ignore_errors=True)
    try:
        draft = Path(tempfile.mkdtemp(prefix=begin, dir=folder.parent))
    except OSError as error:
        raise _unwritable(folder, error) from None
    try:
        with (draft / WEIGHTS).open("wb") as weights:
            keeper = _Keeper(weights)
            graph = DecoderGraph(shape, source.weights, bits, keeper.keep).model()
        (draft / GRAPH).write_bytes(graph.SerializeToString())
        for name, text in rest.texts.items():
            (draft / name).write_text(text, encoding="utf-8")
        facts = {
            **rest.facts, "file": str(source.path.resolve()), "bits": bits, "parameters": shape.parameters, "layers": shape.layers,
            "width": shape.width, "heads": shape.shared, "head_size": shape.size, "context": shape.context,
            "vocabulary": shape.vocabulary, "bytes": {path.name: path.stat().st_size for path in draft.iterdir()},
        }  # fmt: skip
        facts = json.loads(json.dumps(facts))
        (draft / FACTS).write_text(json.dumps({**facts, "mark": _mark(facts)}), encoding="utf-8")
        if not folder.name.startswith(hash_of(source.path)):
            raise ModelFileError(f"{source.path} was changed while it was read; try again")
        shutil.rmtree(folder, ignore_errors=True)  # of a conversion that is damaged
        draft.rename(folder)
        for older in range(1, EDITION):
            shutil.rmtree(folder.with_name(folder.name.removesuffix(str(EDITION)) + str(older)), ignore_errors=True)
    except OSError as error:
        raise _unwritable(folder, error) from None
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return Converted(folder, facts)


class _Keeper:
    """Writes tensors one behind the other, each at the beginning of a page."""

    def __init__(self, file: Any) -> None:
        self.file = file

    def keep(self, name: str, value: npt.NDArray[Any]) -> "onnx.TensorProto":
        """Write a tensor and return what refers to it."""
        from onnx import TensorProto, helper

        at = -(-self.file.tell() // PAGE) * PAGE
        self.file.seek(at)
        self.file.write(np.ascontiguousarray(value).data)
        tensor = TensorProto(name=name, data_type=helper.np_dtype_to_tensor_dtype(value.dtype), dims=value.shape)
        tensor.data_location = TensorProto.EXTERNAL
        for key, text in (("location", WEIGHTS), ("offset", at), ("length", value.nbytes)):
            tensor.external_data.add(key=key, value=str(text))
        return tensor
