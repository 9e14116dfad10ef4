r"""How a list flag is written: `dog, hot dog|sausage`, `@FILE`, `\,` for a comma."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from searchgen.errors import RequestError, not_utf8

__all__ = ["parse_items", "separator_hints"]

COMMAS = ",\uff0c\u3001"  # ASCII, full-width, and the Chinese comma of lists
#: Signs between words that people take for commas: all of them, and where they stand for one.
SIGNS = {*";\uff1b\t# \u3000"}
MISTAKEN = (
    r"(?<=\w)\s*([;\uff1b\t])\s*(?=\w)|(?<=\w\w)\s*(#)\s*(?=\w\w)|(?<=[\u3400-\u9fff])([ \u3000]+)(?=[\u3400-\u9fff])"
)
#: What looks like the name of a file of words.
FILE_NAME = re.compile(r"[\w./\\~-]+\.(?:txt|csv|tsv|jsonl?|lst|list|md)", re.IGNORECASE)
BARS = "|\uff5c"  # ASCII, and the full-width one of Chinese keyboards
SPECIAL, SPECIAL_IN_LINE = re.compile(rf"[{COMMAS}{BARS}\"\\]"), re.compile(rf"[{BARS}\"\\]")
PIECE = re.compile(rf"\\([{COMMAS}{BARS}@\"\\])|([{COMMAS}])|([{BARS}])|(.)", re.DOTALL)
#: Stands for a quotation mark after a backslash until the quotation marks around entries are off.
LITERAL_MARK = "\0"


def parse_items(values: Sequence[str]) -> list[list[str]]:
    r"""The entries of a list flag, each a list of alternatives.

    A value is split at commas (also full-width ones and `、`) into entries and at `|` or `｜` into alternatives; a backslash
    makes any of these signs, `@`, `"` and itself a plain character. `@FILE` stands for the lines of a UTF-8 file, each one
    entry with its commas kept. Straight quotation marks around an entry, or around a whole value, are taken off.

    Args:
        values: the values of all uses of the flag, in order.

    Returns:
        Entries in order, trimmed; empty ones are skipped.

    Raises:
        RequestError: nothing is left, or a file cannot be read.

    >>> parse_items(["dog,hot dog | sausage", r"\,、猫"])
    [['dog'], ['hot dog', 'sausage'], [','], ['猫']]
    >>> parse_items(['"dog","new york"', '"cat,car"', r'say \"no\"', '6" nail'])
    [['dog'], ['new york'], ['cat'], ['car'], ['say "no"'], ['6" nail']]
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
        reason = (
            f"{error.strerror}; write \\@ for a word that begins with @" if isinstance(error, OSError) else not_utf8()
        )
        raise RequestError(f"cannot read the list {value[1:]!r}: {reason}") from None
    return [entry for line in lines for entry in _split(line.strip(), commas=False)]


def _split(value: str, *, commas: bool) -> list[list[str]]:
    if not (SPECIAL if commas else SPECIAL_IN_LINE).search(value):  # nearly every line of a long list
        return [[value.strip()]] if value.strip() else []
    entries = [[""]]
    for escaped, comma, bar, plain in PIECE.findall(_unquoted(value)):
        if comma and commas:
            entries.append([""])
        elif bar:
            entries[-1].append("")
        else:
            entries[-1][-1] += (LITERAL_MARK if escaped == '"' else escaped) or comma or plain
    trimmed = [[_unquoted(phrase.strip()).replace(LITERAL_MARK, '"') for phrase in entry] for entry in entries]
    return [entry for entry in ([phrase for phrase in entry if phrase] for entry in trimmed) if entry]


def _unquoted(text: str) -> str:
    """Return a text without the straight quotation marks around it, as tables are exported, if it holds no others."""
    if len(text) >= 2 and text[0] == text[-1] == '"' and text.count('"') == 2 and text[-2] != "\\":
        return text[1:-1].strip()
    return text


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
    >>> for hint in separator_hints(["老师 作业", "words.txt"]):
    ...     print(hint)
    '老师 作业' is one phrase, because a space does not separate entries; for several write 老师,作业
    'words.txt' is taken as a word; for the lines of that file write @words.txt
    """
    joined = ",".join(phrases)
    if joined[:1] == "[" and joined[-1:] == "]" and ("," in joined or '"' in joined):
        words = ",".join(phrase.strip("[]\"' ") for phrase in phrases)
        return [f"{joined[:60]!r} is read with its brackets; for a list write {words[:60]}"]
    hints = []
    for phrase in phrases:
        if not SIGNS.isdisjoint(phrase) and (match := re.search(MISTAKEN, phrase)):
            sign = "a space" if match[3] else repr(match[1] or match[2])
            parted = re.sub(MISTAKEN, ",", phrase)[:60]
            hints.append(
                f"{phrase[:60]!r} is one phrase, because {sign} does not separate entries; for several write {parted}"
            )
        elif FILE_NAME.fullmatch(phrase):
            hints.append(f"{phrase[:60]!r} is taken as a word; for the lines of that file write @{phrase[:60]}")
        elif len(phrase) > 1 and phrase.isascii() and not any(map(str.isalnum, phrase)):
            hints.append(f"{phrase[:60]!r} has no letter and no digit; it is printed as a word of its own")
    return hints
