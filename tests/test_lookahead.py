"""The guide against brute force: masses, draws by full enumeration of the compiled code, summed entries, controls."""

from functools import cache
from typing import Any

import numpy as np
import pytest
from numba import njit

from searchgen.errors import Impossible
from searchgen.lookahead import Guide
from searchgen.lookahead import guide as guide_module
from searchgen.lookahead.draws import draw_by_levels, draw_by_scan
from searchgen.lookahead.guide import Guide as BuiltGuide
from searchgen.randomness import counter, script
from tests.exactness import World, next_script
from tests.worlds import WORLDS

EXACT = 1e-10
BETAS = [0.7, 1.0, 2.0]
ORDERS = [1, 2, 3]


def _log_law(guide: Guide, world: World) -> np.ndarray:
    return np.array([guide.log_probability(np.array(text, np.int32), len(text)) for text in world.texts])


@pytest.mark.parametrize("name", WORLDS)
@pytest.mark.parametrize("beta", BETAS)
@pytest.mark.parametrize("order", ORDERS)
def test_the_mass_is_the_sum_over_all_texts(name: str, beta: float, order: int) -> None:
    """Z of the recursion is the sum over all accepted texts; at full order the law is the target's."""
    world = WORLDS[name](beta)
    guide = Guide.build(world.problem, room=world.room, order=order)
    law = _log_law(guide, world)
    assert np.exp(law).sum() == pytest.approx(1.0, abs=EXACT)
    if order >= int(world.problem.ngram.order[0]):
        total = np.logaddexp.reduce(world.log_density)
        assert guide.log_mass == pytest.approx(total, abs=EXACT)
        assert np.abs(law - (world.log_density - total)).max() < EXACT


@cache
def _enumerator(draw: Any) -> Any:
    """Return a compiled loop that plays every path of a compiled draw."""

    @njit
    def enumerate_draws(guide: Any, problem: Any, begin: Any, source: Any, base: Any, codes: Any, law: Any) -> Any:
        out, weights, room = np.zeros(64, np.int32), np.zeros(256), np.zeros(256, np.int32)
        lost = 0.0
        while True:
            source.depth[0] = 0
            source.probability[0] = 1.0
            length = draw(guide, problem, begin, source, out, weights, room)
            code = np.int64(0)
            for at in range(length):
                code = code * base + out[at] + 1
            found = np.searchsorted(codes, code)
            if found < len(codes) and codes[found] == code:
                law[found] += source.probability[0]
            else:
                lost += source.probability[0]
            if not next_script(source):
                return lost

    return enumerate_draws


def _drawn_law(guide: Guide, world: World) -> tuple[np.ndarray, float]:
    """Return the exact probability of every text under the compiled draws, and what fell outside."""
    base = len(world.problem.token) + 1
    codes = np.array([_code(text, base) for text in world.texts])
    order = np.argsort(codes)
    law = np.zeros(len(codes))
    play = _enumerator(draw_by_scan if guide.by_scan else draw_by_levels)
    lost = play(guide.tables, world.problem, guide.begin, script(), base, codes[order], law)
    result = np.zeros(len(codes))
    result[order] = law
    return result, lost


def _code(text: tuple[int, ...], base: int) -> int:
    code = 0
    for token in text:
        code = code * base + token + 1
    return code


@pytest.mark.parametrize("name", WORLDS)
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("beta", [0.7, 1.0])
def test_draws_follow_the_law(name: str, order: int, beta: float) -> None:
    """Every path of the compiled draw, with its probability: exactly the law, and nothing outside."""
    world = WORLDS[name](beta)
    guide = Guide.build(world.problem, room=world.room, order=order)
    law, lost = _drawn_law(guide, world)
    assert lost == 0.0
    assert np.abs(law - np.exp(_log_law(guide, world))).max() < EXACT


@pytest.mark.parametrize("name", WORLDS)
@pytest.mark.parametrize("most", [0, 4, 5])
def test_fewer_contexts_make_another_guide_that_is_as_exact(
    name: str, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the budget cut, words fall back to the root and entries are summed: still a law, drawn exactly."""
    monkeypatch.setattr(guide_module, "SMALLER", (-1, most))
    monkeypatch.setattr(guide_module, "_affordable", lambda _problem, _contexts, _counts, _work, summed: summed)
    world = WORLDS[name](1.0)
    guide = Guide.build(world.problem, room=world.room)
    expected = np.exp(_log_law(guide, world))
    assert expected.sum() == pytest.approx(1.0, abs=EXACT)
    law, lost = _drawn_law(guide, world)
    assert lost == 0.0
    assert np.abs(law - expected).max() < EXACT


def test_threads_change_nothing() -> None:
    """The recursion gives the same bits on one thread and on two."""
    world = WORLDS["punctuated"](1.0)
    one, two = (Guide.build(world.problem, room=world.room, order=3, threads=threads) for threads in (1, 2))
    assert np.array_equal(one.tables.mass, two.tables.mass)


def test_counter_draws_follow_the_law() -> None:
    """Chi-square of 20,000 production draws, floor 1e-6."""
    world = WORLDS["punctuated"](1.0)
    guide = Guide.build(world.problem, room=world.room, order=3)
    draws = 20_000
    tokens, lengths = guide.draw_texts(np.stack([counter(3, c).word for c in range(draws)]))
    index = {text: i for i, text in enumerate(world.texts)}
    seen = np.zeros(len(index))
    for row, length in zip(tokens, lengths, strict=True):
        seen[index[tuple(row[:length].tolist())]] += 1
    expected = world.law * draws
    large = expected > 5
    statistic, degrees = ((seen - expected)[large] ** 2 / expected[large]).sum(), large.sum() - 1
    z = ((statistic / degrees) ** (1 / 3) - (1 - 2 / (9 * degrees))) / (2 / (9 * degrees)) ** 0.5
    assert z < 4.75


@pytest.mark.parametrize("spoilt", ["backoff", "end", "mark_mass", "word_mass", "plain_mass"])
def test_a_spoilt_recursion_is_caught(spoilt: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Control: a wrong number in any part of the tables moves the total visibly."""
    world = WORLDS["punctuated"](1.0)
    fill = guide_module._fill

    def wrong(problem: Any, tables: Any, *rest: Any) -> None:
        getattr(tables, spoilt)[:] *= 0.9
        fill(problem, tables, *rest)

    monkeypatch.setattr(guide_module, "_fill", wrong)
    guide = BuiltGuide.build(world.problem, room=world.room, order=2)
    assert abs(np.exp(_log_law(guide, world)).sum() - 1.0) > 1e-6


def test_one_pass_too_few_over_the_marks_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """Control: the inner layer needs as many passes as marks may follow each other, and one."""
    world = WORLDS["punctuated"](1.0)
    monkeypatch.setattr(guide_module, "_longest_run", lambda _problem: 0)
    guide = Guide.build(world.problem, room=world.room, order=3)
    assert abs(np.exp(_log_law(guide, world)).sum() - 1.0) > 1e-6


def test_an_empty_window_is_impossible() -> None:
    """Constraints that need more words than the window has are proved impossible."""
    world = WORLDS["phrase"](1.0)
    problem = world.problem._replace(window=np.array([1, 2], np.int64))
    with pytest.raises(Impossible, match="1 to 2 words"):
        Guide.build(problem, room=4)
