"""Deterministic automata over token classes: what every hard constraint becomes.

A text (a sequence of token ids) is accepted when reading it from the start ends in an accepting state. Conjunction,
disjunction and negation of constraints are `product`, `union` and `complement`; `trim` makes the dead state exact (a
text can be completed iff its state is not 0), and `minimise` merges equivalent states and equal token classes.

    >>> import numpy as np
    >>> has_two = Automaton.of([0, 0, 1], [[0, 0], [1, 2], [2, 2]], [False, False, True])
    >>> has_two.accepts([0, 2, 1]), has_two.accepts([0, 1]), complement(has_two).accepts([0, 1])
    (True, False, True)
"""

from searchgen.automata.algebra import ENTRY_LIMIT, complement, factor_states, product, union
from searchgen.automata.automaton import CLASS_LIMIT, DEAD, NEVER, START, Automaton, Ids, Table, anything
from searchgen.automata.edits import edit_automaton
from searchgen.automata.minimal import minimise, trim

__all__ = [
    "CLASS_LIMIT",
    "DEAD",
    "ENTRY_LIMIT",
    "NEVER",
    "START",
    "Automaton",
    "Ids",
    "Table",
    "anything",
    "complement",
    "edit_automaton",
    "factor_states",
    "minimise",
    "product",
    "trim",
    "union",
]
