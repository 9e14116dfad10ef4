"""An explicit demand outranks a default: sentence, finite verb, plain prose and the usual window give way where it excludes them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from searchgen.constraints import Constraint, FiniteVerb, Length, Plain, Predicate, Sentence
from searchgen.constraints.algebra.where import Where
from searchgen.constraints.length import MOST_WORDS
from searchgen.constraints.printed.condition import Printed
from searchgen.constraints.printed.sentences import Sentences
from searchgen.constraints.words.edits import Edits
from searchgen.errors import Contradiction, Impossible

__all__ = ["beside_defaults"]

Built = TypeVar("Built")

#: What becomes of constraints, and the numbers of words that its texts can have, from 0 on.
Build = Callable[[Sequence[Constraint]], Built]
Counts = Callable[[Built, int], Sequence[bool]]

#: Defaults in the order in which they are tried again, and what is said when one is dropped.
DEFAULTS: tuple[tuple[type[Constraint], str], ...] = (
    (Sentence, "the text need not be one sentence (--no-sentence), because what is demanded excludes it"),
    (FiniteVerb, "the finite verb is dropped (--no-finite-verb), because what is demanded excludes it"),
    (Predicate, "the finite verb is dropped (--no-finite-verb), because what is demanded excludes it"),
    (Plain, "quotation marks and brackets are allowed (--quotes), because what is demanded needs them"),
)


def beside_defaults(
    constraints: Sequence[Constraint], demands: Mapping[str, Any], build: Build[Built], counts: Counts[Built]
) -> tuple[Built, tuple[str, ...]]:
    """Return what is built of constraints, without the defaults that exclude the rest.

    Args:
        constraints: of a search, the window of words among them.
        demands: a value for every flag; a window that is not given is a default.
        build: raises `Impossible` or `Contradiction` where no text satisfies its constraints.
        counts: whether texts can have 0, 1, 2, ... words; with the most that are of interest.

    Returns:
        What is built, and one line for each default that was dropped.

    Raises:
        Impossible: no text satisfies the demands alone.
        Contradiction: the same, seen at once.
    """
    is_window_given = demands["min_words"] is not None or demands["max_words"] is not None
    is_explicit = any(isinstance(constraint, Printed | Where | Edits | Sentences) for constraint in constraints)

    def fitting(tried: Sequence[Constraint]) -> Built:
        built = build(tried)
        (window,) = (one for one in tried if isinstance(one, Length))
        if is_explicit and not any(counts(built, window.max_words)[window.min_words :]):
            raise Impossible(f"no text of {window.describe()} satisfies all of: {_listed(tried)}")
        return built

    try:
        return fitting(constraints), ()
    except (Impossible, Contradiction) as error:
        refused = error
    kinds = tuple(kind for kind, _ in DEFAULTS)
    kept = [constraint for constraint in constraints if not isinstance(constraint, kinds)]
    notes: list[str] = []
    if not is_window_given and is_explicit:
        kept, notes = _with_window(kept, build, counts, refused)
    try:
        built = fitting(kept)
    except (Impossible, Contradiction):
        raise refused from None
    for kind, note in DEFAULTS:
        for default in (constraint for constraint in constraints if isinstance(constraint, kind)):
            try:
                built = fitting([*kept, default])
            except (Impossible, Contradiction):
                notes.append(note)
            else:
                kept.append(default)
    return built, tuple(notes)


def _with_window(
    kept: list[Constraint], build: Build[Built], counts: Counts[Built], refused: Impossible | Contradiction
) -> tuple[list[Constraint], list[str]]:
    """The constraints with a window that their texts can have, and a line where it is not the usual one."""
    (usual,) = (constraint for constraint in kept if isinstance(constraint, Length))
    others = [constraint for constraint in kept if constraint is not usual]
    try:
        possible = counts(build([*others, Length(1, MOST_WORDS)]), MOST_WORDS)
    except (Impossible, Contradiction):
        raise refused from None
    numbers = [number for number, is_possible in enumerate(possible) if is_possible]
    if any(number in range(usual.min_words, usual.max_words + 1) for number in numbers):
        return kept, []
    width = usual.max_words - usual.min_words
    larger = [number for number in numbers if number > usual.max_words]
    if not numbers:
        raise refused
    window = (
        Length(larger[0], min(MOST_WORDS, larger[0] + width))
        if larger
        else Length(max(1, numbers[-1] - width), numbers[-1])
    )
    return [*others, window], [
        f"the text has {window.describe()}, because what is demanded excludes {usual.describe()}"
    ]


def _listed(constraints: Sequence[Constraint]) -> str:
    return "; ".join(constraint.describe() for constraint in constraints)
