"""Opening model files: searchgen's own format and ARPA, through the cache of decoded models."""

import hashlib
from collections.abc import Callable
from pathlib import Path

from searchgen.errors import ModelFileError
from searchgen.lm.ngram.estimation.kneser_ney import kneser_ney
from searchgen.lm.ngram.model import NGram
from searchgen.lm.ngram.storage.assemble import build_tables
from searchgen.lm.ngram.storage.decoded import Decoded, decoded
from searchgen.lm.ngram.storage.format import model_format
from searchgen.lm.ngram.storage.packed import read_head, unpack
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
    head = read_head(path)
    # The checksum of the whole file, because its description may change where the model does not.
    content = decoded(f"{head.crc:08x}{head.hash}", lambda: _decode(path), notify)
    return NGram(
        content.tables,
        content.vocabulary,
        exact=lambda: _tables(path, "f8"),
        kinds=content.kinds,
        bigrams=content.bigrams,
        form=content.metadata["form"],
        name=name,
        hash=head.hash,
        metadata=content.metadata,
    )


def _decode(path: Path) -> Decoded:
    model, vocabulary, metadata, key = unpack(path)
    tables = build_tables(model.trie, kneser_ney(model))
    words = vocabulary.encode()
    whole = NGram(tables, words, exact=lambda: tables, form=metadata["form"], hash=key)
    return Decoded(tables, words, whole.kinds, whole.bigrams, metadata)


def _tables(path: Path, real: str) -> NGramTables:
    model = unpack(path).model
    return build_tables(model.trie, kneser_ney(model), real)


def _open_arpa(path: Path, name: str, notify: Callable[[str], None] | None) -> NGram:
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            key = hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        raise ModelFileError(f"no model file {path}") from None
    except OSError as error:
        raise ModelFileError(f"{path}: cannot be read ({error.strerror})") from None
    if size < CACHED_ARPA_BYTES:
        return NGram.from_arpa(path, name=name, hash=key)

    def decode() -> Decoded:
        model = NGram.from_arpa(path, hash=key)
        return Decoded(model.tables, "\n".join(model.vocabulary).encode(), model.kinds, model.bigrams, model.metadata)

    content = decoded(key, decode, notify)
    return NGram(
        content.tables,
        content.vocabulary,
        exact=lambda: NGram.from_arpa(path, hash=key).exact_tables(),
        kinds=content.kinds,
        bigrams=content.bigrams,
        name=name,
        hash=key,
        metadata=content.metadata,
    )
