"""The SHA-256 of a model's content: of a file, or of the files of a folder that matter. It is kept for files that do not change."""

import hashlib
import stat
import time
from contextlib import suppress
from pathlib import Path

from searchgen.errors import ModelFileError
from searchgen.files.cache_folder import cache_folder

__all__ = ["CONFIG", "TOKENIZER", "WEIGHTS", "hash_of"]

#: The files of a folder in Hugging Face format without which it is no model.
CONFIG, WEIGHTS, TOKENIZER = "config.json", "model.safetensors", "tokenizer.json"

#: All of its files that are read here.
PARTS = (CONFIG, WEIGHTS, TOKENIZER, "tokenizer_config.json", "special_tokens_map.json")

#: Seconds in which a file may change again with its times as they were.
YOUNG = 2.0


def hash_of(path: Path) -> str:
    """Return the SHA-256 of a file's content, in hexadecimal; it is computed once for a file that does not change.

    Of a folder it is that of the names and hashes of its files that are read.

    Raises:
        ModelFileError: it cannot be read.
    """
    if not path.is_dir():
        return _of_file(path)
    parts = [f"{name} {_of_file(path / name)}\n" for name in PARTS if (path / name).exists()]
    return hashlib.sha256("".join(parts).encode()).hexdigest()


def _of_file(path: Path) -> str:
    try:
        about = path.stat()
        # The last change of all: a copy that keeps its times, or a file written anew in its place, has another one.
        stamp = f"{path.resolve()}\n{about.st_size}\n{about.st_mtime_ns}\n{about.st_ctime_ns}\n{about.st_ino}"
        note = cache_folder() / "hashes" / hashlib.sha256(stamp.encode("utf-8", "surrogateescape")).hexdigest()
        with suppress(OSError, ValueError):
            known = note.read_text(encoding="ascii")
            if len(known) == 64 and set(known) <= set("0123456789abcdef"):
                return known
        if not stat.S_ISREG(about.st_mode):
            raise ModelFileError(f"{path}: cannot be read, for it is no ordinary file; name another file")
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelFileError(f"{path}: cannot be read ({error.strerror}); name another file") from None
    if time.time() - about.st_ctime < YOUNG:
        return digest
    with suppress(OSError):  # it can be computed again
        note.parent.mkdir(exist_ok=True)
        note.write_text(digest, encoding="ascii")
    return digest
