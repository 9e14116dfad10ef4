"""How many words two texts share: the measure that similarity of meaning is held against."""

from collections import Counter
from collections.abc import Sequence

__all__ = ["overlap"]


def overlap(words: Sequence[str], other: Sequence[str]) -> float:
    """Return the Dice coefficient of two bags of words: twice the words in both over the words of each.

    Args:
        words: of one text, folded as they are compared; in Chinese characters.
        other: of another.

    Returns:
        0 (no word is shared) to 1 (the same words, in any order); 1 for two texts without words.

    Example:
        >>> overlap("the dog saw the cat".split(), "the cat ran".split())
        0.5
    """
    total, left, shared = len(words) + len(other), Counter(other), 0
    for word in words:
        if left.get(word, 0):
            left[word] -= 1
            shared += 1
    return 2 * shared / total if total else 1.0
