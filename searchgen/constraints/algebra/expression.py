"""Conditions of `--where` in Python: `holds("dog") & words(6, 10) & ~holds("ball")`.

>>> holds("dog|cat") & ~holds("ball") & words(6, 10) & at(1, "=The")
'holds(dog|cat) and not holds(ball) and words(6..10) and at(1, =The)'
"""

import re

from searchgen.errors import RequestError
from searchgen.text.items.lists import parse_items

__all__ = [
    "Condition",
    "acrostic",
    "acrostic_words",
    "adjacent",
    "alliteration",
    "at",
    "atleast",
    "atmost",
    "before",
    "characters",
    "ends_with",
    "exactly",
    "holds",
    "last_letters",
    "lines",
    "only_letters",
    "quoted",
    "regex",
    "sentences",
    "starts_with",
    "template",
    "univocalic",
    "within",
    "without_letters",
    "word_length",
    "words",
]


class Condition(str):
    """A condition as `--where` takes it; `&`, `|` and `~` make larger ones.

    Example:
        >>> ~(Condition("holds(dog)") | Condition("holds(cat)"))
        'not (holds(dog) or holds(cat))'
    """

    __slots__ = ()

    def __and__(self, other: str) -> "Condition":
        return Condition(f"{_within(self, 'or')} and {_within(other, 'or')}")

    def __or__(self, other: str) -> "Condition":
        return Condition(f"{_within(self, 'and')} or {_within(other, 'and')}")

    def __invert__(self) -> "Condition":
        return Condition(f"not {_within(self, 'and', 'or')}")


def _within(condition: str, *words: str) -> str:
    """A condition in brackets, if one of the words joins its parts."""
    from searchgen.constraints.algebra.language import Joined, parsed

    try:
        node = parsed(condition)
    except RequestError:  # whoever reads the whole says what is wrong with it
        return str(condition)
    return f"({condition})" if isinstance(node, Joined) and node.word in words else str(condition)


def _called(name: str, *arguments: str) -> Condition:
    return Condition(f"{name}({', '.join(arguments)})")


def _listed(text: str) -> str:
    """Alternatives, each in quotation marks where it needs them."""
    return "|".join(quoted(part.strip()) for part in text.split("|"))


def quoted(text: str) -> str:
    """An argument, in quotation marks where it needs them.

    >>> quoted("dog"), quoted("new york")
    ('dog', '"new york"')
    """
    sign = "=" if text.startswith("=") and len(text) > 1 else ""
    inner = text[len(sign) :]
    if inner and inner != "not" and not re.search(r'[\s,()"|=\\]', inner):
        return text
    escaped = inner.replace("\\", "\\\\").replace('"', '\\"')
    return f'{sign}"{escaped}"'


def _range(low: int | None, high: int | None) -> str:
    return f"{'' if low is None else low}..{'' if high is None else high}"


def _exactly_or_range(low: int | None, high: int | str | None) -> str:
    return f"{low}" if isinstance(high, str) else _range(low, high)


#: Stands for an upper end that is not given: the range is one number.
SAME = "same"


def holds(*items: str) -> Condition:
    """Every item occurs; `|` separates alternatives."""
    return _called("holds", *map(_listed, items))


def before(*items: str) -> Condition:
    """The items occur in this order."""
    return _called("before", *map(_listed, items))


def adjacent(item: str, other: str) -> Condition:
    """Two items stand side by side, in either order."""
    return _called("adjacent", _listed(item), _listed(other))


def within(width: int, *items: str) -> Condition:
    """All items stand within so many words in a row."""
    return _called("within", str(width), *map(_listed, items))


def at(place: int, words: str) -> Condition:
    """The word at a place, 1 the first and -1 the last; `=The` heeds case."""
    return _called("at", str(place), _listed(words))


def words(low: int | None, high: int | str | None = SAME) -> Condition:
    """The number of words; None is no bound.

    >>> words(6, 10), words(17), words(20, None)
    ('words(6..10)', 'words(17)', 'words(20..)')
    """
    return _called("words", _exactly_or_range(low, high))


