"""Learn the words of Chinese from plain texts, without a list of words, for the lexicon that comes with searchgen.

python -m benchmarks.chinese_words ../shared/corpora/zh -o searchgen/text/lexicon/zh-words.npz

Every row of two to four characters is a candidate that occurs often, whose characters are drawn to each other, and that has many
neighbours on both sides (branching entropy). The texts are divided into candidates and characters, each time by the most probable
division under the counts of the last one. A candidate is dropped as it becomes rare, and where it is hardly more frequent than its parts
side by side would be (`WORTH`): 不知道 is 不 and 知道, while 火车站 is more than 火车 and 站. Characters that are words more often than
others (的, 了, 一) are parts of phrases rather than of words, so that a longer candidate with one of them at its end must be worth more.
"""

import argparse
import re
from pathlib import Path
from typing import NamedTuple

import numba
import numpy as np
import numpy.typing as npt

from searchgen.text.lexicon.rivals import rivals
from searchgen.text.lexicon.segmentation import Segmentation

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

HAN = re.compile("[\u4e00-\u9fff]+")

#: Bits of a character in the code of a row, and the longest row.
BITS, LONGEST = 13, 4

#: A candidate's least count, least nats of mutual information between its halves, and least entropy of its neighbours on each side.
CANDIDATE_COUNT, COHESION, ENTROPY = 8, 1.0, 1.0

#: How many nats more probable a word of 2, 3 and 4 characters is than its best division, for each border of that.
WORTH = np.array([0.0, 0.0, 3.0, 6.0, 7.0])

#: How much more for each end that is one of the so many most frequent words of one character.
END_WORTH, FREQUENT = np.array([0.0, 0.0, 0.5, 3.0, 3.0]), 100

#: A word's least count in the division, and the divisions; the bounds come in from the fourth to the seventh on.
WORD_COUNT, DIVISIONS = 6, 14

#: So often at least a word is whole where a more probable one crosses its border, so that this one does not count against it.
HARMLESS = 10

#: Verse in the language of another time, and texts whose licence is handed on to what is made of them.
LEFT_OUT = ("tang.txt", "by-sa")


class Candidates(NamedTuple):
    """Words and characters, numbered from 1 on; and which of them begin at each place of the texts."""

    words: list[str]
    count: Floats  # (W,)
    at: npt.NDArray[np.int32]  # (N, 4) by size; 0: none


def texts_of(folder: Path) -> list[Path]:
    """The texts of a folder that are learnt from."""
    found = [path for path in sorted(folder.rglob("*.txt")) if not {*path.relative_to(folder).parts} & {*LEFT_OUT}]
    if not found:
        raise SystemExit(f"{folder} has no texts")
    return found


def read(paths: list[Path]) -> tuple[list[str], Ints]:
    """The characters, and the texts as their numbers: 0 parts rows of characters; a line counts once."""
    lines = dict.fromkeys(line for path in paths for line in path.read_text(encoding="utf-8").splitlines())
    rows = "\0".join(["", *(row for line in lines for row in HAN.findall(line)), ""])
    codes, ids = np.unique(np.frombuffer(rows.encode("utf-16-le"), np.uint16), return_inverse=True)
    if len(codes) > 1 << BITS:
        raise SystemExit(f"the texts have {len(codes):,} characters; at most {1 << BITS:,} are possible")
    return [chr(code) for code in codes], ids.astype(np.int64)


def rows_of(ids: Ints, size: int) -> Ints:
    """The code of the row of a size that begins at each place; -1 where a text ends in it."""
    count = len(ids) - size + 1
    code, inside = np.zeros(count, np.int64), np.ones(count, np.bool_)
    for place in range(size):
        part = ids[place : place + count]
        code = code << BITS | part
        inside &= part > 0
    return np.where(inside, code, -1)


def neighbours_entropy(rank: Ints, neighbour: Ints, count: Ints) -> Floats:
    """The entropy of the neighbours of each row; each end of a text is a neighbour of its own."""
    rank, neighbour = rank[rank >= 0], neighbour[rank >= 0]
    different = np.where(neighbour == 0, (1 << 20) + np.arange(len(neighbour)), neighbour)
    pairs, times = np.unique(rank << 32 | different, return_counts=True)
    share = times / count[pairs >> 32]
    return np.bincount(pairs >> 32, -share * np.log(share), len(count))


