"""The bits of a weight of a GGUF file when it is computed: 8, unless `lm get --bits` has chosen others; noted among the conversions."""

from contextlib import suppress
from pathlib import Path

from searchgen.errors import RequestError
from searchgen.files.cache_folder import cache_folder

__all__ = ["BITS", "choose_bits", "chosen_bits"]

#: Bits of a weight that can be chosen; the first ones are usual.
BITS = (8, 4, 32)


def chosen_bits(digest: str) -> int:
    """Return the bits of a weight of a file with this SHA-256."""
    with suppress(OSError, ValueError):
        bits = int(_note(digest).read_text(encoding="ascii"))
        if bits in BITS:
            return bits
    return BITS[0]


def choose_bits(digest: str, bits: int) -> None:
    """Settle the bits of a weight of a file, from now on.

    Args:
        digest: the SHA-256 of its content.
        bits: one of `BITS`.

    Raises:
        RequestError: it is another number.
    """
    if bits not in BITS:
        raise RequestError(f"--bits {bits}: give 8, 4 or 32")
    note = _note(digest)
    if bits == BITS[0]:
        note.unlink(missing_ok=True)
        return
    note.parent.mkdir(parents=True, exist_ok=True)
    note.write_text(str(bits), encoding="ascii")


def _note(digest: str) -> Path:
    return cache_folder() / "converted" / f"{digest}.bits"
