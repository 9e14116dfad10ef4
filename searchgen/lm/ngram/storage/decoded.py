"""Decoded models, kept in the cache folder and mapped into memory: a start takes milliseconds instead of seconds.

A file holds a head, then the arrays of `NGramTables` as they are, then the vocabulary and what the text form and
look-ahead make of it, which takes a tenth of a second to find out. It is written under a temporary
name and renamed, so a reader never sees half of it; one that is damaged, foreign or outdated is made anew.
"""

import hashlib
import json
import mmap
import os
import struct
import sys
import tempfile
import time
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

import searchgen.text as text_forms
from searchgen.files.cache_folder import cache_folder
from searchgen.lm.ngram.bigrams import Bigrams
from searchgen.lm.ngram.storage.assemble import word_dtype
from searchgen.lm.ngram.tables import NGramTables, node_dtype
from searchgen.text import Kinds

__all__ = ["Decoded", "decoded"]

MAGIC = b"SGMCACHE"
VERSION = 3

#: Magic, CRC-32 of the description, CRC-32 of the sampled pages, length of the description.
HEAD = struct.Struct("<8sIII")

PAGE = 4096
SAMPLES = 64

#: A temporary file older than this belongs to a process that was killed.
STALE_SECONDS, OLD_SECONDS = 3600.0, 30 * 86_400.0


class Decoded(NamedTuple):
    """A model ready for use."""

    tables: NGramTables
    vocabulary: bytes  # UTF-8, words separated by line ends
    kinds: Kinds  # (V,) what each word is to the law of canonical texts
    bigrams: Bigrams
    metadata: dict[str, Any]


def decoded(key: str, build: Callable[[], Decoded], notify: Callable[[str], None] | None = None) -> Decoded:
    """Return a model from the cache, or build it and keep it there.

    Args:
        key: hash of the model's contents.
        build: decodes the model.
        notify: receives a line when the cache folder cannot be written.
    """
    path = cache_folder() / "models" / f"{key[:32]}-{VERSION}"
    with suppress(OSError, ValueError, KeyError, TypeError):
        return _mapped(path, key)
    built = build()
    try:
        _write(path, key, built)
        return _mapped(path, key)
    except (OSError, ValueError) as error:
        if notify:
            reason = getattr(error, "strerror", None) or error
            notify(f"the decoded model cannot be kept in {path.parent} ({reason}), so every start takes seconds longer")
        return built


def _identity(key: str) -> list[str]:
    """Return what a cached model depends on: its contents, the machine, and the code of the text forms."""
    digest = hashlib.sha256()
    for path in sorted(Path(text_forms.__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return [key, sys.byteorder, digest.hexdigest()]


def _layout(text: bytes, description: dict[str, Any]) -> tuple[dict[str, tuple[int, np.dtype[Any], int]], int]:
    """Return place, type and length of each array behind a description, and the size of the file."""
    nodes, words, letters, weights = (description[name] for name in ("nodes", "words", "letters", "weights"))
    arrays = {
        "node": (node_dtype(), nodes + 1),
        "cumulative": (np.dtype("f8"), nodes),
        "word": (word_dtype(words), nodes),
        "alias_p": (np.dtype("f4"), words),
        "alias_word": (np.dtype("i4"), words),
        "alpha": (np.dtype("f4"), weights),
        "inside": (np.dtype("i8"), words + 1),
        "kinds": (np.dtype("i1"), words),
        "vocabulary": (np.dtype("u1"), letters),
    }
    places = {}
    at = _body(text)
    for name, (dtype, length) in arrays.items():
        places[name] = (at, dtype, length)
        at += -(-dtype.itemsize * length // 64) * 64
    return places, at


def _mapped(path: Path, key: str) -> Decoded:
    """Map a cached model; raises ValueError where anything is not as it should be."""
    with path.open("rb") as file:
        # copy-on-write: the arrays are writable like any others, so compiled loops need not be compiled a second time
        content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    magic, crc, sample_crc, length = HEAD.unpack_from(content) if len(content) >= HEAD.size else (b"", 0, 0, 0)
    text = content[HEAD.size : HEAD.size + length]
    if magic != MAGIC or zlib.crc32(text) != crc:
        raise ValueError("not a cached model")
    description = json.loads(text)
    places, size = _layout(text, description)
    if description["identity"] != _identity(key) or len(content) != size:
        raise ValueError("another model")
    if _sample_crc(content, _body(text)) != sample_crc:
        raise ValueError("damaged")
    array = {name: np.frombuffer(content, dtype, count, at) for name, (at, dtype, count) in places.items()}
    tables = NGramTables(
        word=array["word"],
        node=array["node"],
        cumulative=array["cumulative"],
        alias_p=array["alias_p"],
        alias_word=array["alias_word"],
        mixture=np.array([description["mixture"]], dtype=np.bool_),
        order=np.array([description["order"]], dtype=np.int64),
    )
    bigrams = Bigrams(array["alpha"], array["inside"])
    return Decoded(tables, array["vocabulary"].tobytes(), array["kinds"], bigrams, description["metadata"])


def _body(text: bytes) -> int:
    """Return where the arrays begin."""
    return -(-(HEAD.size + len(text)) // PAGE) * PAGE


def _sample_crc(content: mmap.mmap, start: int) -> int:
    """Return a checksum of evenly spread pages, of all pages if they are few."""
    crc = 0
    body = range(start, len(content), PAGE)
    for i in range(0, len(body), max(1, len(body) // SAMPLES)):
        crc = zlib.crc32(content[body[i] : body[i] + PAGE], crc)
    return zlib.crc32(content[body[-1] :], crc)


def _write(path: Path, key: str, model: Decoded) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_stale(path.parent)
    tables = model.tables
    description = {
        "identity": _identity(key),
        "nodes": len(tables.word),
        "words": len(tables.alias_p),
        "letters": len(model.vocabulary),
        "weights": len(model.bigrams.alpha),
        "mixture": bool(tables.mixture[0]),
        "order": int(tables.order[0]),
        "metadata": model.metadata,
    }
    text = json.dumps(description).encode()
    places, size = _layout(text, description)
    arrays: dict[str, npt.NDArray[Any]] = {
        name: getattr(tables, name) for name in ("node", "cumulative", "word", "alias_p", "alias_word")
    }
    arrays |= model.bigrams._asdict()
    arrays |= {"kinds": model.kinds, "vocabulary": np.frombuffer(model.vocabulary, np.uint8)}
    handle, temporary = tempfile.mkstemp(prefix="new-", dir=path.parent)
    try:
        with os.fdopen(handle, "w+b") as file:
            file.truncate(size)
            for name, (at, _, _) in places.items():
                file.seek(at)
                file.write(arrays[name].data)
            file.flush()
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
                sample_crc = _sample_crc(content, _body(text))
            file.seek(0)
            file.write(HEAD.pack(MAGIC, zlib.crc32(text), sample_crc, len(text)) + text)
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise


def _remove_stale(folder: Path) -> None:
    """Remove what killed processes left behind, and models that only older versions read, after a month."""
    for path in folder.iterdir():
        with suppress(OSError):
            age = time.time() - path.stat().st_mtime
            old = not path.name.endswith(f"-{VERSION}") and age > OLD_SECONDS
            if old or (path.name.startswith("new-") and age > STALE_SECONDS):
                path.unlink()