def place_of(codes: Ints, listed: Ints) -> Ints:
    """The place of each code in a sorted list; -1: it is not in it."""
    place = np.minimum(np.searchsorted(listed, codes), len(listed) - 1)
    return np.where(listed[place] == codes, place, -1)


def candidates(letters: list[str], ids: Ints) -> Candidates:
    """The candidates in texts."""
    tables = {1: (np.arange(len(letters)), np.bincount(ids, minlength=len(letters)))}
    total, mask = (ids > 0).sum(), (1 << BITS) - 1
    words, counts = [*letters], [tables[1][1]]
    at = np.zeros((len(ids), LONGEST), np.int32)
    at[:, 0] = ids
    for size in range(2, LONGEST + 1):
        codes = rows_of(ids, size)
        listed, count = np.unique(codes, return_counts=True)
        listed, count = (one[(listed >= 0) & (count >= CANDIDATE_COUNT)] for one in (listed, count))
        tables[size] = listed, count
        drawn = np.full(len(listed), np.inf)
        for left in range(1, size):
            right = size - left
            parts = (left, listed >> BITS * right), (right, listed & (1 << BITS * right) - 1)
            seen = [tables[n][1][np.maximum(place_of(code, tables[n][0]), 0)] for n, code in parts]
            drawn = np.minimum(drawn, np.log(count) + np.log(total) - np.log(seen[0]) - np.log(seen[1]))
        rank = place_of(codes, listed)
        before = np.concatenate([[0], ids])[: len(rank)]
        after = np.concatenate([ids, [0] * size])[size : size + len(rank)]
        varied = np.minimum(neighbours_entropy(rank, before, count), neighbours_entropy(rank, after, count))
        chosen = (drawn >= COHESION) & (varied >= ENTROPY)
        place = place_of(codes, listed[chosen])
        at[: len(place), size - 1] = np.where(place >= 0, place + len(words), 0)
        words += [
            "".join(letters[code >> BITS * (size - 1 - n) & mask] for n in range(size))
            for code in listed[chosen].tolist()
        ]
        counts.append(count[chosen])
    return Candidates(words, np.concatenate(counts).astype(np.float64), at)


@numba.njit
def best_division(ids, at, log_p, begin, best, size_of):  # type: ignore[no-untyped-def]
    """Divide the row of characters at a place into its most probable words; return its end. `size_of` has the word before each place."""
    end = begin
    while end < len(ids) and ids[end] > 0:
        end += 1
    best[begin] = 0.0
    best[begin + 1 : end + 1] = -np.inf
    for place in range(begin, end):
        for size in range(1, min(at.shape[1], end - place) + 1):
            word = at[place, size - 1]
            if word > 0 and best[place] + log_p[word] > best[place + size]:
                best[place + size] = best[place] + log_p[word]
                size_of[place + size] = size
    return end


@numba.njit
def divide(ids, at, log_p, count):  # type: ignore[no-untyped-def]
    """Count the words of the most probable division of each row of characters."""
    best, size_of = np.zeros(len(ids) + 1), np.zeros(len(ids) + 1, np.int8)
    count[:] = 0
    begin = 0
    while begin < len(ids):
        end = best_division(ids, at, log_p, begin, best, size_of)
        place = end
        while place > begin:
            count[at[place - size_of[place], size_of[place] - 1]] += 1
            place -= size_of[place]
        begin = end + 1


@numba.njit
def worth(parts, length, log_p, gain, borders):  # type: ignore[no-untyped-def]
    """How much more probable each word is than its best division into others, and the borders of that."""
    for word in range(1, len(length)):
        best, pieces = np.full(5, -np.inf), np.zeros(5, np.int64)
        best[0] = 0.0
        for end in range(1, length[word] + 1):
            for size in range(1, min(end, length[word] - 1) + 1):
                part = parts[word, end - size, size - 1]
                if best[end - size] + log_p[part] > best[end]:
                    best[end] = best[end - size] + log_p[part]
                    pieces[end] = pieces[end - size] + 1
        gain[word], borders[word] = log_p[word] - best[length[word]], pieces[length[word]] - 1


