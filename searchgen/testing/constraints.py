"""What every constraint promises: its automaton, its parts and its violations say the same of every text.

The promises are those of `searchgen.constraints.base.Constraint`. All sequences of a small vocabulary are tried.
"""

from collections.abc import Callable, Iterator, Sequence
from copy import copy

import numpy as np

from searchgen.automata import NEVER, START, Automaton
from searchgen.constraints.base import Constraint
from searchgen.constraints.together.joint import window, with_demanded
from searchgen.errors import RequestError
from searchgen.kernels.shares import JOIN, WORD
from searchgen.testing.laws import require
from searchgen.text import TextForm, text_form
from searchgen.vocabulary import Vocabulary

__all__ = ["Text", "Truth", "assert_automaton", "assert_constraint"]

Text = tuple[str, ...]
Truth = Callable[[Text], bool]

#: The longest sequences whose parts and violations are asked for, which takes longer than reading an automaton.
LONGEST_OF_PARTS = 4


def assert_constraint(
    constraint: Constraint,
    tokens: Sequence[str],
    accepts: Truth | None = None,
    form: TextForm | None = None,
    longest: int = 4,
) -> None:
    """Assert that a constraint keeps its promises on all short sequences of a few tokens.

    Args:
        constraint: the constraint.
        tokens: the vocabulary; what the constraint demands is added to it.
        accepts: the same condition as a plain predicate of the tokens; None: the constraint is compared with itself alone.
        form: the text form; None: raw.
        longest: tokens of the longest sequence; parts and violations are compared up to 4.

    Raises:
        AssertionError: a promise is broken; the message names the law, the sequence and both values.

    Example:
        >>> from searchgen.constraints import StartsWith
        >>> assert_constraint(StartsWith(("a",)), ["a", "b"], lambda text: text[:1] == ("a",))
        >>> assert_constraint(StartsWith(("a",)), ["a", "b"], lambda text: "a" in text)
        Traceback (most recent call last):
        AssertionError: automaton against predicate: ('b', 'a'): False, not True
    """
    _said_of_itself(constraint)
    vocabulary = with_demanded(Vocabulary(tokens, form or text_form("raw")), [constraint])
    _demanded(constraint, vocabulary)
    automaton = constraint.automaton(vocabulary)
    _well_formed(automaton, len(vocabulary))
    _limited(constraint, vocabulary)
    # Lengths are counted beside the automaton.
    lengths = window([constraint])
    counts, accepting = vocabulary.counts, automaton.accept.tolist()
    shown: dict[str, bool] | None = None
    counted: dict[tuple[int, ...], int] = {}
    for ids, state in _reached(automaton, longest):
        text = tuple(vocabulary.decode(ids))
        words = int((counts[[*ids]] == WORD).sum()) - int((counts[[*ids]] == JOIN).sum())
        accepted = accepting[state] and (lengths is None or lengths[0] <= words <= lengths[1])
        if accepts is not None:
            promised = bool(accepts(text))
            require(accepted == promised, "automaton against predicate", text, accepted, promised)
        if len(ids) <= LONGEST_OF_PARTS:
            parts = constraint.parts(ids, vocabulary)
            counted[ids] = constraint.violations(ids, vocabulary)
            _agree(text, parts, counted[ids], accepted)
            shown = parts if shown is None else shown
            require([*parts] == [*shown], "the same parts of every text", text, [*parts], [*shown])
    together = constraint.violations_of([*counted], vocabulary)
    for (ids, alone), at_once in zip(counted.items(), together, strict=True):
        require(alone == at_once, "violations of many texts", tuple(vocabulary.decode(ids)), at_once, alone)


def assert_automaton(automaton: Automaton, tokens: Sequence[str], accepts: Truth, longest: int = 6) -> None:
    """Assert that an automaton accepts exactly the sequences that a predicate accepts.

    Args:
        automaton: over the tokens.
        tokens: V strings.
        accepts: a plain predicate of the tokens.
        longest: tokens of the longest sequence.

    Raises:
        AssertionError: they differ; the message names the sequence and both values.

    Example:
        >>> from searchgen.automata import anything
        >>> assert_automaton(anything(2), ["a", "b"], lambda text: len(text) < 3)
        Traceback (most recent call last):
        AssertionError: automaton against predicate: ('a', 'a', 'a'): True, not False
    """
    _well_formed(automaton, len(tokens))
    for ids, state in _reached(automaton, longest):
        text = tuple(tokens[token] for token in ids)
        accepted, promised = bool(automaton.accept[state]), bool(accepts(text))
        require(accepted == promised, "automaton against predicate", text, accepted, promised)


