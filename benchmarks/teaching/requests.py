"""The requests that the student practises on: one to five concrete nouns and verbs, from one sentence or from different ones.

    python -m benchmarks.teaching.requests FOLDER [--language en] [--count 3000] [--seed 1]

Half of the requests take every inflected form of their words, as CommonGen's concepts ask. None is a set of the task files, of the judged
searches, or of a seed that readings were drawn with.
"""

import argparse
import json
import random
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.common import ROOT, shared
from benchmarks.reading import draw
from benchmarks.teaching.chinese import chinese_requests
from searchgen.text.inflection import word_forms

__all__ = ["Word", "concrete_words", "requests"]

#: Texts whose sentences lend words, and those that say which words are concrete: descriptions of what is seen and heard.
SENTENCES = ("tatoeba2", "coco", "personachat", "chitchat", "storybooks", "everyday")
SEEN, EVERYDAY = ("coco", "storybooks"), "tatoeba2"

#: How often a word occurs in these descriptions and in everyday sentences, at least; as common as so many words there, it says little.
LEAST, LEAST_EVERYDAY, COMMON = 8, 15, 120

#: How many requests of ten have one, two, three, four and five words.
SIZES = (1, 3, 3, 2, 1)

#: Words of a sentence that lends several.
LENGTHS = (4, 14)

#: Seeds of `benchmarks.reading` whose sets are shown to readers.
READ = (
    1,
    2,
    3,
    20261130,
    20261201,
    20261206,
    20261210,
    20261211,
    20261212,
    20261215,
    20261221,
    20261222,
    20261223,
    20261224,
    20261225,
    20261226,
    20270101,
    20270102,
    20270103,
    20270104,
    20270105,
    20270201,
)


class Word(NamedTuple):
    """A concrete word.

    Attributes:
        base: its base form.
        part: the letter of its part of speech, N or V.
    """

    base: str
    part: str


def main() -> None:
    """Write the requests."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.teaching.requests", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--language", choices=("en", "zh"), default="en")
    parser.add_argument("--count", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=1)
    flags = parser.parse_args()
    flags.folder.mkdir(parents=True, exist_ok=True)
    chinese = flags.language == "zh"
    found = chinese_requests(flags.count, flags.seed, READ) if chinese else requests(flags.count, flags.seed)
    lines = [json.dumps(one, ensure_ascii=False) + "\n" for one in found]
    (flags.folder / "requests.jsonl").write_text("".join(lines), encoding="utf-8")
    print(f"{len(lines):,} requests")


def requests(count: int, seed: int) -> list[list[list[str]]]:
    """Return requests: of each word the alternatives that satisfy it.

    Args:
        count: how many; the first ones are the same for every count.
        seed: of the choice.
    """
    known = concrete_words()
    chooser = random.Random(f"requests {seed}")
    pool = sorted(known)
    weights = [known[form][1] ** 0.5 for form in pool]
    sentences = _sentences(known)
    seen = set(_refused())
    found: list[list[list[str]]] = []
    while len(found) < count:
        size = chooser.choices(range(1, len(SIZES) + 1), SIZES)[0]
        if chooser.random() < 0.5:
            content = chooser.choice(sentences)
            if len(content) < size:
                continue
            words = chooser.sample(content, size)
        else:
            words = chooser.choices(pool, weights, k=size)
        bases = frozenset(known[word][0].base for word in words)
        if len(bases) < size or bases in seen:
            continue
        seen.add(bases)
        inflected = chooser.random() < 0.5
        found.append([_forms(known[word][0]) if inflected else [word] for word in words])
    return found


def _forms(word: Word) -> list[str]:
    return [form.text for form in word_forms(word.base, word.part, guess=False)] or [word.base]


def concrete_words() -> dict[str, tuple[Word, int]]:
    """Return forms of nouns and verbs that descriptions have, each with its base and how often they do."""
    seen = Counter(word for name in SEEN for line in _lines(name) for word in _words(line))
    everyday = Counter(word for line in _lines(EVERYDAY) for word in _words(line))
    common = everyday.most_common(COMMON)[-1][1]
    known: dict[str, tuple[Word, int]] = {}
    for form, times in sorted(seen.items()):
        if len(form) < 3 or times < LEAST or not LEAST_EVERYDAY <= everyday[form] <= common:
            continue
        word = _word(form)
        if word is not None:
            known[form] = (word, times)
    return known


def _word(form: str) -> Word | None:
    """Return noun or verb of a form; None: it may be neither, or something else as well."""
    from lemminflect import getAllLemmas

    lemmas = getAllLemmas(form)
    if not lemmas or set(lemmas) - {"NOUN", "VERB", "ADJ"} or not set(lemmas) & {"NOUN", "VERB"}:
        return None
    part = "NOUN" if "NOUN" in lemmas and not form.endswith(("ing", "ed")) else "VERB" if "VERB" in lemmas else "NOUN"
    return Word(lemmas[part][0], part[0])


def _sentences(known: dict[str, tuple[Word, int]]) -> list[list[str]]:
    """Return the concrete words of each sentence that has some."""
    rows = []
    for line in sorted({line for name in SENTENCES for line in _lines(name)}):
        words = _words(line)
        if LENGTHS[0] <= len(words) <= LENGTHS[1]:
            content = sorted({word for word in words if word in known})
            if content:
                rows.append(content)
    return rows


def _lines(name: str) -> list[str]:
    path = shared("corpora", "en", f"{name}.txt")
    if path is None:
        sys.exit("SEARCHGEN_SHARED names the folder of the texts")
    return path.read_text(encoding="utf-8").splitlines()


def _words(line: str) -> list[str]:
    return re.findall(r"[a-z]+", re.sub(r"[a-z]+'[a-z]+", " ", line.lower()))


def _refused() -> Iterator[frozenset[str]]:
    """Yield the sets that others are measured with, as base forms."""
    for sets in (*_tasks(), *_judged(), *(one["words"] for seed in READ for one in draw(seed))):
        words = sets if isinstance(sets, list) else []
        yield frozenset(_base(str(word).strip().lower()) for word in words)


def _tasks() -> Iterator[Sequence[str]]:
    path = shared("tasks", "keywords-en.txt")
    for line in path.read_text(encoding="utf-8").splitlines() if path else ():
        yield line.split(",")


def _judged() -> Iterator[Sequence[str]]:
    for line in (ROOT / "benchmarks" / "judged" / "en.tsv").read_text(encoding="utf-8").splitlines():
        yield line.split("\t")[0].split(",")


def _base(word: str) -> str:
    found = _word(word) if word.isalpha() and word.isascii() else None
    return found.base if found else word


if __name__ == "__main__":
    main()
