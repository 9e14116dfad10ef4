"""Texts one token away from those that a transformer has scored, in the order in which it should like them.

Scoring a text, a causal network tells at every place which pieces it expected there. So of each of its neighbours, with another token at
one place, one more or one less, it has told how probable the new token is after all before it; what the tokens behind it then come to, the
n-gram model guesses:

    log density(y)  ~  log density(x) + beta * (log p'(y) - log p'(x)
                         + [log p(new | before) - log p'(new | before)] - [log p(old | before) - log p'(old | before)])

with p' the n-gram model, old and new the token at the place in x and y, either of which may be none. The guess tells only what to score
next; what is found has the density that the transformer gives it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, cast

import numpy as np
import numpy.typing as npt

from searchgen.lm.cuts import token_ends
from searchgen.lm.neural.expected import Expected
from searchgen.samplers.chain import enter, new_chains
from searchgen.samplers.piece_words import NO_TOKEN, PieceWords
from searchgen.samplers.scorer import Floats, padded
from searchgen.target import Target

__all__ = ["EXPECTED", "Edits", "Expecting", "expecting"]

#: Pieces that are looked at in each place.
EXPECTED = 32

#: Neighbours of one text that are kept.
KEPT = 48

#: Of a guess: scores depend in their last bits on what they are computed beside, orders of guesses seldom.
DECIMALS = 2

Text = tuple[int, ...]
Ids = npt.NDArray[np.int64]


class Expecting(Protocol):
    """A model that tells which pieces it expects in texts; see `searchgen.lm.neural.pieces.PieceModel`."""

    @property
    def expectable(self) -> Mapping[str, int] | None:
        """The pieces, with their ids."""

    def expected(self, texts: Sequence[str]) -> list[Expected]:
        """Return what it expects at every place of printed texts."""

    def note_expected(self, most: int) -> None:
        """Have it note so many pieces at every place of the texts that it scores from now on."""


def expecting(model: object) -> Expecting | None:
    """Return a model if it tells which pieces it expects."""
    return None if getattr(model, "expectable", None) is None else cast(Expecting, model)


@dataclass(frozen=True, eq=False)
class _Changes:
    """Changes of texts, one a row.

    Attributes:
        text: (n,) its number.
        at: (n,) the place.
        new: (n,) the token that stands there afterwards, NO_TOKEN: none.
        more: (n,) by how many tokens the text gets longer: 1, 0 or -1.
        gain: (n,) log p(new) - log p(old) + log p'(old), each 0 for none.
    """

    text: Ids
    at: Ids
    new: Ids
    more: Ids
    gain: Floats


@dataclass(eq=False)
class Edits:
    """The neighbours of texts.

    Attributes:
        target: under the n-gram model.
        words: from the transformer's pieces to the target's tokens.
        guesses: of neighbours, each with the text it is a neighbour of, as far as they are kept.
        read: the texts whose neighbours have been guessed.
    """

    target: Target
    words: PieceWords
    guesses: dict[Text, tuple[float, Text]] = field(default_factory=dict)
    read: set[Text] = field(default_factory=set)

    def guess(self, density: dict[Text, float], texts: Sequence[Text], model: Expecting) -> None:
        """Guess the neighbours of texts.

        Args:
            density: the true log-density of all that has been scored.
            texts: of them, those to change; what has been changed before is passed over.
            model: has scored them.
        """
        new = [text for text in texts if text not in self.read]
        if not new:
            return
        self.read.update(new)
        target, room = self.target, self.target.room
        tokens, lengths = padded(new, room)
        begun = new_chains(len(new), room)
        enter(target.problem, begun, tokens, lengths)
        expected = model.expected([target.printed(text) for text in new])
        changes = self._changes(new, expected, begun.log_p)
        tokens, lengths = _changed(changes, tokens, lengths)
        chains = new_chains(len(lengths), room)
        enter(target.problem, chains, tokens, lengths)
        true = np.array([density[text] for text in new])
        gain = changes.gain - np.where(changes.new == NO_TOKEN, 0.0, chains.log_p[np.arange(len(lengths)), changes.at])
        guess = (true - begun.log_density)[changes.text] + chains.log_density + target.problem.beta[0] * gain
        guess = np.round(guess, DECIMALS)
        for i, text in enumerate(new):
            mine = np.flatnonzero((changes.text == i) & (guess > -np.inf))
            for place in mine[np.argsort(-guess[mine], kind="stable")[:KEPT]].tolist():
                neighbour = tuple(tokens[place, : lengths[place]].tolist())
                if neighbour not in density and guess[place] > self.guesses.get(neighbour, (-np.inf,))[0]:
                    self.guesses[neighbour] = float(guess[place]), text

    def best(self, density: dict[Text, float], most: int, of_each: int) -> list[Text]:
        """Return the neighbours not scored yet that are likeliest to be dense, at most so many, and of each text at most so many."""
        found: list[Text] = []
        taken: dict[Text, int] = {}
        for text, (_, source) in sorted(self.guesses.items(), key=lambda item: (-item[1][0], item[0])):
            if text not in density and taken.get(source, 0) < of_each:
                taken[source] = taken.get(source, 0) + 1
                found.append(text)
                if len(found) == most:
                    break
        return found

    def _changes(self, texts: Sequence[Text], expected: Sequence[Expected], log_p: Floats) -> _Changes:
        """Return all changes of texts that their networks' pieces allow; log_p is theirs under the n-gram model."""
        rows = [self._of_text(i, text, expected[i], log_p[i]) for i, text in enumerate(texts)]
        return _Changes(*(np.concatenate(column) for column in zip(*rows, strict=True)))

    def _of_text(self, number: int, text: Text, expected: Expected, log_p: Floats) -> tuple[Ids, Ids, Ids, Ids, Floats]:
        """Return the columns of the changes of one text, whose row of `log_p` is its own under the n-gram model."""
        scored, room, n = expected.scored, self.target.room, len(text)
        piece, at = self._places(text, expected.starts)
        reached = np.append(0.0, np.cumsum(scored.log_p))
        kept = log_p[at] - (reached[piece[at + 1]] - reached[piece[at]])  # log p'(old) - log p(old)
        # What is expected in the place of every token that has pieces of its own, and of the end.
        before = (
            np.append(at, n) if len(scored.log_p) > len(expected.starts) else at
        )  # under --end none no end is expected
        new = self.words.later(scored.piece[piece[before]]).astype(np.int64)
        if len(before) and before[0] == 0:
            new[0] = self.words.first(scored.piece[piece[0]])
        gain, m = scored.piece_log_p[piece[before]], len(at)
        further = (new != NO_TOKEN) & (n < room)
        other = (new[:m] != NO_TOKEN) & (new[:m] != np.array(text, np.int64)[at, None])
        columns = [
            (np.repeat(at, other.sum(axis=1)), new[:m][other], 0, (gain[:m] + kept[:, None])[other]),
            (np.repeat(before, further.sum(axis=1)), new[further], 1, gain[further]),
            (at, np.full(len(at), NO_TOKEN), -1, kept),
        ]
        places, tokens, more, gains = zip(*columns, strict=True)
        sizes = [len(one) for one in places]
        return (
            np.full(sum(sizes), number),
            np.concatenate(places),
            np.concatenate(tokens),
            np.repeat(more, sizes),
            np.concatenate(gains),
        )

    def _places(self, text: Text, starts: Sequence[int]) -> tuple[Ids, Ids]:
        """Return the first piece of each token and of the end, (n + 1,), and the places of the tokens whose pieces are their own."""
        begin = token_ends(self.target.vocabulary.decode(text), self.target.printed(text))[0]
        piece = np.append(np.searchsorted(starts, begin), len(starts))
        meets = np.append(np.append(starts, NO_TOKEN)[piece[:-1]] == begin, True)
        return piece, np.flatnonzero(meets[:-1] & meets[1:] & (piece[1:] > piece[:-1]))


def _changed(changes: _Changes, tokens: npt.NDArray[np.int32], lengths: Ids) -> tuple[npt.NDArray[np.int32], Ids]:
    """Return the changed texts of padded ones, padded."""
    column = np.arange(tokens.shape[1])[None, :]
    at, more = changes.at[:, None], changes.more[:, None]
    source = column - (more > 0) * (column > at) + (more < 0) * (column >= at)
    found = tokens[changes.text[:, None], np.minimum(source, tokens.shape[1] - 1)]
    put = np.flatnonzero(changes.new != NO_TOKEN)
    found[put, changes.at[put]] = changes.new[put]
    return found, lengths[changes.text] + changes.more
