"""What a language model of printed texts is, and what else it may be able to do: every capability is a separate protocol.

A model declares a capability by having the methods of its protocol; callers ask `isinstance(model, StatesPrefixes)`. Laws that a model
must keep are assertions in `searchgen.testing`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from searchgen.lm.boundaries import PrefixLogProbs

if TYPE_CHECKING:
    from searchgen.lm.neural.settings import NeuralSettings
    from searchgen.lm.neural.top_pieces import Expected

__all__ = [
    "ExpectsPieces",
    "FillsMasks",
    "HasContext",
    "KeepsKeyValues",
    "KnowsSense",
    "MixturePart",
    "ModelType",
    "PrefixScorer",
    "StatesPrefixes",
    "StopsEarly",
    "TextModel",
    "expecting",
]

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]


class PrefixScorer(Protocol):
    """Prefixes of texts, generation after generation."""

    def log_probs(self, texts: Sequence[str], parents: Places) -> Floats:
        """Return natural log p of prefixes, (n,) float64; text i grows out of text parents[i] of the last call."""


@runtime_checkable
class TextModel(Protocol):
    """A model that scores printed texts whole, whatever its own tokens are."""

    @property
    def hash(self) -> str:
        """A hash of everything that its scores depend on."""

    @property
    def label(self) -> str:
        """Name and hash, as records show them."""

    def log_probs(self, texts: Sequence[str]) -> Floats:
        """Return natural log p of texts, (n,) float64; the same text has the same score in every call."""

    def growing(self) -> PrefixScorer:
        """Return what scores prefixes of texts that grow."""

    def counted(self) -> dict[str, int]:
        """Return what it has done so far, by name."""

    def forget(self) -> None:
        """Drop the scores kept, so that the next ones do not depend on what was asked before."""


@runtime_checkable
class StatesPrefixes(Protocol):
    """A model that states the probability of every prefix of a text that ends where a piece of its own ends."""

    def prefix_log_probs(self, texts: Sequence[str]) -> list[PrefixLogProbs]:
        """Return the probabilities of the prefixes of each text.

        Raises:
            RequestError: the tokenizer does not say where its pieces stand.
        """


@runtime_checkable
class MixturePart(StatesPrefixes, Protocol):
    """A model that can be a part of a mixture."""

    @property
    def hash(self) -> str:
        """What the hash of a mixture is made of."""

    @property
    def label(self) -> str:
        """Name and hash."""

    def fits(self, texts: Sequence[str]) -> list[bool]:
        """Return which texts are short enough to be read."""

    def counted(self) -> dict[str, int]:
        """Return what it has done so far, by name."""

    def forget(self) -> None:
        """Drop the scores kept."""


@runtime_checkable
class ExpectsPieces(Protocol):
    """A model that can give the pieces it expects at every place of the texts it scores."""

    @property
    def expectable(self) -> Mapping[str, int] | None:
        """The pieces, with their ids; None: this model cannot give them."""

    def expected(self, texts: Sequence[str]) -> "list[Expected]":
        """Return what it expects at every place of printed texts."""

    def note_expected(self, most: int) -> None:
        """Have it note `most` pieces at every place of the texts that it scores from now on; 0 ends that."""


@runtime_checkable
class KnowsSense(Protocol):
    """A model that may have been taught what readers find fine."""

    def sense(self, texts: Sequence[str]) -> Floats | None:
        """Return natural log odds of a reader's verdict on texts, (n,) float64; None: this one has not been taught."""


@runtime_checkable
class StopsEarly(Protocol):
    """A model that reads a text no further than a bound on its score needs."""

    def log_probs_above(self, texts: Sequence[str], bounds: Floats) -> Floats:
        """Return natural log p of texts, (n,) float64, or -inf where it is not above the bound of the text.

        Raises:
            RequestError: this one cannot stop within a text.
        """


@runtime_checkable
class FillsMasks(Protocol):
    """A masked model: it states what may stand at one place, given the text on both sides. Its scores are no log-probabilities."""

    def conditionals(self, sides: Sequence[tuple[str, str]], pieces: Sequence[Places]) -> list[Floats]:
        """Return log m of the pieces that may stand between left and right: one (K,) float64 array a place."""


@runtime_checkable
class DependsOnProcessor(Protocol):
    """A model whose last bits depend on the instructions of the processor."""

    @property
    def instructions(self) -> str:
        """The set that it is computed with; empty: none of its parts depends on that."""


@runtime_checkable
class HasContext(Protocol):
    """A model that reads texts up to some length."""

    def fits(self, texts: Sequence[str]) -> list[bool]:
        """Return which texts are short enough to be read."""


@runtime_checkable
class KeepsKeyValues(Protocol):
    """A model that scores growing texts from the keys and values of their prefixes, where its network allows that."""

    @property
    def uncached(self) -> Mapping[str, str]:
        """Why networks keep no keys and values, by name; empty: all do, or never could."""


@dataclass(frozen=True)
class ModelType:
    """One kind of text model, as `searchgen.lm.open` lists it.

    Attributes:
        kind: its name.
        matches: whether a value of `--lm` names a model of this kind; it must not open the model.
        open: opens one, by name, settings and threads of the CPU.
        parts: the models that a name mixes, with their weights; nothing where it is one model.
        large: whether the model of a name has read the web: `constrain` puts example lines before texts, and asks it for few scores.
        proposer: the n-gram model that a name brings along to propose to it; None: the embedded one of the words' language.
    """

    kind: str
    matches: Callable[[str], bool]
    open: "Callable[[str, NeuralSettings, int], TextModel]"
    parts: Callable[[str], tuple[tuple[str, float], ...]] = lambda name: ()
    proposer: Callable[[str], str | None] = lambda name: None
    large: Callable[[str], bool] = lambda name: False


def expecting(model: object) -> ExpectsPieces | None:
    """Return a model if it can give the pieces it expects, else None."""
    return model if isinstance(model, ExpectsPieces) and model.expectable is not None else None
