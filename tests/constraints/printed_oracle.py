"""Judges printed texts by their characters: what each condition on the printed text means, spelled out. Imports nothing of searchgen."""

import re
import unicodedata
from collections.abc import Callable

#: Signs that are no part of a word at its edges.
OUTER = '.,;:!?…"“”‘’()[]-–—。，、；：！？（）《》「」『』【】〈〉·'
HAN = "\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"

Verdict = Callable[[str], bool]


def words_of(text: str) -> list[str]:
    """What spaces part, the outer marks off."""
    parts = [part.strip(OUTER) for part in text.split(" ")]
    return [part for part in parts if part]


def characters_of(text: str) -> list[str]:
    """Ideographs one by one, and runs of other letters, digits and signs, as Chinese counts them."""
    wide = "".join(mark for mark in OUTER if ord(mark) > 127)
    return re.findall(f"[{HAN}]|[^{HAN} {wide}]+", text)


def bare(text: str) -> str:
    """The letters of a text, without case and accents."""
    apart = unicodedata.normalize("NFD", text)
    return "".join(sign for sign in apart if sign.isalpha()).casefold()


def without_letters(letters: str) -> Verdict:
    return lambda text: not any(letter in bare(text) for letter in letters)


def only_letters(letters: str) -> Verdict:
    return lambda text: bare(text) != "" and all(letter in letters for letter in bare(text))


def univocalic(vowel: str) -> Verdict:
    def holds(text: str) -> bool:
        found = [letter for letter in bare(text) if letter in "aeiou"]
        wanted = found[:1] if vowel == "any" else [vowel]
        return bool(found) and found == wanted * len(found)

    return holds


def acrostic_words(spelled: str) -> Verdict:
    return lambda text: [bare(word)[:1] for word in words_of(text)] == list(spelled)


def last_letters(spelled: str) -> Verdict:
    return lambda text: [bare(word)[-1:] for word in words_of(text)] == list(spelled)


def alliteration(letter: str) -> Verdict:
    def holds(text: str) -> bool:
        first = [bare(word)[:1] for word in words_of(text)]
        wanted = first[:1] if letter == "any" else [letter]
        return "" not in first and first == wanted * len(first)

    return holds


def words(low: int, high: int, count: Callable[[str], list[str]] = words_of) -> Verdict:
    return lambda text: low <= len(count(text)) <= high


def sentences(low: int, high: int, short: tuple[str, ...] = ("Mr.",)) -> Verdict:
    """Parts of words, each ended by a part with a final mark; abbreviations end none."""

    def holds(text: str) -> bool:
        ended, inside = 0, False
        for part in text.split(" "):
            bare = part.strip("“”‘’()[]\"'")
            inside = inside or any(map(str.isalnum, part))
            if inside and bare not in short and bare.endswith((".", "?", "!", "…")):
                ended, inside = ended + 1, False
        return not inside and low <= ended <= high

    return holds


def characters(low: int, high: int) -> Verdict:
    return lambda text: low <= len(text) <= high


def word_length(low: int, high: int) -> Verdict:
    return lambda text: all(low <= len(word) <= high for word in words_of(text))


def at(place: int, word: str, count: Callable[[str], list[str]] = words_of) -> Verdict:
    """One word, case aside."""

    def holds(text: str) -> bool:
        found = count(text)
        index = place - 1 if place > 0 else len(found) + place
        return 0 <= index < len(found) and found[index].casefold() == word.casefold()

    return holds
