"""Texts one token away from those that a transformer has scored, in the order in which it should like them.

A causal network that scores a text also states which pieces it expected at every place. So for each neighbour of the text, with another
token at one place, one more or one less, the probability of the new token given the tokens to its left is known already. The effect on
the tokens to its right is estimated with the n-gram model:

    log density(y)  ~  log density(x) + beta * (log p'(y) - log p'(x)
                         + [log p(new | before) - log p'(new | before)] - [log p(old | before) - log p'(old | before)])

with p' the n-gram model, old and new the token at the place in x and y, either of which may be missing. The estimate only decides
which texts are scored next; their densities are those of the transformer.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from heapq import heappush, heappushpop

import numpy as np
import numpy.typing as npt

from searchgen.lm.boundaries import token_ends
from searchgen.lm.neural.top_pieces import Expected
from searchgen.lm.protocol import ExpectsPieces
from searchgen.samplers.chains.chains import enter, new_chains
from searchgen.samplers.chains.scorer import Floats, padded
from searchgen.search.softening import Softening
from searchgen.sources.piece_words import NO_TOKEN, PieceWords
from searchgen.target import Target

__all__ = ["EXPECTED", "Edits"]

#: Pieces that are looked at in each place.
EXPECTED = 32

#: Neighbours of one text that are kept; of functions of the text the violations of so many are counted, some together.
KEPT, COUNTED, TOGETHER = 48, 192, 24

#: Of an estimate: the last bits of a score depend on the batch, the order of rounded estimates seldom does.
DECIMALS = 2

#: What stands for log p of an impossible piece in a guess.
IMPOSSIBLE = -1e3

Text = tuple[int, ...]
Ids = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class _Changes:
    """Changes of one text, one a row.

    Attributes:
        at: (n,) the place.
        new: (n,) the token that stands there afterwards, NO_TOKEN: none.
        more: (n,) by how many tokens the text gets longer: 1, 0 or -1.
        gain: (n,) log p(new) - log p(old) + log p'(old), each 0 for none.
    """

    at: Ids
    new: Ids
    more: Ids
    gain: Floats

    def of(self, text: Text, max_tokens: int) -> tuple[npt.NDArray[np.int32], Ids]:
        """Return the changed texts (n, max_tokens), and their lengths (n,)."""
        column = np.arange(max_tokens)[None, :]
        at, more = self.at[:, None], self.more[:, None]
        column_of = column - (more > 0) * (column > at) + (more < 0) * (column >= at)
        tokens = padded([text], max_tokens + 1)[0][0][column_of]
        put = np.flatnonzero(self.new != NO_TOKEN)
        tokens[put, self.at[put]] = self.new[put]
        return tokens, len(text) + self.more


@dataclass(eq=False)
class Edits:
    """The neighbours of texts.

    Attributes:
        target: under the n-gram model.
        words: from the transformer's pieces to the target's tokens.
        softening: what functions of the text add to an estimate, a value that may change between two calls; None: there are none.
        estimates: of the neighbours that are not queued yet, each with the text it is a neighbour of; only the best are kept.
        queued: the neighbours that `best` has returned.
        expanded: the texts whose neighbours have been estimated.
    """

    target: Target
    words: PieceWords
    softening: Softening | None = None
    estimates: dict[Text, tuple[float, Text]] = field(default_factory=dict)
    queued: set[Text] = field(default_factory=set)
    expanded: set[Text] = field(default_factory=set)

    def expand(self, density: dict[Text, float], texts: Sequence[Text], model: ExpectsPieces) -> None:
        """Estimate the neighbours of texts.

        Args:
            density: the true log-density of all that has been scored, without what `softening` adds.
            texts: those of them to change; texts that have been expanded before are skipped.
            model: has scored them.
        """
        new = [text for text in texts if text not in self.expanded]
        self.expanded.update(new)
        for text, expected in zip(new, model.expected([self.target.printed(text) for text in new]), strict=True):
            tokens, lengths, estimate = self._estimated(text, expected, density[text])
            for place, neighbour in self._kept(tokens, lengths, estimate):
                seen = neighbour in density or neighbour in self.queued
                if not seen and estimate[place] > self.estimates.get(neighbour, (-np.inf,))[0]:
                    self.estimates[neighbour] = float(estimate[place]), text

    def best(self, most: int, per_parent: int) -> list[Text]:
        """Return the neighbours with the best estimates, each of them once only.

        Args:
            most: the largest number of neighbours.
            per_parent: the largest number of neighbours of one text.
        """
        chosen: list[Text] = []
        taken: dict[Text, int] = {}
        worth = {text: -estimate - self._charged(text) for text, (estimate, _) in self.estimates.items()}
        for text in sorted(worth, key=lambda text: (worth[text], text)):
            parent = self.estimates[text][1]
            if taken.get(parent, 0) < per_parent:
                taken[parent] = taken.get(parent, 0) + 1
                chosen.append(text)
                del self.estimates[text]
                if len(chosen) == most:
                    break
        self.queued.update(chosen)
        return chosen

    def _charged(self, text: Text) -> float:
        return 0.0 if self.softening is None else self.softening.charge(text)

    def _kept(self, tokens: npt.NDArray[np.int32], lengths: Ids, estimate: Floats) -> list[tuple[int, Text]]:
        """Return the places of the neighbours of the best estimates, and these."""
        best = np.argsort(-estimate, kind="stable")[: KEPT if self.softening is None else COUNTED]
        found = [(i, tuple(tokens[i, : lengths[i]].tolist())) for i in best[estimate[best] > -np.inf].tolist()]
        if self.softening is None:
            return found
        kept: list[tuple[float, int, Text]] = []  # a heap: what is worth least comes first
        for place, (i, text) in enumerate(found):
            if len(kept) == KEPT and estimate[i] + self.softening.most < kept[0][0]:
                break  # whatever is added to the estimates from here on is too little
            if place % TOGETHER == 0:
                self.softening.count([text for _, text in found[place : place + TOGETHER]])
            one = (estimate[i] + self.softening.charge(text), -i, text)
            if len(kept) < KEPT:
                heappush(kept, one)
            else:
                heappushpop(kept, one)
        return [(-place, text) for _, place, text in sorted(kept, reverse=True)]

    def _estimated(self, text: Text, expected: Expected, density: float) -> tuple[npt.NDArray[np.int32], Ids, Floats]:
        """Return the neighbours of a text (n, max_tokens), their lengths and their estimates (n,)."""
        problem, max_tokens = self.target.problem, self.target.max_tokens
        original = new_chains(1, max_tokens)
        enter(problem, original, *padded([text], max_tokens))
        changes = self._changes(text, expected, original.log_p[0])
        tokens, lengths = changes.of(text, max_tokens)
        chains = new_chains(len(lengths), max_tokens)
        enter(problem, chains, tokens, lengths)
        new = np.where(changes.new == NO_TOKEN, 0.0, chains.log_p[np.arange(len(lengths)), changes.at])
        change = chains.log_density - original.log_density[0] + problem.beta[0] * (changes.gain - new)
        return tokens, lengths, np.round(density + change, DECIMALS)

    def _changes(self, text: Text, expected: Expected, log_p: Floats) -> _Changes:
        """Return the changes of a text to the expected pieces; `log_p` is that of its tokens under the n-gram model."""
        scored, max_tokens, n = expected.scored, self.target.max_tokens, len(text)
        piece, at = self._places(text, expected.starts)
        # A piece that is impossible, beside other parts of a mixture, is worth replacing first.
        reached = np.append(0.0, np.cumsum(np.maximum(scored.log_p, IMPOSSIBLE)))
        kept = log_p[at] - (reached[piece[at + 1]] - reached[piece[at]])  # log p'(old) - log p(old)
        # Expected pieces in the place of every token that shares no piece, and of the end; with --end none texts have no end.
        before = np.append(at, n) if len(scored.log_p) > len(expected.starts) else at
        new = self.words.later(scored.piece[piece[before]]).astype(np.int64)
        if len(before) and before[0] == 0:
            new[0] = self.words.first(scored.piece[piece[0]])
        gain, m = scored.piece_log_p[piece[before]], len(at)
        further = (new != NO_TOKEN) & (n < max_tokens)
        other = (new[:m] != NO_TOKEN) & (new[:m] != np.array(text, np.int64)[at, None])
        columns = [
            (np.repeat(at, other.sum(axis=1)), new[:m][other], 0, (gain[:m] + kept[:, None])[other]),
            (np.repeat(before, further.sum(axis=1)), new[further], 1, gain[further]),
            (at, np.full(len(at), NO_TOKEN), -1, kept),
        ]
        places, tokens, more, gains = zip(*columns, strict=True)
        sizes = [len(column) for column in places]
        return _Changes(np.concatenate(places), np.concatenate(tokens), np.repeat(more, sizes), np.concatenate(gains))

    def _places(self, text: Text, starts: Sequence[int]) -> tuple[Ids, Ids]:
        """Return the first piece of each token and of the end, (n + 1,), and the places of the tokens whose pieces are their own."""
        begin = token_ends(self.target.vocabulary.decode(text), self.target.printed(text))[0]
        piece = np.append(np.searchsorted(starts, begin), len(starts))
        meets = np.append(np.append(starts, NO_TOKEN)[piece[:-1]] == begin, True)
        return piece, np.flatnonzero(meets[:-1] & meets[1:] & (piece[1:] > piece[:-1]))
