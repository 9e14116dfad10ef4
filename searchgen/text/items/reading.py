"""The tokens of what a user asks for: an item is printed as it is written, its words with signs whole.

Most items are read as texts are. What would be printed otherwise (`C++` as `C + +`), what the law of canonical texts has no place for
(`😀😀`), and what a final mark inside would end (`No. 7`) is one token: a unit, see `searchgen.text.items.units`.

    >>> from searchgen.text import text_form
    >>> [item_tokens(item, text_form("en")) for item in ("hot dog", "our R&D", "room No. 7")]
    [('hot', 'dog'), ('our', 'R&D'), ('room', 'No. 7')]
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import NamedTuple
from unicodedata import category, normalize

from searchgen.errors import RequestError
from searchgen.text.chinese import HAN
from searchgen.text.form import TextForm
from searchgen.text.items.units import Units
from searchgen.text.kinds import Flag, Kind, fit

__all__ = ["Place", "is_odd", "item_tokens", "keeps_case", "narrow", "odd_words"]

#: Signs that nobody sees, and that texts do without.
UNSEEN = dict.fromkeys([0xAD, 0x200B, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2060, 0x206A), 0xFEFF, 0x180E])

#: Spellings of one sign: a text form prints the other, and both hold the word.
ALIKE = str.maketrans("‘’“”‐‑", "''\"\"--")
WIDE = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | str.maketrans(
    {"。": ".", "、": ",", "「": '"', "」": '"', "『": "'", "』": "'", "…": ".", "—": "-"}
)

NARROW = {code: narrow for code, narrow in WIDE.items() if code > 0xFF00 and chr(code).isalnum()}

#: Amounts of several tokens that return as they are, in Chinese.
AMOUNT = re.compile(r"[$£€¥￥]?\d+(?:[.,]\d+)*[%‰]?")

#: A name such as `C--`, whose hyphens are no dash in Chinese.
NAMED_BY_HYPHENS = re.compile(r"[A-Za-z]+-{2,}")

#: What parts the words of a text even where no space does.
PARTS = r"[\s,;:!?\"“”‘’()\[\]{}—–-]+|\.{2,}|…+|(?<=[a-z]{2})\.(?=[A-Z][a-z])"


class Place(NamedTuple):
    """Where an item stands in its texts.

    Attributes:
        first: it begins them.
        last: it ends them, final marks aside.
        inner: more of the sentence may follow even where it ends with a final mark.
    """

    first: bool = False
    last: bool = False
    inner: bool = False


ANYWHERE = Place()


def item_tokens(text: str, form: TextForm, place: Place = ANYWHERE) -> tuple[str, ...]:
    """The tokens of a word or phrase that is asked for.

    Args:
        text: as the user wrote it.
        form: of the texts, without units.
        place: where it stands in them.

    Returns:
        The tokens; the form with the units among them reads the item so. Empty when there is nothing to print.

    Raises:
        RequestError: it holds a character that cannot be printed.
    """
    if text.isascii() and text.isalpha():
        return (text,)  # as every form reads it
    if not isinstance(form, TextForm) or form.name == "raw":
        return tuple(form.tokenise_as_printed(text))
    text = _printable(text)
    if not text:
        return ()
    for units in _readings(text, form):
        reader = form.with_units(Units(tuple(dict.fromkeys(units))))
        tokens = reader.tokenise_as_printed(text)
        if _returns(tokens, text, reader, place):
            return tuple(tokens)
    return (text,)


def _readings(text: str, form: TextForm) -> Iterator[Sequence[str]]:
    """Which parts of an item to take as units: none, words with signs, those and lone signs, words around a final mark."""
    if form.name != "zh":  # whose words with signs may return, but not their case
        yield ()
    words = [word for word in _words(text, form) if is_odd(word, form)]
    yield [_without_punctuation(word, form) for word in words]
    yield words
    if form.name == "zh":  # where signs alone are printed without spaces, and spaces part no words
        return
    lone = [word for word in text.split() if len(word) == 1 and not word.isalnum() and word not in form.punctuation]
    yield [*words, *lone]
    yield [*words, *_around_marks(text, form)]
    yield [*words, *lone, *_around_marks(text, form)]


def _words(text: str, form: TextForm) -> list[str]:
    """What stands between spaces; in Chinese also between ideographs and their marks."""
    if form.name != "zh":
        return text.split()
    return [part for word in text.split() for part in _foreign(form).findall(word)]


def _without_punctuation(word: str, form: TextForm) -> str:
    """A word with signs without the punctuation around it, if it is one without."""
    inner = word.rstrip(",;:")
    while len(inner) > 2 and form.brackets.get(inner[0], inner[0]) == inner[-1] and inner[0] in {*form.brackets, '"'}:
        inner = inner[1:-1]
    return inner if inner and is_odd(inner, form) else word


@cache
def _foreign_pattern(letter: str, marks: str) -> re.Pattern[str]:
    return re.compile(rf"(?:(?!\w)[^\s{re.escape(marks)}]|{letter}|_)+")


def _foreign(form: TextForm) -> re.Pattern[str]:
    return _foreign_pattern(form.letter, "".join(mark for mark in form.punctuation if mark > "\x7f"))


def is_odd(word: str, form: TextForm) -> bool:
    """Whether a word without spaces is printed otherwise than it is written, or has signs beside letters and digits in Chinese.

    Args:
        word: as it is written.
        form: of the texts, without units.

    Returns:
        True when it must be a unit to be held.

    >>> from searchgen.text import text_form
    >>> [is_odd(word, text_form("en")) for word in ("C++", "dog's", "3.14", "wow!", ":)")]
    [True, False, False, False, True]
    >>> [is_odd(word, text_form("zh")) for word in ("C++", "C--", "A--B", "3.14")]
    [True, True, False, False]
    """
    tokens = form.tokenise_as_printed(word)
    if not _returns(tokens, word, form, ANYWHERE):
        return True
    if form.name != "zh" or len(tokens) < 2 or AMOUNT.fullmatch(word) or not any(map(str.isalnum, word)):
        return False
    return bool((form.kinds(tokens) == Kind.SYMBOL).any()) or NAMED_BY_HYPHENS.fullmatch(word) is not None


def _around_marks(text: str, form: TextForm) -> Iterator[str]:
    """The words around each final mark inside an item, with the mark."""
    words = text.split()
    ends = [any(token in form.final_tokens for token in form.tokenise_as_printed(word)[1:]) for word in words]
    begin = 0
    for place in range(len(words)):
        if not ends[place] or place + 1 == len(words):
            if place > begin:
                yield " ".join(words[begin : place + 1])
            begin = place + 1


def _returns(tokens: Sequence[str], text: str, form: TextForm, place: Place) -> bool:
    """Whether tokens are printed as an item is written, within some text, and end no sentence before its end."""
    if not tokens or _alike(form.inside(tokens), form) != _alike(text, form):
        return False
    if len(tokens) > 1 and (
        any(token in form.final_tokens for token in (tokens if place.inner else tokens[:-1]))
        or not (form.units or any(map(str.isalnum, text)))  # signs alone, but not one: they stay together
    ):
        return False
    if not _in_turn(tokens, form, place):
        return False
    kinds = [kind & ~int(Flag.NOT_FIRST) if kind >= Kind.WORD else kind for kind in form.kinds(tokens).tolist()]
    return not _misread_quotes(tokens, text) and fit(kinds, first=place.first)


def _in_turn(tokens: Sequence[str], form: TextForm, place: Place) -> bool:
    """Whether marks open and close one at a time, as they must in a sentence, and may do before and after the item."""
    expected, opened = "", place.first
    for token in tokens:
        if token in form.brackets:
            if expected:
                return False
            expected, opened = form.brackets[token], True
        elif token in form.brackets.values():
            if token != expected if expected else opened:
                return False
            expected, opened = "", True
    return not (expected and place.last)


def _misread_quotes(tokens: Sequence[str], text: str) -> bool:
    """Whether a straight mark is no quotation: inches and feet, and `'ll`."""
    if "'" not in text and '"' not in text:
        return False
    singles = [token for token in tokens if token in "‘’"]
    return re.search(r"\d['\"](?!\w)", text) is not None or len(singles) % 2 == 1


def _alike(text: str, form: TextForm) -> str:
    """A text as far as two spellings of it differ."""
    text = normalize("NFC", text).translate(ALIKE)
    if form.name == "zh":
        text = re.sub(r"\.{2,}", "..", _apart().sub("", " ".join(text.split())).translate(WIDE))
    return text


@cache
def _apart() -> re.Pattern[str]:
    """A space beside an ideograph or its punctuation, which Chinese does without."""
    return re.compile(rf"(?<=[{HAN}\u3001-\u301f\uff01-\uff5e“”‘’…—]) | (?=[{HAN}\u3001-\u301f\uff01-\uff5e“”‘’…—])")


def _printable(text: str) -> str:
    """An item with single spaces, without signs that nobody sees."""
    if text.isascii() and text.isprintable():
        return " ".join(text.split())
    for character in text:
        kind = category(character)
        if kind in ("Cc", "Cs") and not character.isspace():
            raise RequestError(f"{text!r} holds U+{ord(character):04X}, which cannot be printed; drop it")
    return " ".join(text.translate(UNSEEN).split())


def narrow(text: str) -> str:
    """A text with its full-width letters and digits as ASCII has them.

    Args:
        text: any text.

    Returns:
        The text; full-width punctuation stays.

    >>> narrow("Ｄｏｇ１！")
    'Dog1！'
    """
    return text if text.isascii() else text.translate(NARROW)


def keeps_case(word: str) -> bool:
    """Whether a word keeps its case wherever it stands: it has a capital after a small letter, or digits beside letters.

    Args:
        word: one token without signs.

    Returns:
        True for `iPhone` and `GPT4`, not for `Dog`, `PARK` and `1990`.

    >>> [keeps_case(word) for word in ("iPhone", "McDonald", "GPT4", "Dog", "PARK", "O'Brien", "1990", "café")]
    [True, True, True, False, False, True, False, False]
    """
    if word.isascii() and (word.islower() or word.isupper()) and word.isalpha():
        return False
    inner = any(large.isupper() for large in word[1:]) and not word.isupper()
    return inner or (any(map(str.isdigit, word)) and any(map(str.isalpha, word)))


def odd_words(text: str, form: TextForm) -> Iterator[str]:
    """The words with signs of any text: those that are not printed as they are written once they are read.

    Args:
        text: any text.
        form: of the texts, without units.

    Yields:
        Each, without the punctuation around it.

    >>> from searchgen.text import text_form
    >>> list(odd_words("He (a C++ fan) asked node.js users: dog/cat? Well-known, 3.14.", text_form("en")))
    ['C++', 'node.js', 'dog/cat']
    """
    if form.name == "raw":
        return
    for part in _parts().split(text):
        for word in _words(part, form):
            for inner in dict.fromkeys((word.strip("'"), word.strip("'").rstrip("."))):
                if not inner or inner.isalnum() or not is_odd(inner, form):
                    break
                word = inner
            else:
                yield word


@cache
def _parts() -> re.Pattern[str]:
    return re.compile(PARTS)
