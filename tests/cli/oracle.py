"""Judges printed texts by their own letters: an independent check that imports nothing of searchgen.

It has a tokeniser of its own (a regular expression), reads what the command line printed, and says which demands a text breaks.
In Chinese keywords are substrings and every character is a word.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

HAN = "\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
ENGLISH = re.compile(r"[^\W\d_]\.(?:[^\W\d_]\.)+|\d+(?:[.,:]\d+)*[^\W\d_]*%?|'?[^\W_]+(?:'[^\W_]+)*'?|\.\.\.|--|\S")
CHINESE = re.compile(rf"[{HAN}]|[^\W_{HAN}]+(?:['.,:-][^\W_{HAN}]+)*|……|——|\S")
TITLES = (
    "mr|mrs|ms|messrs|mme|mlle|dr|st|prof|rev|capt|col|gen|lt|sgt|maj|cmdr|adm|hon|gov|sen|rep|pres|supt|insp|jr|sr|esq"
)
OTHERS = "co|corp|inc|ltd|bros|mt|ft|ave|blvd|jan|feb|aug|sept|oct|nov|dec|vs|etc|viz|cf|vol|pp"
STOPPED = re.compile(f"{TITLES}|{OTHERS}")
FINAL = frozenset(".?!。？！")
MARKS = dict(zip("“‘([（《", "”’)]）》", strict=True))


@dataclass(frozen=True)
class Demand:
    """What was asked for, in the words of the flags."""

    keywords: Sequence[Sequence[str]] = ()
    ordered: bool = False
    forbid: Sequence[str] = ()
    starts_with: str = ""
    ends_with: str = ""
    window: tuple[int, int] = (1, 10**9)
    sentence: bool = True
    quotes: bool = False
    chinese: bool = False


def tokens(text: str, chinese: bool) -> list[str]:
    """Split a printed text; a stop that belongs to an abbreviation stays with it."""
    split = (CHINESE if chinese else ENGLISH).findall(text.casefold())
    result: list[str] = []
    for token in split:
        if token == "." and result and not chinese and (STOPPED.fullmatch(result[-1]) or _initial(result[-1])):
            result[-1] += "."
        else:
            result.append(token)
    if result and len(result[-1]) > 1 and result[-1][-1] == "." and result[-1].strip(".") and result[-1] != "...":
        result[-1:] = [result[-1][:-1], "."]  # the last stop ends the sentence, too
    return result


def _initial(token: str) -> bool:
    return len(token) == 1 and token.isalpha() and token != "i"


def broken(text: str, demand: Demand) -> list[str]:
    """Return which demands a text breaks; empty when it keeps them all."""
    return list(_broken(text, demand))


def _broken(text: str, demand: Demand) -> Iterator[str]:
    words = tokens(text, demand.chinese)
    if not text.strip() or "\n" in text:
        yield "text"
    count = sum(any(map(str.isalnum, word)) for word in words)
    if not demand.window[0] <= count <= demand.window[1]:
        yield f"window: {count}"
    yield from (f"keyword {'|'.join(item)}" for item in demand.keywords if not _places(item, words, demand))
    if demand.ordered and not _in_order(words, demand):
        yield "order"
    yield from (f"forbid {one}" for one in demand.forbid if _occurs_within(one, words, demand))
    if demand.starts_with and not _begins(demand.starts_with, words, demand):
        yield "starts-with"
    if demand.ends_with and not _ends(demand.ends_with, words, demand):
        yield "ends-with"
    if demand.sentence:
        yield from _no_sentence(words)
    if not demand.quotes and any(mark in text for pair in MARKS.items() for mark in pair if mark not in "‘’"):
        yield "quotes"


def _phrase(words: str, demand: Demand) -> list[str]:
    # A phrase ends no sentence: give it a mark to end with, and take it away.
    return tokens(words + ("。" if demand.chinese else " !"), demand.chinese)[:-1]


def _places(item: Sequence[str], words: Sequence[str], demand: Demand) -> list[tuple[int, int]]:
    """Return where an alternative begins and ends, in tokens (characters in Chinese)."""
    found = []
    for one in item:
        phrase = list("".join(_phrase(one, demand))) if demand.chinese else _phrase(one, demand)
        within = list("".join(words)) if demand.chinese else list(words)
        size = len(phrase)
        found += [(place, place + size) for place in range(len(within)) if within[place : place + size] == phrase]
    return found


def _in_order(words: Sequence[str], demand: Demand) -> bool:
    at = 0
    for item in demand.keywords:
        ends = [end for start, end in _places(item, words, demand) if start >= at]
        if not ends:
            return False
        at = min(ends)
    return True


def _occurs_within(one: str, words: Sequence[str], demand: Demand) -> bool:
    if _places([one], words, demand):
        return True
    return not demand.chinese and any(one.casefold() in re.split(r"[^\w]+", word) for word in words)


def _begins(start: str, words: Sequence[str], demand: Demand) -> bool:
    phrase = _phrase(start, demand)
    return list(words[: len(phrase)]) == phrase


def _ends(end: str, words: Sequence[str], demand: Demand) -> bool:
    phrase, rest = _phrase(end, demand), list(words)
    while rest and rest[-len(phrase) :] != phrase and (rest[-1] in FINAL or rest[-1] in MARKS.values()):
        rest.pop()
    return rest[-len(phrase) :] == phrase


def _no_sentence(words: Sequence[str]) -> Iterator[str]:
    if not words or words[-1] not in FINAL:
        yield "final mark"
    if any(word in FINAL for word in words[:-1]):
        yield "mark inside"
    expected = ""
    for word in words:
        if word == expected:
            expected = ""
        elif word in MARKS or (word in MARKS.values() and word != "’"):
            if expected or word not in MARKS:
                yield "nesting"
                return
            expected = MARKS[word]
    if expected:
        yield "unclosed"