@numba.njit
def crossed(ids, at, log_p):  # type: ignore[no-untyped-def]
    """For each border of the most probable division that a word crosses: the word on either side of the border, and that other."""
    best, size_of = np.zeros(len(ids) + 1), np.zeros(len(ids) + 1, np.int8)
    found = []
    begin = 0
    while begin < len(ids):
        end = best_division(ids, at, log_p, begin, best, size_of)
        place, after = end - size_of[end] if end > begin else begin, end
        while place > begin:
            before = place - size_of[place]
            one, other = at[before, place - before - 1], at[place, after - place - 1]
            for left in range(1, min(place - before, 3) + 1):
                for right in range(1, min(after - place, 4 - left) + 1):
                    word = at[place - left, left + right - 1]
                    if word > 0 and log_p[word] > -np.inf:
                        found.append((np.int64(one) << 32) | word)
                        found.append((np.int64(other) << 32) | word)
            place, after = before, place
        begin = end + 1
    return np.array(found, np.int64)


def harmless_pairs(ids: Ints, found: Candidates, log_p: Floats) -> list[tuple[str, str]]:
    """Words with others that cross their borders in texts, but seldom take their place."""
    pairs, times = np.unique(crossed(ids, found.at, log_p), return_counts=True)
    count = dict(zip(pairs.tolist(), times.tolist(), strict=True))
    return [
        (found.words[pair >> 32], found.words[pair & 0xFFFFFFFF])
        for pair, seen in count.items()
        if seen >= HARMLESS and seen > count.get(pair << 32 & (1 << 63) - 1 | pair >> 32, 0)
    ]


def learnt(ids: Ints, found: Candidates) -> tuple[dict[str, float], list[tuple[str, str]]]:
    """Natural log p of each word that is left in the end, and pairs of them."""
    words, count = found.words, found.count.copy()
    number = {word: place for place, word in enumerate(words)}
    length = np.array([0, *map(len, words[1:])])
    parts = np.zeros((len(words), LONGEST, LONGEST), np.int32)
    for place, word in enumerate(words[1:], 1):
        for begin in range(len(word)):
            for end in range(begin + 1, len(word) + 1):
                parts[place, begin, end - begin - 1] = number.get(word[begin:end], 0)
    first, last = parts[:, 0, 0], parts[np.arange(len(words)), np.maximum(length - 1, 0), 0]
    alive = np.arange(len(words)) > 0
    gain, borders = np.zeros(len(words)), np.zeros(len(words), np.int64)

    def log_p() -> Floats:
        smoothed = np.where(alive, np.maximum(count, np.where(length == 1, 0.5, 0.0)), 0.0)
        with np.errstate(divide="ignore"):
            return np.log(smoothed / smoothed.sum())

    for division in range(DIVISIONS):
        divide(ids, found.at, log_p(), count)
        strictness = min(1.0, (division - 2) / 4)
        if strictness > 0:
            worth(parts, length, log_p(), gain, borders)
            frequent = np.zeros(len(words), np.bool_)
            frequent[np.argsort(-np.where(length == 1, count, 0), kind="stable")[:FREQUENT]] = True
            wanted = WORTH[length] * np.where(length > 2, np.maximum(borders, 1), 1)
            wanted += END_WORTH[length] * (frequent[first].astype(int) + frequent[last])
            alive &= (length == 1) | ((count >= WORD_COUNT * strictness) & (gain >= wanted * strictness))
        print(
            f"division {division + 1}: {int((alive & (length > 1)).sum()):,} words of two characters and more",
            flush=True,
        )
    left = np.flatnonzero(alive & (count > 0))
    named = zip((words[place] for place in left), np.log(count[left] / count[left].sum()).tolist(), strict=True)
    return dict(named), harmless_pairs(ids, found, log_p())


def main() -> None:
    """Read the texts, learn the words, and write them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.chinese_words", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("-o", "--output", required=True, type=Path)
    flags = parser.parse_args()
    paths = texts_of(flags.folder)
    letters, ids = read(paths)
    print(f"{len(paths)} texts, {int((ids > 0).sum()):,} characters, {len(letters) - 1:,} different ones", flush=True)
    log_p, pairs = learnt(ids, candidates(letters, ids))
    sources = tuple(path.relative_to(flags.folder).as_posix() for path in paths)
    lexicon = Segmentation(log_p, sources)
    harmless = {word: {rival for rival, _ in rivals(word, lexicon)} for word in dict(pairs)}
    Segmentation(log_p, sources, frozenset(pair for pair in pairs if pair[1] in harmless[pair[0]])).save(flags.output)
    sizes = [sum(len(word) == size for word in log_p) for size in range(1, LONGEST + 1)]
    print(f"{flags.output}: {len(log_p):,} words, by size {sizes}, {flags.output.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
