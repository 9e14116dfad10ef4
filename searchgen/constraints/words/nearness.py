"""What it costs a text to be far from a given one, or near it: the soft forms of the bounds on similarity, overlap and edits.

    log density(x) = log density without them(x)
                     - similarity_weight * (1 - similarity(x)) - overlap_weight * overlap(x) - closeness * edits(x)

The similarity enters as it is and not as its logarithm, which a cosine of 0 or less has not. So exp(weight * similarity) is a von
Mises-Fisher density of the sentence vector. Near 1 both say the same: log c is about c - 1.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from searchgen.automata import Ids
from searchgen.constraints.base import Constraint, Setting
from searchgen.constraints.flags import Flag
from searchgen.constraints.soft import Soft
from searchgen.constraints.words.edits import Edits, held_spans, source_tokens
from searchgen.constraints.words.similarity import Overlap, Similarity
from searchgen.errors import RequestError
from searchgen.vocabulary import Vocabulary

__all__ = ["Closeness", "Nearness", "OverlapWeight", "SimilarityWeight"]

#: The largest weights in nats: of a measure from 0 to 1, and of one edit.
MOST_WEIGHT, MOST_CLOSENESS = 1000.0, 100.0


class Nearness(Soft):
    """A cost of the distance to a given text, or of the likeness."""

    most: ClassVar[float] = MOST_WEIGHT

    @classmethod
    def check(cls, demands: Mapping[str, Any]) -> None:
        """Refuse a weight that is none.

        Raises:
            RequestError: it names the flag and its value.
        """
        (flag,) = cls.flags
        weight = demands[flag.key]
        if weight is not None and not 0 <= weight <= cls.most:
            raise RequestError(f"--{flag.name} {weight:g}: give a number of nats from 0 to {cls.most:g}")

    def describe(self) -> str:
        """Its flag."""
        return f"{self.name} {self.weight:g}"

    def measures(self, ids: Ids, vocabulary: Vocabulary) -> tuple[str, float]:
        """Return the name of what is measured, and its value for a text, as results have them."""
        return "", self.measure(ids, vocabulary)


@dataclass(frozen=True)
class SimilarityWeight(Nearness):
    """What it costs to be unlike another text in meaning.

    Attributes:
        weight: nats from a similarity of 1 to one of 0.
        to: the other text.
    """

    name: ClassVar[str] = "similarity-weight"
    flags: ClassVar[tuple[Flag, ...]] = (
        Flag("similarity-weight", float | None, "Nats that a similarity to --similar-to of 1 is worth.", "WEIGHT"),
    )
    weight: float
    to: Similarity

    @classmethod
    def of_demands(cls, demands: Mapping[str, Any], setting: Setting) -> Sequence[Constraint]:
        """Return the term, if there is a weight.

        Raises:
            RequestError: the language has no word vectors, or no word of the text has one.
        """
        weight = demands["similarity_weight"]
        if not weight:
            return ()
        other, model = demands["similar_to"], demands["vectors"]
        return (cls(weight, Similarity.to(other, setting.form, -1.0, "--similarity-weight", model)),)

    def measure(self, ids: Ids, vocabulary: Vocabulary) -> float:
        """One less the similarity; arguments as those of `Soft.measure`."""
        return self.measure_of([ids], vocabulary)[0]

    def measure_of(self, texts: Sequence[Ids], vocabulary: Vocabulary) -> list[float]:
        """The same of many texts; arguments as those of `Soft.measure_of`."""
        return [max(0.0, 1.0 - value) for value in self.to.values(texts, vocabulary)]

    def measures(self, ids: Ids, vocabulary: Vocabulary) -> tuple[str, float]:
        """Return the similarity."""
        return "similarity", self.to.value(ids, vocabulary)


@dataclass(frozen=True)
class OverlapWeight(Nearness):
    """What it costs to have words in common with another text.

    Attributes:
        weight: nats from an overlap of 0 to one of 1.
        to: the other text.
    """

    name: ClassVar[str] = "overlap-weight"
    flags: ClassVar[tuple[Flag, ...]] = (
        Flag("overlap-weight", float | None, "Nats that all words in common with --similar-to cost.", "WEIGHT"),
    )
    weight: float
    to: Overlap

    @classmethod
    def of_demands(cls, demands: Mapping[str, Any], setting: Setting) -> Sequence[Constraint]:
        """Return the term, if there is a weight.

        Raises:
            RequestError: the other text has no word.
        """
        weight = demands["overlap_weight"]
        return (cls(weight, Overlap.with_text(demands["similar_to"], setting.form, 1.0)),) if weight else ()

    def measure(self, ids: Ids, vocabulary: Vocabulary) -> float:
        """The overlap; arguments as those of `Soft.measure`."""
        return self.to.value(ids, vocabulary)

    def measures(self, ids: Ids, vocabulary: Vocabulary) -> tuple[str, float]:
        """Return the overlap."""
        return "overlap", self.measure(ids, vocabulary)


@dataclass(frozen=True)
class Closeness(Nearness):
    """What each edit of a source costs.

    Attributes:
        weight: nats for each.
        to: the source.
    """

    name: ClassVar[str] = "closeness"
    flags: ClassVar[tuple[Flag, ...]] = (
        Flag("closeness", float | None, "Nats that each edit of --source costs.", "WEIGHT"),
    )
    most: ClassVar[float] = MOST_CLOSENESS
    weight: float
    to: Edits

    @classmethod
    def of_demands(cls, demands: Mapping[str, Any], setting: Setting) -> Sequence[Constraint]:
        """Return the term, if there is a weight.

        Raises:
            RequestError: the source has no word or too many, or lacks a protected phrase.
        """
        if not demands["closeness"]:
            return ()
        tokens = source_tokens(demands["source"], setting.form)
        return (cls(demands["closeness"], Edits(tokens, 0, held_spans(tokens, demands["protect"], setting.form))),)

    def measure(self, ids: Ids, vocabulary: Vocabulary) -> float:
        """The fewest edits; arguments as those of `Soft.measure`."""
        return self.to.violations(ids, vocabulary)

    def measures(self, ids: Ids, vocabulary: Vocabulary) -> tuple[str, float]:
        """Return the edits."""
        return "edits", self.measure(ids, vocabulary)
