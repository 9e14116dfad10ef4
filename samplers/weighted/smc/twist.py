"""Particles under a transformer or a mixture: proposed and twisted by the n-gram model, weighed word by word by the true one.

The n-gram run gives every particle a weight proper for the n-gram density rho_n. After each token the weight is multiplied by the growth of
p(text so far)^beta / p_n(text so far)^beta, and when the text has ended by what makes the whole factor rho(text) / rho_n(text), with the
whole-text score: prefixes decide what is resampled, never what a text weighs in the end. So weights are proper for rho whatever the
prefixes' scores are, and whatever a tokenizer makes of them.
"""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from searchgen.lm.ngram.scoring import score_tokens
from searchgen.lm.protocol import PrefixScorer
from searchgen.samplers.chains.scorer import Scorer, score_texts
from searchgen.samplers.weighted.smc.steps import Particles
from searchgen.target import Target

__all__ = ["Twist"]

Floats = npt.NDArray[np.float64]
Index = npt.NDArray[np.int64]


@dataclass(eq=False)
class Twist:
    """What the true model says of particles so far.

    Attributes:
        target: with a model of whole texts; its problem is the n-gram's.
        scorer: the true log-density of finished texts.
        growing: the model's prefixes.
        counted: (N,) log of the factors that weights hold already.
        done: (N,) texts that have ended and been scored whole.
        row: (N,) which of the last prefixes a particle's is.
        density: (N,) the true log-density of finished texts.
    """

    target: Target
    scorer: Scorer
    growing: PrefixScorer
    counted: Floats
    done: npt.NDArray[np.bool_]
    row: Index
    density: Floats = field(default_factory=lambda: np.zeros(0))

    @staticmethod
    def of(target: Target, scorer: Scorer, particles: int) -> "Twist":
        """Return the twist of particles without texts."""
        assert target.text_model is not None
        return Twist(
            target,
            scorer,
            target.text_model.growing(),
            np.zeros(particles),
            np.zeros(particles, np.bool_),
            np.zeros(particles, np.int64),
            np.full(particles, -np.inf),
        )

    def select(self, parents: Index) -> None:
        """Follow a resampling: particle c is now a copy of parents[c]."""
        self.counted, self.done, self.row = self.counted[parents], self.done[parents], self.row[parents]
        self.density = self.density[parents]

    def advance(self, particles: Particles) -> None:
        """Multiply weights by what the tokens just appended, and the ends just reached, change."""
        alive = particles.length >= 0
        ended = np.flatnonzero(alive & (particles.left < 0) & ~self.done)
        going = np.flatnonzero(alive & (particles.left >= 0))
        factor = self.counted.copy()
        if len(ended):
            tokens, lengths = np.ascontiguousarray(particles.token[ended]), particles.length[ended]
            self.density[ended] = self.scorer(tokens, lengths)
            factor[ended] = self.density[ended] - score_texts(self.target.problem, tokens, lengths)
            self.done[ended] = True
        if len(going):
            factor[going] = self._begun(particles.token[going], particles.length[going], self.row[going])
            self.row[going] = np.arange(len(going))
        changed = np.concatenate([ended, going])
        # What is impossible stays so: its weight is zero already.
        possible = changed[self.counted[changed] > -np.inf]
        particles.log_weight[possible] += factor[possible] - self.counted[possible]
        factor[np.isneginf(self.counted)] = -np.inf
        self.counted = factor

    def _begun(self, tokens: npt.NDArray[np.int32], lengths: Index, parents: Index) -> Floats:
        """Return beta * log of p / p_n of texts so far, (n,): n-gram and true model without ends."""
        target, problem = self.target, self.target.problem
        rows = [row[:length] for row, length in zip(tokens, lengths, strict=True)]
        true = self.growing.log_probs([target.printed(row) for row in rows], parents)
        flat = np.concatenate(rows)
        offsets = np.append(0, np.cumsum(lengths))
        log_p = score_tokens(problem.ngram, problem.token["model"][flat].astype(np.int32), offsets)
        ends = offsets[1:] + np.arange(len(rows))  # where each text's end stands among the scores
        log_p[ends] = 0.0
        own = np.add.reduceat(log_p, offsets[:-1] + np.arange(len(rows)))
        spelled = [sum(map(target.vocabulary.spelling_log_probability, row.tolist())) for row in rows]
        return np.asarray(float(problem.beta[0]) * (true - own - np.array(spelled)))
