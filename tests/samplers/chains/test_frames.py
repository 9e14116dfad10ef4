"""How a text came about, step by step."""

from itertools import pairwise

from searchgen.samplers.chains.frames import MOST_FRAMES, UNKNOWN, chain_frames, text_frames
from searchgen.samplers.chains.observer import Event, Observer, Stage


def stage_of(*texts: tuple[int, ...]) -> Stage:
    """Return a stage of one chain that went through texts."""
    stage = Stage("stage", "target", None, 0, None, "accepted", [(texts[0], -9.0)])
    for number, (before, after) in enumerate(pairwise(texts)):
        stage.add(Event("stage", 0, number, "span", "accepted", 1.0, -9.0, -8.0, after, before))
    return stage


def test_frames_end_at_the_text_and_leave_out_what_changes_nothing() -> None:
    stage = stage_of((1,), (2,), (2,), (3,), (2,), (4,))
    assert [frame.text for frame in chain_frames(stage, 0, until=(3,))] == [(1,), (2,), (3,)]
    assert [frame.text for frame in chain_frames(stage, 0)] == [(1,), (2,), (3,), (2,), (4,)]


def test_a_text_whose_moves_are_gone_is_the_last_frame() -> None:
    frames = chain_frames(stage_of((1,), (2,)), 0, until=(7,))
    assert [(frame.text, frame.move) for frame in frames] == [((1,), "start"), ((7,), UNKNOWN)]


def test_a_long_way_is_thinned_to_its_first_last_and_between() -> None:
    frames = chain_frames(stage_of(*((number,) for number in range(5_000))), 0)
    assert len(frames) == MOST_FRAMES
    assert (frames[0].text, frames[-1].text) == ((0,), (4_999,))
    assert all(frame.before == before.text for before, frame in pairwise(frames))


def test_edits_lead_back_to_the_chain() -> None:
    observer = Observer(stages=[stage_of((1,), (2,))])
    observer.stages[0].best = lambda: [((2,), -8.0)]  # type: ignore[method-assign]
    for parent, child in (((2,), (3,)), ((3,), (4,))):
        observer.made_by[child] = Event("edits", -1, 0, "edit", "accepted", None, -8.0, -7.0, child, parent)
    assert [frame.text for frame in text_frames(observer, (4,))] == [(1,), (2,), (3,), (4,)]
    assert [frame.text for frame in text_frames(observer, (9,))] == []
