"""Texts one token away from those that a transformer has scored, in the order in which it should like them.

Scoring a text, a causal network tells at every place which pieces it expected there. So of each of its neighbours, with another token at
one place, one more or one less, it has told how probable the new token is after all before it; what the tokens behind it then come to, the
n-gram model guesses:

    log density(y)  ~  log density(x) + beta * (log p'(y) - log p'(x)
                         + [log p(new | before) - log p'(new | before)] - [log p(old | before) - log p'(old | before)])

with p' the n-gram model, old and new the token at the place in x and y, either of which may be none. The guess tells only what to score
next; what is found has the density that the transformer gives it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from searchgen.lm.boundaries import token_ends
from searchgen.lm.neural.top_pieces import Expected
from searchgen.lm.protocol import ExpectsPieces
from searchgen.samplers.chains.chains import enter, new_chains
from searchgen.samplers.chains.scorer import Floats, padded
from searchgen.sources.piece_words import NO_TOKEN, PieceWords
from searchgen.target import Target

__all__ = ["EXPECTED", "Edits"]

#: Pieces that are looked at in each place.
EXPECTED = 32

#: Neighbours of one text that are kept.
KEPT = 48

#: Of a guess: scores depend in their last bits on what they are computed beside, orders of guesses seldom.
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
        guesses: of neighbours that were not asked for, each with the text it is a neighbour of, as far as they are kept.
        asked: the neighbours that were.
        read: the texts whose neighbours have been guessed.
    """

    target: Target
    words: PieceWords
    guesses: dict[Text, tuple[float, Text]] = field(default_factory=dict)
    asked: set[Text] = field(default_factory=set)
    read: set[Text] = field(default_factory=set)

    def guess(self, density: dict[Text, float], texts: Sequence[Text], model: ExpectsPieces) -> None:
        """Guess the neighbours of texts.

        Args:
            density: the true log-density of all that has been scored.
            texts: of them, those to change; what has been changed before is passed over.
            model: has scored them.
        """
        new = [text for text in texts if text not in self.read]
        self.read.update(new)
        for text, expected in zip(new, model.expected([self.target.printed(text) for text in new]), strict=True):
            tokens, lengths, guess = self._guessed(text, expected, density[text])
            best = np.argsort(-guess, kind="stable")[:KEPT]
            for place in best[guess[best] > -np.inf].tolist():
                neighbour = tuple(tokens[place, : lengths[place]].tolist())
                known = neighbour in density or neighbour in self.asked
                if not known and guess[place] > self.guesses.get(neighbour, (-np.inf,))[0]:
                    self.guesses[neighbour] = float(guess[place]), text

    def best(self, most: int, of_each: int) -> list[Text]:
        """Return the neighbours that are likeliest to be dense, at most so many, and of each text at most so many; none twice."""
        found: list[Text] = []
        taken: dict[Text, int] = {}
        for text, (_, parent) in sorted(self.guesses.items(), key=lambda item: (-item[1][0], item[0])):
            if taken.get(parent, 0) < of_each:
                taken[parent] = taken.get(parent, 0) + 1
                found.append(text)
                del self.guesses[text]
                if len(found) == most:
                    break
        self.asked.update(found)
        return found

    def _guessed(self, text: Text, expected: Expected, density: float) -> tuple[npt.NDArray[np.int32], Ids, Floats]:
        """Return the neighbours of a text (n, max_tokens), their lengths and their guesses (n,)."""
        problem, max_tokens = self.target.problem, self.target.max_tokens
        begun = new_chains(1, max_tokens)
        enter(problem, begun, *padded([text], max_tokens))
        changes = self._changes(text, expected, begun.log_p[0])
        tokens, lengths = changes.of(text, max_tokens)
        chains = new_chains(len(lengths), max_tokens)
        enter(problem, chains, tokens, lengths)
        new = np.where(changes.new == NO_TOKEN, 0.0, chains.log_p[np.arange(len(lengths)), changes.at])
        change = chains.log_density - begun.log_density[0] + problem.beta[0] * (changes.gain - new)
        return tokens, lengths, np.round(density + change, DECIMALS)

    def _changes(self, text: Text, expected: Expected, log_p: Floats) -> _Changes:
        """Return the changes of a text to what was expected in it; `log_p` is that of its tokens under the n-gram model."""
        scored, max_tokens, n = expected.scored, self.target.max_tokens, len(text)
        piece, at = self._places(text, expected.starts)
        # A piece that is impossible, beside other parts of a mixture, is worth replacing first.
        reached = np.append(0.0, np.cumsum(np.maximum(scored.log_p, IMPOSSIBLE)))
        kept = log_p[at] - (reached[piece[at + 1]] - reached[piece[at]])  # log p'(old) - log p(old)
        # What is expected in the place of every token that has pieces of its own, and of the end, if texts have one (--end none).
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
        sizes = [len(one) for one in places]
        return _Changes(np.concatenate(places), np.concatenate(tokens), np.repeat(more, sizes), np.concatenate(gains))

    def _places(self, text: Text, starts: Sequence[int]) -> tuple[Ids, Ids]:
        """Return the first piece of each token and of the end, (n + 1,), and the places of the tokens whose pieces are their own."""
        begin = token_ends(self.target.vocabulary.decode(text), self.target.printed(text))[0]
        piece = np.append(np.searchsorted(starts, begin), len(starts))
        meets = np.append(np.append(starts, NO_TOKEN)[piece[:-1]] == begin, True)
        return piece, np.flatnonzero(meets[:-1] & meets[1:] & (piece[1:] > piece[:-1]))
