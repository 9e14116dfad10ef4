r"""How a list flag is written: `dog, hot dog|sausage`, `@FILE`, `\,` for a comma."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from searchgen.errors import RequestError

__all__ = ["parse_items", "separator_hints"]

COMMAS = ",\uff0c\u3001"  # ASCII, full-width, and the Chinese comma of lists
#: Signs between words that people take for commas.
MISTAKEN = re.compile(r"(?<=\w)\s*([;\uff1b\t])\s*(?=\w)|(?<=\w\w)\s*(#)\s*(?=\w\w)")
SPECIAL, SPECIAL_IN_LINE = re.compile(rf"[{COMMAS}|\\]"), re.compile(r"[|\\]")
PIECE = re.compile(rf"\\([{COMMAS}|@\\])|([{COMMAS}])|(\|)|(.)", re.DOTALL)


def parse_items(values: Sequence[str]) -> list[list[str]]:
    r"""The entries of a list flag, each a list of alternatives.

    A value is split at commas (also full-width ones and `、`) into entries and at `|` into alternatives; a backslash
    makes any of these signs, `@` and itself a plain character. `@FILE` stands for the lines of a UTF-8 file, each one
    entry with its commas kept.

    Args:
        values: the values of all uses of the flag, in order.

    Returns:
        Entries in order, trimmed; empty ones are skipped.

    Raises:
        RequestError: nothing is left, or a file cannot be read.

    >>> parse_items(["dog,hot dog | sausage", r"\,、猫"])
    [['dog'], ['hot dog', 'sausage'], [','], ['猫']]
    """
    entries = [entry for value in values for entry in _entries(value.strip())]
    if not entries:
        raise RequestError("an empty list; give at least one entry, such as: dog,cat")
    return entries


def _entries(value: str) -> Iterable[list[str]]:
    if not value.startswith("@"):
        return _split(value, commas=True)
    try:
        lines = Path(value[1:]).read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise RequestError(
            f"cannot read the list {value[1:]!r}: {reason}; write \\@ for a word that begins with @"
        ) from None
    return [entry for line in lines for entry in _split(line.strip(), commas=False)]


def _split(value: str, *, commas: bool) -> list[list[str]]:
    if not (SPECIAL if commas else SPECIAL_IN_LINE).search(value):  # nearly every line of a long list
        return [[value.strip()]] if value.strip() else []
    entries = [[""]]
    for escaped, comma, bar, plain in PIECE.findall(value):
        if comma and commas:
            entries.append([""])
        elif bar:
            entries[-1].append("")
        else:
            entries[-1][-1] += escaped or comma or plain
    trimmed = [[phrase.strip() for phrase in entry if phrase.strip()] for entry in entries]
    return [entry for entry in trimmed if entry]


def separator_hints(phrases: Sequence[str]) -> list[str]:
    r"""What to tell a user whose list may be parted by other signs than commas.

    Args:
        phrases: the entries of a list as they were read.

    Returns:
        One line for each doubtful entry.

    >>> separator_hints(["dog;park", "C#", "hot dog"])
    ["'dog;park' is one phrase, because ';' does not separate entries; for several write dog,park"]
    >>> separator_hints(['["dog"', '"park"]'])
    ['\'["dog","park"]\' is read with its brackets; for a list write dog,park']
    """
    joined = ",".join(phrases)
    if joined[:1] == "[" and joined[-1:] == "]" and ("," in joined or '"' in joined):
        words = ",".join(phrase.strip("[]\"' ") for phrase in phrases)
        return [f"{joined[:60]!r} is read with its brackets; for a list write {words[:60]}"]
    hints = []
    for phrase in phrases:
        if match := MISTAKEN.search(phrase):
            sign, parted = match[1] or match[2], MISTAKEN.sub(",", phrase)
            hints.append(
                f"{phrase[:60]!r} is one phrase, because {sign!r} does not separate entries; for several write {parted[:60]}"
            )
    return hints
