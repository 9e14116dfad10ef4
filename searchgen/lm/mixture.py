"""Mixtures of models, mixed stretch by stretch: `en:0.5,PATH:0.5`.

    p(text) = product over stretches s of  sum_k w_k p_k(s | all before s)     times     sum_k w_k p_k(end | text)

A stretch is what lies between two places at which pieces of every part end: a word with the space before it, or a mark, wherever no
piece of a part reaches across; else as much as the piece holds together. p_k of a stretch is the product of the part's own pieces of the
whole text, spelled canonically. So the law is a fixed function of the text. It sums to at most 1 over all texts if no piece of a part
reaches across a word, as the mixtures of laws of the next word that it is then made of do.
"""

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import fsum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from searchgen.errors import RequestError
from searchgen.lm.boundaries import PrefixLogProbs, common_places, compact_length, prefix_log_probs, token_ends
from searchgen.lm.embedded import MIXED, data_file, ngram_name
from searchgen.lm.neural.score_cache import Kept, Recent, Usage
from searchgen.lm.neural.transformer import is_transformer, open_transformer
from searchgen.lm.prefix_scores import ReadAnew
from searchgen.lm.protocol import (
    DependsOnProcessor,
    KeepsKeyValues,
    MixturePart,
    ModelType,
    PrefixScorer,
    TextModel,
    expecting,
)

if TYPE_CHECKING:
    from searchgen.lm.neural.settings import NeuralSettings
    from searchgen.lm.neural.top_pieces import Expected
    from searchgen.lm.ngram.model import NGram

__all__ = [
    "EMBEDDED_MIXTURE",
    "Mixture",
    "NGramPart",
    "is_mixture",
    "mixed",
    "open_mixture",
    "parts_of",
    "transformer_part",
]

Floats = npt.NDArray[np.float64]

#: Opens a part by name, settings and threads; None: it is the name of an n-gram model.
OpenPart = Callable[[str, "NeuralSettings", int], "TextModel | None"]

# Libraries of n-gram models are imported where they are needed: an embedded transformer is opened while they are loaded.

#: How far weights may be from a sum of 1.
ROUNDING = 1e-6


def is_mixture(name: str) -> bool:
    """Return whether a model's name asks for a mixture: some part ends with a colon and a number.

    Example:
        >>> is_mixture("en:0.5,some/model:0.5"), is_mixture("en"), is_mixture("http://127.0.0.1:8000/v1#name")
        (True, False, False)
    """
    return re.search(r":\d*\.?\d+(,|$)", name) is not None and not Path(name).exists()


def parts_of(name: str) -> tuple[tuple[str, float], ...]:
    """Return the models of a mixture with their weights.

    Raises:
        RequestError: a weight is missing or no positive number, or they do not sum to 1.

    Example:
        >>> parts_of("en:0.25,some/model:0.75")
        (('en', 0.25), ('some/model', 0.75))
    """
    parts = []
    for part in name.split(","):
        model, _, weight = part.rpartition(":")
        if not model or not re.fullmatch(r"\d*\.?\d+", weight) or not float(weight) > 0:
            raise RequestError(
                f"--lm {name}: {part!r} is not a part of a mixture; write MODEL:WEIGHT, as in en:0.5,PATH:0.5"
            )
        parts.append((model, float(weight)))
    total = fsum(weight for _, weight in parts)
    if abs(total - 1.0) > ROUNDING:
        raise RequestError(f"--lm {name}: the weights sum to {total:g}; they must sum to 1")
    return tuple(parts)


@dataclass(frozen=True, eq=False)
class NGramPart:
    """An n-gram model as a part of a mixture: its pieces are its tokens; words it does not know are spelled letter by letter.

    Attributes:
        model: the model.
    """

    model: "NGram"

    @cached_property
    def alphabet_size(self) -> int:
        """How many letters an unknown word is spelled with: those of the model's words."""
        from searchgen.vocabulary import Vocabulary

        return Vocabulary(self.model.vocabulary, self.model.text_form, stored_kinds=self.model.kinds).alphabet_size

    @property
    def label(self) -> str:
        """Name and hash."""
        return f"{self.model.name}@{self.model.hash[:12]}"

    @property
    def hash(self) -> str:
        """What the hash of a mixture is made of: name and hash."""
        return self.label

    def fits(self, texts: Sequence[str]) -> list[bool]:
        """Return that each text is short enough."""
        return [True] * len(texts)

    def counted(self) -> dict[str, int]:
        """Return nothing: its work is not counted."""
        return {}

    def forget(self) -> None:
        """Keep nothing, so that there is nothing to drop."""

    def prefix_log_probs(self, texts: Sequence[str]) -> list[PrefixLogProbs]:
        """Return the probabilities of the prefixes of each text."""
        from searchgen.lm.ngram.scoring import score_tokens

        if not texts:
            return []
        rows = [self.model.text_form.tokenise(text) for text in texts]
        ids = [self.model.ids(row) for row in rows]
        offsets = np.cumsum([0, *map(len, rows)]).astype(np.int64)
        flat = np.concatenate([*ids, np.zeros(0, np.int32)]).astype(np.int32)
        scored = np.split(
            score_tokens(self.model.tables, flat, offsets), (offsets[1:] + np.arange(1, len(offsets)))[:-1]
        )
        prefixes = []
        for text, row, own, log_p in zip(texts, rows, ids, scored, strict=True):
            for place in np.flatnonzero(own == 0).tolist():
                log_p[place] -= (len(row[place]) + 1) * np.log(self.alphabet_size + 1)
            prefixes.append(prefix_log_probs(*token_ends(row, text), compact_length(text), log_p))
        return prefixes


