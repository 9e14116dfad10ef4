"""How the tokens of a vocabulary are printed, as arrays: what every condition on the printed text is read through.

A token is printed after a space unless it joins the token before it, and the first word of a text may have a capital. So what a
token adds to the text depends on two bits of what was printed: whether a word has begun, and whether the next token stands apart.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

__all__ = ["SPACE", "Alphabet", "Printing", "Spelled", "printing_of"]

SPACE = " "

Bools = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.int64]


class Alphabet(tuple[str, ...]):
    """All characters of some printed texts, a space among them.

    Example:
        >>> Alphabet.of(["b", "ab"])
        (' ', 'a', 'b')
    """

    __slots__ = ()

    @staticmethod
    def of(texts: Iterable[str]) -> "Alphabet":
        """Return the characters of some texts, in the order of their code points."""
        return Alphabet(sorted({SPACE, *"".join(texts)}))


class Prints(Protocol):
    """What a text form says of its printing."""

    def joins(self, vocabulary: Sequence[str]) -> tuple[Bools, Bools]:
        """Which tokens have no space before them, and which have none after them."""

    def firsts(self, words: Sequence[str]) -> list[str]:
        """Words as each is printed where it is the first one of a text."""


class Spelled(NamedTuple):
    """Strings, character by character.

    Attributes:
        alphabet: of the characters.
        columns: for each place, the strings that are longer, and the number of their character there.
        sizes: (N,) how long each is.
    """

    alphabet: Alphabet
    columns: tuple[tuple[Numbers, Numbers], ...]
    sizes: Numbers

    @staticmethod
    def of(strings: Sequence[str]) -> "Spelled":
        """Return strings as columns of characters.

        Example:
            >>> spelled = Spelled.of(["ab", "b"])
            >>> spelled.columns[1]
            (array([0]), array([2]))
        """
        codes = np.frombuffer("".join(strings).encode("utf-32-le", "surrogatepass"), np.uint32)
        place_of = np.zeros(int(codes.max(initial=ord(SPACE))) + 1, np.int64)
        place_of[codes], place_of[ord(SPACE)] = 1, 1
        present = np.flatnonzero(place_of)
        place_of[present] = np.arange(len(present))
        numbers = place_of[codes]
        sizes = np.fromiter(map(len, strings), np.int64, len(strings))
        begins = np.cumsum(sizes) - sizes
        columns, rows = [], np.arange(len(strings))
        for place in range(int(sizes.max(initial=0))):
            rows = rows[sizes[rows] > place]
            columns.append((rows, numbers[begins[rows] + place]))
        return Spelled(Alphabet(map(chr, present.tolist())), tuple(columns), sizes)


@dataclass(frozen=True, eq=False)
class Printing:
    """How V tokens are printed.

    Attributes:
        spelled: the tokens, and after them the words that are printed in another way where they come first.
        first: (V,) the string of each token as the first word of a text.
        joins_left: (V,) no space is printed before the token.
        joins_right: (V,) no space is printed after it.
        is_word: (V,) whether a text has begun with it.
    """

    spelled: Spelled
    first: Numbers
    joins_left: Bools
    joins_right: Bools
    is_word: Bools

    @property
    def alphabet(self) -> Alphabet:
        """The characters of all texts."""
        return self.spelled.alphabet


def printing_of(tokens: Sequence[str], form: Prints, is_word: Bools) -> Printing:
    """Return how tokens are printed.

    Args:
        tokens: V strings.
        form: prints them.
        is_word: (V,) which of them are words.

    Example:
        >>> from searchgen.text import text_form
        >>> printing = printing_of(["the", ","], text_form("en"), np.array([True, False]))
        >>> "".join(printing.alphabet), printing.first.tolist(), printing.joins_left.tolist()
        (' ,Teht', [2, 1], [False, True])
    """
    strings = list(tokens)
    first = np.arange(len(strings))
    places = np.flatnonzero(is_word).tolist()
    printed = form.firsts([strings[place] for place in places])
    other = [(place, word) for place, word in zip(places, printed, strict=True) if word != strings[place]]
    first[[place for place, _ in other]] = np.arange(len(strings), len(strings) + len(other))
    strings += [word for _, word in other]
    left, right = form.joins(tokens)
    return Printing(Spelled.of(strings), first, left, right, is_word)
