"""The conversions of a file, in the cache folder: found by the file's hash or, where it is gone, by its path; deleted together."""

import shutil
from pathlib import Path

from searchgen.errors import SearchgenError
from searchgen.lm.gguf.bits import choose_bits
from searchgen.lm.gguf.conversion import Converted, conversions

__all__ = ["conversions_of", "digest_of", "remove_conversions"]


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
    return freed
