"""Automata against enumeration: every sequence of a three-token vocabulary up to length six."""

import hashlib
from itertools import product as sequences

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from searchgen.automata import (
    DEAD,
    NEVER,
    START,
    Automaton,
    algebra,
    anything,
    complement,
    minimise,
    product,
    trim,
    union,
)
from searchgen.errors import RequestError, TooLarge

TOKENS, LONGEST = 3, 6
TEXTS = [text for length in range(LONGEST + 1) for text in sequences(range(TOKENS), repeat=length)]


PLACE = {text: place for place, text in enumerate(TEXTS)}
STEPS = [(PLACE[text[:-1]], text[-1]) for text in TEXTS[1:]]  # each text is an earlier one and a token


def language(automaton: Automaton, state: int = START) -> list[bool]:
    """Acceptance of every short text, by a plain loop over the tables."""
    table, classes, accept = automaton.next.tolist(), automaton.classes.tolist(), automaton.accept.tolist()
    reached = [state]
    for before, token in STEPS:
        reached.append(table[reached[before]][classes[token]])
    return [accept[at] for at in reached]


@st.composite
def automata(draw: st.DrawFn) -> Automaton:
    """Random automata of up to five live states and three classes."""
    states, classes = draw(st.integers(1, 5)), draw(st.integers(1, 3))
    row = st.lists(st.integers(0, states), min_size=classes, max_size=classes)
    table = draw(st.lists(row, min_size=states, max_size=states))
    labels = draw(st.lists(st.integers(0, classes - 1), min_size=TOKENS, max_size=TOKENS))
    accept = draw(st.lists(st.booleans(), min_size=states, max_size=states))
    return Automaton.of(labels, [[0] * classes, *table], [False, *accept])


def assert_wellformed(automaton: Automaton) -> None:
    assert (automaton.next[DEAD] == DEAD).all()
    assert not automaton.accept[DEAD]
    assert set(automaton.classes.tolist()) == set(range(automaton.next.shape[1]))
    assert automaton.classes.dtype == np.int16
    assert automaton.next.dtype == np.int32
    assert automaton.accept.dtype == np.bool_


@settings(max_examples=40, deadline=None)
@given(automata(), automata(), automata())
def test_algebra_is_that_of_languages(a: Automaton, b: Automaton, c: Automaton) -> None:
    x, y, z = language(a), language(b), language(c)
    both, either, negated = product(a, b, c), union(a, b, c), complement(a)
    assert language(both) == [i and j and k for i, j, k in zip(x, y, z, strict=True)]
    assert language(either) == [i or j or k for i, j, k in zip(x, y, z, strict=True)]
    assert language(negated) == [not i for i in x]
    for result in (both, either, negated):
        assert_wellformed(result)


@settings(max_examples=40, deadline=None)
@given(automata(), automata())
def test_de_morgan_after_minimisation(a: Automaton, b: Automaton) -> None:
    left = minimise(complement(union(a, b)))
    right = minimise(product(complement(a), complement(b)))
    assert left.next.shape == right.next.shape
    assert language(left) == language(right)


@settings(max_examples=40, deadline=None)
@given(automata())
def test_trim_makes_dead_exact(automaton: Automaton) -> None:
    trimmed = trim(automaton)
    assert_wellformed(trimmed)
    assert language(trimmed) == language(automaton)
    reached = {trimmed.run(text) for text in TEXTS}
    assert reached | {DEAD, START} == set(range(len(trimmed.accept)))
    assert all(any(language(trimmed, state)) for state in reached - {DEAD, START})


@settings(max_examples=40, deadline=None)
@given(automata())
def test_minimal_states_are_residual_languages(automaton: Automaton) -> None:
    small = minimise(automaton)
    assert_wellformed(small)
    assert language(small) == language(automaton)
    residuals = {tuple(language(automaton, state)) for state in {automaton.run(text) for text in TEXTS}}
    live = {residual for residual in residuals if any(residual)}
    assert len(small.accept) == 1 + max(1, len(live))
    assert len({tuple(column) for column in small.next.T.tolist()}) == small.next.shape[1]


