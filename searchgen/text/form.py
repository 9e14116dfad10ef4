"""A text form: printed text to tokens and back, and the law of canonical texts as an automaton."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np

from searchgen.automata import Automaton
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
    """

    name: ClassVar[str]
    final_tokens: ClassVar[frozenset[str]]
    brackets: ClassVar[Mapping[str, str]]

    def tokenise_as_printed(self, text: str) -> list[str]:
        """The tokens of a text, the first word in the case in which it is printed.

        For phrases, which need not begin a sentence, and for training, where case is decided from counts.

        Args:
            text: any text; what cannot be printed is dropped.

        Returns:
            The tokens.
        """
        return self.split(self.normalise(text))

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
            True for a word; lengths count words.
        """
        return token.isalnum() or any(map(str.isalnum, token))

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
        rest = [vocabulary[place] for place in range(len(kinds), len(vocabulary))]
        return legal_texts(np.concatenate([kinds, self.kinds(rest)]) if rest else kinds)


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
