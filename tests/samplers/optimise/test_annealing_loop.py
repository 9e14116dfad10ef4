"""A run of annealing is cut into pieces to look at the clock; where it is cut changes nothing."""

import numpy as np
import pytest

from searchgen.kernels.randomness import counter
from searchgen.request.request import Annealing
from searchgen.samplers.chains.chains import advance
from searchgen.samplers.optimise import annealing_loop as module
from searchgen.samplers.proofs.toy_worlds import keyword_world

PLAN = Annealing(chains=3, steps=120, blocks=8)


def found(**options) -> tuple:
    world = keyword_world(1.0)
    text = np.zeros((3, world.max_tokens), np.int32)
    text[:, : len(world.texts[0])] = world.texts[0]
    starts = (text, np.full(3, len(world.texts[0])))
    counters = np.stack([counter(1, c).word for c in range(3)])
    run = module.anneal(world.problem, starts, counters, PLAN, **options)
    return run.texts, run.log_density.tolist(), run.steps, run.tally.tolist(), run.stopped_early


@pytest.mark.parametrize("piece", [1, 20, 40, 100, 300])
def test_where_a_run_is_cut_changes_nothing(piece: int, monkeypatch) -> None:
    whole = found()
    shares: list[float] = []
    monkeypatch.setattr(module, "PIECE", piece)
    assert found(progress=shares.append) == whole
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert whole[2] == 3 * 120


def test_the_clock_ends_a_run_with_what_there_is(monkeypatch) -> None:
    monkeypatch.setattr(module, "PIECE", 20)
    texts, _, steps, _, stopped_early = found(allowance=-1.0)
    assert stopped_early
    assert texts
    assert 0 < steps < 3 * 120


def test_the_first_piece_takes_the_time_it_needs(monkeypatch) -> None:
    """It may have to be compiled, and a run that was cut short for that would not be repeatable."""
    clock = [0.0]

    def slow_at_first(*arguments) -> None:
        advance(*arguments)
        clock[0] = 1e6

    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    monkeypatch.setattr(module, "advance", slow_at_first)
    monkeypatch.setattr(module, "PIECE", 20)
    assert found(allowance=1.0) == found()
