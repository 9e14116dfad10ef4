"""A CGMH loop (Miao et al. 2019), as a baseline: one chain, one word changed at a time, 50 candidates a step scored in one forward pass.

A step takes a random place and one of three random moves. Replacing draws among the 50 candidates and the current word, by their
probability under the transformer. Inserting and deleting are accepted by Metropolis-Hastings with the same 50 as the proposal. Candidates
keep every constraint and are the likeliest words under the n-gram model, which sees both sides. `power` is 1 / T.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from searchgen.samplers.chains.scorer import score_texts
from searchgen.target import Target

__all__ = ["Loop"]

CANDIDATES = 50

#: The words that the n-gram model chooses from: the most frequent.
FREQUENT = 4000

Text = tuple[int, ...]


@dataclass(eq=False)
class Loop:
    """One chain.

    Attributes:
        target: the n-gram target, whose constraints hold for every text.
        score: texts to natural log p under the transformer; one call is one batched pass.
        text: the current text.
        log_p: its score.
        random: of the moves.
    """

    target: Target
    score: Callable[[Sequence[Text]], npt.NDArray[np.float64]]
    text: Text
    log_p: float
    random: np.random.Generator

    def step(self, power: float) -> None:
        """Make one step at a temperature."""
        at = int(self.random.integers(len(self.text)))
        move = ("replace", "insert", "delete")[int(self.random.integers(3))]
        if move == "replace":
            self._replace(at, power)
        elif move == "insert":
            self._insert(at, power)
        else:
            self._delete(at, power)

    def _replace(self, at: int, power: float) -> None:
        if self.text[at] in self.target.demanded:
            return
        found = self._candidates(self.text[:at], self.text[at + 1 :])
        self._take([one for one in found if one != self.text], power, stays=True)

    def _insert(self, at: int, power: float) -> None:
        found = self._candidates(self.text[:at], self.text[at:])
        if not found:
            return
        log_p = self.score(found)
        total = float(np.logaddexp.reduce(power * log_p))
        # Forward: the place among n + 1, the word by its share; backward: the place among n + 1 words; both moves are as likely.
        if np.log(self.random.random()) < total - power * self.log_p:
            self._choose(found, log_p, power)

    def _delete(self, at: int, power: float) -> None:
        if self.text[at] in self.target.demanded:
            return
        shorter = (*self.text[:at], *self.text[at + 1 :])
        if not self._allowed([shorter])[0]:
            return
        back = self._candidates(self.text[:at], self.text[at + 1 :])
        if self.text not in back:
            return
        log_p = self.score([shorter, *back])
        total = float(np.logaddexp.reduce(power * log_p[1:]))
        if np.log(self.random.random()) < power * log_p[0] - total:
            self.text, self.log_p = shorter, float(log_p[0])

    def _take(self, found: list[Text], power: float, stays: bool) -> None:
        if found:
            log_p = self.score(found)
            texts = [*found, self.text] if stays else found
            self._choose(texts, np.append(log_p, self.log_p) if stays else log_p, power)

    def _choose(self, texts: list[Text], log_p: npt.NDArray[np.float64], power: float) -> None:
        weight = np.exp(power * (log_p - log_p.max()))
        i = int(self.random.choice(len(texts), p=weight / weight.sum()))
        self.text, self.log_p = texts[i], float(log_p[i])

    def _allowed(self, texts: Sequence[Text]) -> npt.NDArray[np.bool_]:
        return np.asarray(self._by_ngram(texts) > -np.inf)

    def _by_ngram(self, texts: Sequence[Text]) -> npt.NDArray[np.float64]:
        tokens = np.zeros((len(texts), self.target.max_tokens), np.int32)
        lengths = np.array([min(len(text), self.target.max_tokens) for text in texts], np.int64)
        for row, text in zip(tokens, texts, strict=True):
            row[: len(text)] = text[: self.target.max_tokens]
        return np.asarray(score_texts(self.target.problem, tokens, lengths))

    def _candidates(self, left: Text, right: Text) -> list[Text]:
        """Return the likeliest texts with one word more between two halves, by the n-gram model."""
        if len(left) + len(right) + 1 > self.target.max_tokens:
            return []
        texts = [(*left, word, *right) for word in range(1, FREQUENT)]
        density = self._by_ngram(texts)
        order = np.argsort(-density)[:CANDIDATES]
        return [texts[i] for i in order if density[i] > -np.inf]
