"""How a text came about: the moves from the start of its chain to it, and what each of them changed."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple, TypeVar

from searchgen.samplers.chains.observer import Event, Observer, Stage, Text

__all__ = ["MOST_FRAMES", "Frame", "chain_frames", "difference", "origin", "text_frames"]

Token = TypeVar("Token")

#: Frames of a replay; a longer way is thinned.
MOST_FRAMES = 120

#: What stands for the moves to a text that are no longer kept.
UNKNOWN = "its moves are no longer kept"

#: Texts from a scored text back to the one that a chain found; more would be a circle.
MOST_ANCESTORS = 10_000


class Frame(NamedTuple):
    """A text on the way.

    Attributes:
        stage: name of the stage of the run.
        law: whose log-density it is.
        step: number of the step; 0 at the start.
        move: how the text was made: "start", or the name of a move.
        temperature: of the step; None where there is none.
        log_density: of the text; None: it is not known.
        text: as ids.
        before: the text that was changed; None: there is none.
    """

    stage: str
    law: str
    step: int
    move: str
    temperature: float | None
    log_density: float | None
    text: Text
    before: Text | None


def difference(old: Sequence[Token], new: Sequence[Token]) -> tuple[int, Sequence[Token], Sequence[Token]]:
    """Return where two texts begin to differ, and the parts of each that are not in the other.

    Example:
        >>> difference("the old dog".split(), "the very old cat".split())
        (1, ['old', 'dog'], ['very', 'old', 'cat'])
        >>> difference("the dog".split(), "the old dog".split())
        (1, [], ['old'])
    """
    shortest = min(len(old), len(new))
    first = next((i for i in range(shortest) if old[i] != new[i]), shortest)
    last = next((i for i in range(shortest - first) if old[-1 - i] != new[-1 - i]), shortest - first)
    return first, old[first : len(old) - last], new[first : len(new) - last]


def chain_frames(stage: Stage, chain: int, until: Text | None = None) -> list[Frame]:
    """Return the kept states of a chain, each accepted move a frame, thinned to `MOST_FRAMES`.

    Args:
        stage: whose chain it is.
        chain: its number.
        until: the text at which to end; None: the last one.
    """
    text, density = stage.starts[chain]
    frames = [Frame(stage.name, stage.law, 0, "start", None, density, text, None)]
    for event in stage.moves_of(chain) if stage.ring is not None else stage.own:
        if event.chain == chain and event.verdict == "accepted" and event.text != frames[-1].text:
            frames.append(_frame(event, stage.law))
    if until is not None:
        # The chain may come by more than once; what it became afterwards is another story.
        places = [i for i, frame in enumerate(frames) if frame.text == until]
        kept = [*frames[:1], Frame(stage.name, stage.law, 0, UNKNOWN, None, None, until, None)]
        frames = frames[: places[0] + 1] if places else kept
    return _thinned(frames)


def origin(observer: Observer, text: Text) -> tuple[Stage, int] | None:
    """Return the stage and the chain that first found a text as its densest one; None: no chain that is known did."""
    for stage in observer.stages:
        for chain, (best, _) in enumerate(stage.best()):
            if best == text:
                return stage, chain
    return None


def text_frames(observer: Observer, text: Text) -> list[Frame]:
    """Return how a text came about: the moves of the chain that found its first ancestor, then the edits from that one to it.

    Args:
        observer: has seen the run.
        text: as ids.
    """
    edits: list[Frame] = []
    while text in observer.made_by and len(edits) < MOST_ANCESTORS:
        event = observer.made_by[text]
        edits.append(_frame(event, "transformer"))
        assert event.parent is not None
        text = event.parent
    found = origin(observer, text)
    return [*(chain_frames(*found, until=text) if found else []), *reversed(edits)]


def _frame(event: Event, law: str) -> Frame:
    return Frame(event.stage, law, event.step, event.move, event.temperature, event.after, event.text, event.parent)


def _thinned(frames: list[Frame]) -> list[Frame]:
    """Return at most `MOST_FRAMES` of them at equal distances, the first and the last among them."""
    if len(frames) <= MOST_FRAMES:
        return frames
    kept = [frames[round(i * (len(frames) - 1) / (MOST_FRAMES - 1))] for i in range(MOST_FRAMES)]
    return [kept[0], *(frame._replace(before=last.text) for last, frame in pairwise(kept))]