@settings(max_examples=40, deadline=None)
@given(automata(), st.lists(st.booleans(), min_size=TOKENS, max_size=TOKENS))
def test_fewest_tokens_and_words(automaton: Automaton, words: list[bool]) -> None:
    is_word = np.array(words)
    tokens_left, words_left = automaton.fewest_tokens(), automaton.fewest_words(is_word)
    for state in range(len(automaton.accept)):
        good = [text for text, accepted in zip(TEXTS, language(automaton, state), strict=True) if accepted]
        assert tokens_left[state] == min(map(len, good), default=NEVER)
        assert words_left[state] == min((int(is_word[list(text)].sum()) for text in good), default=NEVER)


@given(automata())
def test_run_continues_from_a_state(automaton: Automaton) -> None:
    assert automaton.run([0, 1, 2, 1]) == automaton.run([2, 1], automaton.run([0, 1]))
    assert automaton.accepts([]) == automaton.accept[START]


def test_empty_language_keeps_a_start() -> None:
    nothing = product(anything(TOKENS), complement(anything(TOKENS)))
    for empty in (trim(nothing), minimise(nothing)):
        assert empty.next.shape[0] == 2
        assert empty.fewest_tokens()[START] == NEVER


def test_classes_without_tokens_are_dropped() -> None:
    automaton = Automaton.of([0, 2, 2], [[0, 0, 0], [1, 2, 0], [2, 2, 2]], [False, True, True])
    assert automaton.next.tolist() == [[0, 0], [1, 0], [2, 2]]
    assert trim(automaton).next.tolist() == [[0, 0], [1, 0]]


def test_many_classes_need_no_large_table() -> None:
    size = 3000
    first = Automaton.of(np.arange(size), np.r_[[[0] * size], [[1] * size]], [False, True])
    second = Automaton.of(np.arange(size)[::-1], np.r_[[[0] * size], [[1] * size]], [False, True])
    assert product(first, second).next.shape == (2, size)


def test_limit_is_named_before_the_table_is_made() -> None:
    counters = [Automaton.of([0, 1, 1], [[0, 0], *_ring(prime)], [False] + [True] * prime) for prime in (7, 11, 13)]
    assert product(*counters, limit=2_002 + 2).next.shape == (1_002, 2)
    with pytest.raises(RequestError, match="more than 2,003 entries"):
        product(*counters, limit=2_003)


def _ring(size: int) -> list[list[int]]:
    return [[1 + (state + 1) % size, 1 + state] for state in range(size)]


def test_pairs_are_limited_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(algebra, "PAIR_LIMIT", 3)
    with pytest.raises(RequestError, match="entries"):
        product(anything(2), anything(2))


def test_too_many_classes_are_refused() -> None:
    with pytest.raises(TooLarge, match="more than the 32767 possible"):
        Automaton.of(np.arange(40_000), np.zeros((2, 40_000)), [False, True])


def test_hash_collisions_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights of zero make all rows collide; the verification must reject them and draw new ones."""
    from searchgen.automata import minimal

    real, drawn = hashlib.shake_128, []

    class Zeros:
        def digest(self, length: int) -> bytes:
            return bytes(length)

    def first_bad(data: bytes) -> object:
        drawn.append(data)
        return Zeros() if len(drawn) == 1 else real(data)

    monkeypatch.setattr(minimal, "shake_128", first_bad)
    counter = Automaton.of([0, 1, 1], [[0, 0], *_ring(4)], [False, True, False, False, False])
    assert minimise(counter).next.shape == (5, 2)
    assert len(drawn) == 2


def test_control_a_wrong_automaton_is_caught() -> None:
    """The comparison must be able to fail: one wrong target, one wrong accepting state."""
    right = Automaton.of([0, 1, 1], [[0, 0], [1, 2], [2, 2]], [False, False, True])
    table, accept = right.next.copy(), right.accept.copy()
    table[2, 1], accept[START] = 1, True
    assert language(Automaton(right.classes, table, right.accept)) != language(right)
    assert language(Automaton(right.classes, right.next, accept)) != language(right)
    assert language(union(right, anything(TOKENS))) != language(product(right, anything(TOKENS)))
