"""The texts that a transformer has scored in a search."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from searchgen.samplers.chains.observer import Text
from searchgen.samplers.chains.scorer import Floats, Lengths, Scorer, Tokens
from searchgen.search.softening import Softening

__all__ = ["ScoredTexts", "by_density"]


@dataclass(eq=False)
class ScoredTexts:
    """Every text that the transformer scored, with its density.

    Attributes:
        scorer: the target's, without the terms whose violations are counted.
        softening: these terms.
        own: by text, what the scorer said.
        density: by text, with these terms, hard ones softened.
    """

    scorer: Scorer
    softening: Softening
    own: dict[Text, float] = field(default_factory=dict)
    density: dict[Text, float] = field(default_factory=dict)

    def score(self, tokens: Tokens, lengths: Lengths) -> Floats:
        """Score texts, and remember them."""
        scores = self.scorer(tokens, lengths)
        for i, (row, length, score) in enumerate(zip(tokens, lengths, scores.tolist(), strict=True)):
            if score > -np.inf:
                text = tuple(row[:length].tolist())
                self.own[text] = score
                scores[i] = score + self.softening.charge(text)
                if scores[i] > -np.inf:
                    self.density[text] = float(scores[i])
        return scores

    def ranked(self) -> tuple[list[Text], Floats]:
        """Return the texts, densest first, and their densities, hard terms softened."""
        return by_density(self.density)

    def allowed(self) -> tuple[list[Text], Floats]:
        """Return the texts that break no hard term, densest first, and their densities."""
        return by_density({text: own for text, own in self.unforced().items() if self.softening.holds(text)})

    def unforced(self) -> dict[Text, float]:
        """Return the density of each text as if there were no hard terms whose violations are counted."""
        return (
            {text: own + self.softening.weight(text) for text, own in self.own.items()} if self.softening else self.own
        )


def by_density(density: Mapping[Text, float]) -> tuple[list[Text], Floats]:
    """Return texts, densest first, and their densities."""
    order = sorted(density.items(), key=lambda item: (-item[1], item[0]))
    return [text for text, _ in order], np.array([score for _, score in order])
