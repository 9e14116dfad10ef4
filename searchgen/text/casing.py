"""The capital with which a text begins: printing it, and finding the word behind it."""

from collections.abc import Mapping
from unicodedata import is_normalized

__all__ = ["capitalised", "true_case", "uncapitalised"]


def capitalised(word: str) -> str:
    """A word as it is printed at the beginning of a text.

    Args:
        word: a word; its first letter or digit may follow an apostrophe.

    Returns:
        The word with a capital. A word with a capital inside (`iPhone`), and a letter whose capital is not one letter
        that leads back to it (`ß`), stay as they are.

    >>> [capitalised(word) for word in ("the", "'tis", "iPhone", "ßa", "5th")]
    ['The', "'Tis", 'iPhone', 'ßa', '5th']
    """
    if not word:
        return word
    place = 0 if word[0].isalnum() or len(word) == 1 else 1
    small, tail = word[place], word[place + 1 :]
    large = small.upper()
    if large == small or len(large) != 1 or large.lower() != small or any(map(str.isupper, tail)):
        return word
    result = word[:place] + large + tail
    return result if result.isascii() or is_normalized("NFC", result) else word


def uncapitalised(printed: str) -> str | None:
    """The other word that is printed so at the beginning of a text.

    Args:
        printed: a word with a capital.

    Returns:
        The word without it; None when there is none.

    >>> uncapitalised("The"), uncapitalised("USA"), uncapitalised("5th")
    ('the', None, None)
    """
    if not printed:
        return None
    place = 0 if printed[0].isalnum() or len(printed) == 1 else 1
    small = printed[:place] + printed[place].lower() + printed[place + 1 :]
    return small if small != printed and capitalised(small) == printed else None


def true_case(printed: str, preference: Mapping[str, float]) -> str:
    """The word meant by the first word of a text.

    Args:
        printed: the word with its capital.
        preference: the weight of each known word.

    Returns:
        Of its two forms the one known, or the heavier (the small one if they weigh the same); as printed if neither is.

    >>> true_case("The", {"the": 5.0, "The": 1.0}), true_case("Paris", {"Paris": 1.0}), true_case("Zog", {})
    ('the', 'Paris', 'Zog')
    """
    small = uncapitalised(printed)
    if small is None or small not in preference:
        return printed
    return small if printed not in preference or preference[small] >= preference[printed] else printed
