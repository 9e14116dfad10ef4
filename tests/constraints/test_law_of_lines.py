"""The law on pairs of a text and its breaks, by enumeration: p(text) on the texts that can be divided, and the weights of their divisions.

    p(text, breaks) = p(text) / P  *  exp(-3 n(breaks)) / W(text)

The law of texts is that of the automaton, which the proofs of samplers draw from. The law of breaks is the measure of the uniform numbers
that lead to each division.
"""

import math
from collections.abc import Iterator
from functools import cache
from itertools import product
from unittest import mock

import numpy as np
import pytest

from searchgen.constraints import Length
from searchgen.constraints.lines import shape as shapes
from searchgen.constraints.lines.lines import Lines
from searchgen.constraints.lines.shape import BREAK_COST, Shape
from searchgen.constraints.printed.ranges import Range
from searchgen.lm.ngram.model import NGram
from searchgen.lm.ngram.tables import BEGIN
from searchgen.request.request import PLAIN_TERMS
from searchgen.samplers.proofs.exactness import World
from searchgen.samplers.registry import method
from searchgen.target import Target
from searchgen.testing import assert_leaves_invariant
from tests.constraints.test_lines import all_divisions, cut, weight

SENTENCES = ["the owl on the sea", "owl on sea", "the sea", "on the owl", "sea owl the sea", "owl on sea on owl"]
LINES = {
    "two": Lines(2, Range(1, 2)),
    "three": Lines(3, Range(1, 2)),
    "acrostic": Lines(2, Range(1, None), "os"),
}
LONGEST = 4

#: A text, and where its lines begin.
Pair = tuple[tuple[int, ...], tuple[str, ...]]


@cache
def model() -> NGram:
    return NGram.from_sentences([sentence.split() for sentence in SENTENCES], order=2, form="en")


@cache
def target(name: str) -> Target:
    return Target.of_parts(model(), [LINES[name], Length(1, LONGEST)], terms=PLAIN_TERMS)


@cache
def world(name: str) -> World:
    return World.of(target(name).problem, LONGEST)


@cache
def breaks_of(shape: Shape, text: str, cost: float) -> dict[tuple[str, ...], float]:
    """The measure of the uniform numbers that lead to each division, by bisection of where the choice changes; `cost`: of a break."""
    assert cost == shapes.BREAK_COST
    law: dict[tuple[str, ...], float] = {}

    def begin(fixed: list[float], u: float) -> int:
        return shape.drawn(text, "en", [*fixed, u, *[0.5] * shape.count])[len(fixed) + 1]

    def walk(fixed: list[float], measure: float) -> None:
        if len(fixed) == shape.count - 1:
            lines = cut(text, shape.drawn(text, "en", [*fixed, 0.5]))
            law[lines] = law.get(lines, 0.0) + measure
            return
        low = 0.0
        while low < 1.0 - 1e-12:
            chosen, high = begin(fixed, low + 1e-13), edge(fixed, low)
            assert begin(fixed, (low + high) / 2) == chosen
            walk([*fixed, (low + high) / 2], measure * (high - low))
            low = high

    def edge(fixed: list[float], low: float) -> float:
        chosen, inside, outside = begin(fixed, low + 1e-13), low + 1e-13, 1.0
        if begin(fixed, 1.0 - 1e-13) == chosen:
            return 1.0
        while outside - inside > 1e-13:
            middle = (inside + outside) / 2
            inside, outside = (middle, outside) if begin(fixed, middle) == chosen else (inside, middle)
        return outside

    walk([], 1.0)
    return law


def drawn_pairs(name: str) -> dict[Pair, float]:
    """What is drawn: a text of the automaton's law, and its breaks."""
    own, shape = world(name), LINES[name].lines
    return {
        (text, lines): p * share
        for text, p in zip(own.texts, own.law.tolist(), strict=True)
        for lines, share in breaks_of(shape, target(name).printed(text), shapes.BREAK_COST).items()
    }


