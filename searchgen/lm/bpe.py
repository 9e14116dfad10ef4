"""Byte-level byte-pair encoding: texts to pieces, the same as the tokenizers library gives, in Python alone.

That library is no part of a plain installation, for a dozen packages come with it. Words repeat, so a cache makes up for the speed.
Sennrich, Haddow and Birch, "Neural Machine Translation of Rare Words with Subword Units" (2016); over bytes: Radford et al. (2019).
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from searchgen.errors import ModelFileError

__all__ = ["BEGIN", "END", "PATTERN", "BytePairs", "byte_signs"]

#: The pieces that begin and end a text.
BEGIN, END = "<s>", "</s>"

#: Signs that are a word by themselves: marks, digits, Chinese characters. Their ranges are written out, for two libraries read
#: them, whose classes of letters differ.
ALONE = "\x00-\x1f!-@\\[-`{-\xbf\u2000-\u2bff\u2e80-\u9fff\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef\U0001f000-\U0003ffff"

#: What no piece reaches across: a word with its inner apostrophes, or one sign, each with the space before it.
PATTERN = f" ?[^ {ALONE}]+(?:'[^ {ALONE}]+)*| ?[{ALONE}]| +"

#: Words whose pieces are kept.
MOST_KEPT = 1 << 17


def byte_signs() -> list[str]:
    """Return the printable sign that stands for each of the 256 bytes in a vocabulary: GPT-2's table.

    Example:
        >>> byte_signs()[ord("a")], byte_signs()[ord(" ")]
        ('a', 'Ġ')
    """
    printable = {*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = iter(range(256, 512))
    return [chr(byte if byte in printable else next(others)) for byte in range(256)]


class BytePairs:
    """An encoder.

    Example:
        >>> vocabulary = {sign: i for i, sign in enumerate([*byte_signs(), "ab", "Ġab"])}
        >>> pairs = BytePairs(vocabulary, [("a", "b"), ("Ġ", "ab")])
        >>> pairs.encode(["ab ab"]), pairs.offsets(["ab ab"])
        ([[256, 257]], [[(0, 2), (2, 5)]])
    """

    def __init__(self, vocabulary: Mapping[str, int], merges: Sequence[tuple[str, str]]) -> None:
        """Take over a vocabulary.

        Args:
            vocabulary: pieces, in the signs of their bytes, to ids; with every byte, and perhaps begin and end.
            merges: which neighbours become one piece, the first ones first.
        """
        self.vocabulary = dict(vocabulary)
        self._ranks = {pair: rank for rank, pair in enumerate(merges)}
        self._signs = byte_signs()
        self._words = re.compile(PATTERN)
        self._special = re.compile("|".join(map(re.escape, (BEGIN, END))))
        self._kept: dict[str, tuple[list[int], list[int]]] = {}

    @staticmethod
    def of(written: str) -> "BytePairs":
        """Read a tokenizer.json that `lm train` wrote.

        Raises:
            ModelFileError: it is damaged, or of another kind.
        """
        try:
            content: Any = json.loads(written)
            model, special = content["model"], {token["content"] for token in content["added_tokens"]}
            split = content["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"]
            is_ours = content["normalizer"] is None and model["type"] == "BPE" and split == PATTERN
            merges = [tuple(pair.split(" ") if isinstance(pair, str) else pair) for pair in model["merges"]]
            if is_ours and special == {BEGIN, END} and _is_whole(model["vocab"], merges):
                return BytePairs(model["vocab"], merges)
        except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError):
            pass
        raise ModelFileError("searchgen lm train did not make this tokenizer; use a model that this command made")

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the pieces of texts."""
        return [[piece for word, _ in self._split(text) for piece in self._pieces(word)[0]] for text in texts]

    def offsets(self, texts: Sequence[str]) -> list[list[tuple[int, int]]]:
        """Return where the pieces of texts stand, first sign and last sign + 1; a sign cut in two belongs to both."""
        return [[span for word, start in self._split(text) for span in self._spans(word, start)] for text in texts]

    def _split(self, text: str) -> Iterator[tuple[str, int]]:
        """Yield words and where they begin; what reads like begin or end is one of them, as in the library."""
        at = 0
        for special in [*self._special.finditer(text), None]:
            stop = special.start() if special else len(text)
            for word in self._words.finditer(text, at, stop):
                yield word[0], word.start()
            if special:
                yield special[0], stop
                at = special.end()

    def _spans(self, word: str, start: int) -> Iterator[tuple[int, int]]:
        pieces, lengths = self._pieces(word)
        if len(pieces) == 1:
            yield start, start + len(word)
            return
        sign_of = [i for i, sign in enumerate(word, start) for _ in sign.encode()]
        at = 0
        for length in lengths:
            yield sign_of[at], sign_of[at + length - 1] + 1
            at += length

    def _pieces(self, word: str) -> tuple[list[int], list[int]]:
        """Return the pieces of a word and the number of bytes of each."""
        pieces = self._kept.get(word)
        if pieces is None:
            if len(self._kept) >= MOST_KEPT:
                self._kept.clear()
            pieces = self._kept[word] = self._merged(word)
        return pieces

    def _merged(self, word: str) -> tuple[list[int], list[int]]:
        if word in (BEGIN, END):
            return [self.vocabulary[word]], [len(word)]
        signs = [self._signs[byte] for byte in word.encode("utf-8", "replace")]
        never = len(self._ranks)
        while len(signs) > 1:
            ranks = [self._ranks.get(pair, never) for pair in pairwise(signs)]
            if (first := min(ranks)) == never:
                break
            at = ranks.index(first)
            signs[at : at + 2] = ["".join(signs[at : at + 2])]
        return [self.vocabulary[sign] for sign in signs], list(map(len, signs))


def _is_whole(vocabulary: Mapping[str, int], merges: Sequence[tuple[str, ...]]) -> bool:
    """Return whether a vocabulary has every byte, begin and end, every piece that merges make, and numbers from 0 on."""
    numbers = all(isinstance(number, int) for number in vocabulary.values())
    if not numbers or sorted(vocabulary.values()) != list(range(len(vocabulary))):
        return False
    made = all(len(pair) == 2 and "".join(pair) in vocabulary for pair in merges)
    return made and all(piece in vocabulary for piece in (*byte_signs(), BEGIN, END))
