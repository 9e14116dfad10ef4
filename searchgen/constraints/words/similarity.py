"""Texts whose meaning is near that of a given one, and texts that share few of its words.

Both measures look at the whole text. A text's similarity has no automaton at all; its overlap has one whose states count each word of the
other text, too large but for short ones. So texts are judged one by one. A violation is a twentieth of either measure.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from math import ceil
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from searchgen.automata import ENTRY_LIMIT, START, Automaton, Ids, anything, minimise
from searchgen.constraints.base import Constraint, Counted, Setting
from searchgen.constraints.flags import Flag
from searchgen.errors import RequestError, TooLarge
from searchgen.meaning.overlap import overlap
from searchgen.text import TextForm
from searchgen.vocabulary import Vocabulary

__all__ = ["STEP", "Overlap", "Similarity"]

#: Of either measure: what counts as one violation. Sums of 32-bit numbers differ in the last digits.
STEP, ROUNDING = 0.05, 1e-6

#: What needs a text to compare with.
COMPARING = ("min_similarity", "max_overlap", "similarity_weight", "overlap_weight")


@dataclass(frozen=True)
class Similarity(Counted):
    """The cosine of the sentence vectors of the text and another one is not below a bound.

    Attributes:
        other: the other text.
        language: of both: `en` or `zh`.
        least: the bound, -1 to 1.
        model: folder of a sentence-embedding model; "": the vectors of the language.
    """

    name: ClassVar[str] = "similarity"
    flags: ClassVar[tuple[Flag, ...]] = (
        Flag("similar-to", str, "A text that results are compared with, by meaning and by words.", "TEXT", "", ""),
        Flag("min-similarity", float | None, "Least similarity to it: 1 for the same words, about 0 for others.", "X"),
        Flag("vectors", str, "Folder of a sentence-embedding model that measures similarity.", "FOLDER", "", ""),
    )
    black_box: ClassVar[bool] = True
    other: str
    language: str
    least: float
    model: str = ""

    @classmethod
    def check(cls, demands: Mapping[str, Any]) -> None:
        """Refuse bounds and weights without a text, a text without them, and bounds beyond all measures.

        Raises:
            RequestError: in these cases.
        """
        other, least, most = demands["similar_to"], demands["min_similarity"], demands["max_overlap"]
        if demands["vectors"] and least is None and demands["similarity_weight"] is None:
            raise RequestError("--vectors without a bound on similarity; add --min-similarity 0.5")
        given = [name for name in COMPARING if demands[name] is not None]
        if given and not other.strip():
            raise RequestError(f"--{given[0].replace('_', '-')} without a text to compare with; give --similar-to TEXT")
        if other and not given:
            raise RequestError(
                "--similar-to without a bound; add --min-similarity 0.5, --max-overlap 0.5 or --similarity-weight 30"
            )
        if least is not None and not -1 <= least <= 1:
            raise RequestError(f"--min-similarity {least:g}: give a number from -1 to 1")
        if most is not None and not 0 <= most <= 1:
            raise RequestError(f"--max-overlap {most:g}: give a number from 0 to 1")

    @classmethod
    def wording(cls, demands: Mapping[str, Any]) -> str:
        """Return the other text; a folder says nothing of the language."""
        return demands["similar_to"] or ""

    @classmethod
    def of_demands(cls, demands: Mapping[str, Any], setting: Setting) -> Sequence[Constraint]:
        """Return the constraint, if there is a bound.

        Raises:
            RequestError: the language has no word vectors, or no word of the text has one.
        """
        if demands["min_similarity"] is None:
            return ()
        other, least, model = demands["similar_to"], demands["min_similarity"], demands["vectors"]
        return (cls.to(other, setting.form, least, "--min-similarity", model),)

    @classmethod
    def to(cls, other: str, form: TextForm, least: float, flag: str, model: str = "") -> "Similarity":
        """Return the bound on the similarity to a text.

        Args:
            other: the other text.
            form: of the texts.
            least: the bound.
            flag: that asks for it.
            model: folder of a sentence-embedding model; "": the vectors of the language.

        Raises:
            RequestError: the language has no word vectors, or no word of the text has one.
        """
        from searchgen.meaning.measures import sentence_vectors
        from searchgen.meaning.vectors import LANGUAGES

        language = form.name
        if language not in LANGUAGES and not model:
            raise RequestError(
                f"{flag}: there are no word vectors for texts of the form {language!r}; drop it, or give --vectors FOLDER"
            )
        if not sentence_vectors(language, model).knows(other):
            raise RequestError(f"--similar-to {other[:40]!r}: no word has a vector in {language!r}; use common words")
        return cls(other, language, least, model)

    @classmethod
    def apart(cls, demands: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
        """Yield the one part."""
        if demands["min_similarity"] is not None:
            yield from _apart("min_similarity", "max_overlap", demands, ("vectors",))

    def describe(self) -> str:
        """The bound.

        >>> Similarity("a dog", "en", 0.5).describe()
        'similarity of at least 0.5'
        """
        return f"similarity of at least {self.least:g}"

    def automaton(self, vocabulary: Vocabulary, limit: int = ENTRY_LIMIT) -> Automaton:
        """Every text, for a bound that every text keeps; for others there is none.

        Args:
            vocabulary: the tokens.
            limit: not used.

        Raises:
            TooLarge: some texts do not keep the bound.
        """
        if self.least > -1:
            raise TooLarge("similarity of meaning has no automaton; search with anneal, or draw with surrogate")
        return anything(len(vocabulary))

    def value(self, ids: Ids, vocabulary: Vocabulary) -> float:
        """Return the similarity of a text, -1 to 1."""
        return self.values([ids], vocabulary)[0]

    def values(self, texts: Sequence[Ids], vocabulary: Vocabulary) -> list[float]:
        """Return the similarity of each of many texts, -1 to 1."""
        from searchgen.meaning.measures import sentence_vectors
        from searchgen.meaning.pooling import cosine

        tokens = [vocabulary.decode(ids) for ids in texts]
        # A model of the user's own reads texts as they are printed; words need no capitals.
        between = "" if self.language == "zh" else " "
        printed = map(vocabulary.form.detokenise if self.model else between.join, tokens)
        other = _vector(self.language, self.model, self.other)
        vectors = sentence_vectors(self.language, self.model).sentences([*printed])
        return [float(cosine(vector, other)) for vector in vectors]

    def violations(self, ids: Ids, vocabulary: Vocabulary) -> int:
        """How far the text is below the bound, in steps; arguments as those of `Constraint.violations`."""
        return self.violations_of([ids], vocabulary)[0]

    def violations_of(self, texts: Sequence[Ids], vocabulary: Vocabulary) -> list[int]:
        """The same of many texts; arguments as those of `Constraint.violations_of`."""
        if self.least <= -1:
            return [0] * len(texts)
        values = self.values(texts, vocabulary)
        return [max(0, ceil((self.least - ROUNDING - value) / STEP)) for value in values]


@dataclass(frozen=True)
class Overlap(Counted):
    """Twice the words that the text shares with another, over the words of both, is not above a bound; case is ignored.

    Attributes:
        other: the words of the other text, folded; in Chinese its characters.
        most: the bound, 0 to 1.
    """

    name: ClassVar[str] = "max-overlap"
    flags: ClassVar[tuple[Flag, ...]] = (
        Flag("max-overlap", float | None, "Largest share of words in common with --similar-to, 0 to 1.", "X"),
    )
    black_box: ClassVar[bool] = True
    other: tuple[str, ...]
    most: float

    @classmethod
    def of_demands(cls, demands: Mapping[str, Any], setting: Setting) -> Sequence[Constraint]:
        """Return the constraint, if there is a bound.

        Raises:
            RequestError: the other text has no word.
        """
        if demands["max_overlap"] is None:
            return ()
        return (cls.with_text(demands["similar_to"], setting.form, demands["max_overlap"]),)

    @classmethod
    def with_text(cls, other: str, form: TextForm, most: float) -> "Overlap":
        """Return the bound on the words in common with a text.

        Raises:
            RequestError: the text has no word.
        """
        words = tuple(_words(form.tokenise(other), form))
        if not words:
            raise RequestError(f"--similar-to {other[:40]!r} has no word; give a text")
        return cls(words, most)

    @classmethod
    def apart(cls, demands: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
        """Yield the one part."""
        if demands["max_overlap"] is not None:
            yield from _apart("max_overlap", "min_similarity", demands)

    def describe(self) -> str:
        """The bound.

        >>> Overlap(("a", "dog"), 0.5).describe()
        'overlap of at most 0.5'
        """
        return f"overlap of at most {self.most:g}"

    def automaton(self, vocabulary: Vocabulary, limit: int = ENTRY_LIMIT) -> Automaton:
        """The texts within the bound: states count each word of the other text, and all words as long as they matter.

        Args:
            vocabulary: the tokens.
            limit: the most entries of a table.

        Raises:
            TooLarge: the limit would be passed.
        """
        wanted = Counter(self.other)
        label = {word: number for number, word in enumerate(wanted, 2)}
        # So long a text keeps the bound whatever it shares.
        longest = ceil(2 * len(self.other) / max(self.most, 1e-9)) if self.most > 0 else len(self.other) + 1
        states = int(np.prod([count + 1 for count in wanted.values()], dtype=np.float64)) * (longest + 1)
        if (states + 1) * (len(label) + 2) > limit:
            raise TooLarge(f"the overlap with {len(self.other)} words takes {states:,} states; search with anneal")
        counted = list(product(*(range(count + 1) for count in wanted.values()), range(longest + 1)))
        number_of = {state: place for place, state in enumerate(counted, START)}
        table = np.zeros((len(counted) + 1, len(label) + 2), np.int32)
        accept = np.zeros(len(counted) + 1, np.bool_)
        for state, place in number_of.items():
            *shared, words = state
            accept[place] = self._keeps(sum(shared), words)
            table[place, 0] = place
            longer = min(words + 1, longest)
            table[place, 1] = number_of[(*shared, longer)]
            for at, count in enumerate(wanted.values()):
                more = [*shared[:at], min(shared[at] + 1, count), *shared[at + 1 :]]
                table[place, at + 2] = number_of[(*more, longer)]
        folded = (vocabulary.form.fold(token) for token in vocabulary)
        is_word = vocabulary.is_word.tolist()
        classes = [label.get(word, 1) if counts else 0 for word, counts in zip(folded, is_word, strict=True)]
        return minimise(Automaton.of(classes, table, accept))

    def _keeps(self, shared: int, words: int) -> bool:
        return 2 * shared <= (self.most + ROUNDING) * (words + len(self.other))

    def value(self, ids: Ids, vocabulary: Vocabulary) -> float:
        """Return the overlap of a text, 0 to 1."""
        words = _words(vocabulary.decode(ids), vocabulary.form)
        return overlap(words, self.other)

    def violations(self, ids: Ids, vocabulary: Vocabulary) -> int:
        """How far the text is above the bound, in steps; arguments as those of `Constraint.violations`."""
        return max(0, ceil((self.value(ids, vocabulary) - self.most - ROUNDING) / STEP))


def _words(tokens: Sequence[str], form: TextForm) -> list[str]:
    return [word for token in tokens if (word := _word(token, form))]


@lru_cache(maxsize=1 << 14)
def _word(token: str, form: TextForm) -> str:
    """A token with case ignored; empty if it is no word."""
    return form.fold(token) if form.is_word(token) else ""


def _apart(
    key: str, other: str, demands: Mapping[str, Any], more: Sequence[str] = ()
) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Yield one bound: alone, and left out, with `more`; the text goes with the last bound, and weights, which exclude nothing, with it."""
    name, text = key.replace("_", "-"), demands["similar_to"]
    last = {**dict.fromkeys(COMPARING), "similar_to": "", "vectors": ""}
    without = {key: None, **dict.fromkeys(more, "")} if demands[other] is not None else last
    yield (
        f"{name} {demands[key]:g}",
        {key: demands[key], "similar_to": text} | {one: demands[one] for one in more},
        without,
    )


@lru_cache(maxsize=64)
def _vector(language: str, model: str, text: str) -> npt.NDArray[np.float32]:
    from searchgen.meaning.measures import sentence_vectors

    vector: npt.NDArray[np.float32] = sentence_vectors(language, model).sentences([text])[0]
    return vector
