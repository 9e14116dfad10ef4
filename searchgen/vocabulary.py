"""A model's tokens, and the demanded words it does not know.

Ids below V are the model's; an unknown demanded word gets the next id and the probability
`p(w|h) = p(<unk>|h) (A+1)^-(len(w)+1)`: a spelling drawn letter by letter from A letters and an end mark, so that the
probabilities of all spellings sum to p(<unk>|h). A counts the distinct characters in the model's tokens.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from math import log
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from searchgen.errors import RequestError
from searchgen.text import Kinds, TextForm
from searchgen.text.kinds import Kind

__all__ = ["MARKERS", "Vocabulary"]

MARKERS = ("<unk>", "<s>", "</s>")  # ids 0, 1, 2 of a language model: never part of a text

#: Look-ups, and things built once, that a vocabulary remembers; thousands of jobs over one model must not fill the memory.
MOST_FOUND, MOST_BUILT = 2_000, 32

Built = TypeVar("Built")


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """Token strings by id. Indexes are built when first asked for: a short job folds nothing.

    Attributes:
        tokens: the model's tokens in id order.
        form: the text form; its `fold` must work character by character (case folding does).
        extra: demanded words the model does not know, with ids from `len(tokens)` on.
        stored_kinds: `form.kinds(tokens)`, if it is kept with the model.

    >>> from searchgen.text import text_form
    >>> words = Vocabulary(["<unk>", "<s>", "</s>", "dog", "Dog", "dog's", ","], text_form("en")).with_words(["zorb"])
    >>> words.matching("DOG"), words.containing("dog"), words.id_of("zorb"), words.is_word.tolist()
    ([3, 4], [3, 4, 5], 7, [False, False, False, True, True, True, False, True])
    """

    tokens: Sequence[str]
    form: TextForm
    extra: tuple[str, ...] = ()
    stored_kinds: Kinds | None = None

    def __len__(self) -> int:
        return len(self.tokens) + len(self.extra)

    def __getitem__(self, token: int) -> str:
        known = len(self.tokens)
        return self.tokens[token] if token < known else self.extra[token - known]

    def __iter__(self) -> Iterator[str]:
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

    def find(self, token: str) -> int:
        """The id of a token, or -1: one look-up without building `ids`, fastest for frequent tokens.

        Args:
            token: a token, exactly as written.

        Returns:
            Its id; -1 when there is no such token.
        """
        if token not in self._places:
            near = self._occurrences(f"\n{self.form.fold(token)}\n")
            found = next((place for place in near if self[place] == token), -1)
            _remember(self._places, token, found, MOST_FOUND)
        return self._places[token]

    @cached_property
    def _places(self) -> dict[str, int]:
        return {}

    def once(self, name: Hashable, build: Callable[[], Built]) -> Built:
        """What `build` returns, built the first time only and then remembered, a few things at a time.

        Args:
            name: tells what is built of these tokens from anything else that is.
            build: always returns the same.

        Returns:
            The thing; nobody may change it.
        """
        if name not in self._built:
            _remember(self._built, name, build(), MOST_BUILT)
        found: Built = self._built[name]
        return found

    @cached_property
    def _built(self) -> dict[Hashable, Any]:
        return {}

    def encode(self, tokens: Iterable[str]) -> npt.NDArray[np.int32]:
        """The ids of several tokens.

        Args:
            tokens: token strings.

        Returns:
            (n,) int32 ids.

        Raises:
            RequestError: a token is not in the vocabulary.
        """
        return np.array([self.id_of(token) for token in tokens], np.int32)

    def decode(self, ids: Iterable[int]) -> list[str]:
        """The tokens with the given ids.

        Args:
            ids: token ids.

        Returns:
            Their strings.
        """
        return [self[int(token)] for token in ids]

    @cached_property
    def kinds(self) -> Kinds:
        """(V,) what each of the model's tokens is to the law of canonical texts."""
        return self.form.kinds(self.tokens) if self.stored_kinds is None else self.stored_kinds

    @cached_property
    def is_word(self) -> npt.NDArray[np.bool_]:
        """(V',) whether each token counts as a word; what can never be part of a text does not."""
        return np.append(self.kinds >= Kind.WORD, [self.form.is_word(word) for word in self.extra]).astype(np.bool_)

    @cached_property
    def _folded(self) -> bytes:
        """All folded tokens, each between newlines: one fold and one search beat 50,000 small ones."""
        folded = self.form.fold("\n".join((*self.tokens, *self.extra)))
        return f"\n{folded}\n".encode()  # bytes, because a single curly quote would double the width of a str

    def matching(self, word: str) -> list[int]:
        """All tokens equal to a word when case is ignored.

        Args:
            word: one token.

        Returns:
            Their ids in rising order; empty when the model does not know the word and it is not extra.
        """
        folded = self.form.fold(word)
        if folded not in self._matches:
            _remember(self._matches, folded, list(self._occurrences(f"\n{folded}\n")), MOST_FOUND)
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
        folded = self.form.fold(word)
        if not any(map(str.isalnum, folded)):
            return self.matching(word)
        if folded not in self._holders:
            found = dict.fromkeys(self._occurrences(folded))
            holders = [token for token in found if _bordered(folded, f"\n{self.form.fold(self[token])}\n")]
            _remember(self._holders, folded, holders, MOST_FOUND)
        return self._holders[folded]

    @cached_property
    def _holders(self) -> dict[str, list[int]]:
        return {}

    @cached_property
    def _newlines(self) -> npt.NDArray[np.int64]:
        """Where each folded token begins, as the place of the newline before it."""
        return np.flatnonzero(np.frombuffer(self._folded, np.uint8) == ord("\n"))

    def _occurrences(self, pattern: str) -> Iterator[int]:
        """The token in which each occurrence of a pattern begins (or before which, for a newline)."""
        text, needle = self._folded, pattern.encode()
        place = text.find(needle)
        while place >= 0:
            yield int(np.searchsorted(self._newlines, place, "right")) - 1
            place = text.find(needle, place + 1)

    def spelling_log_probability(self, token: int) -> float:
        """The log of the factor on p(<unk>|h) for an extra word: -(len(w) + 1) log(A + 1); 0 for a token of the model.

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

    def with_words(self, words: Iterable[str]) -> "Vocabulary":
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
        if not new:
            return self
        larger = Vocabulary(self.tokens, self.form, (*self.extra, *new.values()), self.kinds)
        # The model's tokens are folded once, not again for every request.
        larger.__dict__["_folded"] = self._folded + "".join(f"{word}\n" for word in new).encode()
        return larger


def _bordered(word: str, token: str) -> bool:
    """Whether a word stands between non-letters somewhere in a token, given with newlines around it."""

    def is_border(beside: str, edge: str) -> bool:
        return not (beside.isalpha() or (edge.isdigit() and beside.isalnum()))

    place = token.find(word)
    while place >= 0:
        if is_border(token[place - 1], word[0]) and is_border(token[place + len(word)], word[-1]):
            return True
        place = token.find(word, place + 1)
    return False


def _remember(kept: dict[Any, Any], name: Hashable, value: Any, most: int) -> None:
    """Keep a value; when there are too many, the others go."""
    if len(kept) >= most:
        kept.clear()
    kept[name] = value
