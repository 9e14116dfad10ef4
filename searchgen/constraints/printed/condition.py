"""Conditions on the printed text: automata over its characters, read through the spaces and capitals of the text form."""

from abc import abstractmethod
from collections.abc import Callable, Hashable, Sequence
from typing import TypeVar

import numpy as np

from searchgen.automata import DEAD, ENTRY_LIMIT, START, Automaton, Ids, minimise, trim
from searchgen.automata.lifting import moves_of
from searchgen.constraints.base import Constraint
from searchgen.errors import TooLarge
from searchgen.text.printing import SPACE, Alphabet, Printing, printing_of
from searchgen.vocabulary import Vocabulary

__all__ = ["Printed", "explored", "lifted"]

#: Larger tables are trimmed only: refining them costs more than it saves.
MINIMISED_BELOW = 3_000_000

State = TypeVar("State", bound=Hashable)


class Printed(Constraint):
    """A condition on the printed text alone: an automaton over characters, and the same in plain Python."""

    @abstractmethod
    def characters(self, alphabet: Alphabet, form: str, limit: int) -> Automaton:
        """The automaton over the characters of an alphabet.

        Args:
            alphabet: every character that can be printed.
            form: name of the text form.
            limit: the most entries of its table.

        Raises:
            TooLarge: the table would pass the limit.
        """

    @abstractmethod
    def held_by(self, text: str, form: str) -> bool:
        """Whether a printed text satisfies the constraint, by reading it.

        Args:
            text: as it is printed.
            form: name of its text form.
        """

    def automaton(self, vocabulary: Vocabulary, limit: int = ENTRY_LIMIT) -> Automaton:
        """The texts whose printed form satisfies the constraint.

        Args:
            vocabulary: the tokens.
            limit: the most entries of a table.

        Returns:
            A trimmed automaton, minimal unless it is large.

        Raises:
            TooLarge: the limit would be passed.
        """
        printing = vocabulary.once("printing", lambda: printing_of([*vocabulary], vocabulary.form, vocabulary.is_word))
        return lifted(self.characters(printing.alphabet, vocabulary.form.name, limit), printing, limit)

    def parts(self, ids: Ids, vocabulary: Vocabulary) -> dict[str, bool]:
        """Whether the printed text satisfies the constraint.

        Args:
            ids: a text.
            vocabulary: its tokens.

        Returns:
            One part.
        """
        printed = vocabulary.form.detokenise(vocabulary.decode(ids))
        return {self.describe(): self.held_by(printed, vocabulary.form.name)}


def lifted(characters: Automaton, printing: Printing, limit: int = ENTRY_LIMIT) -> Automaton:
    """The texts whose printed form an automaton over characters accepts.

    The state is that of the automaton, and two bits: whether the next token stands apart, and whether a word has begun.

    Args:
        characters: over the alphabet of the printing.
        printing: of the tokens.
        limit: the most entries of the table.

    Returns:
        A trimmed automaton over tokens, minimal unless it is large.

    Raises:
        TooLarge: the limit would be passed.
    """
    number, moves = moves_of(characters, printing.spelled.columns, printing.spelled.sizes)
    plain, first = number[: len(printing.first)], number[printing.first]
    traits = printing.joins_left * 4 + printing.joins_right * 2 + printing.is_word
    code = (plain * len(moves) + first) * 8 + traits
    present, classes = np.unique(code, return_inverse=True)  # (K,)
    states = len(characters.accept)
    if (4 * states - 3) * len(present) > limit:
        raise _too_large(limit)
    left, right, word = (present >> 2) & 1, (present >> 1) & 1, present & 1
    as_plain, as_first = moves[present // 8 // len(moves)], moves[present // 8 % len(moves)]  # (K, S)
    space = characters.next[:, characters.classes[printing.alphabet.index(SPACE)]]  # (S,)
    table = np.zeros((4 * (states - 1) + 1, len(present)), np.int32)
    for apart in (0, 1):
        for begun in (0, 1):
            moved = (as_plain if begun else np.where(word[:, None] == 1, as_first, as_plain)).T  # (S, K)
            after = np.where((left == 0)[None, :], moved[space], moved) if apart else moved
            bits = (1 - right) + 2 * (begun | word)
            table[1 + apart + 2 * begun :: 4] = np.where(after == DEAD, DEAD, 4 * (after - 1) + 1 + bits)[START:]
    accept = np.append([False], np.repeat(characters.accept[START:], 4))
    automaton = Automaton.of(classes, table, accept)
    return minimise(automaton) if automaton.next.size <= MINIMISED_BELOW else trim(automaton)


def explored(
    sorts: Sequence[int],
    start: State,
    step: Callable[[State, int], State | None],
    accepts: Callable[[State], bool],
    limit: int = ENTRY_LIMIT,
) -> Automaton:
    """The automaton over characters whose states are found by stepping from the first.

    Args:
        sorts: (A,) the sort of each character.
        start: the first state.
        step: the state after a character of a sort; None: the text is out.
        accepts: whether a text may end in a state.
        limit: the most entries of the table.

    Returns:
        A minimal automaton.

    Raises:
        TooLarge: the limit would be passed.

    Example:
        >>> two = explored([0, 1], 0, lambda n, sort: min(2, n + sort), lambda n: n == 2)
        >>> two.accepts([1, 0, 1]), two.accepts([1, 0])
        (True, False)
    """
    labels = sorted(set(sorts))
    place = {label: number for number, label in enumerate(labels)}
    number: dict[State | None, int] = {None: DEAD, start: START}
    rows, queue = [[DEAD] * len(labels)], [start]
    for state in queue:
        row = []
        for label in labels:
            after = step(state, label)
            if after is not None and after not in number:
                number[after] = len(number)
                queue.append(after)
            row.append(number[after])
        rows.append(row)
        if len(number) * len(labels) > limit:
            raise _too_large(limit)
    accept = [False, *(accepts(state) for state in queue)]
    return minimise(Automaton.of([place[sort] for sort in sorts], rows, accept))


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"a condition on the printed text needs an automaton of more than {limit:,} entries; ask for less")
