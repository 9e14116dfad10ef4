"""Beam search: exact where it is wide enough, honest where it is not."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from searchgen.errors import NotFound, RequestError
from searchgen.lm.ngram.tables import END
from searchgen.samplers.method import Job, parse_options
from searchgen.samplers.optimise.beam import METHOD, Options, search
from searchgen.samplers.optimise.beam_successors import Successors
from searchgen.samplers.proofs.exactness import World
from searchgen.samplers.proofs.toy_worlds import WORLDS

EVERYTHING = 5_000


def job_on(world: World, count: int, **options: Any) -> Job:
    target: Any = SimpleNamespace(problem=world.problem, max_tokens=world.max_tokens, many=None)
    return Job(target, count, 1, Options(**options))


def test_a_wide_beam_finds_the_densest_texts_in_order(world: World, grid: bool) -> None:
    """On the enumerated world nothing is missed, nothing is invented, and every log density is the world's own."""
    count = len(world.texts)
    result = search(job_on(world, count), EVERYTHING, grid)
    exact = dict(zip(world.texts, world.log_density.tolist(), strict=True))
    assert set(result.texts) == set(exact)
    assert [exact[text] for text in result.texts] == pytest.approx(sorted(exact.values(), reverse=True), abs=1e-9)
    assert result.score == pytest.approx([exact[text] for text in result.texts], abs=1e-9)


@pytest.fixture(params=[(name, beta) for name in WORLDS for beta in (0.7, 2.0)], ids=str)
def world(request: pytest.FixtureRequest) -> World:
    name, beta = request.param
    return WORLDS[name](beta)


@pytest.fixture(params=[True, False], ids=["grid", "one beam"])
def grid(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.mark.parametrize("width", [1, 2, 5])
def test_a_narrow_beam_returns_only_accepted_texts(world: World, grid: bool, width: int) -> None:
    exact = dict(zip(world.texts, world.log_density.tolist(), strict=True))
    result = search(job_on(world, 10), width, grid)
    assert set(result.texts) <= set(exact)
    assert len(set(result.texts)) == len(result.texts)
    assert result.score == pytest.approx([exact[text] for text in result.texts], abs=1e-9)


def test_a_beam_of_one_prefix_for_each_state_finds_a_text(world: World) -> None:
    """Demands are met through the automaton, however narrow the beam."""
    assert search(job_on(world, 1), 1, True).texts


def test_a_wider_beam_sees_more(world: World) -> None:
    sizes = [len(search(job_on(world, 10_000), width, True).texts) for width in (1, 4, EVERYTHING)]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[-1] == len(world.texts)


def test_control_the_check_sees_lost_successors(monkeypatch: pytest.MonkeyPatch) -> None:
    """A search that forgets what no context stores misses texts, and the comparison shows it."""
    world = WORLDS["phrase"](1.0)
    monkeypatch.setattr(Successors, "_unlisted", lambda _self, tokens: tokens[:0])
    result = search(job_on(world, len(world.texts)), EVERYTHING, True)
    assert set(result.texts) < set(world.texts)


def test_control_the_check_sees_a_dropped_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    """Log densities without back-off weights are not the world's."""
    world = WORLDS["keyword"](1.0)
    node = world.problem.ngram.node.copy()
    node["log_backoff"] = 0.0
    wrong = world.problem._replace(ngram=world.problem.ngram._replace(node=node))
    result = search(job_on(World(wrong, world.texts, world.log_density, world.max_tokens), 400), EVERYTHING, True)
    exact = dict(zip(world.texts, world.log_density.tolist(), strict=True))
    assert max(abs(exact[text] - score) for text, score in zip(result.texts, result.score, strict=True)) > 0.1


def test_says_so_when_the_beam_led_nowhere() -> None:
    """Every prefix kept could be completed by its words, but the model never ends a text after them."""
    world = WORLDS["keyword"](1.0)
    ngram = world.problem.ngram
    node, longer = ngram.node.copy(), np.arange(len(ngram.word)) > len(ngram.alias_p)
    node["log_p"][:-1][longer & (ngram.word == END)] = -1e30
    node["log_backoff"][1:] = -1e30
    wrong = world.problem._replace(ngram=ngram._replace(node=node))
    job = job_on(World(wrong, [], np.zeros(0), world.max_tokens), 3, width=2, grid=False)
    with pytest.raises(NotFound, match=r"not found within the beam.*grid=true"):
        METHOD.draw(job)


def test_refuses_a_beam_without_room() -> None:
    options = parse_options(METHOD, ["width=-1"])
    job = job_on(WORLDS["keyword"](1.0), 3, width=options.width)
    with pytest.raises(RequestError, match="width=-1"):
        METHOD.draw(job)
