"""How a text came about: the accepted edits of the chain that found it, in their order."""

from typing import NamedTuple

from searchgen.samplers.chains.frames import text_frames
from searchgen.samplers.chains.observer import Observer, Text

__all__ = ["Step", "trail_of"]


class Step(NamedTuple):
    """An edit that a search took.

    Attributes:
        kind: of the edit, or of the move of a chain; "start" is the text that the chain began with.
        text: that it led to, as its form prints it.
        gain: of the score, in nats; None: it is not known.
    """

    kind: str
    text: str
    gain: float | None


def trail_of(observer: Observer, text: Text) -> tuple[Step, ...]:
    """Return the accepted edits that led to a text of a search, from the start of its chain on.

    Args:
        observer: has seen the search, with its accepted moves.
        text: as ids.
    """
    steps, before = list[Step](), None
    for frame in text_frames(observer, text):
        event = observer.made_by.get(frame.text)  # an edit outside of chains knows the score of the text that it left
        same_law = before is not None and before.law == frame.law
        left = event.before if event is not None else before.log_density if before is not None and same_law else None
        gain = None if left is None or frame.log_density is None else round(frame.log_density - left, 2)
        steps.append(Step(frame.move, observer.target.printed(frame.text), gain))
        before = frame
    return tuple(steps)
