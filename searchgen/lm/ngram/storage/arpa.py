r"""Language models as ARPA text, the exchange format of n-gram tools: reading.

A file holds `\data\` with lines such as `ngram 1=4`, and for each order a block such as `\2-grams:` with lines
`-0.3010 <TAB> the dog <TAB> -0.1761`: log10 p, the words, log10 back-off (which may be absent); and at last `\end\`.
"""

import gzip
import io
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, NoReturn, cast

import numpy as np
import numpy.typing as npt

from searchgen.errors import ModelFileError
from searchgen.lm.ngram.storage.listed import Listed

__all__ = ["ArpaModel", "is_arpa", "read_arpa"]

Array = npt.NDArray[Any]

SPECIAL = (b"<unk>", b"<s>", b"</s>")

#: Bytes read at once: in blocks a line costs a microsecond, several times less than one by one.
CHUNK = 1 << 22

LONGEST_ORDER = 9

#: Printed probabilities may exceed 1 by this much in log10, no more.
ROUNDING = 1e-4


class ArpaModel(NamedTuple):
    """What an ARPA file says."""

    vocabulary: list[str]  # `<unk>`, `<s>`, `</s>`, then by falling probability, ties by code point
    levels: list[Listed]
    sections: list[int]  # line of the first n-gram of each order


def is_arpa(path: Path) -> bool:
    r"""Whether a file is an ARPA model: by its name (`.arpa`, `.arpa.gz`), or because it starts with `\data\`."""
    if path.name.endswith((".arpa", ".arpa.gz")):
        return True
    try:
        with path.open("rb") as file:
            return file.read(4096).lstrip().startswith(b"\\data\\")
    except OSError:
        return False


def read_arpa(source: Path | str) -> ArpaModel:
    r"""Read a model.

    Args:
        source: a file, gzip-compressed or not, or the text itself.

    Raises:
        ModelFileError: the file is missing, truncated or malformed; the message names the line.

    Example:
        >>> text = "\\data\\\nngram 1=3\n\n\\1-grams:\n-0.3\ta\n-0.3\t</s>\n-99\t<s>\n\n\\end\\\n"
        >>> read_arpa(text).vocabulary
        ['<unk>', '<s>', '</s>', 'a']
    """
    if isinstance(source, str):
        return _Reader(io.BytesIO(source.encode()), "ARPA text").model()
    try:
        with _opened(source) as file:
            return _Reader(file, str(source)).model()
    except FileNotFoundError:
        raise ModelFileError(f"no model file {source}") from None
    except (OSError, EOFError, zlib.error) as error:
        raise ModelFileError(f"{source}: cannot be read to its end ({error})") from None


def _opened(path: Path) -> BinaryIO:
    with path.open("rb") as file:
        compressed = file.read(2) == b"\x1f\x8b"
    return cast(BinaryIO, gzip.open(path) if compressed else path.open("rb"))


