"""What a request may ask for: list flags, contradictions and limits of constraints."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from searchgen.automata import product
from searchgen.constraints import (
    Constraint,
    EndsWith,
    FiniteVerb,
    Forbid,
    Keywords,
    Length,
    Sentence,
    StartsWith,
    Transitions,
    joint,
    parse_items,
    window,
)
from searchgen.constraints.keywords import Item
from searchgen.errors import Impossible, RequestError, TooLarge
from searchgen.text import text_form
from searchgen.vocabulary import MARKERS, Vocabulary
from tests.constraints.toy_text import FORM, vocabulary


def test_finite_verb_lists(tmp_path: Path) -> None:
    own = tmp_path / "verbs.txt"
    own.write_text("# mine\n[finite]\nis\n", encoding="utf-8")
    assert FiniteVerb(path=str(own)).automaton(vocabulary("is was")).accepts([0])
    own.write_text("[verbs]\nis\n", encoding="utf-8")
    with pytest.raises(RequestError, match="unknown section"):
        FiniteVerb(path=str(own) + "x" if not own.exists() else str(own.rename(tmp_path / "new.txt")))
    with pytest.raises(RequestError, match="cannot read"):
        FiniteVerb(path=str(tmp_path / "none.txt"))


def test_markers_are_never_part_of_a_text() -> None:
    known = Vocabulary([*MARKERS, "a", "."], text_form("en", {"a": 1.0}))
    automaton = joint([], known, known.form)
    assert [automaton.accepts([3, token, 4]) for token in range(5)] == [False, False, False, True, False]
    assert known.is_word.tolist() == [False, False, False, True, False]


def test_equal_keywords_are_merged_unless_ordered() -> None:
    twice: tuple[Item, ...] = ((("dog",),), (("Dog",),))
    known = vocabulary("dog cat")
    assert Keywords(twice).automaton(known).accepts([0])
    assert not Keywords(twice, ordered=True).automaton(known).accepts([0])
    again = Keywords((twice[0], twice[0]), ordered=True)
    assert again.parts([0], known) == {
        "keyword dog": True,
        "keyword dog (2)": False,
    }


def test_parse_items(tmp_path: Path) -> None:
    listed = tmp_path / "list.txt"
    listed.write_text("\ufeffsalt, pepper\n\n cat | dog \n", encoding="utf-8")
    assert parse_items([f"@{listed}", "x\uff0cy\u3001z"]) == [["salt, pepper"], ["cat", "dog"], ["x"], ["y"], ["z"]]
    assert parse_items([r"a\,b\|c, \@d", r"e\f"]) == [["a,b|c"], ["@d"], [r"e\f"]]
    assert parse_items(["a,,b", "|c|"]) == [["a"], ["b"], ["c"]]
    for nothing in ([], ["", " , "], ["|"]):
        with pytest.raises(RequestError, match="empty list"):
            parse_items(nothing)
    with pytest.raises(RequestError, match="cannot read the list"):
        parse_items([f"@{listed}x"])


def test_flag_values_become_constraints() -> None:
    form = FORM
    assert Keywords.of(["hot dog|cat"], form).items == ((("hot", "dog"), ("cat",)),)  # type: ignore[arg-type]
    assert Forbid.of(["a|b,c d"], form).items == (("a",), ("b",), ("c", "d"))  # type: ignore[arg-type]
    assert EndsWith.of("the park", form) == EndsWith(("the", "park"))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "nonsense",
    [
        lambda: Keywords(()),
        lambda: Keywords(((),)),
        lambda: Keywords((((),),)),
        lambda: Forbid(()),
        lambda: Forbid(((),)),
        lambda: StartsWith(()),
        lambda: EndsWith(()),
        lambda: Length(5, 4),
        lambda: Length(-1, 4),
        lambda: Length(0, 0),
        lambda: window([Length(1, 2), Length(4, 5)]),
    ],
)
def test_nonsense_is_refused(nonsense: Callable[[], object]) -> None:
    with pytest.raises(RequestError):
        nonsense()


@pytest.mark.parametrize(
    ("constraints", "error", "message"),
    [
        ([Keywords(((("dog",),),)), Forbid((("Dog",),))], RequestError, "'dog' is both"),
        ([Keywords(((("hot", "dog"),),)), Forbid((("hot",),))], RequestError, "'hot dog' is both"),
        ([Keywords(((("hot",),), (("dog",),))), Length(1, 1)], RequestError, "takes 2 words"),
        ([StartsWith(("dog",)), StartsWith(("hot",))], Impossible, "no text satisfies"),
        ([StartsWith(("hot",)), EndsWith(("dog",)), Length(1, 1)], Impossible, "2 words are needed"),
    ],
)
def test_conflicts_are_named(constraints: list[Constraint], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        joint(constraints, vocabulary("hot dog ."), FORM)  # type: ignore[arg-type]


def test_an_alternative_that_is_not_forbidden_is_enough() -> None:
    asked = [Keywords(((("dog",), ("cat",)),)), Forbid((("dog",),))]
    assert joint(asked, vocabulary("dog cat"), FORM).accepts([1])  # type: ignore[arg-type]


def test_too_many_keywords_are_refused_at_once() -> None:
    words = [f"w{number}" for number in range(40)]
    items = tuple(((word,),) for word in words)
    with pytest.raises(TooLarge, match="40 keywords in any order"):
        Keywords(items).automaton(vocabulary(" ".join(words)))
    assert Keywords(items, ordered=True).automaton(vocabulary(" ".join(words))).next.shape == (42, 40)
    with pytest.raises(TooLarge, match="more than 50 entries"):
        Forbid(tuple((one, two) for one, two in pairwise(words))).automaton(vocabulary(" ".join(words)), 50)


def test_a_table_beyond_the_limit_is_refused() -> None:
    table, accept = ((0, 0), (1, 2), (2, 1)), (False, True, False)
    even = Transitions("even number of a", lambda token: int(token == "a"), table, accept)
    assert even.automaton(vocabulary("a b"), 6).accepts([0, 1, 0])
    with pytest.raises(TooLarge, match="table 'even number of a' has more than 5 entries"):
        even.automaton(vocabulary("a b"), 5)


def test_twelve_keywords_have_all_their_subsets() -> None:
    words = [f"w{number}" for number in range(12)]
    known = vocabulary(" ".join([*words, "x"]))
    whole = product(Keywords(tuple(((word,),) for word in words)).automaton(known), Sentence().automaton(known))
    assert Keywords(tuple(((word,),) for word in words)).automaton(known).next.shape == (4097, 13)
    assert whole.next.shape[0] <= 4097 * 4
