"""Machine code on the disk, compared with a checksum before it is run: damaged code would crash, or compute something else.

numba keeps a list of a function's compiled forms, one for each signature, and a file for each form. It reads, changes and writes the list
without a lock, so of two processes one may leave its own form under the name that the other has listed. Here the name of a form's file
is made of its key, and the file holds the key. What is missing, damaged or another's is compiled again; what cannot be written is not kept.
"""

# numba's insides are untyped.
# mypy: disable-error-code="no-untyped-call,attr-defined,misc"

import pickle
from contextlib import suppress
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

from searchgen.files.cache_folder import cache_folder
from searchgen.files.notices import report_unkept
from searchgen.kernels.compiled_parts import FAULTS

__all__ = ["keep_checked"]

#: Every file begins with it; another form of these files needs another one.
MAGIC = b"SGCODE1\n"

DIGEST_BYTES = 16


def keep_checked(kept: Any) -> None:
    """Have a function's cache, numba's, keep what it keeps with checksums; where numba's insides are others it stays as it is."""
    with suppress(*FAULTS):
        theirs = kept._cache_file
        kept._cache_file = _checked_file()(kept._cache_path, Path(theirs._index_name).stem, theirs._source_stamp)


@cache
def _checked_file() -> Any:
    from numba.core.caching import IndexDataCacheFile

    class CheckedFile(IndexDataCacheFile):
        """The files of one function."""

        def save(self, key: Any, data: Any) -> None:
            """Keep a compiled form, if it can be kept."""
            name = f"{Path(self._index_name).stem}.{blake2b(repr(key).encode(), digest_size=8).hexdigest()}.nbc"
            try:
                self._write(self._data_path(name), (key, data))
                self._write(self._index_path, (self._source_stamp, self._load_index() | {key: name}))
            except OSError as error:
                report_unkept(cache_folder(), error)

        def load(self, key: Any) -> Any:
            """Return a compiled form, None if there is none that is whole."""
            name = self._load_index().get(key)
            stored = None if name is None else self._read(self._data_path(name))
            return stored[1] if stored is not None and stored[0] == key else None

        def _load_index(self) -> dict[Any, str]:
            stamp, forms = self._read(self._index_path) or (None, {})
            return dict(forms) if stamp == self._source_stamp else {}

        def _read(self, path: str) -> Any:
            with suppress(OSError):
                content = Path(path).read_bytes()
                body = content[len(MAGIC) + DIGEST_BYTES :]
                if content == _sealed(body):
                    return pickle.loads(body)
            return None

        def _write(self, path: str, value: Any) -> None:
            with self._open_for_write(path) as file:
                file.write(_sealed(self._dump(value)))

    return CheckedFile


def _sealed(body: bytes) -> bytes:
    return MAGIC + blake2b(body, digest_size=DIGEST_BYTES).digest() + body
