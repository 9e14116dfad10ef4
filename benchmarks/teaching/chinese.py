"""The Chinese requests that the student practises on: one to four everyday words, from one sentence or from different ones."""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise

from benchmarks.common import shared
from benchmarks.reading import draw
from searchgen.text.lexicon.segmentation import chinese_words

__all__ = ["chinese_requests"]

#: Files whose sentences lend words, and how many characters these sentences have.
SENTENCES, LENGTHS = ("tatoeba2", "tatoeba", "xpersona", "storybooks", "xcopa"), (5, 20)

#: How often a word occurs there at least; and as common as so many words, it says little.
LEAST, COMMON = 6, 60

#: How many requests of ten have one, two, three and four words.
SIZES = (1, 5, 3, 1)


def chinese_requests(count: int, seed: int, read: Sequence[int]) -> list[list[list[str]]]:
    """Return requests; none is a set of the task file, or of a seed of the blind readings.

    Args:
        count: how many; the first ones are the same for every count.
        seed: of the choice.
        read: seeds of readings.
    """
    sentences = list(_sentences())
    counts = Counter(word for words in sentences for word in words)
    common = {word for word, _ in counts.most_common(COMMON)}
    known = {word for word, times in counts.items() if times >= LEAST and word not in common}
    content = [words for words in (sorted(set(words) & known) for words in sentences) if words]
    pool, seen = sorted(known), set(_refused(read))
    weights = [counts[word] ** 0.5 for word in pool]
    chooser = random.Random(f"requests zh {seed}")
    found: list[list[list[str]]] = []
    while len(found) < count:
        size = chooser.choices(range(1, len(SIZES) + 1), SIZES)[0]
        one = chooser.choice(content) if chooser.random() < 0.5 else chooser.choices(pool, weights, k=size)
        if len(set(one)) < size:
            continue
        words = chooser.sample(sorted(set(one)), size)
        if frozenset(words) not in seen:
            seen.add(frozenset(words))
            found.append([[word] for word in words])
    return found


def _sentences() -> Iterator[list[str]]:
    """Yield the words of two characters and more of each sentence, in the order of the sentences."""
    lexicon = chinese_words()
    for line in sorted({line for name in SENTENCES for line in _lines("corpora", "zh", f"{name}.txt")}):
        if LENGTHS[0] <= len(line) <= LENGTHS[1]:
            borders = sorted(lexicon.borders(line))
            words = [line[start:end] for start, end in pairwise(borders)]
            yield [word for word in words if len(word) > 1 and word.isalpha() and not word.isascii()]


def _refused(read: Sequence[int]) -> Iterator[frozenset[str]]:
    """Yield the sets that others are measured with."""
    for line in _lines("tasks", "keywords-zh.txt"):
        yield frozenset(line.split(","))
    for one in (one for seed in read for one in draw(seed)):
        assert isinstance(one["words"], list)
        yield frozenset(one["words"])


def _lines(*names: str) -> list[str]:
    path = shared(*names)
    return path.read_text(encoding="utf-8").splitlines() if path else []