class _Reader:
    """Reads a file in blocks of lines and knows the number of the next line."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        self.file, self.name = file, name
        self.block: list[bytes] = []
        self.at = 0
        self.before = 0  # lines before this block

    def model(self) -> ArpaModel:
        declared = self._header()
        levels, sections = [], []
        vocabulary: list[str] = []
        id_of: dict[bytes, int] = {}
        for order, count in enumerate(declared, start=1):
            sections.append(self.before + self.at + 1)
            if order == 1:
                vocabulary, id_of, level = self._unigrams(count)
            else:
                level = self._section(order, count, id_of)
            levels.append(level)
            wanted = b"\\end\\" if order == len(declared) else b"\\%d-grams:" % (order + 1)
            line = self._next_filled()
            if line.strip() != wanted:
                self._fail(self.before + self.at, f"found {_shown(line)} where {wanted.decode()} should stand")
        return ArpaModel(vocabulary, levels, sections)

    def _fail(self, line: int, what: str) -> NoReturn:
        raise ModelFileError(f"{self.name}, line {line}: {what}")

    def _next(self) -> bytes:
        """Return the next line; at the end of the file b""."""
        if self.at == len(self.block):
            self.before += self.at
            self.block, self.at = self.file.readlines(CHUNK), 0
            if not self.block:
                return b""
        self.at += 1
        return self.block[self.at - 1]

    def _next_filled(self) -> bytes:
        while not (line := self._next()).strip() and line:
            pass
        return line

    def _header(self) -> list[int]:
        line = self._next_filled()
        if line.lstrip(b"\xef\xbb\xbf").strip() != b"\\data\\":
            self._fail(self.before + self.at, f"found {_shown(line)} where \\data\\ should stand: not an ARPA model")
        declared: list[int] = []
        while (line := self._next_filled().strip()) != b"\\1-grams:":
            match = re.fullmatch(rb"ngram\s+(\d+)\s*=\s*(\d+)", line)
            if not match or int(match[1]) != len(declared) + 1 or len(declared) == LONGEST_ORDER:
                wanted = f"ngram {len(declared) + 1}=... or \\1-grams:"
                self._fail(self.before + self.at, f"found {_shown(line)} where {wanted} should stand")
            declared.append(int(match[2]))
        if not declared:
            self._fail(self.before + self.at, "no 'ngram 1=...' stands before the n-grams")
        return declared

    def _blocks(self) -> Iterator[tuple[int, list[bytes]]]:
        """Yield the lines up to an empty line or one that starts with a backslash, each block with its first number."""
        while self._next():
            self.at -= 1
            rest = self.block[self.at :] if self.at else self.block
            end = next((i for i, line in enumerate(rest) if line[0] in b"\n\r\\"), len(rest))
            number = self.before + self.at + 1
            self.at += end
            if end:
                yield number, rest[:end]
            if end < len(rest):
                return

    def _fields(self, number: int, block: list[bytes], order: int) -> list[bytes]:
        """Return log p, words and back-off of all lines in one row; a back-off that is absent is put in."""
        fields = b"".join(block).split()
        if len(fields) == len(block) * (order + 2):
            return fields
        even = []
        for i, line in enumerate(block):
            width = len(line.split())
            if width not in (order + 1, order + 2):
                self._fail(
                    number + i, f"found {width} fields where log10 p, {order} word(s) and a back-off should stand"
                )
            even.append(line if width == order + 2 else line.rstrip() + b" 0\n")
        return b"".join(even).split()

    def _reals(self, number: int, fields: list[bytes]) -> Array:
        try:
            reals = np.array(list(map(float, fields)))
        except ValueError:
            for i, field in enumerate(fields):
                if not re.fullmatch(rb"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|-inf(inity)?", field):
                    self._fail(number + i, f"{_shown(field)} is not a number")
            raise
        wrong = np.flatnonzero(np.isnan(reals) | (reals == np.inf))
        if len(wrong):
            self._fail(number + int(wrong[0]), f"{_shown(fields[wrong[0]])} is no logarithm")
        return reals

    def _weights(self, number: int, fields: list[bytes], order: int) -> tuple[Array, Array]:
        log_p = self._reals(number, fields[0 :: order + 2])
        above = np.flatnonzero(log_p > ROUNDING)
        if len(above):
            self._fail(number + int(above[0]), f"log10 p is {log_p[above[0]]:g}, above 0")
        log_backoff = self._reals(number, fields[order + 1 :: order + 2])
        with np.errstate(over="ignore"):
            return 10.0 ** np.minimum(log_p, 0), 10.0**log_backoff

    def _section(self, order: int, declared: int, id_of: dict[bytes, int]) -> Listed:
        parts = [Listed(np.zeros((0, order), dtype=np.int32), np.zeros(0), np.zeros(0))]
        for number, block in self._blocks():
            fields = self._fields(number, block, order)
            columns = [fields[n :: order + 2] for n in range(1, order + 1)]
            try:
                ids = [list(map(id_of.__getitem__, column)) for column in columns]
            except KeyError:
                self._unknown_word(number, columns, id_of)
            parts.append(Listed(np.array(ids, dtype=np.int32).T, *self._weights(number, fields, order)))
        level = Listed(*(np.concatenate(column) for column in zip(*parts, strict=True)))
        self._check_count(order, declared, len(level.p))
        return level

    def _check_count(self, order: int, declared: int, count: int) -> None:
        if count != declared:
            what = f"the {order}-grams end after {count}, but the header declares {declared}"
            self._fail(self.before + self.at + 1, what)

    def _unknown_word(self, number: int, columns: list[list[bytes]], id_of: dict[bytes, int]) -> NoReturn:
        for i, words in enumerate(zip(*columns, strict=True)):
            for word in words:
                if word not in id_of:
                    self._fail(number + i, f"{_shown(word)} is not among the 1-grams")
        raise AssertionError

    def _unigrams(self, declared: int) -> tuple[list[str], dict[bytes, int], Listed]:
        first = self.before + self.at + 1
        words: list[bytes] = []
        parts: list[tuple[Array, Array]] = [(np.zeros(0), np.zeros(0))]
        for number, block in self._blocks():
            fields = self._fields(number, block, 1)
            words += fields[1::3]
            parts.append(self._weights(number, fields, 1))
        self._check_count(1, declared, len(words))
        p, backoff = (np.concatenate(column) for column in zip(*parts, strict=True))
        return self._vocabulary(first, words, p, backoff)

    def _vocabulary(
        self, first: int, words: list[bytes], p: Array, backoff: Array
    ) -> tuple[list[str], dict[bytes, int], Listed]:
        row = dict(zip(words, range(len(words)), strict=True))
        if len(row) < len(words):
            i = next(i for i, word in enumerate(words) if row[word] != i)
            self._fail(first + row[words[i]], f"{_shown(words[i])} stands among the 1-grams a second time")
        if b"<unk>" not in row and b"<UNK>" in row:
            row[b"<unk>"] = row.pop(b"<UNK>")
        if b"</s>" not in row:
            self._fail(first, "no </s> is among the 1-grams: this model cannot end a sentence")
        texts = {word: self._decoded(word, first + i) for word, i in row.items()}
        others = sorted(row.keys() - set(SPECIAL), key=lambda word: (-p[row[word]], texts[word]))
        order = np.array([row.get(word, -1) for word in (*SPECIAL, *others)])
        listed = order >= 0  # a closed model has no <unk>: probability 0
        level = Listed(
            np.arange(len(order), dtype=np.int32)[:, None],
            np.where(listed, p[order], 0.0),
            np.where(listed, backoff[order], 1.0),
        )
        id_of = {word: i for i, word in enumerate((*SPECIAL, *others))}
        if b"<UNK>" in words and b"<UNK>" not in id_of:
            id_of[b"<UNK>"] = 0
        return [word.decode() for word in SPECIAL] + [texts[word] for word in others], id_of, level

    def _decoded(self, word: bytes, line: int) -> str:
        try:
            return word.decode()
        except UnicodeDecodeError:
            self._fail(line, f"{_shown(word)} is not UTF-8")


def _shown(line: bytes) -> str:
    text = line.decode(errors="replace").strip()
    return repr(text[:60]) if text else "the end of the file" if not line else "an empty line"