def mixed(parts: Sequence[PrefixLogProbs], log_weights: Floats) -> PrefixLogProbs:
    """Return one text under a mixture: at the places where pieces of every part end, and its end.

    Args:
        parts: the text under each part.
        log_weights: (k,) natural logs of their weights.

    Example:
        >>> halves = np.log([0.5, 0.5])
        >>> a = PrefixLogProbs(np.array([3, 6]), np.log([0.2, 0.02]), 0.0)
        >>> b = PrefixLogProbs(np.array([3, 6]), np.log([0.4, 0.12]), 0.0)
        >>> np.exp(mixed([a, b], halves).log_p).round(6).tolist()  # (0.2 + 0.4) / 2, that times (0.1 + 0.3) / 2
        [0.3, 0.06]
    """
    common = common_places(parts)
    reached = np.stack([part.log_p[np.searchsorted(part.places, common)] for part in parts])  # (k, stretches)
    # What comes after an impossible stretch is impossible, too.
    begun = np.where(np.isneginf(reached[:, :-1]), 0.0, reached[:, :-1])
    reached[:, 1:] -= begun
    log_p = np.logaddexp.reduce(reached + log_weights[:, None], axis=0).cumsum()
    end = np.logaddexp.reduce(np.array([part.log_end for part in parts]) + log_weights)
    return PrefixLogProbs(common, log_p, float(end))


@dataclass(eq=False)
class Mixture:
    """A mixture of models as a law over printed texts.

    Attributes:
        name: as the user named it.
        parts: models.
        weights: of each, with sum 1.
        usage: counts so far; those of the passes are the transformers'.
    """

    name: str
    parts: Sequence[MixturePart]
    weights: Sequence[float]
    usage: Usage = field(default_factory=Usage)

    def __post_init__(self) -> None:
        self._kept = Kept(self.usage)
        self._recent: Recent[PrefixLogProbs] = Recent()
        self._log_weights = np.log(np.array(self.weights))

    @property
    def hash(self) -> str:
        """A hash of the parts and their weights."""
        parts = [(part.hash, weight) for part, weight in self._weighted()]
        return hashlib.sha256(repr(parts).encode()).hexdigest()

    @property
    def label(self) -> str:
        """Name and hash, as records show them."""
        return f"{self.name}@{self.hash[:12]}"

    @property
    def instructions(self) -> str:
        """The instruction set that its parts are computed with; empty: they depend on none."""
        return next((part.instructions for part in self.parts if isinstance(part, DependsOnProcessor)), "")

    def log_probs(self, texts: Sequence[str]) -> Floats:
        """Return natural log p of printed texts, (n,) float64; a text that was scored before keeps its score.

        Raises:
            RequestError: a part cannot score a text.
        """
        return self._kept.of(
            texts,
            lambda new: np.array([prefixes.log_p[-1] + prefixes.log_end for prefixes in self.prefix_log_probs(new)]),
        )

    def prefix_log_probs(self, texts: Sequence[str]) -> list[PrefixLogProbs]:
        """Return the probabilities of the prefixes of each text; those of the texts scored last are still known."""
        return self._recent.of(texts, self._mixed)

    def without_ngrams(self) -> "Mixture":
        """Return the mixture of the other parts, which still know the texts scored last; the same one if that leaves none.

        Example:
            >>> ngram, transformer = NGramPart(None), object()
            >>> left = Mixture("both", [ngram, transformer], [0.25, 0.75]).without_ngrams()
            >>> left.parts == [transformer], left.weights
            (True, [1.0])
        """
        left = [(part, weight) for part, weight in self._weighted() if not isinstance(part, NGramPart)]
        if not left:
            return self
        total = fsum(weight for _, weight in left)
        return Mixture(self.name, [part for part, _ in left], [weight / total for _, weight in left])

    @property
    def expectable(self) -> Mapping[str, int] | None:
        """The pieces its transformer can tell that it expects; None: it cannot tell, or there are several."""
        only = expecting(self._transformers[0]) if len(self._transformers) == 1 else None
        return None if only is None else only.expectable

    def expected(self, texts: Sequence[str]) -> "list[Expected]":
        """Return what its transformer expects at every place of texts; see `PieceModel.expected`."""
        pieces: list[Expected] = self._transformers[0].expected(texts)
        return pieces

    def note_expected(self, most: int) -> None:
        """Have its transformer note what it expects; see `PieceModel.note_expected`."""
        self._transformers[0].note_expected(most)

    @property
    def _transformers(self) -> list[Any]:
        return [part for part in self.parts if not isinstance(part, NGramPart)]

    def fits(self, texts: Sequence[str]) -> list[bool]:
        """Return which texts are short enough for every part to read."""
        return [all(read) for read in zip(*(part.fits(texts) for part in self.parts), strict=True)]

    @property
    def uncached(self) -> Mapping[str, str]:
        """Why networks of it keep no keys and values, by name."""
        parts = [part.uncached for part in self.parts if isinstance(part, KeepsKeyValues)]
        return {name: reason for part in parts for name, reason in part.items()}

    def growing(self) -> PrefixScorer:
        """Return what scores prefixes of texts that grow: each is read anew."""
        return ReadAnew(self.usage, self.without_end)

    def without_end(self, texts: Sequence[str]) -> Floats:
        """Return natural log p of prefixes, (n,) float64: all stretches, and no end."""
        return np.array([prefixes.log_p[-1] for prefixes in self._mixed(list(texts))], np.float64)

    def _weighted(self) -> list[tuple[MixturePart, float]]:
        return list(zip(self.parts, self.weights, strict=True))

    def _mixed(self, texts: list[str]) -> list[PrefixLogProbs]:
        scored = [part.prefix_log_probs(texts) for part in self.parts]
        return [mixed(prefixes, self._log_weights) for prefixes in zip(*scored, strict=True)]

    def forget(self) -> None:
        """Drop the scores kept, those of the parts too."""
        self._kept.scores.clear()
        self._recent.results.clear()
        for part in self.parts:
            part.forget()

    def counted(self) -> dict[str, int]:
        """Return what it has done so far, by name; passes, texts and tokens are the sums over the transformers."""
        own = {name: getattr(self.usage, name) for name in ("evaluations", "duplicates", "cache_hits")}
        passes: dict[str, int] = {}
        for part in self.parts:
            for name, count in part.counted().items():
                passes[name] = passes.get(name, 0) + count
        return {**passes, **own}