def characters(low: int | None, high: int | str | None = SAME) -> Condition:
    """The number of characters of the printed text."""
    return _called("characters", _exactly_or_range(low, high))


def word_length(low: int | None, high: int | str | None = SAME) -> Condition:
    """The characters of every word."""
    return _called("word_length", _exactly_or_range(low, high))


def sentences(low: int | None, high: int | str | None = SAME) -> Condition:
    """The number of sentences, each with its final mark."""
    return _called("sentences", _exactly_or_range(low, high))


def atleast(number: int, *conditions: str) -> Condition:
    """At least so many of the conditions hold."""
    return _called("atleast", str(number), *conditions)


def atmost(number: int, *conditions: str) -> Condition:
    """At most so many of the conditions hold."""
    return _called("atmost", str(number), *conditions)


def exactly(number: int, *conditions: str) -> Condition:
    """Exactly so many of the conditions hold."""
    return _called("exactly", str(number), *conditions)


def starts_with(text: str) -> Condition:
    """The first words."""
    return _called("starts_with", quoted(text))


def ends_with(text: str) -> Condition:
    """The last words, before the final mark."""
    return _called("ends_with", quoted(text))


def without_letters(letters: str) -> Condition:
    """None of the letters occurs."""
    return _called("without_letters", quoted(letters))


def only_letters(letters: str) -> Condition:
    """No other letter occurs."""
    return _called("only_letters", quoted(letters))


def univocalic(vowel: str) -> Condition:
    """The only vowel, or `any`."""
    return _called("univocalic", quoted(vowel))


def acrostic_words(word: str) -> Condition:
    """The first letters of the words spell a word."""
    return _called("acrostic_words", quoted(word))


def last_letters(word: str) -> Condition:
    """The last letters of the words spell a word."""
    return _called("last_letters", quoted(word))


def alliteration(letter: str) -> Condition:
    """The first letter of every word, or `any`."""
    return _called("alliteration", quoted(letter))


def lines(count: int, low: int | None = None, high: int | None = None, *, line_words: str = "") -> Condition:
    """So many lines of so many words each, by default 3 to 8, in Chinese 5 to 7 characters.

    Args:
        count: of lines.
        low: the fewest words of a line.
        high: the most.
        line_words: words in single lines, as `--line-words` takes them.

    >>> lines(4), lines(4, 3, 8), lines(2, line_words="1=sea|ocean,-1=the moon")
    ('lines(4)', 'lines(4, 3..8)', 'lines(2, "1=sea"|ocean, "-1=the moon")')
    """
    return _called("lines", str(count), *_size(low, high), *_held(line_words))


def acrostic(word: str, low: int | None = None, high: int | None = None, *, line_words: str = "") -> Condition:
    """A line for each letter of a word, which they begin with; the other arguments as those of `lines`.

    >>> acrostic("moon"), acrostic("moon", 3, line_words="2=sea")
    ('acrostic(moon)', 'acrostic(moon, 3.., "2=sea")')
    """
    return _called("acrostic", quoted(word), *_size(low, high), *_held(line_words))


def _size(low: int | None, high: int | None) -> list[str]:
    return [] if low is high is None else [_range(low, high)]


def _held(line_words: str) -> list[str]:
    items = parse_items([line_words]) if line_words else []
    return ["|".join(map(quoted, item)) for item in items]


def regex(pattern: str) -> Condition:
    r"""A regular expression that the whole printed text matches.

    >>> regex(r"(The|A) .*\.")
    'regex("(The|A) .*\\\\.")'
    """
    return _called("regex", quoted(pattern))


def template(text: str, **slots: str) -> Condition:
    """A text with gaps, and fillers of its slots.

    >>> template("The {x} is ___.", x="dog,cat")
    'template("The {x} is ___.", "x=dog,cat")'
    """
    return _called("template", quoted(text), *(quoted(f"{name}={fillers}") for name, fillers in slots.items()))
