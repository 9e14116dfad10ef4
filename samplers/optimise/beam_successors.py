"""Best successors of a context for a beam: exact over the whole vocabulary, without scoring all of it.

Which successors a prefix may keep depends on the automaton's state only through the class of the token, so the `width` best tokens of
each class after a context are enough for every prefix in it. A token that no context of the chain stores has the score of the
unigram plus the back-off weights, so the best of those are first in one list of each class, sorted once.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from searchgen.guide.state_layout import Classes
from searchgen.lm.ngram.tables import END, UNKNOWN
from searchgen.problem import Problem

__all__ = ["NEVER", "Best", "Successors"]

#: Scores below this are log 0.
NEVER = -1e29


class Best(NamedTuple):
    """The best tokens of each class after a context, and the end."""

    token: npt.NDArray[np.int64]  # (n,)
    gain: npt.NDArray[np.float64]  # (n,) beta log p + weight, natural log
    context: npt.NDArray[np.int64]  # (n,) the model's context after it
    ending: float  # beta log p of the end


class Successors:
    """The best successors of every context that a search asks for, each computed once."""

    def __init__(self, problem: Problem, classes: Classes, width: int) -> None:
        """Sort the tokens of each class by their unigram score.

        Args:
            problem: the target.
            classes: its token classes.
            width: most tokens of each class to list.
        """
        self.problem = problem
        self._classes = classes
        self._width = width
        self._beta = float(problem.beta[0])
        self._computed: dict[int, Best] = {}
        node = problem.ngram.node
        model = problem.token["model"].astype(np.int64)
        score = self._beta * node["log_p"][1 + model].astype(np.float64) + problem.token["weight"]
        possible = (classes.cls >= 0) & (score > NEVER)
        self._sorted = [self._by_score(np.flatnonzero(possible & (classes.cls == c)), score) for c in self._numbers()]
        self._root = score
        self._root_context = node["state"][1 + model].astype(np.int64)
        self._listed = np.zeros(len(problem.token), np.bool_)  # scratch: tokens that a context stores

    def _numbers(self) -> range:
        return range(len(self._classes.word))

    @staticmethod
    def _by_score(tokens: npt.NDArray[np.int64], score: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
        return tokens[np.argsort(-score[tokens], kind="stable")]

    def of(self, context: int) -> Best:
        """Return the best successors of a context."""
        if context not in self._computed:
            self._computed[context] = self._compute(context)
        return self._computed[context]

    def _compute(self, context: int) -> Best:
        ngram, parts, backoff, ending = self.problem.ngram, [], 0.0, None
        listed = self._listed
        touched = []
        while context > 0:
            low, high = int(ngram.node["first"][context]), int(ngram.node["end"][context])
            word = ngram.word[low:high].astype(np.int64)
            child = np.arange(low, high)
            if ending is None and (word == END).any():
                ending = backoff + float(ngram.node["log_p"][child[word == END][0]])
            token, child = self._tokens_of(word, child)
            new = ~listed[token]
            token, child = token[new], child[new]
            log_p = backoff + ngram.node["log_p"][child].astype(np.float64)
            gain = self._beta * log_p + self.problem.token["weight"][token]
            parts.append((token, gain, ngram.node["state"][child].astype(np.int64)))
            listed[token] = True
            touched.append(token)
            backoff += float(ngram.node["log_backoff"][context])
            context = int(ngram.node["suffix"][context])
        if ending is None:
            ending = backoff + float(ngram.node["log_p"][1 + END])
        for tokens in self._sorted:
            token = self._unlisted(tokens)
            parts.append((token, self._beta * backoff + self._root[token], self._root_context[token]))
        for token in touched:
            listed[token] = False
        token, gain, after = (np.concatenate(columns) for columns in zip(*parts, strict=True))
        kept = self._best_of_each_class(token, gain)
        return Best(token[kept], gain[kept], after[kept], self._beta * ending)

    def _tokens_of(
        self, word: npt.NDArray[np.int64], child: npt.NDArray[np.int64]
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Return the tokens that children stand for: the model's <unk> stands for every unknown word that is demanded."""
        extra = self.problem.extra
        unknown = child[word == UNKNOWN]
        live = self._classes.cls[word] >= 0
        return (
            np.concatenate([word[live], np.tile(extra, len(unknown))]),
            np.concatenate([child[live], np.repeat(unknown, len(extra))]),
        )

    def _unlisted(self, tokens: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return the first `width` of sorted tokens that no context of the chain stores."""
        size = 2 * self._width
        while True:
            unlisted = tokens[:size]
            unlisted = unlisted[~self._listed[unlisted]]
            if len(unlisted) >= self._width or size >= len(tokens):
                return unlisted[: self._width]
            size *= 4

    def _best_of_each_class(self, token: npt.NDArray[np.int64], gain: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
        """Return the places of the `width` best of each class; those of probability 0 are left out."""
        cls = self._classes.cls[token]
        order = np.lexsort((token, -gain, cls))
        order = order[(gain[order] > NEVER) & (cls[order] >= 0)]
        sorted_cls = cls[order]
        rank = np.arange(len(order)) - np.searchsorted(sorted_cls, sorted_cls)
        return order[rank < self._width]
