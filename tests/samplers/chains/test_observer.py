"""What is seen of chains is what they do, and looking changes nothing."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from searchgen.api import load
from searchgen.errors import RequestError
from searchgen.jobs.draws import sample, stated_law
from searchgen.request.request import Annealing, Request
from searchgen.samplers.chains import observer as observing
from searchgen.samplers.chains.observer import Event, Observer, Recorded, Stage
from searchgen.samplers.chains.scorer import padded, score_texts
from searchgen.search.searcher import Searcher
from tests.cli.runner import model

PLAN = Annealing(chains=6, steps=400)
RECORDED: tuple[Recorded, ...] = ("", "accepted", "proposed")


@pytest.fixture(scope="module")
def searcher() -> Searcher:
    return load(model("en"))


def request(**fields: Any) -> Request:
    return Request(**{"keywords": "dog,park", "lm": model("en"), "seed": 5, "annealing": PLAN, **fields})


def seen(searcher: Searcher, recorded: Recorded) -> Observer:
    observer = Observer(recorded=recorded)
    searcher.search(request(), None, observer)
    return observer


@pytest.mark.parametrize("recorded", RECORDED)
def test_a_search_is_the_same_when_somebody_looks(searcher: Searcher, recorded: Recorded) -> None:
    alone = searcher.search(request())
    watched = searcher.search(request(), None, Observer(recorded=recorded, on_look=lambda _: None))
    assert watched.records == alone.records
    assert watched.annealed.texts == alone.annealed.texts
    assert np.array_equal(watched.annealed.log_density, alone.annealed.log_density)
    assert np.array_equal(watched.annealed.tally, alone.annealed.tally)


@pytest.mark.parametrize("recorded", RECORDED)
@pytest.mark.parametrize("sampler", ["mh", "anneal", "tempering", "surrogate"])
def test_draws_are_the_same_when_somebody_looks(searcher: Searcher, sampler: str, recorded: Recorded) -> None:
    options = ("chains=4", "steps=200") if sampler == "anneal" else ("chains=4", "burn_in=30", "thin=3")
    law = stated_law(request(sampler=sampler, count=8, max_words=8, options=options))
    alone = sample(searcher.source, law)
    observer = Observer(recorded=recorded)
    watched = sample(searcher.source, law, lambda _: None, observer)
    for name in ("tokens", "lengths", "log_density"):
        assert np.array_equal(getattr(watched.draws, name), getattr(alone.draws, name))
    assert (watched.draws.moves, watched.draws.counts) == (alone.draws.moves, alone.draws.counts)
    assert bool(observer.made) == bool(recorded)


def chains_of(stage: Stage) -> Iterator[list[Event]]:
    for chain in range(len(stage.starts)):
        yield list(stage.moves_of(chain))


@pytest.mark.parametrize("recorded", ["accepted", "proposed"])
def test_moves_are_those_of_the_chains(searcher: Searcher, recorded: Recorded) -> None:
    """Each accepted move begins where the last one ended, each change is that of a full scoring, and the tally counts them."""
    observer = seen(searcher, recorded)
    (stage,) = observer.stages
    problem = observer.target.problem
    assert stage.chains is not None
    for chain, events in enumerate(chains_of(stage)):
        text, density = stage.starts[chain]
        assert events
        for event in events:
            assert event.parent == text
            assert event.before == pytest.approx(density, abs=1e-9)
            if event.after is not None:
                (scored,) = score_texts(problem, *padded([event.text], observer.target.max_tokens))
                assert event.after == pytest.approx(scored, abs=1e-9)
            if event.verdict == "accepted":
                assert event.after is not None
                text, density = event.text, event.after
        assert text == tuple(stage.chains.token[chain, : stage.chains.length[chain]].tolist())
    counted = {"accepted": stage.chains.tally[:, :, 2].sum(), "proposed": PLAN.chains * PLAN.steps}
    assert observer.made == observer.kept == counted[recorded]


def test_all_moves_hold_the_accepted_ones(searcher: Searcher) -> None:
    accepted, proposed = (seen(searcher, recorded).stages[0] for recorded in ("accepted", "proposed"))  # type: ignore[arg-type]
    taken = [event for event in proposed.events() if event.verdict == "accepted"]
    assert taken == list(accepted.events())
    verdicts = {event.verdict for event in proposed.events()}
    assert verdicts == set(observing.VERDICTS)
    assert proposed.tally() == accepted.tally()


def test_the_series_are_the_log_densities_at_their_steps(searcher: Searcher) -> None:
    (stage,) = seen(searcher, "accepted").stages
    for chain, events in enumerate(chains_of(stage)):
        series = stage.series(chain)
        assert [step for step, _, _ in series] == list(range(0, PLAN.steps, stage.every))
        for step, density, _ in series:
            before = [event.after for event in events if event.step <= step]
            assert density == pytest.approx(before[-1] if before else stage.starts[chain][1], abs=1e-9)
        heat = [temperature for _, _, temperature in series]
        assert heat[0] == pytest.approx(PLAN.hot)
        assert heat[-1] == pytest.approx(PLAN.cold)
        assert heat == sorted(heat, reverse=True)


def test_a_full_ring_keeps_the_last_moves(searcher: Searcher, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = seen(searcher, "accepted")
    monkeypatch.setattr(observing.Observer.begin, "__defaults__", (None, 0, 3 * PLAN.chains))
    ring = seen(searcher, "accepted")
    assert ring.made == whole.made
    assert ring.kept == 3 * PLAN.chains
    for few, all_moves in zip(chains_of(ring.stages[0]), chains_of(whole.stages[0]), strict=True):
        assert [event._replace(parent=None) for event in few] == [
            event._replace(parent=None) for event in all_moves[-3:]
        ]
        assert few[0].parent is None  # what it left is overwritten
        assert few[1].parent == few[0].text


def test_old_stages_make_room(searcher: Searcher, monkeypatch: pytest.MonkeyPatch) -> None:
    observer = seen(searcher, "accepted")
    before = observer.made
    monkeypatch.setattr(observing, "MOST_MOVES", before)
    searcher.search(request(seed=6), None, observer)
    observer.settle()
    first, second = observer.stages
    assert (first.dropped, second.dropped) == (True, False)
    assert observer.made == before + second.made
    assert observer.kept == second.kept == second.made
    assert first.tally()  # of what was done, this stays


def test_a_sampler_without_moves_refuses_to_be_watched(searcher: Searcher) -> None:
    law = stated_law(request(sampler="importance", max_words=8))
    with pytest.raises(RequestError, match="importance shows none; drop them, or use mh"):
        sample(searcher.source, law, None, Observer(recorded="accepted"))


def test_the_last_edit_is_the_last_move_that_changed_the_text(searcher: Searcher) -> None:
    (stage,) = seen(searcher, "accepted").stages
    for chain, events in enumerate(chains_of(stage)):
        changes = [(event.parent, event.text) for event in events if event.parent != event.text]
        assert stage.last_edit(chain) == changes[-1]
