"""Slips that a writer may have made, undone: the small edits that `fix` looks at.

| kind | edit | where it comes from |
|---|---|---|
| form | another form of a word | the dictionary of inflections |
| letters | a word one letter away, or with two letters exchanged | the vocabulary |
| sound | `a` or `an`; a Chinese character of a like sound | the order of GB 2312, whose common characters stand by their sound |
| function | another article, preposition, particle or measure word | these closed classes |
| insert, delete | one of them more or less; a word that stands twice | the same, and what the model expects |
| order | two neighbours exchanged, or a word moved across two | the text |
| expected | any word in the place of another | the words that the model expects there |

    >>> from searchgen.text import text_form
    >>> known = {"a": 3, "an": 4, "the": 5, "dog": 6, "runs": 7, "run": 8}
    >>> rows = [(slip.kind, slip.new) for slip in slips(["the", "dgo", "run"], text_form("en"), known)]
    >>> ("letters", ("dog",)) in rows, ("form", ("runs",)) in rows, ("order", ("run", "dgo")) in rows
    (True, True, True)
"""

from collections.abc import Collection, Iterator, Sequence
from functools import cache
from itertools import chain
from string import ascii_lowercase
from typing import NamedTuple

from searchgen.text import TextForm
from searchgen.text.inflection import word_forms

__all__ = ["KINDS", "Slip", "slips"]

KINDS = ("form", "letters", "sound", "function", "insert", "delete", "order", "expected")

ARTICLES = ("a", "an", "the")
PREPOSITIONS = (
    *("in", "on", "at", "to", "for", "of", "with", "from", "by", "about", "into", "over", "under", "through"),
    *("after", "before", "between", "during", "without", "against", "across", "behind", "near", "until", "since"),
)
PARTICLES = ("的", "地", "得", "了", "着", "过", "在", "是", "把", "被", "给", "和", "不", "就", "都", "也")
MEASURES = tuple("个只条本张把件辆座间杯位封棵家片块支首朵头匹双台瓶碗群场趟次句幅架节门颗根道")

#: Words that short words of the vocabulary are not taken for: every pair of letters is somebody's abbreviation.
SHORTEST = 3

#: The common characters of GB 2312, and how far apart two of like sound may stand.
COMMON, NEAR = 3755, 8


class Slip(NamedTuple):
    """One edit.

    Attributes:
        kind: one of `KINDS`.
        at: the first token that it replaces.
        old: how many tokens it replaces.
        new: the tokens in their place.
    """

    kind: str
    at: int
    old: int
    new: tuple[str, ...]

    def of(self, tokens: Sequence[str]) -> tuple[str, ...]:
        """Return the edited text."""
        return (*tokens[: self.at], *self.new, *tokens[self.at + self.old :])


def slips(
    tokens: Sequence[str],
    form: TextForm,
    known: Collection[str],
    expected: Sequence[Collection[str]] = (),
) -> Iterator[Slip]:
    """Yield the edits that undo slips, each text perhaps more than once.

    Args:
        tokens: of the text.
        form: en or zh.
        known: the tokens of the model.
        expected: for each place of the text and its end, the tokens that the model expects there.
    """
    of_language = _chinese if form.name == "zh" else _english
    for at, token in enumerate(tokens):
        if form.is_word(token):
            yield from of_language(tokens, at, known)
            yield from _order(tokens, at, form)
            if at and form.fold(token) == form.fold(tokens[at - 1]):
                yield Slip("delete", at, 1, ())
    for at, others in enumerate(expected):
        words = [word for word in others if form.is_word(word) and _is_plain(word)]
        if at < len(tokens) and _is_plain(tokens[at]):
            yield from (Slip("expected", at, 1, (word,)) for word in words if word != tokens[at])
        if form.name == "zh":
            yield from (Slip("insert", at, 0, (word,)) for word in words)


def _is_plain(token: str) -> bool:
    """Whether a token is a word in small letters, or a Chinese character; names and numbers stay as they are."""
    return token.islower() or (token.isalpha() and not token.isascii() and not token[0].isupper())


def _english(tokens: Sequence[str], at: int, known: Collection[str]) -> Iterator[Slip]:
    token = tokens[at]
    closed = next((words for words in (ARTICLES, PREPOSITIONS) if token in words), ())
    for word in closed:
        if word != token:
            yield Slip("sound" if {word, token} == {"a", "an"} else "function", at, 1, (word,))
    if closed:
        yield Slip("delete", at, 1, ())
    yield from (Slip("insert", at, 0, (word,)) for word in chain(ARTICLES, PREPOSITIONS))
    if token != token.lower():  # a name
        return
    forms = [one.text for one in word_forms(token, guess=False)] if token not in ARTICLES else []
    yield from (Slip("form", at, 1, (word,)) for word in forms if word != token and word in known)
    if len(token) >= SHORTEST or token not in known:
        near = {word for word in _near(token) if word in known} - {token, *forms}
        yield from (Slip("letters", at, 1, (word,)) for word in sorted(near))


def _near(word: str) -> Iterator[str]:
    """Strings with one letter more, fewer or another, or two exchanged."""
    for at in range(len(word) + 1):
        head, tail = word[:at], word[at:]
        yield from (head + letter + tail for letter in ascii_lowercase)
        if tail:
            yield head + tail[1:]
            yield from (head + letter + tail[1:] for letter in ascii_lowercase)
        if len(tail) > 1:
            yield head + tail[1] + tail[0] + tail[2:]


def _order(tokens: Sequence[str], at: int, form: TextForm) -> Iterator[Slip]:
    """Exchange a word and the next, or move it across the next two."""
    row = tuple(tokens[at : at + 3])
    if len(row) > 1 and form.is_word(row[1]):
        yield Slip("order", at, 2, (row[1], row[0]))
        if len(row) > 2 and form.is_word(row[2]):
            yield Slip("order", at, 3, (row[1], row[2], row[0]))
            yield Slip("order", at, 3, (row[2], row[0], row[1]))


def _chinese(tokens: Sequence[str], at: int, known: Collection[str]) -> Iterator[Slip]:
    token = tokens[at]
    for closed in (PARTICLES, MEASURES):
        if token in closed:
            yield from (Slip("function", at, 1, (other,)) for other in closed if other != token)
    if token in PARTICLES:
        yield Slip("delete", at, 1, ())
    yield from (Slip("sound", at, 1, (other,)) for other in _of_like_sound(token) if other in known)


@cache
def _of_like_sound(character: str) -> tuple[str, ...]:
    """The characters that stand near one in GB 2312."""
    try:
        row, cell = character.encode("gb2312")
    except (UnicodeEncodeError, ValueError):
        return ()
    place = (row - 0xB0) * 94 + cell - 0xA1
    if not 0 <= place < COMMON:
        return ()
    others = range(max(0, place - NEAR), min(COMMON, place + NEAR + 1))
    return tuple(bytes([0xB0 + one // 94, 0xA1 + one % 94]).decode("gb2312") for one in others if one != place)