def refuse_endless(name: str, settings: "NeuralSettings") -> None:
    """Refuse to leave out the ends of a mixture's texts.

    Raises:
        RequestError: the settings ask for that.
    """
    if settings.end == "none":
        raise RequestError(f"--end none: every part of {name} ends its texts, as n-gram models do; drop --end")


def open_mixture(
    name: str, settings: "NeuralSettings", threads: int = 1, open_part: "OpenPart | None" = None
) -> Mixture:
    """Open a mixture of n-gram models and models that score printed texts.

    Args:
        name: as the user named it.
        settings: how transformers score texts.
        threads: threads of a CPU to compute with.
        open_part: opens a part, or returns None of an n-gram model; by default only transformers are opened.

    Raises:
        RequestError: a part cannot be opened, the weights do not sum to 1, or ends are left out, which parts do not share.
    """
    from searchgen.lm.ngram.load import load

    refuse_endless(name, settings)
    parts: list[MixturePart] = []
    listed = parts_of(name)
    for model, _ in listed:
        opened = (open_part or transformer_part)(model, settings, threads)
        if opened is not None:
            if not isinstance(opened, MixturePart):
                raise RequestError(f"--lm {name}: {model} cannot be a part of a mixture; name it alone")
            parts.append(opened)
            continue
        ngram = load(model)
        if ngram.form == "raw":
            raise RequestError(
                f"--lm {name}: {model} has raw tokens, but a mixture scores printed text; build it without --raw-tokens"
            )
        parts.append(NGramPart(ngram))
    return Mixture(name, parts, [weight for _, weight in listed])


def transformer_part(name: str, settings: "NeuralSettings", threads: int) -> "TextModel | None":
    """Open a part that is a transformer; None: it is none."""
    return open_transformer(name, settings, threads) if is_transformer(name) else None


def open_embedded(name: str, settings: "NeuralSettings", threads: int = 1) -> Mixture:
    """Open an embedded mixture, whose transformer computes with so many threads.

    Raises:
        RequestError: the settings ask for another device or number format, or leave out ends.
    """
    from searchgen.lm.onnx.model import open_graph

    refuse_endless(name, settings)
    path = data_file(name, ".onnx")
    graph = open_graph(path.name, path, settings, threads)
    from searchgen.lm.ngram.load import load  # takes longer to import than the transformer, which others wait for

    return Mixture(name, [NGramPart(load(name)), graph], [1 - MIXED[name], MIXED[name]])


def embedded_parts(name: str) -> tuple[tuple[str, float], ...]:
    """Return the parts of an embedded mixture: its n-gram model, and the file of its transformer.

    Example:
        >>> [weight for _, weight in embedded_parts("en")]
        [0.3, 0.7]
    """
    return (ngram_name(name), round(1 - MIXED[name], 12)), (data_file(name, ".onnx").name, MIXED[name])


#: The mixtures that come with searchgen, as the registry of models lists them.
EMBEDDED_MIXTURE = ModelType("embedded mixture", MIXED.__contains__, open_embedded, embedded_parts, ngram_name)
