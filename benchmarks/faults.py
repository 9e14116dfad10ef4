"""Sentences with one planted fault each, by a seed: agreement, article, preposition, order, or a typo that is a word.

    python -m benchmarks.faults [--lang en] [--count 20]

Faults in Chinese: a homophone, a particle, a measure word, two characters in the wrong order, a character too few.
The faults are made by rules of their own; nothing here is shared with the proposals of `fix`.
"""

import argparse
import random
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from searchgen.lm.ngram.load import load

__all__ = ["CHINESE", "ENGLISH", "Fault", "main", "planted", "sentences"]

CORPORA = Path(__file__).parent.parent / "corpora"

#: Lines of a corpus that the weights were tuned on; the others are the test's.
TUNING = 101

VERBS = {
    "is": "are",
    "are": "is",
    "was": "were",
    "were": "was",
    "has": "have",
    "have": "has",
    "does": "do",
    "do": "does",
}
PREPOSITIONS = [
    "in",
    "on",
    "at",
    "to",
    "for",
    "of",
    "with",
    "from",
    "by",
    "about",
    "into",
    "over",
    "under",
    "through",
    "after",
    "before",
]
ARTICLES = ("a", "an", "the")
OWNERS = ["my", "your", "his", "her", "our", "their", "he", "she", "we", "they"]
MANY = ["two", "three", "four", "five", "six", "seven", "ten", "many", "these", "those", "few", "several"]

PARTICLES = "的地得了着过"
MEASURES = "个只条本张把件辆座间杯位封棵家"

#: Common words among the typos, by rank in the n-gram model.
COMMON = 15_000


class Fault(NamedTuple):
    """A sentence with a fault.

    Attributes:
        kind: of the fault.
        text: with the fault.
        right: without it.
    """

    kind: str
    text: str
    right: str


def sentences(language: str, tuning: bool = False) -> list[str]:
    """Return the lines of a corpus in an order of their own: those for the weights, or the others."""
    lines = (CORPORA / f"everyday-{language}.txt").read_text(encoding="utf-8").splitlines()
    random.Random(1).shuffle(lines)
    return lines[:TUNING] if tuning else lines[TUNING:]


