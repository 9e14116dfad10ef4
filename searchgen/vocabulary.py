"""A model's tokens, and the demanded words it does not know.

Ids below V are the model's; an unknown demanded word gets the next id and the probability
`p(w|h) = p(<unk>|h) (A+1)^-(len(w)+1)`: a spelling drawn letter by letter from A letters and an end mark, so that the
probabilities of all spellings sum to p(<unk>|h). A counts the distinct characters in the model's tokens.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from math import log
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from searchgen.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from searchgen.text import TextForm

__all__ = ["MARKERS", "Vocabulary"]

MARKERS = ("<unk>", "<s>", "</s>")  # ids 0, 1, 2 of a language model: never part of a text


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """Token strings by id. Indexes are built when first asked for: a short job folds nothing.

    Attributes:
        tokens: the model's tokens in id order.
        form: the text form; its `fold` must work character by character (case folding does).
        extra: demanded words the model does not know, with ids from `len(tokens)` on.
    """

    tokens: "Sequence[str]"
    form: "TextForm"
    extra: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.tokens) + len(self.extra)

    def __getitem__(self, token: int) -> str:
        known = len(self.tokens)
        return self.tokens[token] if token < known else self.extra[token - known]

    def __iter__(self) -> "Iterator[str]":
        return chain(self.tokens, self.extra)

    @cached_property
    def ids(self) -> dict[str, int]:
        """The id of each token, extra words included."""
        return dict(zip(self, range(len(self)), strict=False))

    @property
    def markers(self) -> range:
        """Ids of `<unk>`, `<s>`, `</s>`; empty for a vocabulary without them."""
        return range(len(MARKERS) if tuple(self.tokens[: len(MARKERS)]) == MARKERS else 0)

    def id_of(self, token: str) -> int:
        """The id of a token, exactly as written.

        Args:
            token: a token of the model or an extra word.

        Returns:
            Its id.

        Raises:
            RequestError: there is no such token.
        """
        try:
            return self.ids[token]
        except KeyError:
            raise RequestError(f"the vocabulary has no token {token!r}") from None

    def encode(self, tokens: "Iterable[str]") -> npt.NDArray[np.int32]:
        """The ids of several tokens.

        Args:
            tokens: token strings.

        Returns:
            (n,) int32 ids.

        Raises:
            RequestError: a token is not in the vocabulary.
        """
        return np.array([self.id_of(token) for token in tokens], np.int32)

    def decode(self, ids: "Iterable[int]") -> list[str]:
        """The tokens with the given ids.

        Args:
            ids: token ids.

        Returns:
            Their strings.
        """
        return [self[int(token)] for token in ids]

    @cached_property
    def is_word(self) -> npt.NDArray[np.bool_]:
        """(V',) whether each token counts as a word; markers do not."""
        word = np.fromiter(
            map(str.isalnum, self), np.bool_, len(self)
        )  # a token of letters and digits is one in any form
        for token in np.flatnonzero(~word).tolist():
            word[token] = self.form.is_word(self[token])
        word[list(self.markers)] = False
        return word

    @cached_property
    def _folded(self) -> str:
        """All folded tokens, each between newlines: one fold and one search of a string beat 50,000 small ones."""
        folded: str = self.form.fold("\n".join((*self.tokens, *self.extra)))
        return f"\n{folded}\n"

    def matching(self, word: str) -> list[int]:
        """All tokens equal to a word when case is ignored.

        Args:
            word: one token.

        Returns:
            Their ids in rising order; empty when the model does not know the word and it is not extra.
        """
        folded = self.form.fold(word)
        if folded not in self._matches:
            self._matches[folded] = [token for _, token in self._occurrences(f"\n{folded}\n")]
        return self._matches[folded]

    @cached_property
    def _matches(self) -> dict[str, list[int]]:
        return {}

    def containing(self, word: str) -> list[int]:
        """All tokens that contain a word between non-letters, case ignored: `dog's` contains `dog`, `dogma` does not.

        Beside a digit of the word, digits do not count as a border either. What has no letter or digit is only
        contained in itself: `,` is not in `1,000`.

        Args:
            word: one token.

        Returns:
            Their ids in rising order.
        """
        folded, text = self.form.fold(word), self._folded
        if not any(map(str.isalnum, folded)):
            return self.matching(word)

        def open_at(place: int, edge: str) -> bool:
            return not (text[place].isalpha() or (edge.isdigit() and text[place].isalnum()))

        return list(
            dict.fromkeys(
                token
                for place, token in self._occurrences(folded)
                if open_at(place - 1, folded[0]) and open_at(place + len(folded), folded[-1])
            )
        )

    def _occurrences(self, pattern: str) -> "Iterator[tuple[int, int]]":
        """Each place of a pattern in the folded text, with the token it begins in (or before, for a newline)."""
        text, token, counted = self._folded, -1, 0
        place = text.find(pattern)
        while place >= 0:
            token, counted = token + text.count("\n", counted, place + 1), place + 1
            yield place, token
            place = text.find(pattern, place + 1)

    def spelling_log_probability(self, token: int) -> float:
        """log of the factor on p(<unk>|h) for an extra word: -(len(w) + 1) log(A + 1); 0 for a token of the model.

        Args:
            token: an id.

        Returns:
            The natural logarithm.
        """
        if token < len(self.tokens):
            return 0.0
        return -(len(self[token]) + 1) * log(self.alphabet_size + 1)

    @cached_property
    def alphabet_size(self) -> int:
        """The number of distinct characters in the model's tokens, markers left out; at least 1."""
        return max(1, len(set("".join(self.tokens[len(self.markers) :]))))

    def with_words(self, words: "Iterable[str]") -> "Vocabulary":
        """A vocabulary that also holds the given words where no token matches them.

        Args:
            words: demanded tokens, in the order in which they are to get ids.

        Returns:
            This vocabulary when all are known, else a new one.
        """
        new: dict[str, str] = {}
        for word in words:
            if not self.matching(word):
                new.setdefault(self.form.fold(word), word)
        return Vocabulary(self.tokens, self.form, (*self.extra, *new.values())) if new else self
