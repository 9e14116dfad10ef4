"""Decoded models, kept in the cache folder and mapped into memory: a start takes milliseconds instead of seconds.

A file holds a head, then the arrays of `NGramTables` as they are, then the vocabulary and what the text form and
look-ahead make of it, which takes a tenth of a second to find out. It is written under a temporary
name and renamed, so a reader never sees half of it; one that is damaged, foreign or outdated is made anew.

Compiled loops follow the links of a model unchecked, so every array has a checksum. Comparing those of a large model takes a tenth of a
second; a file that has been found whole is not read through again for a day, unless the system says that it has changed.
"""

import hashlib
import json
import mmap
import os
import struct
import sys
import time
import zlib
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

import searchgen.text as text_forms
from searchgen.files.cache_folder import cache_folder
from searchgen.files.locked import one_at_a_time
from searchgen.files.notices import report_unkept
from searchgen.files.whole import replacing
from searchgen.lm.ngram.bigrams import Bigrams
from searchgen.lm.ngram.storage.assemble import word_dtype
from searchgen.lm.ngram.tables import NGramTables, node_dtype
from searchgen.text import Kinds

__all__ = ["Decoded", "decoded"]

Arrays = Mapping[str, npt.NDArray[Any]]

MAGIC = b"SGMCACHE"
VERSION = 4

#: Magic, CRC-32 of the description, length of the description.
HEAD = struct.Struct("<8sII")

PAGE = 4096

#: A temporary file older than this belongs to a process that was killed.
STALE_SECONDS, OLD_SECONDS = 3600.0, 30 * 86_400.0

#: A file that takes milliseconds to read through is always read through.
SMALL = 1 << 24

#: How long a large file is believed to be as it was, and how long after a change times are too coarse to show another one.
BELIEVED_SECONDS, COARSE_SECONDS = 86_400.0, 2.0


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

    Raises:
        ModelFileError: `build` does.
    """
    path = cache_folder() / "models" / f"{key[:32]}-{VERSION}"
    with suppress(OSError, ValueError, KeyError, TypeError):
        return _mapped(path, key)
    with one_at_a_time(cache_folder() / "locks" / f"models-{key[0]}"):  # sixteen files are enough
        with suppress(OSError, ValueError, KeyError, TypeError):
            return _mapped(path, key)  # another process has built it meanwhile
        model = build()
        try:
            _write(path, key, model)
            return _mapped(path, key, is_new=True)
        except (OSError, ValueError) as error:
            report_unkept(path.parent, error, listener=notify)
            return model


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


def _mapped(path: Path, key: str, is_new: bool = False) -> Decoded:
    """Map a cached model; raises ValueError where anything is not as it should be."""
    with path.open("rb") as file:
        facts = os.fstat(file.fileno())
        # copy-on-write: the arrays are writable like any others, so compiled loops need not be compiled a second time
        content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    magic, crc, length = HEAD.unpack_from(content) if len(content) >= HEAD.size else (b"", 0, 0)
    text = content[HEAD.size : HEAD.size + length]
    if magic != MAGIC or zlib.crc32(text) != crc:
        raise ValueError("not a cached model")
    description = json.loads(text)
    places, size = _layout(text, description)
    if description["identity"] != _identity(key) or len(content) != size:
        raise ValueError("another model")
    array = {name: np.frombuffer(content, dtype, count, at) for name, (at, dtype, count) in places.items()}
    if not is_new and not _is_believed(path, facts):
        if _checksums(array) != description["checksums"]:
            raise ValueError("damaged")
        _believe(path, facts)
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


def _checksums(arrays: Arrays) -> dict[str, int]:
    """Return the CRC-32 of every array."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        sums = pool.map(lambda array: zlib.crc32(array.data), arrays.values())
        return dict(zip(arrays, sums, strict=True))


def _note(path: Path) -> Path:
    return path.with_name(f"{path.name}.whole")


def _facts(facts: os.stat_result) -> str:
    """Return what the system knows of a file, which changes whenever the file does."""
    return f"{facts.st_dev} {facts.st_ino} {facts.st_size} {facts.st_mtime_ns} {facts.st_ctime_ns}"


def _is_believed(path: Path, facts: os.stat_result) -> bool:
    """Return whether a file has been read through, not long ago, and has not changed since."""
    if facts.st_size < SMALL:
        return False
    with suppress(OSError):
        age = time.time() - _note(path).stat().st_mtime
        return 0 <= age < BELIEVED_SECONDS and _note(path).read_text() == _facts(facts)
    return False


def _believe(path: Path, facts: os.stat_result) -> None:
    """Remember that a file is whole; not of one that was written just now, which could change without another time."""
    if facts.st_size >= SMALL and time.time() - max(facts.st_mtime, facts.st_ctime) > COARSE_SECONDS:
        with suppress(OSError), replacing(_note(path)) as file:
            file.write(_facts(facts).encode())


def _write(path: Path, key: str, model: Decoded) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_stale(path.parent)
    tables = model.tables
    arrays: dict[str, npt.NDArray[Any]] = {
        name: getattr(tables, name) for name in ("node", "cumulative", "word", "alias_p", "alias_word")
    }
    arrays |= model.bigrams._asdict()
    arrays |= {"kinds": model.kinds, "vocabulary": np.frombuffer(model.vocabulary, np.uint8)}
    description = {
        "identity": _identity(key),
        "nodes": len(tables.word),
        "words": len(tables.alias_p),
        "letters": len(model.vocabulary),
        "weights": len(model.bigrams.alpha),
        "mixture": bool(tables.mixture[0]),
        "order": int(tables.order[0]),
        "metadata": model.metadata,
        "checksums": _checksums(arrays),
    }
    text = json.dumps(description).encode()
    places, size = _layout(text, description)
    with replacing(path) as file:
        file.write(HEAD.pack(MAGIC, zlib.crc32(text), len(text)) + text)
        for name, (at, _, _) in places.items():
            file.seek(at)
            file.write(arrays[name].data)
        file.truncate(size)


def _remove_stale(folder: Path) -> None:
    """Remove what killed processes left behind, and models that only older versions read, after a month."""
    for path in folder.iterdir():
        with suppress(OSError):
            age = time.time() - path.stat().st_mtime
            old = not path.name.endswith(f"-{VERSION}") and age > OLD_SECONDS
            if old or (path.name.startswith(".") and age > STALE_SECONDS):
                path.unlink()
