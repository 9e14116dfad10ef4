"""What around a word makes it no word there: the rivals that take its characters, as contexts of a few characters.

A rival is a word of the lexicon that holds the word and more (火车站 holds 火车), or that crosses one of its borders (似乎 crosses the
border of 类似 in 类似乎). What consists of the word and other words is none (电话号码, 弹钢琴), but for an ending of one character. Word
and rival divide the same characters. The rival takes the place unless the division with the word is more probable by `MARGIN`, or texts
divide these characters so: 今天天气 is 今天 / 天气 although 天天 is a word. So whether a word stands in a text is decided by at most as
many characters before and after it as a rival has: a regular condition.
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache

from searchgen.text.lexicon.segmentation import Segmentation

__all__ = ["MARGIN", "contexts", "rivals"]

#: How much more probable the division with the word must be, in nats: 休息一下班 is read 一下 / 班 as well as 一 / 下班.
MARGIN = 2.0

Context = tuple[str, str]


def contexts(word: str, lexicon: Segmentation, demanded: Iterable[str] = ()) -> frozenset[Context]:
    """Return what a word must not stand between, the shortest contexts only.

    Args:
        word: any characters.
        lexicon: the words of its language.
        demanded: words that are asked for as well, which are nobody's rivals.

    Returns:
        Pairs: characters right before the word and characters right after it, one of them possibly none.

    Example:
        >>> lexicon = Segmentation({"类": -9.0, "似": -11.0, "乎": -13.0, "类似": -9.0, "似乎": -8.0, "类似性": -14.0, "性": -8.0})
        >>> sorted(contexts("类似", lexicon)), contexts("类似", lexicon, ["似乎", "类似性"])
        ([('', '乎'), ('', '性')], frozenset())
    """
    others = frozenset(demanded)
    found = {context for rival, context in rivals(word, lexicon) if rival not in others}
    return frozenset(context for context in found if not any(_within(other, context) for other in found - {context}))


def _within(inner: Context, outer: Context) -> bool:
    return outer[0].endswith(inner[0]) and outer[1].startswith(inner[1])


@lru_cache(maxsize=1024)
def rivals(word: str, lexicon: Segmentation) -> frozenset[tuple[str, Context]]:
    """Return the rivals of a word, each with the characters before and after the word that it takes.

    Args:
        word: any characters.
        lexicon: the words of its language.

    Example:
        >>> lexicon = Segmentation({"火": -9.0, "车": -9.0, "站": -8.0, "火车": -9.0, "火车站": -11.0})
        >>> rivals("火车", lexicon)
        frozenset({('火车站', ('', '站'))})
    """
    own = max(lexicon.log_p_of(word), lexicon.least)  # a word that the lexicon lacks joins it
    found = set()
    for rival, left, right, before, after in _sharing(word, lexicon):
        if (word, rival) in lexicon.harmless or (left + word + right == rival and _is_compound(left, right, lexicon)):
            continue
        with_rival = lexicon.log_p_of(before) + lexicon.log_p[rival] + lexicon.log_p_of(after)
        if with_rival > lexicon.log_p_of(left) + own + lexicon.log_p_of(right) - MARGIN:
            found.add((rival, (left, right)))
    return frozenset(found)


def _sharing(word: str, lexicon: Segmentation) -> Iterator[tuple[str, str, str, str, str]]:
    """Yield each word that shares characters with this one and has others: what it has left and right, and what it leaves of this."""
    for size in range(1, len(word) + 1):
        for rival in _lines(lexicon.listed, word[:size] + "\n"):
            if len(rival) > size:
                yield rival, rival[:-size], "", "", word[size:]
        for rival in _lines(lexicon.listed, "\n" + word[-size:]):
            if len(rival) > size:
                yield rival, "", rival[size:], word[:-size], ""
    for rival in _lines(lexicon.listed, word):
        for begin in range(1, len(rival) - len(word)):
            if rival.startswith(word, begin):
                yield rival, rival[:begin], rival[begin + len(word) :], "", ""


def _is_compound(left: str, right: str, lexicon: Segmentation) -> bool:
    """Whether what a longer word has left of a word is a word, and right of it one of two characters: 站 in 火车站 is an ending."""
    return (not left or left in lexicon.log_p) and (not right or (len(right) > 1 and right in lexicon.log_p))


def _lines(listed: str, part: str) -> Iterator[str]:
    """Yield the lines with a part, which may begin or end with the newline between two; a line may come twice."""
    inner, place = len(part) - len(part.lstrip("\n")), listed.find(part)
    while place >= 0:
        begin = listed.rfind("\n", 0, place + inner) + 1
        yield listed[begin : listed.find("\n", begin)]
        place = listed.find(part, place + 1)
