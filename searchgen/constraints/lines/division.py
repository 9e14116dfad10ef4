"""The lines of one text of a request: chosen or drawn, and written as line breaks."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from searchgen.constraints.base import Constraint
from searchgen.constraints.lines.shape import Shape
from searchgen.kernels.randomness import key_of

__all__ = ["Division", "divided", "shape_of"]


class Division(NamedTuple):
    """A text with line breaks."""

    text: str
    inserted: tuple[int, ...]  # places of the undivided text before which a break was put without a space in its stead

    def moved(self, place: int) -> int:
        """Return where a place of the undivided text is."""
        return place + sum(at <= place for at in self.inserted)


def shape_of(constraints: Sequence[Constraint]) -> Shape | None:
    """Return the lines that constraints ask for; None: they ask for none."""
    shapes = [shape for one in constraints if (shape := one.lines) is not None]
    return shapes[-1] if shapes else None  # that of the characters comes later and knows more


def divided(
    text: str, shape: Shape, form: str, seed: int | None, *names: str, within: Collection[int] = ()
) -> Division:
    r"""Return a text with line breaks.

    Args:
        text: as it is printed in one line; it can be divided.
        shape: of the lines.
        form: name of the text form.
        seed: of the draw of one division; None: the best one.
        names: what sets this draw apart from others of the seed.
        within: places inside a word of Chinese.

    Example:
        >>> from searchgen.constraints.printed.ranges import Range
        >>> divided("The cat sat on the mat.", Shape(2, Range(2, 4)), "en", None).text
        'The cat sat\non the mat.'
    """
    if seed is None:
        starts = shape.best(text, form, within) or [0]
    else:
        uniform = [key_of(seed, "breaks", *names, str(line)) / 2**64 for line in range(shape.count)]
        starts = shape.drawn(text, form, uniform, within)
    parts = [text[start:end] for start, end in zip(starts, [*starts[1:], len(text)], strict=True)]
    inserted = tuple(start for start, part in zip(starts[1:], parts[:-1], strict=True) if not part.endswith(" "))
    return Division("\n".join(part.removesuffix(" ") for part in parts), inserted)
