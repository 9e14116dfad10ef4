"""What `finite-verb` means in Chinese: a word that makes a predicate, so that the text is a sentence and not a name or a heading."""

from dataclasses import dataclass
from typing import ClassVar

from searchgen.automata import ENTRY_LIMIT, Automaton, Ids
from searchgen.constraints.base import Constraint
from searchgen.constraints.keywords import Keywords
from searchgen.vocabulary import Vocabulary

__all__ = ["PREDICATES", "Predicate"]

#: Copulas, auxiliaries, negations, aspect marks and adverbs that stand only beside a verb or an adjective.
PREDICATES = tuple(
    "是 有 了 不 很 没 会 能 要 想 喜欢 正在 可以 最 都 被 应该 必须 需要 觉得 让 使 得".split()  # noqa: SIM905
)


@dataclass(frozen=True)
class Predicate(Constraint):
    """The text contains at least one of `PREDICATES`."""

    name: ClassVar[str] = "finite-verb"
    repeated: ClassVar[bool] = True

    def describe(self) -> str:
        """Its name."""
        return "a predicate"

    def automaton(self, vocabulary: Vocabulary, limit: int = ENTRY_LIMIT) -> Automaton:
        """The texts with a predicate.

        Args:
            vocabulary: the tokens, one a character.
            limit: the most entries (states x classes) of a table.

        Returns:
            A trimmed automaton.
        """
        return self._one_of(vocabulary).automaton(vocabulary, limit)

    def parts(self, ids: Ids, vocabulary: Vocabulary) -> dict[str, bool]:
        """Whether there is a predicate.

        Args:
            ids: a text.
            vocabulary: its tokens.

        Returns:
            One part.
        """
        return {"finite verb": all(self._one_of(vocabulary).parts(ids, vocabulary).values())}

    @staticmethod
    def _one_of(vocabulary: Vocabulary) -> Keywords:
        spellable = [tuple(word) for word in PREDICATES if all(vocabulary.find(character) >= 0 for character in word)]
        return Keywords((tuple(spellable or [tuple(PREDICATES[0])]),))
