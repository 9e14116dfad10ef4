"""A model converted once, into the cache folder: a graph, its weights in a file that is mapped into memory, its tokenizer.

The conversion is there whole or not at all; the original is never touched.
"""

import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from searchgen.errors import ModelFileError, RequestError, SearchgenError
from searchgen.files.locked import open_locked
from searchgen.files.notices import announce
from searchgen.lm.conversion.cached import EDITION, FACTS, GRAPH, WEIGHTS, Converted, mark_of, place_of, read_conversion
from searchgen.lm.decoder.content_hash import hash_of
from searchgen.lm.decoder.shape import Shape
from searchgen.lm.decoder.source import Source
from searchgen.lm.folders.source import folder_source
from searchgen.lm.gguf.source import gguf_source

if TYPE_CHECKING:
    import onnx

__all__ = ["convert", "is_large"]

#: Weights begin at multiples of this many bytes, as mapped pages do.
PAGE = 4096

#: Larger conversions are made only if the user says so.
LARGE = 2_000_000_000

#: Seconds to wait for another run's conversion, and between two looks.
PATIENCE, PAUSE = 900.0, 0.1

#: Bytes that are converted in a second, for the time that a conversion is said to take.
BYTES_A_SECOND = 35_000_000


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
    folder = place_of(path, bits)
    known = read_conversion(folder)
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
        known = read_conversion(folder)  # another run may have made it
        return known if known is not None else _made(source, bits, folder)
    finally:
        os.close(lock)


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


def _unwritable(folder: Path, error: OSError) -> SearchgenError:
    return SearchgenError(
        f"{folder}: cannot be written ({error.strerror}); make space or name a larger folder with SEARCHGEN_CACHE"
    )


def _made(source: Source, bits: int, folder: Path) -> Converted:
    """Write a conversion beside its place and move it there."""
    from searchgen.lm.conversion.graph import DecoderGraph

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
        (draft / FACTS).write_text(json.dumps({**facts, "mark": mark_of(facts)}), encoding="utf-8")
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
