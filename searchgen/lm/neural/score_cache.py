"""What a model that scores whole texts has done, and the scores it keeps."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt

__all__ = ["Kept", "Recent", "Usage"]

Result = TypeVar("Result")

#: Scores that are kept; beyond it all but those of the call are forgotten.
MOST_KEPT = 1_000_000

#: Texts of which more than a score is kept, until there would be more of them.
MOST_RECENT = 10_000


@dataclass
class Usage:
    """What a model has done so far.

    Attributes:
        evaluations: texts whose score was asked for.
        duplicates: of them, texts that occurred twice in a call.
        cache_hits: of them, texts scored in an earlier call.
        forwards: passes through the network.
        texts: texts that went through it.
        tokens: pieces that went through it, padding not counted.
        padding: padded positions.
        halvings: passes that did not fit into the memory and were made again in halves.
        cut_short: texts that were not read to the end, because their partial score decided.
        spared: pieces that a beginning shares with the one it grows out of, whose keys and values were kept.
    """

    evaluations: int = 0
    duplicates: int = 0
    cache_hits: int = 0
    forwards: int = 0
    texts: int = 0
    tokens: int = 0
    padding: int = 0
    halvings: int = 0
    cut_short: int = 0
    spared: int = 0


@dataclass(eq=False)
class Kept:
    """Scores by text: whatever was scored once keeps its score, bit for bit.

    Attributes:
        usage: counts what was asked for.
        scores: by text, natural log.
    """

    usage: Usage
    scores: dict[str, float] = field(default_factory=dict)

    def of(
        self, texts: Sequence[str], compute: Callable[[list[str]], npt.NDArray[np.float64]]
    ) -> npt.NDArray[np.float64]:
        """Return the scores of texts, (n,) float64; `compute` is called once, with the distinct ones that are new."""
        distinct = dict.fromkeys(texts)
        new = [text for text in distinct if text not in self.scores]
        self.usage.evaluations += len(texts)
        self.usage.duplicates += len(texts) - len(distinct)
        self.usage.cache_hits += len(distinct) - len(new)
        if len(self.scores) + len(new) > MOST_KEPT:
            self.scores = {text: self.scores[text] for text in distinct if text in self.scores}
        self.scores.update(zip(new, compute(new).tolist(), strict=True))
        return np.array([self.scores[text] for text in texts], np.float64)


@dataclass(eq=False)
class Recent(Generic[Result]):
    """Results of the texts that were scored last, so that a ranking of them asks for nothing.

    Attributes:
        results: by text.
    """

    results: dict[str, Result] = field(default_factory=dict)

    def of(self, texts: Sequence[str], compute: Callable[[list[str]], Sequence[Result]]) -> list[Result]:
        """Return the results of texts; `compute` is called once, with the distinct ones that are new."""
        new = [text for text in dict.fromkeys(texts) if text not in self.results]
        computed = dict(zip(new, compute(new), strict=True)) if new else {}
        result = [self.results[text] if text in self.results else computed[text] for text in texts]
        if len(self.results) + len(computed) > MOST_RECENT:
            self.results.clear()
        self.results.update(computed)
        return result
