"""One word proposed by a masked model from all the others, and the test that makes it exact for any target.

At a uniform place i with a word x_i, y_i is drawn from m(. | x_-i), normalised over the words of the vocabulary that the masked model
spells as one piece there. With rho the target,

    log alpha = log rho(y) - log rho(x) + log m(x_i | x_-i) - log m(y_i | x_-i)

The places of x and y are the same in number, and m looks at x_-i only, so no other factor appears (Goyal et al., "Exposing the implicit
energy networks behind masked language models via Metropolis-Hastings", ICLR 2022). A word of several pieces stays; so does a mark.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from searchgen.target import Target

if TYPE_CHECKING:
    from searchgen.lm.neural.masked import MaskedModel

__all__ = ["Change", "MaskedProposals", "log_acceptance"]

#: What stands in a masked place while a text is printed: a word that no text has, in the script of the text form.
STAND_IN = {"en": "qzqzq", "zh": "龘", "raw": "qzqzq"}

Floats = npt.NDArray[np.float64]
Text = Sequence[int]


class Change(NamedTuple):
    """What may stand at one place of a text."""

    ids: npt.NDArray[np.int64]  # (K,) tokens that may
    log_m: Floats  # (K,) natural log of their probabilities, which sum to one
    now: int  # where among them the present token is


class Slot(NamedTuple):
    """The words that are one piece behind a space or not, at the beginning or not."""

    ids: npt.NDArray[np.int64]  # (K,) rising
    pieces: npt.NDArray[np.int64]  # (K,)


def log_acceptance(true_y: Floats, true_x: Floats, log_m_y: Floats, log_m_x: Floats) -> Floats:
    """Return log [rho(y) m(x_i | x_-i) / (rho(x) m(y_i | x_-i))].

    Example:
        >>> log_acceptance(np.array([-3.0]), np.array([-4.0]), np.array([-1.0]), np.array([-2.0])).tolist()
        [0.0]
    """
    return (true_y - true_x) + (log_m_x - log_m_y)


@dataclass(frozen=True, eq=False)
class MaskedProposals:
    """A masked model that proposes words of a target's vocabulary.

    Attributes:
        model: the masked model.
        target: whose texts are changed; its vocabulary and text form are used, not its law.
    """

    model: "MaskedModel"
    target: Target

    def changes(self, texts: Sequence[Text], places: Sequence[int]) -> list[Change | None]:
        """Return what may stand at one place of each text, None where nothing else may: all in a few passes.

        Args:
            texts: ids of each.
            places: an index into each.
        """
        changes: list[Change | None] = [None] * len(texts)
        slots: list[tuple[int, int, Slot, tuple[str, str]]] = []
        for i, (text, at) in enumerate(zip(texts, places, strict=True)):
            if not self._is_word[text[at]]:
                continue
            left, right, spaced, first = self._sides(text, at)
            slot = self._slot(spaced, first)
            now = int(np.searchsorted(slot.ids, text[at]))
            if now < len(slot.ids) and slot.ids[now] == text[at]:
                slots.append((i, now, slot, (left, right)))
        log_m = self.model.conditionals([sides for *_, sides in slots], [slot.pieces for _, _, slot, _ in slots])
        for (i, now, slot, _), log_p in zip(slots, log_m, strict=True):
            changes[i] = Change(slot.ids, log_p, now)
        return changes

    def _sides(self, text: Text, at: int) -> tuple[str, str, bool, bool]:
        """Return what is printed left and right of a place, whether a space is before it, and whether it is the first word's.

        Another word stands there meanwhile: spaces beside the word itself may depend on it (我 Tom, 我你), and m must not.
        """
        form, tokens = self.target.form, self.target.vocabulary.decode(text)
        first = not any(self._is_word[token] for token in text[:at])
        tokens[at] = STAND_IN[form.name]
        left, _, right = form.detokenise(tuple(tokens)).partition(self._printed(tokens[at], first))
        return left.rstrip(" "), right, left.endswith(" "), first

    def _printed(self, token: str, first: bool) -> str:
        return self.target.form.detokenise((token,)) if first else token

    def _slot(self, spaced: bool, first: bool) -> Slot:
        if (spaced, first) not in self._slots:
            ids = np.flatnonzero(self._is_word)
            space = " " if spaced else ""
            words = [self.target.vocabulary[i] for i in ids.tolist()]
            pieces = self.model.spelling.single([space + self._printed(word, first) for word in words])
            # Words that a model does not tell apart (Polish, polish) are one word to it: the most frequent one.
            _, kept = np.unique(pieces, return_index=True)
            kept = np.sort(kept[pieces[kept] >= 0])
            self._slots[spaced, first] = Slot(ids[kept], pieces[kept])
        return self._slots[spaced, first]

    @cached_property
    def _slots(self) -> dict[tuple[bool, bool], Slot]:
        return {}

    @cached_property
    def _is_word(self) -> npt.NDArray[np.bool_]:
        return self.target.vocabulary.is_word


def drawn(change: Change, u: float) -> int:
    """Return where among the tokens that may stand at a place the one lies that a number u of [0, 1) draws.

    Example:
        >>> drawn(Change(np.array([7, 9]), np.log([0.25, 0.75]), 0), 0.3)
        1
    """
    cumulative = np.cumsum(np.exp(change.log_m))
    return min(int(np.searchsorted(cumulative, u * cumulative[-1], "right")), len(cumulative) - 1)
