"""The automaton of keywords that count as words only, and when it is asked for."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from searchgen.automata import Automaton
from searchgen.constraints.base import Phrase
from searchgen.constraints.patterns import OTHER
from searchgen.constraints.together.own_places import together
from searchgen.constraints.words.standing import Standing, symbols_of
from searchgen.errors import RequestError
from searchgen.text import TextForm
from searchgen.text.lexicon.segmentation import Segmentation, chinese_words

__all__ = ["StandingMachine", "standing_machine", "words_of"]


class StandingMachine(NamedTuple):
    """An automaton over symbols of its own.

    Attributes:
        automaton: over labels.
        label: of each token that is in a phrase or in a context.
    """

    automaton: Automaton
    label: dict[str, int]

    def over(self, label: Mapping[str, int]) -> Automaton:
        """The automaton over other labels.

        Args:
            label: of tokens, one of each kind; kinds here are unions of those there.
        """
        classes = np.full(len(label) + 1, OTHER, np.int16)
        for token, place in label.items():
            classes[place] = self.label.get(token, OTHER)
        return Automaton.of(self.automaton.classes[classes], self.automaton.next, self.automaton.accept)


def standing_machine(
    items: tuple[tuple[Phrase, ...], ...], ordered: bool, standing: Standing, limit: int
) -> StandingMachine:
    """The machine of keywords of which no two share tokens.

    Args:
        items: keywords, each with its alternatives, folded.
        ordered: whether each comes after the one before it.
        standing: where they count.
        limit: the most entries of its table.

    Raises:
        TooLarge: the table would pass the limit.
    """
    phrases = {phrase for item in items for phrase in item}
    barred = frozenset((phrase, pairs) for phrase, pairs in standing.barred.items() if phrase in phrases)
    return _machine(items, ordered, barred, limit)


@lru_cache(maxsize=256)
def _machine(
    items: tuple[tuple[Phrase, ...], ...],
    ordered: bool,
    barred: frozenset[tuple[Phrase, frozenset[tuple[Phrase, Phrase]]]],
    limit: int,
) -> StandingMachine:
    symbols = symbols_of(items, Standing(dict(barred)))
    label = {symbol: place for place, symbol in enumerate(dict.fromkeys(symbols.of.values()), OTHER + 1)}
    automaton = together(items, label, limit, ordered, symbols.standing)
    return StandingMachine(automaton, {token: label[symbol] for token, symbol in symbols.of.items()})


def words_of(demands: Mapping[str, Any], form: TextForm) -> Segmentation | None:
    """The lexicon by which keywords count as words; None: they count inside other words, too.

    Args:
        demands: a value for every flag of every constraint.
        form: of the texts.

    Raises:
        RequestError: `--inside-words` is given for a language whose words stand apart.
    """
    if form.name != "zh":
        if demands["inside_words"]:
            raise RequestError(
                f"--inside-words is for Chinese, and the model's texts are {form.name!r}, whose words stand apart; drop it"
            )
        return None
    return None if demands["inside_words"] else chinese_words()
