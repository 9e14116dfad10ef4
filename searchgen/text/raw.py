"""The raw form: tokens are separated by single spaces and printed as they stand."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np

from searchgen.text.form import TextForm, bar_markers
from searchgen.text.kinds import Kind, Kinds

__all__ = ["Raw"]


#: Other names of `<unk>` in models: no words, either.
UNKNOWN = frozenset({"<UNK>", "[UNK]", "[unk]"})


class Raw(TextForm):
    r"""Tokens are what stands between spaces; all are words. For models whose tokens are of no known form.

    >>> Raw().tokenise("ab  c,\n"), Raw().detokenise(["ab", "c,"])
    (['ab', 'c,'], 'ab c,')
    """

    name: ClassVar[str] = "raw"
    final_tokens: ClassVar[frozenset[str]] = frozenset(".?!。？！")
    brackets: ClassVar[Mapping[str, str]] = {}

    def split(self, normal: str) -> list[str]:
        """What stands between white space."""
        return normal.split()

    def detokenise(self, tokens: Sequence[str]) -> str:
        """The tokens with single spaces between them."""
        return " ".join(tokens)

    def is_word(self, token: str) -> bool:
        """Every token is a word."""
        return True

    def kinds(self, vocabulary: Sequence[str]) -> Kinds:
        """All tokens are words but the markers, other names of the unknown word, and what holds white space."""
        words = (token not in UNKNOWN and token.split() == [token] for token in vocabulary)
        kinds = np.fromiter(words, np.int8, len(vocabulary)) * np.int8(Kind.WORD)
        return bar_markers(vocabulary, kinds)
