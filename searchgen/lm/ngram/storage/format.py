"""Which format a model file has. Its content says so, never its name."""

import zlib
from pathlib import Path
from typing import Literal

from searchgen.errors import ModelFileError
from searchgen.lm.ngram.storage.arpa import PREAMBLE, has_data_mark, opened
from searchgen.lm.ngram.storage.packed import MAGIC

__all__ = ["is_model_file", "model_format"]

#: Beginnings of files that people take for models, and the way out.
FOREIGN = (
    (b"mmap lm http://kheafield.com/code", "a binary file of KenLM; name the ARPA file that it was made from"),
    (b"SRILM_BINARY_NGRAM", "a binary file of SRILM; write it as ARPA text with `ngram -write-lm`"),
    (b"blmt", "a binary file of IRSTLM; write it as ARPA text with `compile-lm --text=yes`"),
    (b"BZh", "compressed with bzip2; decompress it first"),
    (b"\xfd7zXZ\x00", "compressed with xz; decompress it first"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd; decompress it first"),
    (b"PK\x03\x04", "a zip archive; unpack it first"),
    (b"GGUF", "a model in GGUF, which is no n-gram model; give it to --lm of constrain, sample or score"),
    (b"\xff\xfe", "text in UTF-16; convert it to UTF-8"),
    (b"\xfe\xff", "text in UTF-16; convert it to UTF-8"),
)

#: Names that promise an ARPA file: the reader then says what is wrong with its lines.
ARPA_NAMES = (".arpa", ".arpa.gz", ".lm.gz")


def model_format(path: Path) -> Literal["packed", "arpa"]:
    """Return the format of a model file: "packed", searchgen's own, or "arpa".

    Raises:
        ModelFileError: the file is missing, cannot be read, or is of another format.
    """
    if path.exists() and not path.is_file():
        raise ModelFileError(f"{path} is not a regular file; name a model file")
    try:
        file, is_compressed = opened(path)
        with file:
            beginning = file.read(len(MAGIC))
            if beginning != MAGIC:
                beginning += file.read(PREAMBLE)
    except FileNotFoundError:
        raise ModelFileError(f"there is no model file {path}; check the name") from None
    except (OSError, EOFError, zlib.error) as error:
        raise ModelFileError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})") from None
    if beginning and MAGIC[: len(beginning)] == beginning[: len(MAGIC)]:
        if is_compressed:
            raise ModelFileError(f"{path}: a compressed file of searchgen's own format; decompress it first")
        return "packed"
    if has_data_mark(beginning):
        return "arpa"
    foreign = next((words for signature, words in FOREIGN if beginning.startswith(signature)), None)
    if foreign is not None:
        raise ModelFileError(f"{path}: {foreign}")
    if path.name.endswith(ARPA_NAMES):
        return "arpa"
    raise ModelFileError(
        f"{path}: not a language model: it is neither in searchgen's own format nor an ARPA file; of a text, searchgen lm build makes one"
    )


def is_model_file(path: Path) -> bool:
    """Return whether there is a model file of a known format."""
    try:
        return path.is_file() and bool(model_format(path))
    except ModelFileError:
        return False
