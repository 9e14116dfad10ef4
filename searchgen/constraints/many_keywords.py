"""Keywords too many for one automaton: a search moves over texts that hold them in whatever order, and begins with one order.

n keywords in any order need 2^n states, in one order n + 1. Chains begin at texts with the keywords in one order, which a guide draws
exactly. From then on the automaton tells in each state which keywords have just ended, as bits of a mask of 64. No move may lose a bit
of a text. So hard constraints hold, and the order of the keywords is free.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from searchgen.automata import ENTRY_LIMIT, START, Automaton, factor_states, product, trim
from searchgen.constraints.base import Constraint
from searchgen.constraints.keywords import Item, Keywords
from searchgen.constraints.patterns import label_words, matcher
from searchgen.constraints.together.demanded import with_demanded
from searchgen.constraints.together.joint import joint, most_hyphens, refuse_forbidden_keywords, window
from searchgen.constraints.together.own_places import apart
from searchgen.errors import Contradiction, Impossible, TooLarge
from searchgen.kernels.randomness import key_of
from searchgen.vocabulary import Vocabulary

__all__ = ["MASK_BITS", "ManyKeywords", "many_keywords"]

#: Keywords of one mask.
MASK_BITS = 64

#: Keywords that the mask does not serve, which share words or are more than its bits, stand in any order so many at a time; 0: all.
GROUPS = (0, 7, 5, 3, 1)

#: Orders in which first texts are looked for before a search gives up.
ORDERS = 8


@dataclass(frozen=True, eq=False)
class ManyKeywords:
    """Keywords beside the automaton of all other constraints.

    Attributes:
        keywords: those in the mask.
        vocabulary: the tokens, demanded words included.
        others: what satisfies all other constraints.
        automaton: the same, in states that tell which keywords have just ended.
        ended: (S,) bits of these keywords.
        too_large: why one automaton does not do.
    """

    keywords: Keywords
    vocabulary: Vocabulary
    others: Automaton
    automaton: Automaton
    ended: npt.NDArray[np.uint64]
    too_large: TooLarge

    @property
    def held(self) -> int:
        """The bits of all keywords."""
        return (1 << len(self.keywords.items)) - 1

    def in_order(self, order: Sequence[int], limit: int = ENTRY_LIMIT) -> Automaton:
        """The texts that satisfy all constraints and hold the keywords in an order of their numbers.

        Args:
            order: each number once.
            limit: the most entries of a table.

        Returns:
            A trimmed automaton; it accepts nothing where no text has the order.

        Raises:
            TooLarge: the limit would be passed.
        """
        ordered = replace(self.keywords, items=tuple(self.keywords.items[number] for number in order), ordered=True)
        return trim(product(self.others, ordered.automaton(self.vocabulary, limit), limit=limit))

    def orders(self) -> Iterator[tuple[int, ...]]:
        """Yield orders to begin with: the given one, its reverse, then shuffled ones, the same in every run."""
        numbers = range(len(self.keywords.items))
        yield tuple(numbers)
        yield tuple(reversed(numbers))
        for shuffle in range(2, ORDERS):
            keys = [key_of(shuffle, str(number)) for number in numbers]
            yield tuple(sorted(numbers, key=keys.__getitem__))


def many_keywords(constraints: Sequence[Constraint], base: Vocabulary, too_large: TooLarge) -> ManyKeywords:
    """Return the longest list of keywords beside the automaton of all other constraints.

    Args:
        constraints: of a request.
        base: the tokens.
        too_large: what was raised for the product of them all.

    Raises:
        TooLarge: the others are too large, too.
        Contradiction: the keywords take more words than a text may have, or one is forbidden.
        Impossible: no text satisfies the others.
    """
    listed = [one for one in constraints if isinstance(one, Keywords) and not one.ordered]
    if not listed:
        raise too_large
    keywords = max(listed, key=lambda one: len(one.items))
    vocabulary = with_demanded(base, constraints)
    refuse_forbidden_keywords(constraints, vocabulary)
    _refuse_short(keywords, constraints, vocabulary)
    masked, beside = _divided(keywords, vocabulary)
    if not masked:
        raise too_large
    rest = [one for one in constraints if one is not keywords]
    if beside:
        rest.append(replace(keywords, items=tuple(beside)))
    others = _others(rest, vocabulary, too_large)
    spotter, ended = _spotter(masked, vocabulary)
    automaton = product(others, spotter)
    ended = ended[factor_states(automaton, spotter)]
    return ManyKeywords(replace(keywords, items=tuple(masked)), vocabulary, others, automaton, ended, too_large)


def _others(constraints: Sequence[Constraint], vocabulary: Vocabulary, too_large: TooLarge) -> Automaton:
    """Return the automaton of all other constraints, those of their keywords that are too many group by group."""
    for group in GROUPS:
        try:
            return joint(constraints, vocabulary, vocabulary.form, group=group)
        except TooLarge:
            continue
        except Impossible:
            if not group:
                raise
            break
    raise too_large


def _divided(keywords: Keywords, vocabulary: Vocabulary) -> tuple[list[Item], list[Item]]:
    """Return the items for the mask, and those that share words with others or are too many."""
    items = keywords.folded_items(vocabulary)
    alone = sorted(number for group in apart(items) for number in group if len(group) == 1 or keywords.overlap)
    masked = [] if keywords.standing(items) else alone[:MASK_BITS]  # the mask heeds nothing around a keyword
    return [items[number] for number in masked], [item for number, item in enumerate(items) if number not in masked]


def _spotter(items: Sequence[Item], vocabulary: Vocabulary) -> tuple[Automaton, npt.NDArray[np.uint64]]:
    """Return an automaton that accepts every text, and the bits of the items that have just ended in each of its states."""
    phrases = [phrase for item in items for phrase in item]
    labels, label = label_words((word for phrase in phrases for word in phrase), vocabulary)
    table, _ = matcher(phrases, label)
    ended = np.zeros(len(table) + START, np.uint64)
    for phrase in phrases:
        node = 0
        for end, word in enumerate(phrase, 1):
            node = table[node, label[word]]  # that of phrase[:end], for the machine has read nothing else
            for number, item in enumerate(items):
                if any(phrase[max(0, end - len(one)) : end] == one for one in item):
                    ended[START + node] |= np.uint64(1 << number)
    rows = np.concatenate([np.zeros((1, table.shape[1]), np.int32), table + START])
    return Automaton.of(labels, rows, np.arange(len(rows)) >= START), ended


def _refuse_short(keywords: Keywords, constraints: Sequence[Constraint], vocabulary: Vocabulary) -> None:
    """Refuse keywords that take more words than a text may have; those that may share words take no fixed number."""
    words, fewest = window(constraints), keywords.least_words(vocabulary.form)
    if words is not None and fewest > words[1] + most_hyphens(constraints, vocabulary) and not keywords.overlap:
        raise Contradiction(f"{keywords.describe()!r} takes {fewest} words, and a text may have only {words[1]}")
