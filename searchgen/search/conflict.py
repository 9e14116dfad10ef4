"""Which demands exclude each other: of those that no text satisfies, a smallest set that no text satisfies either.

A deletion filter: each part of the demands is left out in turn, and stays out where no text satisfies the rest. What remains is
irreducible: without any one of it there are texts.

Reference:
    Chinneck and Dravnieks, "Locating minimal infeasible constraint sets in linear programs", ORSA Journal on Computing 3 (1991).
"""

from collections.abc import Iterator
from typing import Any

from searchgen.constraints import CONSTRAINTS, Length, window
from searchgen.constraints.length import MOST_WORDS
from searchgen.demands.to_constraints import constraints_of
from searchgen.errors import Contradiction, Impossible, RequestError
from searchgen.request.request import Request
from searchgen.sources.source import Source
from searchgen.target import Target

__all__ = ["MOST_PARTS", "conflict", "naming_conflict"]

#: Parts that a command looks through without being asked; each takes a product of automata.
MOST_PARTS = 12

#: What is left out first: the defaults of a search.
DEFAULTS = ("finite-verb", "sentence", "no quotes")

ANY_LENGTH = {"min_words": 1, "max_words": MOST_WORDS}


def conflict(source: Source, request: Request, most: int | None = None) -> tuple[str, ...]:
    """Return the names of demands that no text satisfies together, while without any one of them there are texts.

    Args:
        source: the model.
        request: no text satisfies it.
        most: parts above which nothing is tried; None: any number.

    Returns:
        Names as `explain` gives them, and the window of words; none where nothing is proved, or there are too many parts.
    """
    is_default = request.sampler == "anneal" and request.min_words is None and request.max_words is None
    request = request.but(**ANY_LENGTH if is_default else _window(source, request))  # a default gives way
    names = [name for name, _ in _parts(request)]
    if (most is not None and len(names) > most) or not _is_impossible(source, request):
        return ()
    kept = []
    for name in sorted(names, key=lambda name: name not in DEFAULTS):
        changes = dict(_parts(request)).get(name)
        if changes is None:  # another one took it along
            continue
        fewer = request.but(**changes)
        if _is_impossible(source, fewer):
            request = fewer
        else:
            kept.append(name)
    return tuple(sorted(kept, key=names.index))


def naming_conflict(error: Impossible, source: Source, request: Request, most: int | None = None) -> Impossible:
    """Return an error that names the demands that exclude each other; the same error where none can be named."""
    names = conflict(source, request, most)
    return Impossible(f"proved impossible: no text satisfies all of: {'; '.join(names)}") if names else error


def _parts(request: Request) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the name of each part of the demands, and the values that demand all but it; the window last."""
    for constraint in CONSTRAINTS.values():
        for name, _, others in constraint.apart(request.demands):
            yield name, others
    spelled = {"min_words": request.min_words, "max_words": request.max_words}
    if spelled != ANY_LENGTH:
        yield Length(**spelled).describe(), ANY_LENGTH


def _window(source: Source, request: Request) -> dict[str, int]:
    """Return the window of a request, spelled out: it does not change with the other demands."""
    form, vocabulary = source.lexicon.vocabulary.form, source.lexicon.vocabulary
    low, high = window(constraints_of(request.demands, form, vocabulary).constraints) or (1, MOST_WORDS)
    return {"min_words": low, "max_words": high}


def _is_impossible(source: Source, request: Request) -> bool:
    """Return whether it is proved that no text satisfies a request, the defaults that stand in it included."""
    known = source.lexicon
    try:
        made = constraints_of(request.demands, known.vocabulary.form, known.vocabulary)
        target = Target.of_parts(source.model, made.constraints, known=known)
    except (Impossible, Contradiction):
        return True
    except RequestError:  # too large, or nothing is demanded: no proof
        return False
    low, high = target.window
    return not any(target.word_counts(high)[low:])