def _reached(automaton: Automaton, longest: int) -> Iterator[tuple[tuple[int, ...], int]]:
    """Yield all sequences of tokens, the shortest first, with the states they lead to."""
    table, classes = automaton.next.tolist(), automaton.classes.tolist()
    layer: list[tuple[tuple[int, ...], int]] = [((), START)]
    for length in range(longest + 1):
        yield from layer
        if length < longest:
            layer = [
                ((*ids, token), table[state][label]) for ids, state in layer for token, label in enumerate(classes)
            ]


def _said_of_itself(constraint: Constraint) -> None:
    name, said, twin = constraint.name, constraint.describe(), copy(constraint)
    require(isinstance(name, str) and name != "", "name", constraint, repr(name), "a name")
    one_line = isinstance(said, str) and said.strip() != "" and "\n" not in said
    require(one_line, "describe", constraint, repr(said), "a line of text")
    require(twin == constraint, "equality", constraint, "unequal to its copy", "equal")
    require(hash(twin) == hash(constraint), "hash of equal constraints", constraint, hash(twin), hash(constraint))
    require(twin.describe() == said, "describe is the same for equal constraints", constraint, twin.describe(), said)
    try:
        constraint.validate()
    except RequestError as error:
        require(False, "validate", constraint, f"refused ({error})", "taken, as when it was made")


def _demanded(constraint: Constraint, vocabulary: Vocabulary) -> None:
    words = constraint.demanded()
    require(isinstance(words, tuple), "demanded", constraint, words, "a tuple of tokens")
    for word in words:
        matches = isinstance(word, str) and bool(vocabulary.matching(word))
        require(matches, "demanded", constraint, repr(word), "a token that a vocabulary can hold")


def _well_formed(automaton: Automaton, size: int) -> None:
    classes, table, accept = automaton.classes, automaton.next, automaton.accept
    kinds = [classes.dtype.name, table.dtype.name, accept.dtype.name]
    require(kinds == ["int16", "int32", "bool"], "automaton arrays", "types", kinds, "int16, int32 and bool")
    shapes, wanted = (classes.shape, table.ndim, accept.shape), ((size,), 2, (len(table),))
    require(shapes == wanted, "automaton arrays", "shapes", shapes, wanted)
    states, columns = table.shape
    inside = (classes >= 0).all() and (classes < columns).all() and (table >= 0).all() and (table < states).all()
    require(inside, "automaton arrays", "entries", "out of range", f"classes below {columns}, states below {states}")
    require(not table[0].any() and not accept[0], "dead state", "state 0", "left or accepting", "dead")
    distance = automaton.fewest_tokens()
    if distance[START] == NEVER:
        return  # nothing is accepted, and the start stays state 1
    seen, wider = np.zeros(states, np.bool_), np.arange(states) == START
    while (wider != seen).any():
        seen, wider = wider, wider.copy()
        wider[table[seen]] = True
    lost = np.flatnonzero(seen & (distance == NEVER) & (np.arange(states) > 0))
    require(len(lost) == 0, "dead state", f"states {lost.tolist()}", "never accepting and not dead", "state 0")


def _limited(constraint: Constraint, vocabulary: Vocabulary) -> None:
    try:
        constraint.automaton(vocabulary, 1)
    except RequestError:
        return
    except Exception as error:
        require(False, "limit", constraint, f"{type(error).__name__} ({error})", "RequestError")


def _agree(text: Text, parts: dict[str, bool], violations: int, accepted: bool) -> None:
    named = all(isinstance(name, str) and isinstance(holds, bool) for name, holds in parts.items())
    require(named, "parts are named truth values", text, parts, "dict[str, bool]")
    require(all(parts.values()) == accepted, "parts against automaton", text, parts, f"all True: {accepted}")
    number = isinstance(violations, int) and violations >= 0
    require(number, "violations are a number", text, repr(violations), "an int of at least 0")
    require((violations == 0) == accepted, "violations against automaton", text, violations, f"0: {accepted}")
