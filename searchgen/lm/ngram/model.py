"""An n-gram model: its tables for the compiled loops, its vocabulary, and where it comes from."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from searchgen.errors import ModelFileError
from searchgen.lm.ngram.bigrams import Bigrams
from searchgen.lm.ngram.estimation.counts import count_ngrams
from searchgen.lm.ngram.estimation.kneser_ney import Counted, counted, kneser_ney
from searchgen.lm.ngram.estimation.words import encode_sentences
from searchgen.lm.ngram.storage.arpa import read_arpa
from searchgen.lm.ngram.storage.assemble import build_tables
from searchgen.lm.ngram.storage.listed import ROUNDING, RepeatedNGram, listed_model, worst_sum
from searchgen.lm.ngram.storage.packed import content_hash
from searchgen.lm.ngram.tables import NGramTables
from searchgen.text import Kinds, TextForm, text_form
from searchgen.text.kinds import Kind

__all__ = ["NGram"]


class NGram:
    """A language model over whole tokens.

    Attributes:
        tables: the model as compiled loops read it, 32-bit reals.
        form: the text form its tokens come from: "en", "zh" or "raw".
        order: the length of its longest n-grams.
        name: what the user calls it.
        hash: a hexadecimal hash of its contents.
        metadata: how it was made.

    Example:
        >>> model = NGram.from_sentences([["a", "b"], ["a"]], order=2)
        >>> model.vocabulary
        ['<unk>', '<s>', '</s>', 'a', 'b']
        >>> model.ids(["b", "c"]).tolist()
        [4, 0]
    """

    def __init__(
        self,
        tables: NGramTables,
        vocabulary: Sequence[str] | bytes,
        *,
        exact: Callable[[], NGramTables],
        kinds: Kinds | None = None,
        bigrams: Bigrams | None = None,
        form: str = "raw",
        name: str = "",
        hash: str = "",
        metadata: dict[str, Any] | None = None,
    ) -> None:
        """Wrap a model.

        Args:
            tables: the model with 32-bit reals.
            vocabulary: all words in the order of their ids; or as UTF-8, separated by line ends.
            exact: makes the same tables with 64-bit reals.
            kinds: what each word is to the law of canonical texts, if that is at hand.
            bigrams: what look-ahead needs to know, if that is at hand.
            form: text form of the tokens.
            name: what to call the model.
            hash: hash of its contents.
            metadata: how it was made.
        """
        self.tables, self._vocabulary, self._exact = tables, vocabulary, exact
        self._kinds, self._bigrams = kinds, bigrams
        self.form, self.name, self.hash = form, name, hash
        self.order = int(tables.order[0])
        self.metadata = metadata or {}

    @cached_property
    def vocabulary(self) -> list[str]:
        """All words: `<unk>`, `<s>`, `</s>`, then by falling count, ties by code point."""
        words = self._vocabulary
        return words.decode().split("\n") if isinstance(words, bytes) else list(words)

    @cached_property
    def id_of(self) -> dict[str, int]:
        """The id of each word."""
        return {word: i for i, word in enumerate(self.vocabulary)}

    @cached_property
    def text_form(self) -> TextForm:
        """The form of its texts; it decides the case of a first word by the probabilities of the unigrams."""
        return text_form(self.form, _LogUnigrams(self))

    @cached_property
    def kinds(self) -> Kinds:
        """What each word is to the law of canonical texts: (V,) int8, see `searchgen.text.kinds`."""
        return self.text_form.kinds(self.vocabulary) if self._kinds is None else self._kinds

    @cached_property
    def bigrams(self) -> Bigrams:
        """What look-ahead needs to know of its bigrams."""
        return self._bigrams or Bigrams.of(self.tables)

    @property
    def unnormalised(self) -> str:
        """How a foreign file's probabilities fail to sum to one, in words; "" if they do, as those of every model built here."""
        worst = self.metadata.get("worst_sum", 1.0)
        if abs(worst - 1) < ROUNDING:
            return ""
        after = self.metadata["worst_after"]
        return f"the probabilities of {self.name} sum to {worst:.4g}{f' after {after!r}' if after else ''}, not to 1"

    @property
    def size(self) -> int:
        """Number of words in the vocabulary, `<unk>`, `<s>` and `</s>` included."""
        return len(self.tables.alias_p)

    def ids(self, tokens: Iterable[str]) -> npt.NDArray[np.int32]:
        """Return the ids of tokens; a token the model does not know is 0."""
        return np.fromiter(map(self.id_of.get, tokens, repeat(0)), dtype=np.int32)

    def tokens(self, ids: Iterable[int]) -> list[str]:
        """Return the tokens of ids."""
        vocabulary = self.vocabulary
        return [vocabulary[i] for i in ids]

    def exact_tables(self) -> NGramTables:
        """Return the tables with 64-bit reals, made anew from counts or from the file the model was read from."""
        return self._exact()

    @classmethod
    def from_sentences(
        cls,
        sentences: Iterable[Sequence[str]],
        order: int = 3,
        *,
        cut: tuple[int, ...] = (),
        min_count: int = 1,
        form: str = "raw",
        name: str = "sentences",
    ) -> "NGram":
        """Estimate a model from sentences in memory.

        Args:
            sentences: the tokens of each, without `<s>` and `</s>`.
            order: length of the longest n-grams, 1 to 6.
            cut: drop the n-grams of order k that occur at most `cut[k - 1]` times.
            min_count: rarer words are counted as `<unk>`.
            form: text form of the tokens.
            name: what to call the model.

        Raises:
            RequestError: the order or the cut is impossible, or a sentence holds `<s>` or `</s>`.
        """
        tokens, vocabulary = encode_sentences(sentences, min_count=min_count)
        model = counted(count_ngrams(tokens, order, len(vocabulary)), cut)
        metadata = {"form": form, "order": order, "cut": list(cut), "min_count": min_count}
        return cls.from_counts(model, vocabulary, form=form, name=name, metadata=metadata)

    @classmethod
    def from_counts(
        cls, model: Counted, vocabulary: list[str], *, form: str, name: str, metadata: dict[str, Any]
    ) -> "NGram":
        """Estimate a model from counted n-grams."""

        def build(real: str) -> NGramTables:
            return build_tables(model.trie, kneser_ney(model), real)

        key = content_hash(model, "\n".join(vocabulary), form)
        exact = partial(build, "f8")
        return cls(build("f4"), vocabulary, exact=exact, form=form, name=name, hash=key, metadata=metadata)

    @classmethod
    def from_arpa(cls, source: Path | str, *, name: str = "arpa", hash: str = "") -> "NGram":
        """Read an ARPA model.

        Args:
            source: a file; a string is a file's name, or the text itself if it has several lines.
            name: what to call the model.
            hash: hash of its contents, if it is known.

        Raises:
            ModelFileError: the file is missing, truncated or malformed; the message names the line.
        """
        if isinstance(source, str) and "\n" not in source:
            source = Path(source)
        read = read_arpa(source)
        try:
            trie, weights = listed_model(read.levels)
        except RepeatedNGram as error:
            line = read.line_of(error.order, error.row)
            text = source if isinstance(source, Path) else "ARPA text"
            raise ModelFileError(
                f"{text}, line {line}: this n-gram is listed a second time; take the line out"
            ) from None
        worst, after = worst_sum(trie, weights)
        kinds = text_form("raw").kinds(read.vocabulary)
        kinds[read.unknown] = Kind.NEVER
        if not hash:
            content = source.encode() if isinstance(source, str) else source.read_bytes()
            hash = hashlib.sha256(content).hexdigest()
        return cls(
            build_tables(trie, weights),
            read.vocabulary,
            exact=lambda: build_tables(trie, weights, "f8"),
            kinds=kinds,
            name=name,
            hash=hash,
            metadata={
                "form": "raw",
                "order": trie.order,
                "counts": np.diff(trie.starts[1:]).tolist(),
                "worst_sum": worst,
                "worst_after": " ".join(read.vocabulary[i] for i in after),
            },
        )


class _LogUnigrams(Mapping[str, float]):
    """The log-probability of each word alone, looked up where it is: few words of a run are ever asked for."""

    def __init__(self, model: NGram) -> None:
        self._model = model

    def __getitem__(self, word: str) -> float:
        return float(self._model.tables.node["log_p"][1 + self._model.id_of[word]])

    def __contains__(self, word: object) -> bool:
        return word in self._model.id_of

    def __iter__(self) -> Iterator[str]:
        return iter(self._model.id_of)

    def __len__(self) -> int:
        return self._model.size
