"""Where a text holds keywords: of places that no two share, one for each."""

from collections.abc import Iterator, Sequence

from searchgen.constraints.base import Phrase
from searchgen.constraints.together.own_places import placed
from searchgen.constraints.words.standing import NOWHERE_BARRED, Standing, places_that_count

__all__ = ["in_order", "places_of"]

Item = tuple[Phrase, ...]
Place = tuple[int, int]


def in_order(items: Sequence[Item], text: Phrase, standing: Standing = NOWHERE_BARRED) -> Iterator[Place]:
    """Yield the earliest place of each item after the end of the one before, until one has none.

    Args:
        items: folded keywords.
        text: folded tokens.
        standing: where their phrases count.

    >>> list(in_order([(("a",),), (("a", "b"), ("b",))], ("a", "c", "b")))
    [(0, 1), (2, 3)]
    """
    start = 0
    for item in items:
        places = [place for place in places_that_count(item, text, standing) if place[0] >= start]
        if not places:
            return
        place = min(places, key=lambda place: (place[1], -place[0]))
        start = place[1]
        yield place


def places_of(items: Sequence[Item], text: Phrase, standing: Standing = NOWHERE_BARRED) -> dict[int, Place]:
    """A place for each item, no two of which overlap; where not all have one, for as many as can, earlier ones first.

    Args:
        items: folded keywords whose phrases may overlap.
        text: folded tokens.
        standing: where their phrases count.

    Returns:
        First token and the token after the last, by the number of the item.

    >>> places_of([(("york",),), (("new", "york"),)], ("york", "in", "new", "york"))
    {1: (2, 4), 0: (0, 1)}
    """
    places = {number: places_that_count(item, text, standing) for number, item in enumerate(items)}
    numbers = sorted(placed(items, text, standing), key=lambda number: (len(places[number]), number))
    found = _assigned([places[number] for number in numbers], ())
    return dict(zip(numbers, found or (), strict=True))


def _assigned(options: Sequence[Sequence[Place]], taken: tuple[Place, ...]) -> tuple[Place, ...] | None:
    """One place of each list, none of which overlaps another, None: there are none."""
    if not options:
        return taken
    for place in options[0]:
        if all(place[1] <= begin or end <= place[0] for begin, end in taken):
            found = _assigned(options[1:], (*taken, place))
            if found is not None:
                return found
    return None
