"""A text form: printed text to tokens and back, and the law of canonical texts as an automaton."""

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from copy import copy
from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt

from searchgen.automata import Automaton
from searchgen.text.items.units import NO_UNITS, Units, extends
from searchgen.text.kinds import Kind, Kinds, legal_texts

__all__ = ["MARKERS", "TextForm"]

MARKERS = frozenset({"<unk>", "<s>", "</s>"})  # ids 0, 1, 2 of a language model: never part of a text


class TextForm(ABC):
    """Printed text to tokens and back.

    For any text `t`, with `x = tokenise(t)`, `tokenise(detokenise(x)) == x`; and every sequence that `canonical`
    accepts comes back from its printed form unchanged.

    Attributes:
        name: as it is asked for.
        final_tokens: tokens that may end a sentence.
        brackets: closing mark of each opening mark.
        punctuation: the kind of each punctuation mark.
        units: words with signs of one request, and words that keep their case.
    """

    name: ClassVar[str]
    final_tokens: ClassVar[frozenset[str]]
    brackets: ClassVar[Mapping[str, str]]
    punctuation: ClassVar[Mapping[str, Kind]] = {}
    letter: ClassVar[str] = r"[^\W_]"  # a pattern of what must not touch a unit
    units: Units = NO_UNITS

    def with_units(self, units: Units) -> Self:
        """The form that also knows the words with signs of a request.

        Args:
            units: the words.

        Returns:
            Another form, or this one when there is nothing to know.

        >>> from searchgen.text import text_form
        >>> text_form("en").with_units(Units(("R&D",))).tokenise_as_printed("our R&D!")
        ['our', 'R&D', '!']
        """
        if units == self.units:
            return self
        form = copy(self)
        form.units = units
        return form

    def tokenise_as_printed(self, text: str) -> list[str]:
        """The tokens of a text, the first word in the case in which it is printed.

        For phrases, which need not begin a sentence, and for training, where case is decided from counts.

        Args:
            text: any text; what cannot be printed is dropped.

        Returns:
            The tokens.
        """
        return self.units.read(text, self)

    @abstractmethod
    def split(self, normal: str) -> list[str]:
        """The tokens of a normalised text.

        Args:
            normal: what `normalise` returned.

        Returns:
            The tokens, the first word as printed.
        """

    @abstractmethod
    def detokenise(self, tokens: Sequence[str]) -> str:
        """The printed form of a text.

        Args:
            tokens: its tokens.

        Returns:
            One line.
        """

    def inside(self, tokens: Sequence[str]) -> str:
        """The printed form of a part of a text that does not begin it.

        Args:
            tokens: of the part.

        Returns:
            One line.
        """
        return self.detokenise(tokens)

    def joins(self, vocabulary: Sequence[str]) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
        """Which tokens are printed without a space before them, and which without one after them.

        Args:
            vocabulary: V tokens.

        Returns:
            (V,) and (V,); a space stands between two tokens unless either of them joins the other.
        """
        return np.zeros(len(vocabulary), np.bool_), np.zeros(len(vocabulary), np.bool_)

    def firsts(self, words: Sequence[str]) -> list[str]:
        """Words as each is printed where it is the first one of a text.

        Args:
            words: any.

        Returns:
            As many strings; by default the words as they stand.
        """
        return list(words)

    def bordered(self, text: str, begin: int, end: int) -> bool:
        """Whether what stands in a text can be a word with signs: no letter touches it, and no longer token begins with it.

        Args:
            text: any text.
            begin: where it begins.
            end: where it ends.

        Returns:
            True at the edges of the text, and beside spaces and signs.
        """
        before, after = text[begin - 1 : begin], text[end : end + 1]
        if (before and self._touches(before, text[begin])) or before == "\u200d":
            return False
        if after and (self._touches(after, text[end - 1]) or extends(after)):
            return False
        return self.token_end(text, begin) <= end

    def token_end(self, text: str, begin: int) -> int:
        """Where the token ends that begins at a place of a text, units apart.

        Args:
            text: any text.
            begin: the place.

        Returns:
            The end; the place itself when no token begins there.
        """
        del text
        return begin

    def _touches(self, outside: str, edge: str) -> bool:
        """Whether a character beside a word with signs is of the same word; ideographs are words of their own in `zh`."""
        letters = re.match(self.letter, outside) is not None
        return letters and (re.match(self.letter, edge) is not None or not edge.isalnum())

    @abstractmethod
    def kinds(self, vocabulary: Sequence[str]) -> Kinds:
        """What each token is to the law of canonical texts; worth keeping on disk.

        Args:
            vocabulary: the tokens.

        Returns:
            (V,) int8, see `searchgen.text.kinds`.
        """

    def tokenise(self, text: str) -> list[str]:
        """The tokens of a text.

        Args:
            text: any text; what cannot be printed is dropped.

        Returns:
            The tokens, the first word in its true case.
        """
        return self.tokenise_as_printed(text)

    def normalise(self, text: str) -> str:
        """The same text with every quotation mark and bracket spelled unambiguously, as `brackets` has them.

        Args:
            text: any text.

        Returns:
            A text with the same tokens.
        """
        return text

    def is_word(self, token: str) -> bool:
        """Whether a token has a letter or a digit.

        Args:
            token: a token.

        Returns:
            True for a word, and for what is demanded with its signs; lengths count words.
        """
        return token.isalnum() or any(map(str.isalnum, token)) or token in self.units

    def first_word(self, tokens: Sequence[str]) -> int:
        """Where the first word stands.

        Args:
            tokens: a text.

        Returns:
            Its index; -1 when there is no word.
        """
        for place, token in enumerate(tokens):
            if self.is_word(token):
                return place
        return -1

    def fold(self, token: str) -> str:
        """The form in which tokens are compared when case does not matter.

        Args:
            token: one token, or several with anything between them: folding works character by character.

        Returns:
            The folded string.
        """
        return token.casefold()

    def canonical(self, vocabulary: Sequence[str], kinds: Kinds | None = None) -> Automaton:
        """The automaton of the canonical texts over a vocabulary.

        Args:
            vocabulary: all tokens, demanded words after the model's.
            kinds: what `kinds` said of the first of them, if that is at hand.

        Returns:
            A minimal automaton of a few states; the empty text is not accepted.
        """
        if kinds is None:
            return legal_texts(self.kinds(vocabulary))
        demanded = [vocabulary[place] for place in range(len(kinds), len(vocabulary))]
        return legal_texts(np.concatenate([kinds, self.kinds(demanded)]) if demanded else kinds)


def bar_markers(vocabulary: Sequence[str], kinds: Kinds) -> Kinds:
    """Mark `<unk>`, `<s>`, `</s>` as never part of a text; they can only be the first three tokens.

    Args:
        vocabulary: the tokens.
        kinds: (V,) their kinds, changed in place.

    Returns:
        The same array.
    """
    for place in range(min(len(MARKERS), len(vocabulary))):
        if vocabulary[place] in MARKERS:
            kinds[place] = Kind.NEVER
    return kinds
