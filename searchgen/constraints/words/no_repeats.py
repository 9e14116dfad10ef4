"""No content word twice: a text that says `the dog saw a dog` is thrown away.

An automaton must remember which words it has read, which is a state for every set of content words. So this one is small enough only for
the vocabularies of tests. A search judges its texts instead, as do samplers that serve terms which are functions of the text.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from searchgen.automata import ENTRY_LIMIT, START, Automaton, Ids, product
from searchgen.constraints.base import Constraint, Counted, Phrase, Setting
from searchgen.constraints.flags import Flag
from searchgen.constraints.keywords import Keywords
from searchgen.errors import Contradiction, RequestError
from searchgen.text import TextForm
from searchgen.text.grammar import words_of_grammar
from searchgen.vocabulary import Vocabulary

__all__ = ["NoRepeats", "content"]


def content(token: str, form: TextForm) -> str:
    """What two tokens share if they are one content word.

    Args:
        token: of a text.
        form: of the text.

    Returns:
        The word in small letters, without a possessive ending; "" for marks and words of grammar.

    >>> from searchgen.text import text_form
    >>> [content(token, text_form("en")) for token in ("Dog's", "dog", "The", ",")]
    ['dog', 'dog', '', '']
    """
    if not form.is_word(token):
        return ""
    word = form.fold(token)
    word = word.removesuffix("'s") if word not in words_of_grammar() else word
    return "" if word in words_of_grammar() else word


@dataclass(frozen=True)
class NoRepeats(Counted):
    """No content word occurs twice, case ignored; words of grammar (`the`, `of`, `was`) may."""

    name: ClassVar[str] = "repeats"
    flags: ClassVar[tuple[Flag, ...]] = (Flag("repeats", bool, "Allow a content word to occur twice.", "", True, True),)
    black_box: ClassVar[bool] = True

    @classmethod
    def of_demands(cls, demands: Mapping[str, Any], setting: Setting) -> Sequence[Constraint]:
        """Return the constraint, if repeats are not allowed.

        Raises:
            RequestError: the model's words are not English.
            Contradiction: a demand holds a content word twice.
        """
        if demands["repeats"]:
            return ()
        if setting.form.name != "en":
            raise RequestError("--no-repeats knows the words of grammar of English only; drop it")
        for constraint in setting.made:
            for phrase in _forced(constraint):
                words = [word for word in (content(token, setting.form) for token in phrase) if word]
                twice = next((word for word in words if words.count(word) > 1), None)
                if twice:
                    raise Contradiction(
                        f"{twice!r} is asked for twice, and --no-repeats allows it once; drop one of the two"
                    )
        return (cls(),)

    def describe(self) -> str:
        """Its name."""
        return "no content word twice"

    def automaton(self, vocabulary: Vocabulary, limit: int = ENTRY_LIMIT) -> Automaton:
        """The texts without a repeated content word: a factor of three states for each such word.

        Args:
            vocabulary: the tokens; a model's is far too large.
            limit: the most entries of a table.

        Returns:
            A trimmed automaton.

        Raises:
            TooLarge: the limit would be passed.
        """
        words = [content(token, vocabulary.form) for token in vocabulary]
        factors = [Automaton.of(np.zeros(len(words), np.int16), [[0], [START]], [False, True])]
        for word in dict.fromkeys(filter(None, words)):
            mine = [int(other == word) for other in words]
            factors.append(Automaton.of(mine, [[0, 0], [1, 2], [2, 0]], [False, True, True]))
        return product(*factors, limit=limit)

    def violations(self, ids: Ids, vocabulary: Vocabulary) -> int:
        """How many words repeat an earlier one.

        Args:
            ids: a text.
            vocabulary: its tokens.

        Returns:
            0 iff none does.
        """
        words = [word for word in (content(token, vocabulary.form) for token in vocabulary.decode(ids)) if word]
        return len(words) - len(set(words))


def _forced(constraint: Constraint) -> Sequence[Phrase]:
    """What a text must hold whatever else it holds; ordered keywords as one row, for a repeated one occurs again."""
    if isinstance(constraint, Keywords):
        single = [item[0] for item in constraint.items if len(item) == 1]
        return [tuple(token for phrase in single for token in phrase)] if constraint.ordered else single
    return constraint.phrases() if constraint.demanded() else ()
