"""Words with given parts: a prefix, a suffix or a stem."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from searchgen.automata import ENTRY_LIMIT, Automaton, Ids, product
from searchgen.constraints.base import Constraint, Setting, folded
from searchgen.constraints.flags import PHRASES, Flag
from searchgen.errors import RequestError
from searchgen.text import TextForm
from searchgen.vocabulary import Vocabulary

__all__ = ["Affix", "Affixes"]

#: What each kind of part is, for people.
KINDS = {"prefix": "begins with", "suffix": "ends with", "stem": "holds"}


class Affix(NamedTuple):
    """A part of a word.

    Attributes:
        kind: prefix, suffix or stem.
        letters: in small letters.
    """

    kind: str
    letters: str

    def of(self, word: str) -> bool:
        """Whether a folded word has it; a prefix or a suffix is not the whole word.

        >>> Affix("prefix", "un").of("unhappy"), Affix("prefix", "un").of("un"), Affix("stem", "nation").of("national")
        (True, False, True)
        """
        if self.kind == "stem":
            return self.letters in word
        found = word.startswith(self.letters) if self.kind == "prefix" else word.endswith(self.letters)
        return found and len(word) > len(self.letters)


@dataclass(frozen=True)
class Affixes(Constraint):
    """For each part the text has a word with it, case ignored; one word may have several.

    Attributes:
        items: the parts.
    """

    name: ClassVar[str] = "affixes"
    flags: ClassVar[tuple[Flag, ...]] = tuple(
        Flag(f"with-{kind}", PHRASES, f"For each entry, some word {verb} it.", "LIST", (), ())
        for kind, verb in KINDS.items()
    )
    items: tuple[Affix, ...]

    @classmethod
    def wording(cls, demands: Mapping[str, Any]) -> str:
        """Return the parts."""
        return " ".join(text for kind in KINDS for text in demands[f"with_{kind}"] or ())

    @classmethod
    def of_demands(cls, demands: Mapping[str, Any], setting: Setting) -> Sequence[Constraint]:
        """Return the constraint, if a part is asked for.

        Raises:
            RequestError: it is no part of a word, or the model's words have no parts.
        """
        items = tuple(Affix(kind, setting.form.fold(text)) for kind in KINDS for text in demands[f"with_{kind}"])
        if items and setting.form.name == "zh":
            raise RequestError(f"--with-{items[0].kind}: a Chinese word has no letters; use --keywords")
        return (cls(tuple(dict.fromkeys(items))),) if items else ()

    @classmethod
    def apart(cls, demands: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
        """Yield each part."""
        for kind in KINDS:
            key = f"with_{kind}"
            for text in dict.fromkeys(demands[key]):
                yield f"{kind} {text}", {key: (text,)}, {key: tuple(one for one in demands[key] if one != text)}

    def validate(self) -> None:
        """Refuse an empty list, and parts with other signs than letters, digits and apostrophes.

        Raises:
            RequestError: in these cases.
        """
        if not self.items:
            raise RequestError("no part of a word; give at least one")
        for kind, letters in self.items:
            if not letters.replace("'", "").isalnum():
                raise RequestError(f"--with-{kind} {letters!r}: give letters of one word, such as un")

    def describe(self) -> str:
        """The parts.

        >>> Affixes((Affix("prefix", "un"), Affix("stem", "nation"))).describe()
        'words with prefix un, stem nation'
        """
        return "words with " + ", ".join(f"{kind} {letters}" for kind, letters in self.items)

    def least_words(self, form: TextForm) -> int:
        """A word for each part."""
        return len(self.items)

    def automaton(self, vocabulary: Vocabulary, limit: int = ENTRY_LIMIT) -> Automaton:
        """The texts with a word for each part.

        Args:
            vocabulary: the tokens.
            limit: the most entries of a table; n parts need at least 2^n.

        Returns:
            A trimmed automaton.

        Raises:
            TooLarge: the limit would be passed.
        """
        tokens = vocabulary.folded_tokens
        size = len(tokens)
        has_it = [(np.fromiter(map(item.of, tokens), np.int16, size) * vocabulary.is_word) for item in self.items]
        table, accept = [[0, 0], [1, 2], [2, 2]], [False, False, True]
        # Without such a word there is no text: nothing is accepted.
        factors = [
            Automaton.of(has, table, accept)
            if has.any()
            else Automaton.of(np.zeros(size, np.int16), [[0], [0]], [False, False])
            for has in has_it
        ]
        return product(*factors, limit=limit)

    def parts(self, ids: Ids, vocabulary: Vocabulary) -> dict[str, bool]:
        """Whether some word has each part.

        Args:
            ids: a text.
            vocabulary: its tokens.

        Returns:
            `prefix un`: True, ...
        """
        held = {name for name, _, _ in self.places(ids, vocabulary)}
        return {name: name in held for name in map(" ".join, self.items)}

    def places(self, ids: Ids, vocabulary: Vocabulary) -> Sequence[tuple[str, int, int]]:
        """The first word with each part.

        Args:
            ids: a text.
            vocabulary: its tokens.

        Returns:
            One place for each part that the text has.
        """
        text = folded(vocabulary.decode(ids), vocabulary)
        words = [place for place, token in enumerate(ids) if vocabulary.is_word[int(token)]]
        first = {item: next((place for place in words if item.of(text[place])), -1) for item in self.items}
        return [(" ".join(item), place, place + 1) for item, place in first.items() if place >= 0]
