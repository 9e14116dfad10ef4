"""Chinese words in many lines at once: the most probable division of each run of ideographs, as `text/lexicon/segmentation.py` finds it.

Words of at most four characters are numbers of 64 bits, 16 for each character, in a sorted table.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from searchgen.kernels.compiled import inlined, inner, kernel
from searchgen.text.lexicon.segmentation import UNKNOWN

__all__ = ["divide", "keys_of"]

#: Characters of the longest word.
LONGEST = 4

#: Code points of ideographs that are read: others end a run.
FIRST, LAST = 0x3400, 0x9FFF

NEWLINE = 10


def keys_of(words: list[str]) -> npt.NDArray[np.uint64]:
    """Return the number of each word, 0 for words that are too long or have other signs.

    Args:
        words: n of them.

    Returns:
        (n,) numbers; distinct words have distinct ones.

    Example:
        >>> [hex(key) for key in keys_of(["一", "一个", "iPhone"]).tolist()]
        ['0x4e00', '0x4e004e2a', '0x0']
    """
    if not words:
        return np.zeros(0, np.uint64)
    codes = np.array([word[: LONGEST + 1] for word in words], f"U{LONGEST + 1}").view(np.uint32)
    codes = codes.reshape(len(words), LONGEST + 1)
    key, used = np.zeros(len(words), np.uint64), codes > 0
    for column in range(LONGEST):
        shifted = key << np.uint64(16) | codes[:, column].astype(np.uint64)
        key = np.where(used[:, column], shifted, key)
    read = ~used | ((codes >= FIRST) & (codes <= LAST))
    return np.where(read.all(axis=1) & ~used[:, LONGEST], key, np.uint64(0))


@kernel
def divide(
    codes: Any, keys: Any, log_p: Any, number: Any, best: Any, size: Any, found: Any, begins: Any, ends: Any
) -> int:
    """Divide lines into words, and number them; a run of ASCII letters and digits is a word without a number.

    Args:
        codes: (n,) uint32 code points; every line ends with a newline.
        keys: (W,) uint64, sorted.
        log_p: (W,) float64 natural log p of each word.
        number: (W,) int32 of each word, -1: it has none.
        best: (n + 1,) float64 room for natural log p of the best division up to each place.
        size: (n + 1,) int8 room for the length of its last word.
        found: (n,) int32 receives the numbers of the words of all lines; -1 for words without one.
        begins: (n,) int64 receives the place at which each word begins.
        ends: (L,) int64 receives the number of words up to the end of each line.

    Returns:
        The number of words.
    """
    words = 0
    line = 0
    begin = 0
    other = -1  # where a run of letters begins
    for at in range(len(codes)):
        code = codes[at]
        if other >= 0 and not _is_letter(code):
            found[words], begins[words] = -1, other
            words += 1
            other = -1
            begin = at
        if FIRST <= code <= LAST:
            continue
        words = _divide_run(codes, begin, at, keys, log_p, number, best, size, found, begins, words)
        begin = at + 1
        if other < 0 and _is_letter(code):
            other = at
        if code == NEWLINE:
            ends[line] = words
            line += 1
    return words


@inlined
def _is_letter(code: int) -> bool:
    return 48 <= code <= 57 or 65 <= code <= 90 or 97 <= code <= 122


@inner
def _divide_run(
    codes: Any,
    begin: int,
    end: int,
    keys: Any,
    log_p: Any,
    number: Any,
    best: Any,
    size: Any,
    found: Any,
    begins: Any,
    words: int,
) -> int:
    """Append the numbers of the words of one run to those found, and return how many there are then; ties go to the longer last word."""
    best[begin] = 0.0
    for stop in range(begin + 1, end + 1):
        best[stop] = -np.inf
        for length in range(1, min(LONGEST, stop - begin) + 1):
            place = _find(codes, stop - length, stop, keys)
            step = log_p[place] if place >= 0 else (UNKNOWN if length == 1 else -np.inf)
            if best[stop - length] + step >= best[stop]:
                best[stop] = best[stop - length] + step
                size[stop] = length
    count = 0
    place = end
    while place > begin:
        count += 1
        place -= size[place]
    place = end
    at = words + count
    while place > begin:
        at -= 1
        word = _find(codes, place - size[place], place, keys)
        found[at] = number[word] if word >= 0 else -1
        place -= size[place]
        begins[at] = place
    return words + count


@inner
def _find(codes: Any, begin: int, end: int, keys: Any) -> int:
    """Return the place of a word in the sorted table, -1: it is not there."""
    key = np.uint64(0)
    for at in range(begin, end):
        key = (key << np.uint64(16)) | np.uint64(codes[at])
    low, high = 0, len(keys)
    while low < high:
        middle = (low + high) >> 1
        if keys[middle] < key:
            low = middle + 1
        else:
            high = middle
    return low if low < len(keys) and keys[low] == key else -1
