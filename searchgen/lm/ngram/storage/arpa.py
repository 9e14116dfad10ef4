r"""Language models as ARPA text, the exchange format of n-gram tools: reading.

A file holds `\data\` with lines such as `ngram 1=4`, and for each order a block such as `\2-grams:` with lines
`-0.3010 <TAB> the dog <TAB> -0.1761`: log10 p, the words, log10 back-off (which may be absent); and at last `\end\`.
Whatever stands before `\data\` is a comment. Back-offs of the highest order have no effect: no context is that long.
"""

import gzip
import io
import re
import zlib
from pathlib import Path
from typing import BinaryIO, NamedTuple, NoReturn, cast

from searchgen.errors import ModelFileError
from searchgen.lm.ngram.storage.lines import WHITE, Lines, shown
from searchgen.lm.ngram.storage.listed import Listed
from searchgen.lm.ngram.storage.section import Section, is_unknown, line_of

__all__ = ["GZIP", "PREAMBLE", "ArpaModel", "has_data_mark", "opened", "read_arpa"]

GZIP = b"\x1f\x8b"

LONGEST_ORDER = 9

#: Bytes that may stand before the mark of the data.
PREAMBLE = 1 << 20

DATA = re.compile(rb"^(?:\xef\xbb\xbf)?[ \t]*\\data\\[ \t\r]*$", re.MULTILINE)

#: The shortest row of an n-gram: a digit, a tab, a letter, a line end.
SHORTEST_ROW = 4

#: Text compresses to a fifth, the most regular model to a thirtieth; a file that expands more is made to fill the memory.
MOST_EXPANSION, ALWAYS_ALLOWED = 100, 1 << 24


class ArpaModel(NamedTuple):
    """What an ARPA file says."""

    vocabulary: list[str]  # `<unk>`, `<s>`, `</s>`, then by falling probability, ties by code point
    levels: list[Listed]
    unknown: list[int]  # further words that stand for unknown ones
    places: list[list[tuple[int, int]]]  # for each order: the first row of a run, and its line

    def line_of(self, order: int, row: int) -> int:
        """Return the line of a row of a level."""
        return line_of(self.places[order - 1], row)


def has_data_mark(beginning: bytes) -> bool:
    r"""Return whether a file is an ARPA model, by its first `PREAMBLE` bytes: a line of them is `\data\`.

    Example:
        >>> has_data_mark(b"made by hand\n\\data\\\nngram 1=3\n"), has_data_mark(b"The mark is \\data\\.")
        (True, False)
    """
    return DATA.search(beginning) is not None


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
        content = source.encode()
        return _Reader(Lines(io.BytesIO(content), "ARPA text"), len(content)).model()
    try:
        size = source.stat().st_size
        file, is_compressed = opened(source)
        with file:
            most = max(ALWAYS_ALLOWED, MOST_EXPANSION * size) if is_compressed else size
            lines = Lines(file, str(source), most if is_compressed else None)
            model = _Reader(lines, most).model()
            if is_compressed:
                lines.drain()
            return model
    except FileNotFoundError:
        raise ModelFileError(f"there is no model file {source}; check the name") from None
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or error
        raise ModelFileError(f"{source}: cannot be read to its end ({reason}); fetch or train it again") from None


def opened(path: Path) -> tuple[BinaryIO, bool]:
    """Open a file, which is decompressed while it is read, and return it with whether that is so.

    Raises:
        OSError: it cannot be opened.
    """
    with path.open("rb") as file:
        is_compressed = file.read(len(GZIP)) == GZIP
    return cast(BinaryIO, gzip.open(path) if is_compressed else path.open("rb")), is_compressed


class _Reader:
    """Reads a model from lines.

    Attributes:
        lines: the file.
        size: bytes that it holds at most.
    """

    def __init__(self, lines: Lines, size: int) -> None:
        self.lines, self.size = lines, size

    def model(self) -> ArpaModel:
        self._pass_preamble()
        declared, mark = self._header()
        levels, places = [], []
        vocabulary: list[str] = []
        id_of: dict[bytes, int] = {}
        for order, count in enumerate(declared, start=1):
            section = Section(self.lines, order, count, is_last=order == len(declared))
            if mark != section.mark and (count or order == 1):  # an order without n-grams needs no block
                self._fail_at(mark, section.mark.decode())
            is_there = mark == section.mark
            if order == 1:
                vocabulary, id_of, level = section.unigrams()
            else:
                level = section.ngrams(id_of) if is_there else section.nothing()
            levels.append(level)
            places.append(section.places)
            mark = self.lines.next_filled() if is_there else mark
        if mark != b"\\end\\":
            self._fail_at(mark, "\\end\\")
        unknown = [i for word, i in id_of.items() if i and is_unknown(word)]
        return ArpaModel(vocabulary, levels, unknown, places)

    def _fail_at(self, line: bytes, wanted: str) -> NoReturn:
        number = self.lines.number + (not line)  # a file that is cut off ends after its last line
        self.lines.fail(number, f"found {shown(line)} where {wanted} should stand")

    def _pass_preamble(self) -> None:
        line = beginning = self.lines.next()
        passed = 0
        while line.removeprefix(b"\xef\xbb\xbf").strip(WHITE) != b"\\data\\":
            passed += len(line)
            if not line or passed > PREAMBLE:
                self.lines.fail(
                    1, f"found {shown(beginning)}, and no line \\data\\ after it: this is not an ARPA model"
                )
            line = self.lines.next()

    def _header(self) -> tuple[list[int], bytes]:
        """Return the number of n-grams of each order, and the mark of the first block."""
        declared: list[int] = []
        while not (line := self.lines.next_filled()).startswith(b"\\") and line:
            match = re.fullmatch(rb"ngram\s+(\d{1,9})\s*=\s*(\d{1,18})", line)
            if not match or int(match[1]) != len(declared) + 1:
                self._fail_at(line, f"ngram {len(declared) + 1}=... or \\1-grams:")
            order, count = int(match[1]), int(match[2])
            if order > LONGEST_ORDER:
                self._fail(
                    f"n-grams of order {order} are declared; searchgen reads orders 1 to {LONGEST_ORDER}: use a lower order"
                )
            if count * SHORTEST_ROW > self.size:
                self._fail(f"{count:,} {order}-grams are declared, more than the file has room for")
            declared.append(count)
        if not declared:
            self._fail_at(line, "ngram 1=...")
        return declared, line

    def _fail(self, reason: str) -> NoReturn:
        self.lines.fail(self.lines.number, reason)
