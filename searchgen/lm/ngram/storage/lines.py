"""Lines of a text file in blocks, with their numbers: what is no list of lines is refused before it fills the memory."""

import io
from collections.abc import Iterator
from typing import BinaryIO, NoReturn

from searchgen.errors import ModelFileError

__all__ = ["WHITE", "Lines", "shown"]

#: Only spaces and tabs part fields; a word may hold a form feed.
WHITE = b" \t\r\n"

#: What a line begins with that is not a row of a table: an empty line, a mark, or a row with spaces before it.
APART = b" \t\r\n\\"

#: Bytes read at once: in blocks a line costs a microsecond, several times less than one by one.
CHUNK = 1 << 22

LONGEST_LINE = 1 << 20

#: Empty lines that a file may hold.
MOST_EMPTY = 1 << 20


class Lines:
    r"""Reads a file once, from its beginning to its end.

    Attributes:
        number: of the line that was read last; the first is 1.
        taken: bytes read so far.

    Example:
        >>> lines = Lines(io.BytesIO(b"head\n1\n2\n\n3\n\\end\\\n"), "numbers")
        >>> lines.next_filled(), list(lines.tables()), lines.next_filled()
        (b'head', [(2, [b'1\n', b'2\n']), (5, [b'3\n'])], b'\\end\\')
    """

    def __init__(self, file: BinaryIO, name: str, most: int | None = None) -> None:
        """Begin before the first line.

        Args:
            file: the file.
            name: what messages call it.
            most: bytes that it may hold; None: it is on a disk, which bounds it.
        """
        self.file, self.name, self.most = file, name, most
        self.taken = 0
        self._block: list[bytes] = []
        self._at = self._before = 0  # lines of the block that were read; lines before the block
        self._empty = 0
        self._rest = b""  # of the last chunk, the beginning of a line

    @property
    def number(self) -> int:
        """The number of the line that was read last."""
        return self._before + self._at

    def fail(self, line: int, reason: str) -> NoReturn:
        """Refuse the file.

        Raises:
            ModelFileError: always; the message names the line.
        """
        raise ModelFileError(f"{self.name}, line {line}: {reason}")

    def next(self) -> bytes:
        """Return the next line with its end; at the end of the file b""."""
        if not self._is_ahead():
            return b""
        self._at += 1
        return self._block[self._at - 1]

    def next_filled(self) -> bytes:
        """Return the next line that holds more than spaces, without those around it; at the end of the file b""."""
        while line := self.next():
            if filled := line.strip(WHITE):
                return filled
            self._count_empty()
        return b""

    def tables(self) -> Iterator[tuple[int, list[bytes]]]:
        """Yield the lines up to one that begins with a backslash, empty ones left out, in runs with the number of their first."""
        while self._is_ahead():
            block, first = self._block, self._at
            end = next((i for i in range(first, len(block)) if block[i][0] in APART), len(block))
            if end > first:
                self._at = end
                yield self._before + first + 1, block[first:end]
                continue
            filled = block[first].strip(WHITE)
            if filled.startswith(b"\\"):
                return
            self._at += 1
            if filled:
                yield self.number, [filled + b"\n"]
            else:
                self._count_empty()

    def _count_empty(self) -> None:
        self._empty += 1
        if self._empty > MOST_EMPTY:
            self.fail(self.number, f"more than {MOST_EMPTY:,} lines are empty: this is not a language model")

    def drain(self) -> None:
        """Read to the end, where a compressed file has its checksum."""
        while self._chunk():
            pass

    def _is_ahead(self) -> bool:
        """Return whether there is a next line, having read it."""
        while self._at == len(self._block):
            chunk = self._chunk()
            if not chunk and not self._rest:
                return False
            whole, self._rest = self._divided(self._rest + chunk) if chunk else (self._rest, b"")
            self._before += self._at
            self._block, self._at = io.BytesIO(whole).readlines(), 0
            if len(self._rest) > LONGEST_LINE:
                line = self._before + len(self._block) + 1
                self.fail(line, f"the line is longer than {LONGEST_LINE:,} bytes: this is not a language model")
        return True

    def _divided(self, content: bytes) -> tuple[bytes, bytes]:
        end = content.rfind(b"\n") + 1
        return content[:end], content[end:]

    def _chunk(self) -> bytes:
        chunk = self.file.read(CHUNK)
        self.taken += len(chunk)
        if self.most is not None and self.taken > self.most:
            raise ModelFileError(f"{self.name}: expands to more than {self.most:,} bytes: this is not a language model")
        return chunk


def shown(line: bytes) -> str:
    """Return a line as messages show it.

    Example:
        >>> shown(b" -0.3 "), shown(b"")
        ("'-0.3'", 'the end of the file')
    """
    text = line.decode(errors="replace").strip()
    return repr(text[:60]) if text else "an empty line" if line else "the end of the file"
