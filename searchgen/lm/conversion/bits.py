"""The bits of a weight of a model when it is computed, unless `lm get --bits` has chosen others; noted among the conversions."""

from contextlib import suppress
from pathlib import Path

from searchgen.errors import RequestError
from searchgen.files.cache_folder import cache_folder
from searchgen.lm.decoder.content_hash import hash_of

__all__ = ["BITS", "check_bits", "choose_bits", "chosen_bits"]

#: Bits of a weight that can be chosen.
BITS = (8, 4, 32)


def chosen_bits(path: Path) -> int:
    """Return the bits of a weight of a GGUF file or a folder: those that were chosen, else 8 of a file and 32 of a folder.

    Raises:
        ModelFileError: it cannot be read.
    """
    with suppress(OSError, ValueError):
        bits = int(_note(hash_of(path)).read_text(encoding="ascii"))
        if bits in BITS:
            return bits
    return 32 if path.is_dir() else 8


def choose_bits(digest: str, bits: int | None) -> None:
    """Settle the bits of a weight of a model, from now on.

    Args:
        digest: the SHA-256 of its content.
        bits: one of `BITS`; None: the usual ones.

    Raises:
        RequestError: it is another number.
    """
    if bits is None:
        _note(digest).unlink(missing_ok=True)
        return
    check_bits(bits)
    note = _note(digest)
    note.parent.mkdir(parents=True, exist_ok=True)
    note.write_text(str(bits), encoding="ascii")


def check_bits(bits: int) -> None:
    """Refuse bits of a weight that no conversion has.

    Raises:
        RequestError: it is none of `BITS`.
    """
    if bits not in BITS:
        *others, last = BITS
        raise RequestError(f"--bits {bits}: give {', '.join(map(str, others))} or {last}")


def _note(digest: str) -> Path:
    return cache_folder() / "converted" / f"{digest}.bits"
