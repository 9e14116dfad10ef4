"""Constraints and automata: what is right is taken, and what is wrong is refused by the law that it breaks."""

import re
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import pytest

from searchgen.automata import Automaton
from searchgen.constraints import Constraint, Length, Transitions
from searchgen.errors import RequestError
from searchgen.testing import assert_automaton, assert_constraint


@dataclass(frozen=True)
class Twice(Constraint):
    """The text holds an a at least twice."""

    name: ClassVar[str] = "twice"

    def validate(self) -> None:
        pass

    def describe(self) -> str:
        return "a twice"

    def demanded(self) -> tuple[str, ...]:
        return ("a",)

    def automaton(self, vocabulary: Any, limit: int = 1000) -> Automaton:
        table = np.array([[0, 0], [1, 2], [2, 3], [3, 3]])
        return Automaton.of(self.classes(vocabulary), table, [False, False, False, True])

    def classes(self, vocabulary: Any) -> list[int]:
        return [int(token == "a") for token in vocabulary]

    def parts(self, ids: Any, vocabulary: Any) -> dict[str, bool]:
        return {"a twice": vocabulary.decode(ids).count("a") > 1}


class OffByOne(Twice):
    def automaton(self, vocabulary: Any, limit: int = 1000) -> Automaton:
        table = np.array([[0, 0], [1, 2], [2, 3], [3, 4], [4, 4]])
        return Automaton.of(self.classes(vocabulary), table, [False, False, False, False, True])


class LostState(Twice):
    """A fourth a leads to a state that never accepts and is not state 0."""

    def automaton(self, vocabulary: Any, limit: int = 1000) -> Automaton:
        table = np.array([[0, 0], [1, 2], [2, 3], [3, 4], [4, 4]])
        return Automaton.of(self.classes(vocabulary), table, [False, False, False, True, False])


class WideArrays(Twice):
    def automaton(self, vocabulary: Any, limit: int = 1000) -> Automaton:
        right = super().automaton(vocabulary)
        return replace(right, next=right.next.astype(np.int64))


class NoLimit(Twice):
    def automaton(self, vocabulary: Any, limit: int = 1000) -> Automaton:
        assert limit > 100
        return super().automaton(vocabulary)


class OtherParts(Twice):
    def parts(self, ids: Any, vocabulary: Any) -> dict[str, bool]:
        return {"a twice": vocabulary.decode(ids).count("a") > 0}

    def violations(self, ids: Any, vocabulary: Any) -> int:
        return max(0, 2 - vocabulary.decode(ids).count("a"))


class OtherViolations(Twice):
    def violations(self, ids: Any, vocabulary: Any) -> int:
        return max(0, 1 - vocabulary.decode(ids).count("a"))


class FalseParts(Twice):
    def parts(self, ids: Any, vocabulary: Any) -> dict[str, Any]:
        return {name: np.bool_(holds) for name, holds in super().parts(ids, vocabulary).items()}


class ChangingParts(Twice):
    def parts(self, ids: Any, vocabulary: Any) -> dict[str, bool]:
        return {f"{len(ids)} tokens": all(super().parts(ids, vocabulary).values())}


class DemandsText(Twice):
    def demanded(self) -> Any:
        return "a"


class SaysNothing(Twice):
    def describe(self) -> str:
        return " "


class SaysWhichItIs(Twice):
    def describe(self) -> str:
        return f"constraint {id(self)}"


class OnlyItself(Twice):
    def __eq__(self, other: object) -> bool:
        return self is other

    __hash__ = Twice.__hash__


class Refused(Twice):
    def __post_init__(self) -> None:
        """Nothing is looked at."""

    def validate(self) -> None:
        raise RequestError("nonsense")


def twice(text: tuple[str, ...]) -> bool:
    return text.count("a") > 1


@pytest.mark.parametrize("tokens", [["a", "b"], ["b"], ["b", "c", "a"]])
def test_a_right_constraint_is_taken(tokens: list[str]) -> None:
    assert_constraint(Twice(), tokens, twice, longest=5)


@pytest.mark.parametrize(
    ("wrong", "law"),
    [
        (OffByOne, "automaton against predicate: ('a', 'a'): False, not True"),
        (LostState, "dead state: 'states [4]'"),
        (WideArrays, "automaton arrays: "),
        (NoLimit, "limit: "),
        (OtherParts, "parts against automaton: ('a',): {'a twice': True}, not all True: False"),
        (OtherViolations, "violations against automaton: ('a',): 0, not 0: False"),
        (FalseParts, "parts are named truth values: "),
        (ChangingParts, "the same parts of every text: ('a',): ['1 tokens'], not ['0 tokens']"),
        (DemandsText, "demanded: "),
        (SaysNothing, "describe: "),
        (SaysWhichItIs, "describe is the same for equal constraints: "),
        (OnlyItself, "equality: "),
        (Refused, "validate: "),
    ],
)
def test_control_a_wrong_constraint_is_refused(wrong: type[Twice], law: str) -> None:
    with pytest.raises(AssertionError, match=re.escape(law)):
        assert_constraint(wrong(), ["a", "b"], twice)


def test_control_a_constraint_that_disagrees_with_itself_needs_no_predicate() -> None:
    for wrong, law in ((OffByOne, "parts against automaton"), (OtherParts, "parts against automaton")):
        with pytest.raises(AssertionError, match=law):
            assert_constraint(wrong(), ["a", "b"])


def test_lengths_are_compared_beside_the_automaton() -> None:
    assert_constraint(Length(2, 3), ["a", "b"], lambda text: 2 <= len(text) <= 3)
    with pytest.raises(AssertionError, match="automaton against predicate: \\('a',\\): False, not True"):
        assert_constraint(Length(2, 3), ["a", "b"], lambda text: 1 <= len(text) <= 3)


def test_a_table_whose_last_state_never_accepts_is_trimmed() -> None:
    table = Transitions(
        "one a", lambda token: int(token == "a"), ((0, 0), (1, 2), (2, 3), (3, 3)), (False, False, True, False)
    )
    assert_constraint(table, ["a", "b"], lambda text: text.count("a") == 1)


def test_control_a_wrong_automaton_is_refused() -> None:
    right = Automaton.of([1, 0], [[0, 0], [1, 2], [2, 2]], [False, False, True])
    assert_automaton(right, ["a", "b"], lambda text: "a" in text)
    with pytest.raises(AssertionError, match="automaton against predicate: \\('b', 'a'\\): True, not False"):
        assert_automaton(right, ["a", "b"], lambda text: text[:1] == ("a",))
    for wrong, law in (
        (replace(right, classes=right.classes + np.int16(1)), "automaton arrays"),
        (replace(right, accept=np.array([True, False, True])), "dead state"),
    ):
        with pytest.raises(AssertionError, match=law):
            assert_automaton(wrong, ["a", "b"], lambda text: "a" in text)
