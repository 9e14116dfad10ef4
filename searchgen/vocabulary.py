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
from searchgen.kernels.shares import JOIN, WORD
from searchgen.text import Kinds, TextForm
from searchgen.text.borders import bordered
from searchgen.text.items.units import NO_UNITS, Units
from searchgen.text.kinds import Kind
from searchgen.text.printed_words import printed_words

__all__ = ["MARKERS", "Vocabulary"]

MARKERS = ("<unk>", "<s>", "</s>")  # ids 0, 1, 2 of a language model: never part of a text

#: Look-ups, and things built once, that a vocabulary remembers; thousands of jobs over one model must not fill the memory.
MOST_LOOKED_UP, MOST_BUILT = 2_000, 32

Built = TypeVar("Built")


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """Token strings by id. Indexes are built when first asked for: a short job folds nothing.

    Attributes:
        tokens: the model's tokens in id order.
        form: the text form; its `fold` must work character by character (case folding does).
        extra: demanded words the model does not know, with ids from `len(tokens)` on.
        stored_kinds: `form.kinds(tokens)`, if it is kept with the model.
        stored_ids: the id of each of the tokens, if the model has them; not to be changed.

    >>> from searchgen.text import text_form
    >>> words = Vocabulary(["<unk>", "<s>", "</s>", "dog", "Dog", "dog's", ","], text_form("en")).with_words(["zorb"])
    >>> words.matching("DOG"), words.containing("dog"), words.id_of("zorb"), words.is_word.tolist()
    ([3, 4], [3, 4, 5], 7, [False, False, False, True, True, True, False, True])
    """

    tokens: Sequence[str]
    form: TextForm
    extra: tuple[str, ...] = ()
    stored_kinds: Kinds | None = None
    stored_ids: dict[str, int] | None = None

    def __len__(self) -> int:
        return len(self.tokens) + len(self.extra)

    def __getitem__(self, token: int) -> str:
        size = len(self.tokens)
        return self.tokens[token] if token < size else self.extra[token - size]

    def __iter__(self) -> Iterator[str]:
        return chain(self.tokens, self.extra)

    @cached_property
    def ids(self) -> dict[str, int]:
        """The id of each token, extra words included."""
        if self.stored_ids is not None and not self.extra:
            return self.stored_ids
        return dict(zip(self, range(len(self)), strict=False))

    @property
    def units(self) -> Units:
        """The words with signs, and those that keep their case, of the request that the vocabulary is for."""
        units: Units = getattr(self.form, "units", NO_UNITS)
        return units

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
            token_id = next((place for place in near if self[place] == token), -1)
            _remember(self._places, token, token_id, MOST_LOOKED_UP)
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
        built: Built = self._built[name]
        return built

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
    def counts(self) -> npt.NDArray[np.uint8]:
        """(V',) what each token adds to the count of a text's words, as people count them: `WORD`, `JOIN` or 0.

        In English what spaces part is a word: a hyphen joins two, and a sign such as `&` stands alone.

        >>> from searchgen.text import text_form
        >>> Vocabulary(["well", "-", "known", ",", "&"], text_form("en")).counts.tolist()
        [1, 255, 1, 0, 1]
        """
        size = len(self.tokens)
        counts = self._counted(self.tokens, self.is_word[:size])
        return np.append(counts, self._counted(self.extra, self.is_word[size:])) if self.extra else counts

    def _counted(self, words: Sequence[str], is_word: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint8]:
        counts = is_word.astype(np.uint8) * np.uint8(WORD)
        if self.form.name == "en":
            kinds = self.kinds if words is self.tokens else self.form.kinds(words)
            counts[kinds == Kind.HYPHEN] = JOIN
            signs = np.flatnonzero((kinds == Kind.SYMBOL) & ~is_word)
            counts[[sign for sign in signs.tolist() if printed_words(words[sign])]] = WORD
        return counts

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
            _remember(self._matches, folded, list(self._occurrences(f"\n{folded}\n")), MOST_LOOKED_UP)
        return self._matches[folded]

    @cached_property
    def _matches(self) -> dict[str, list[int]]:
        return {}

    def containing(self, word: str) -> list[int]:
        """All tokens that contain a word between non-letters, case ignored: `dog's` contains `dog`, `dogma` does not.

        Beside a digit of the word, digits do not count as a border either. What has no letter or digit is only
        contained in itself: `,` is not in `1,000`. In a word with signs that is no token of the model only spaces are
        borders, and after a word with signs apostrophes: `C` is not in `C++`, which is in `C++'s`.

        Args:
            word: one token.

        Returns:
            Their ids in rising order.
        """
        folded = self.form.fold(word)
        if not any(map(str.isalnum, folded)):
            return self.matching(word)
        if folded not in self._holders:
            candidates = dict.fromkeys(self._occurrences(folded))
            holders = [token for token in candidates if self._holds(token, folded)]
            _remember(self._holders, folded, holders, MOST_LOOKED_UP)
        return self._holders[folded]

    @property
    def folded_tokens(self) -> list[str]:
        """All tokens with case ignored, extra words included."""
        return self._folded[1:-1].decode().split("\n")

    def contains(self, token: int, word: str) -> bool:
        """Whether a token is among those that contain a word (see `containing`), without a search for the others.

        Args:
            token: its id.
            word: another token.
        """
        folded = self.form.fold(word)
        if not any(map(str.isalnum, folded)):
            return self.form.fold(self[token]) == folded
        return self._holds(token, folded)

    def _holds(self, token: int, word: str) -> bool:
        """Whether a token, folded, holds a folded word between borders."""
        folded, borders = self.form.fold(self[token]), ""
        if token >= len(self.tokens) and not folded.replace("'", "").isalnum():
            is_unit = self[token] in self.units or self.form.tokenise_as_printed(self[token]) != [self[token]]
            borders = ("\n " if word.isalnum() else "\n '") if is_unit else ""
        return bordered(word, f"\n{folded}\n", borders)

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
            if self.find(word) < 0 if word in self.units.cased else not self.matching(word):
                new.setdefault(self.form.fold(word), word)
        if not new:
            return self
        _ = self.ids  # built once for the vocabularies of all requests
        return self._with(new.values())

    def with_tokens(self, tokens: Iterable[str]) -> "Vocabulary":
        """A vocabulary that also holds the given tokens exactly as they are written.

        Args:
            tokens: of a text.

        Returns:
            This vocabulary when it holds all, else a new one.
        """
        new = [token for token in dict.fromkeys(tokens) if self.find(token) < 0]
        return self._with(new) if new else self

    def _with(self, words: Iterable[str]) -> "Vocabulary":
        new = tuple(words)
        larger = Vocabulary(self.tokens, self.form, (*self.extra, *new), self.kinds)
        # The model's tokens are folded and looked at once, not again for every request and every text.
        folded = [f"{self.form.fold(word)}\n".encode() for word in new]
        ends = len(self._folded) - 1 + np.cumsum([len(word) for word in folded])
        places = {token: place for token, place in self._places.items() if place >= 0}
        numbers = {word: len(self) + number for number, word in enumerate(new)}
        is_word = np.array([self.form.is_word(word) for word in new], np.bool_)
        if "ids" in self.__dict__:
            larger.__dict__["ids"] = self.ids | numbers
        if "counts" in self.__dict__:
            larger.__dict__["counts"] = np.append(self.counts, self._counted(new, is_word))
        larger.__dict__.update(
            alphabet_size=self.alphabet_size,
            _folded=self._folded + b"".join(folded),
            _newlines=np.concatenate([self._newlines, ends]),
            _places=places | numbers,
            is_word=np.append(self.is_word, is_word),
        )
        return larger

    def with_units(self, units: Units) -> "Vocabulary":
        """A vocabulary for a request with words with signs, and with words that keep their case.

        Args:
            units: these words; other spellings of the latter can then be no part of a text.

        Returns:
            This vocabulary when there are none.
        """
        form = self.form.with_units(units)
        if form is self.form:
            return self
        kinds = self.kinds.copy()
        for word in (*units.signs, *units.cased):
            for token in self.matching(word):
                if token < len(kinds):
                    kinds[token] = form.kinds([word])[0] if self[token] == word else Kind.NEVER
        for sign in units.signs:
            for token in dict.fromkeys(self._occurrences(form.fold(sign))):
                if token < len(kinds) and form.tokenise_as_printed(self[token]) != [self[token]]:
                    kinds[token] = Kind.NEVER
        larger = Vocabulary(self.tokens, form, self.extra, kinds)
        larger.__dict__.update(
            alphabet_size=self.alphabet_size, ids=self.ids, _folded=self._folded, _newlines=self._newlines
        )
        return larger


def _remember(memory: dict[Any, Any], name: Hashable, value: Any, most: int) -> None:
    """Keep a value; when there are too many, the others go."""
    if len(memory) >= most:
        memory.clear()
    memory[name] = value
