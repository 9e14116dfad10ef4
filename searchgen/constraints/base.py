"""What every hard constraint offers; each is a small frozen dataclass in a file of its own."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from searchgen.automata import ENTRY_LIMIT, Automaton, Ids
from searchgen.vocabulary import Vocabulary

__all__ = ["Constraint", "Phrase", "find", "folded", "spell"]

Phrase = tuple[str, ...]  # the tokens of a word or of several in a row


class Constraint(ABC):
    """A condition on a text's tokens. Its automaton accepts exactly the texts of which every part holds.

    Attributes:
        name: the one name for flag, spec, Python and output.
        repeated: whether most requests have the very same constraint, so that its automaton is worth keeping.
    """

    name: ClassVar[str]
    repeated: ClassVar[bool] = False

    def __post_init__(self) -> None:
        self.validate()

    @abstractmethod
    def validate(self) -> None:
        """Refuse nonsense.

        Raises:
            RequestError: the constraint says nothing or contradicts itself.
        """

    @abstractmethod
    def automaton(self, vocabulary: Vocabulary, limit: int = ENTRY_LIMIT) -> Automaton:
        """The texts that satisfy the constraint.

        Args:
            vocabulary: the tokens; it must know every word of `demanded`.
            limit: the most entries (states x classes) of a table.

        Returns:
            A trimmed automaton over the vocabulary.

        Raises:
            RequestError: the automaton would pass the limit.
        """

    @abstractmethod
    def parts(self, ids: Ids, vocabulary: Vocabulary) -> dict[str, bool]:
        """Whether each part of the constraint holds, by the name it has in the output.

        Args:
            ids: a text.
            vocabulary: its tokens.

        Returns:
            Part names in request order; all True iff the text is accepted.
        """

    @abstractmethod
    def describe(self) -> str:
        """The constraint in a few words, the same for equal constraints."""

    def violations(self, ids: Ids, vocabulary: Vocabulary) -> int:
        """How far a text is from satisfying the constraint; what a soft form charges for.

        Args:
            ids: a text.
            vocabulary: its tokens.

        Returns:
            0 iff the text is accepted.
        """
        return sum(not holds for holds in self.parts(ids, vocabulary).values())

    def demanded(self) -> tuple[str, ...]:
        """Tokens a text may need because of the constraint; unknown ones must enter the vocabulary."""
        return ()


def folded(tokens: Sequence[str], vocabulary: Vocabulary) -> Phrase:
    """Tokens with case ignored.

    Args:
        tokens: token strings.
        vocabulary: gives the text form.

    Returns:
        The folded tokens.
    """
    return tuple(map(vocabulary.form.fold, tokens))


def find(phrases: Sequence[Phrase], text: Sequence[str], start: int = 0) -> int:
    """The earliest end of any of the phrases.

    Args:
        phrases: folded phrases.
        text: folded tokens.
        start: where a phrase may begin at the earliest.

    Returns:
        The place after the phrase that ends first; -1 when none occurs.

    >>> find([("a", "b"), ("c",)], ["c", "a", "b"], 1)
    3
    """
    for end in range(start + 1, len(text) + 1):
        for phrase in phrases:
            if end - len(phrase) >= start and tuple(text[end - len(phrase) : end]) == phrase:
                return end
    return -1


def spell(phrase: Phrase) -> str:
    """A phrase as people write it in a list: Chinese characters without spaces.

    Args:
        phrase: tokens.

    Returns:
        One string.

    >>> spell(("hot", "dog")), spell(("天", "气"))
    ('hot dog', '天气')
    """
    wide = all(len(token) == 1 and token > "\u2e7f" for token in phrase)
    return ("" if wide else " ").join(phrase)