def stated_pairs(name: str) -> Iterator[tuple[Pair, float]]:
    """Yield what is stated, up to a factor: all rows of words, their probability under the model, and all choices of breaks."""
    shape, own = LINES[name].lines, target(name)
    for size in range(1, LONGEST + 1):
        for text in product(range(3, model().size), repeat=size):
            printed = own.printed(text)
            divisions = [*all_divisions(printed, "en", shape)]
            total = sum(map(weight, divisions))
            for lines in divisions:
                yield (text, lines), math.exp(own.log_prob(text)) * weight(lines) / total


@cache
def stated(name: str) -> dict[Pair, float]:
    found = dict(stated_pairs(name))
    total = math.fsum(found.values())
    return {pair: p / total for pair, p in found.items()}


@pytest.mark.parametrize("name", LINES)
def test_pairs_have_the_stated_law(name: str) -> None:
    drawn, wanted = drawn_pairs(name), stated(name)
    assert drawn.keys() == wanted.keys()
    assert max(abs(drawn[pair] - wanted[pair]) for pair in wanted) < 1e-11
    several = [len([*pairs]) for pairs in divisions_of(wanted).values()]
    assert max(several) > 1
    for pairs in divisions_of(wanted).values():
        (lines, p), *others = pairs
        for other, q in others:  # a break costs what is stated: of two divisions of a text
            assert math.log(p / q) == pytest.approx(-BREAK_COST * (soft(lines) - soft(other)), abs=1e-9)


@pytest.mark.parametrize("name", LINES)
def test_the_law_of_texts_is_what_samplers_draw_from(name: str) -> None:
    tables = model().exact_tables()
    begin = np.array([tables.node["state"][1 + BEGIN]], np.int64)
    exact = World.of(target(name).problem._replace(ngram=tables, begin=begin), LONGEST)
    assert exact.texts == world(name).texts
    assert_leaves_invariant(method("rejection"), exact)
    total: dict[tuple[int, ...], float] = {}
    for (text, _), p in stated(name).items():
        total[text] = total.get(text, 0.0) + p
    assert [*total] == world(name).texts
    assert np.abs(np.array([*total.values()]) - world(name).law).max() < 1e-12


@pytest.mark.parametrize("spoilt", ["cost", "texts"])
def test_another_law_is_seen(spoilt: str) -> None:
    """Controls: another cost of a break, and the law p(text) x weight of the division, which gives texts with more divisions more."""
    wanted = stated("two")
    if spoilt == "cost":
        with mock.patch.object(shapes, "BREAK_COST", 2.0):
            drawn = drawn_pairs("two")
    else:
        found = {(text, lines): math.exp(target("two").log_prob(text)) * weight(lines) for text, lines in wanted}
        drawn = {pair: p / math.fsum(found.values()) for pair, p in found.items()}
    assert max(abs(drawn[pair] - wanted[pair]) for pair in wanted) > 1e-4


@pytest.mark.parametrize("name", LINES)
def test_the_other_law_is_had_by_weighing_texts(name: str) -> None:
    """p(text) x W(text), as a function of the text gives it, times the law of breaks is p(text) x weight of the division."""
    shape, own = LINES[name].lines, target(name)
    for text in world(name).texts:
        printed = own.printed(text)
        divisions = [*all_divisions(printed, "en", shape)]
        assert shape.log_weight(printed, "en") == pytest.approx(math.log(sum(map(weight, divisions))), abs=1e-12)
        share = breaks_of(shape, printed, shapes.BREAK_COST)
        for lines in divisions:
            assert math.exp(shape.log_weight(printed, "en")) * share[lines] == pytest.approx(weight(lines), abs=1e-10)
    assert shape.log_weight("...", "en") == -math.inf


def divisions_of(pairs: dict[Pair, float]) -> dict[tuple[int, ...], list[tuple[tuple[str, ...], float]]]:
    found: dict[tuple[int, ...], list[tuple[tuple[str, ...], float]]] = {}
    for (text, lines), p in pairs.items():
        found.setdefault(text, []).append((lines, p))
    return found


def soft(lines: tuple[str, ...]) -> int:
    """How many breaks stand after a word that belongs to what follows."""
    return sum(line.split(" ")[-1].lower() in ("the", "of", "on") for line in lines[:-1])
