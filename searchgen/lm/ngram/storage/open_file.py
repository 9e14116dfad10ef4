"""Opening model files: searchgen's own format and ARPA, through the cache of decoded models."""

import hashlib
from collections.abc import Callable
from functools import partial
from pathlib import Path

from searchgen.errors import ModelFileError
from searchgen.lm.ngram.estimation.kneser_ney import kneser_ney
from searchgen.lm.ngram.model import NGram
from searchgen.lm.ngram.storage.assemble import build_tables
from searchgen.lm.ngram.storage.decoded import Decoded, decoded
from searchgen.lm.ngram.storage.format import model_format
from searchgen.lm.ngram.storage.unpacked import Packed, unpack
from searchgen.lm.ngram.tables import NGramTables

__all__ = ["open_model"]

#: An ARPA file smaller than this is read faster than a cache is worth.
CACHED_ARPA_BYTES = 1 << 22


def open_model(path: Path, *, name: str = "", notify: Callable[[str], None] | None = None) -> NGram:
    """Open a model file.

    Args:
        path: a file in searchgen's own format or an ARPA file, gzip-compressed or not.
        name: what to call the model; by default the file's name.
        notify: receives a line that the user should read (the cache cannot be written).

    Raises:
        ModelFileError: the file is missing, cut off, damaged or not a model.
    """
    name = name or path.name
    if model_format(path) == "arpa":
        return _open_arpa(path, name, notify)
    packed = Packed.read(path)
    # By all bytes of the file: a hash in its head says nothing before it is compared with the rest.
    key = _digest(path)
    content = decoded(key, lambda: _decode(packed, key), notify)
    return NGram(
        content.tables,
        content.vocabulary,
        exact=partial(_exact_tables, path, packed.hash),
        kinds=content.kinds,
        bigrams=content.bigrams,
        form=content.metadata["form"],
        name=name,
        hash=packed.hash,
        metadata=content.metadata,
    )


def _decode(packed: Packed, digest: str) -> Decoded:
    model, vocabulary, metadata, key = packed.unpacked(digest)
    tables = build_tables(model.trie, kneser_ney(model))
    words = vocabulary.encode()
    whole = NGram(tables, words, exact=lambda: tables, form=metadata["form"], hash=key)
    return Decoded(tables, words, whole.kinds, whole.bigrams, metadata)


def _exact_tables(path: Path, key: str) -> NGramTables:
    content = unpack(path)
    if content.hash != key:
        raise _changed(path)
    return build_tables(content.model.trie, kneser_ney(content.model), "f8")


def _open_arpa(path: Path, name: str, notify: Callable[[str], None] | None) -> NGram:
    key = _digest(path)

    def read() -> NGram:
        model = NGram.from_arpa(path, name=name, hash=key)
        if _digest(path) != key:
            raise _changed(path)
        return model

    if path.stat().st_size < CACHED_ARPA_BYTES:
        return read()

    def decode() -> Decoded:
        model = read()
        return Decoded(model.tables, "\n".join(model.vocabulary).encode(), model.kinds, model.bigrams, model.metadata)

    content = decoded(key, decode, notify)
    return NGram(
        content.tables,
        content.vocabulary,
        exact=lambda: read().exact_tables(),
        kinds=content.kinds,
        bigrams=content.bigrams,
        name=name,
        hash=key,
        metadata=content.metadata,
    )


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelFileError(f"{path}: cannot be read ({error.strerror})") from None


def _changed(path: Path) -> ModelFileError:
    return ModelFileError(f"{path}: the file has changed while it was in use; run the command again")