def planted(language: str, count: int, seed: int = 23, tuning: bool = False) -> Iterator[Fault]:
    """Yield sentences with a fault, kinds in turn as far as a sentence allows.

    Args:
        language: en or zh.
        count: of sentences; lines are taken again, with another fault, when there are more.
        seed: of the faults.
        tuning: take the lines for tuning.
    """
    kinds = ENGLISH if language == "en" else CHINESE
    draw, lines = random.Random(seed), sentences(language, tuning)
    for number in range(count):
        right = lines[number % len(lines)]
        turn = (number + number // len(lines)) % len(kinds)
        order = [*kinds][turn:] + [*kinds][:turn]
        for kind in order:
            texts = sorted({text for text in kinds[kind](right) if text != right})
            if texts:
                yield Fault(kind, draw.choice(texts), right)
                break


def _words(line: str) -> list[str]:
    return line.split(" ")


def _put(words: Sequence[str], at: int, new: Sequence[str], old: int = 1) -> str:
    """The sentence with other words at a place; marks stay behind the last, and the first word has its capital."""
    tail = words[at + old - 1][len(words[at + old - 1].rstrip(".,?!;:")) :] if old else ""
    row = [*words[:at], *new, *words[at + old :]]
    if new and tail:
        row[at + len(new) - 1] += tail
    elif tail:
        row[at - 1] += tail
    if at == 0:
        row[0] = row[0][0].upper() + row[0][1:]
    return " ".join(row)


def _bare(word: str) -> str:
    return word.rstrip(".,?!;:").lower()


def _agreement(line: str) -> Iterator[str]:
    from lemminflect import getAllInflections, getAllLemmas

    words = _words(line)
    for at, word in enumerate(words):
        bare, before = _bare(word), _bare(words[at - 1]) if at else ""
        if bare in VERBS:
            yield _put(words, at, [VERBS[bare]])
            continue
        if not bare.isalpha() or (word != word.lower() and at):
            continue
        verbs = [lemma for lemma in getAllLemmas(bare).get("VERB", ()) if lemma != bare]
        if before in ("he", "she", "it", "who", "that") and verbs and bare.endswith("s"):
            yield _put(words, at, [verbs[0]])
        if before in ("have", "has", "had") and verbs:
            yield _put(words, at, [verbs[0]])
        forms = getAllInflections(bare)
        if before in ("i", "you", "we", "they", "to") and forms.get("VB") == (bare,) and forms.get("VBZ"):
            yield _put(words, at, [forms["VBZ"][0]])
        nouns = [lemma for lemma in getAllLemmas(bare).get("NOUN", ()) if lemma != bare]
        if before in MANY and nouns:
            yield _put(words, at, [nouns[0]])
        if before in ("a", "an", "one", "this", "every") and forms.get("NN") == (bare,) and forms.get("NNS"):
            yield _put(words, at, [forms["NNS"][0]])


def _article(line: str) -> Iterator[str]:
    words = _words(line)
    for at, word in enumerate(words):
        if _bare(word) in ARTICLES and at + 1 < len(words):
            yield _put(words, at, [])
        if _bare(word) in ("a", "an"):
            yield _put(words, at, ["an" if _bare(word) == "a" else "a"])
        if at and _bare(word) in OWNERS:
            yield _put(words, at, ["the", word])


def _preposition(line: str) -> Iterator[str]:
    words = _words(line)
    for at, word in enumerate(words):
        if at and word in PREPOSITIONS:
            yield _put(words, at, [])
            yield from (_put(words, at, [other]) for other in PREPOSITIONS if other != word)


def _order(line: str) -> Iterator[str]:
    words = _words(line)
    for at in range(1, len(words) - 1):
        if words[at].isalpha() and words[at + 1].rstrip(".?!").isalpha() and words[at] != words[at + 1]:
            yield _put(words, at, [_bare(words[at + 1]), words[at]], 2)


def _typo(line: str) -> Iterator[str]:
    words, common = _words(line), _common()
    for at, word in enumerate(words):
        if len(_bare(word)) > 2 and word.islower():
            yield from (_put(words, at, [other]) for other in _near(_bare(word)) if other in common)


@cache
def _common() -> frozenset[str]:
    return frozenset(token for token in load("en-ngram").vocabulary[3:COMMON] if token.isalpha() and token.islower())


def _near(word: str) -> Iterator[str]:
    """Strings one slip of a key away."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    for at in range(len(word) + 1):
        head, tail = word[:at], word[at:]
        yield from (head + letter + tail for letter in letters)
        yield from (head + letter + tail[1:] for letter in letters if tail)
        if tail:
            yield head + tail[1:]
        if len(tail) > 1:
            yield head + tail[1] + tail[0] + tail[2:]


def _homophone(line: str) -> Iterator[str]:
    # The first 3,755 characters of GB 2312 stand in the order of their sound.
    for at, sign in enumerate(line):
        code = _code(sign)
        if code is not None:
            for other in (code - 2, code - 1, code + 1, code + 2):
                if 0 <= other < LEVEL_1:
                    yield line[:at] + _sign(other) + line[at + 1 :]


LEVEL_1 = 3755


def _code(sign: str) -> int | None:
    """The place of a character among the common ones of GB 2312."""
    try:
        row, column = sign.encode("gb2312")
    except (UnicodeEncodeError, ValueError):
        return None
    code = (row - 0xB0) * 94 + column - 0xA1
    return code if 0 <= code < LEVEL_1 else None


def _sign(code: int) -> str:
    return bytes([0xB0 + code // 94, 0xA1 + code % 94]).decode("gb2312")


def _one_of(signs: str) -> Callable[[str], Iterator[str]]:
    def exchanged(line: str) -> Iterator[str]:
        for at, sign in enumerate(line):
            if at and sign in signs:
                yield from (line[:at] + other + line[at + 1 :] for other in signs if other != sign)

    return exchanged


def _exchanged(line: str) -> Iterator[str]:
    for at in range(len(line) - 1):
        if line[at].isalpha() and line[at + 1].isalpha():
            yield line[:at] + line[at + 1] + line[at] + line[at + 2 :]


def _too_few(line: str) -> Iterator[str]:
    for at, sign in enumerate(line):
        if sign.isalpha() and at:
            yield line[:at] + line[at + 1 :]


Kinds = dict[str, Callable[[str], Iterator[str]]]

ENGLISH: Kinds = {
    "agreement": _agreement,
    "article": _article,
    "preposition": _preposition,
    "order": _order,
    "typo": _typo,
}
CHINESE: Kinds = {
    "homophone": _homophone,
    "particle": _one_of(PARTICLES),
    "measure word": _one_of(MEASURES),
    "order": _exchanged,
    "too few": _too_few,
}


def main() -> None:
    """Show some faults."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lang", choices=("en", "zh"), default="en")
    parser.add_argument("--count", type=int, default=20)
    asked = parser.parse_args()
    for fault in planted(asked.lang, asked.count):
        print(f"{fault.kind:12} {fault.text} | {fault.right}")


if __name__ == "__main__":
    main()
