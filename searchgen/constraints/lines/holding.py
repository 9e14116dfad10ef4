"""What single lines must hold: rows of words (in Chinese: of characters) that stand in one line of a division."""

from collections.abc import Sequence
from typing import NamedTuple

from searchgen.errors import RequestError
from searchgen.text.printed_words import printed_words

__all__ = ["Held", "read_item"]


class Held(NamedTuple):
    """What one line must hold.

    Attributes:
        line: its number, from 0.
        words: alternatives, as they are written.
    """

    line: int
    words: tuple[str, ...]

    def rows(self, form: str) -> list[tuple[str, ...]]:
        """Return each alternative as a row of words, case ignored."""
        return [tuple(printed_words(text.casefold(), form)) for text in self.words]

    def held_by(self, words: Sequence[str], form: str) -> bool:
        """Return whether the words of a line, case ignored, hold it."""
        return any(
            tuple(words[at : at + len(row)]) == row
            for row in self.rows(form)
            for at in range(len(words) - len(row) + 1)
        )

    def __str__(self) -> str:
        return f"line {self.line + 1}: {'|'.join(self.words)}"


def read_item(item: Sequence[str], count: int, form: str) -> Held:
    """Return what an item such as `2=sea|ocean` asks for; -1 is the last line.

    Args:
        item: its alternatives, the number before the first.
        count: number of lines.
        form: name of the text form.

    Raises:
        RequestError: it has no number, or there is no such line, or no word.

    Example:
        >>> read_item(["-1=sea", "ocean"], 3, "en")
        Held(line=2, words=('sea', 'ocean'))
    """
    number, sign, first = item[0].partition("=")
    try:
        line = int(number)
    except ValueError:
        line, sign = 0, ""
    if not sign:
        raise RequestError(f"--line-words {item[0][:30]!r}: give a line and a word, such as 2=sea or -1=night")
    if not 1 <= abs(line) <= count:
        raise RequestError(
            f"--line-words {item[0][:30]!r}: there are {count} lines; count from 1, or from the last, -1"
        )
    held = Held(line - 1 if line > 0 else count + line, tuple(text.strip() for text in (first, *item[1:])))
    if not all(held.rows(form)):
        raise RequestError(f"--line-words {item[0][:30]!r}: give a word")
    return held
