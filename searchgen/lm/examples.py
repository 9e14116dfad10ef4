"""Example lines: sentences in whose manner a large model is to write. They stand before every text as its context.

A model that has read the web expects a document, not a sentence, where nothing stands before a text; ten plain lines cure that.
"""

import hashlib
import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from searchgen.errors import RequestError

__all__ = ["AUTOMATIC", "DEFAULT", "NONE", "counted", "echoes", "example_lines", "resolved"]

#: Values of `--examples` that are no files: those of the command, none, and the lines that come with searchgen.
AUTOMATIC, NONE, DEFAULT = "", "none", "default"

DATA = Path(__file__).parent / "data"

#: How many lines are taken, of how many words (Chinese: characters / 2).
LINES, FEWEST_WORDS, MOST_WORDS = 10, 3, 40

#: The most lines that `FILE:N` may ask for, and the most bytes that are read of a file.
MOST_LINES, MOST_BYTES = 200, 1_000_000

#: A text repeats a line if it shares so many words, or characters of a script without spaces, in a row.
WORDS_IN_A_ROW, CHARACTERS_IN_A_ROW = 8, 12

#: Scripts without spaces begin here.
FIRST_OF_HAN = "\u2e80"

#: Words, and single characters of scripts without spaces; compiled when it is needed, for that takes a while.
UNIT = r"[\u2e80-\ua4cf\uac00-\ud7af\uf900-\ufaff]|[^\W_\u2e80-\ua4cf\uac00-\ud7af\uf900-\ufaff]+"


def resolved(value: str, language: str) -> str:
    """Return a value of `--examples` with the language that the default lines are in.

    Example:
        >>> resolved("default", "zh"), resolved("none", "en"), resolved("poems.txt", "en")
        ('default-zh', 'none', 'poems.txt')
    """
    return f"{DEFAULT}-{language}" if value == DEFAULT else value


def example_lines(value: str) -> tuple[str, ...]:
    """Return the lines that a resolved value stands for.

    Args:
        value: "", none, default-en, default-zh, FILE or FILE:N.

    Raises:
        RequestError: the file cannot be read, or no line of it can be taken.

    Example:
        >>> example_lines("none"), len(example_lines("default-en"))
        ((), 10)
    """
    if value in (AUTOMATIC, NONE):
        return ()
    if value.startswith(f"{DEFAULT}-"):
        return tuple(
            (DATA / f"examples-{value.removeprefix(DEFAULT)[1:]}.txt").read_text(encoding="utf-8").splitlines()
        )
    path, number = value, LINES
    head, colon, tail = value.rpartition(":")
    if colon and tail.isdecimal() and not Path(value).exists():
        path, number = head, int(tail[:4])
    if not 1 <= number <= MOST_LINES:
        raise RequestError(f"--examples {value}: {number} lines; give 1 to {MOST_LINES}")
    lines = _usable(path, _stamp(path))[:number]
    if not lines:
        raise RequestError(f"--examples {path}: no line has {FEWEST_WORDS} to {MOST_WORDS} words; name another file")
    return lines


def counted(value: str) -> dict[str, Any] | None:
    """Return count and hash of the lines that a resolved value stands for, as records have them; None: there are none.

    Example:
        >>> counted("none"), counted("default-en")["count"]
        (None, 10)
    """
    lines = example_lines(value)
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()[:12]
    return {"count": len(lines), "hash": digest} if lines else None


def echoes(text: str, lines: Sequence[str]) -> bool:
    """Return whether a text is one of the lines, or shares eight words or twelve characters in a row with one; case does not count.

    Example:
        >>> echoes("a dog ran.", ["A dog ran!"]), echoes("A dog ran home.", ["A dog ran!"])
        (True, False)
    """
    units = _units(text)
    return any(units == other or _runs(units) & _runs(other) for other in map(_units, lines))


@lru_cache(4096)
def _units(text: str) -> tuple[str, ...]:
    return tuple(re.findall(UNIT, text.casefold()))


def _runs(units: tuple[str, ...]) -> set[tuple[str, ...]]:
    characters = sum(unit >= FIRST_OF_HAN for unit in units)
    size = CHARACTERS_IN_A_ROW if 2 * characters > len(units) else WORDS_IN_A_ROW
    return {units[i : i + size] for i in range(len(units) - size + 1)}


def _stamp(path: str) -> tuple[int, int]:
    """Return what changes when a file does."""
    try:
        about = Path(path).stat()
    except (OSError, ValueError):
        return 0, 0
    return about.st_mtime_ns, about.st_size


@lru_cache(64)
def _usable(path: str, stamp: tuple[int, int]) -> tuple[str, ...]:
    """Return the lines of a file that may be examples, at most as many as can be asked for."""
    return tuple(line for line in _lines(path) if FEWEST_WORDS <= _words(line) <= MOST_WORDS)[:MOST_LINES]


def _lines(path: str) -> list[str]:
    try:
        if not Path(path).is_file():
            raise RequestError(f"--examples {path}: there is no such file; give default, none or a file of lines")
        with open(path, "rb") as file:
            content = file.read(MOST_BYTES).decode("utf-8-sig", "replace")
    except OSError as error:
        raise RequestError(f"--examples {path}: cannot be read ({error.strerror}); name another file") from None
    return [" ".join(line.split()) for line in content.splitlines()]


def _words(line: str) -> int:
    return max(len(line.split()), len(line.encode("utf-8")) // 6 if line and ord(line[0]) >= 0x2E80 else 0)
