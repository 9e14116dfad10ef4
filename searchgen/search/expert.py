"""What a search under a large model hears beside it: a second model, in a product of both (Hinton 2002), and what readers find fine.

    score(x) = log density(x) + beta * (log q(x) + r * words(x)) + s * sense(x)

q is the embedded mixture, which has explored before. It knows less of the world and more of what is no sentence. A product of two
laws favours short texts even more than one does, so each word is worth something: r is `PER_WORD` less the reward that targets
of the language usually have. Likely texts need not make sense: sense(x) is what a probe of the large model says of that, where one
was taught (`lm/conversion/probe.py`). The score leads and ranks; densities stay the target's.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from searchgen.kernels.shares import WORD
from searchgen.lm.protocol import KnowsSense, TextModel
from searchgen.samplers.chains.observer import Text
from searchgen.samplers.chains.scorer import Floats, Lengths, Scorer, Tokens
from searchgen.target import Target
from searchgen.token_table import WORD_REWARDS

__all__ = ["PER_WORD", "SENSE", "Expert", "rewards"]

#: Nats for each word, in Chinese each character, with the usual reward of the target (notes/reading.md).
PER_WORD = 2.0

#: Nats for each nat of the log odds of a reader's verdict (notes/reading.md).
SENSE = 12.0


@dataclass(eq=False)
class Expert:
    """What is added to the scores of texts under a large model.

    Attributes:
        model: the second model.
        added: by text, what it added.
    """

    model: TextModel
    added: dict[Text, float] = field(default_factory=dict)

    def beside(self, scorer: Scorer, target: Target) -> Scorer:
        """Return a scorer that hears this model as well.

        Args:
            scorer: of the large model.
            target: whose texts it scores.
        """

        def score(tokens: Tokens, lengths: Lengths) -> Floats:
            scores = scorer(tokens, lengths)
            texts = [tuple(row[:length].tolist()) for row, length in zip(tokens, lengths, strict=True)]
            at = np.flatnonzero(scores > -np.inf)
            scores[at] += self._of([texts[i] for i in at.tolist()], target)
            return scores

        return score

    def without(self, texts: Sequence[Text], scores: Floats) -> Floats:
        """Return the scores (n,) of texts without what was added."""
        return np.asarray(scores - np.array([self.added[text] for text in texts], np.float64))

    def _of(self, texts: Sequence[Text], target: Target) -> Floats:
        new = [text for text in texts if text not in self.added]
        printed = [target.printed(text) for text in new]
        added = float(target.problem.beta[0]) * self.model.log_probs(printed) + rewards(new, target)
        sense = target.text_model.sense(printed) if isinstance(target.text_model, KnowsSense) else None
        if sense is not None:
            added += SENSE * sense
        self.added.update(zip(new, added.tolist(), strict=True))
        return np.array([self.added[text] for text in texts])


def rewards(texts: Sequence[Text], target: Target) -> Floats:
    """Return what texts get for their words, (n,), times the power of the target."""
    is_word = target.problem.token["word"] == WORD
    words = np.array([is_word[list(text)].sum() for text in texts], np.float64)
    return float(target.problem.beta[0]) * (PER_WORD - WORD_REWARDS[target.form.name]) * words
