"""From a job to its request: defaults, the spellings of the command line, and a seed of its own."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from difflib import get_close_matches
from typing import Any

from searchgen.constraints.flags import ITEMS
from searchgen.demands.demands import demand_flags
from searchgen.errors import RequestError
from searchgen.request.model_ref import default_model
from searchgen.request.request import MOST_WORDS, Annealing, Request
from searchgen.text.lists import parse_items

__all__ = ["Defaults", "identity", "request_of", "seed_of"]

#: Other spellings of fields, as the command line has them.
SPELLINGS = {"n": "count"}

#: Keys of a job that are no fields of a request.
BESIDES = ("id", "budget")


@dataclass(frozen=True)
class Defaults:
    """What a job without a field of its own takes.

    Attributes:
        values: fields, in the spellings of a job.
        seed: of the run; jobs without a seed get theirs from it.
    """

    values: Mapping[str, Any]
    seed: int = 0


def identity(values: Mapping[str, Any], line: int) -> str | int:
    """Return a job's `id`, or the number of its line.

    Raises:
        RequestError: the id is neither text nor a whole number.
    """
    given = values.get("id")
    if given is None:
        return line
    if isinstance(given, str) and 0 < len(given) <= 1000:
        return given
    if type(given) is int and abs(given) < 2**63:
        return given
    raise RequestError(f"id {str(given)[:40]!r}: give a text of 1 to 1000 characters or a whole number")


def seed_of(run: int, job: str | int) -> int:
    """Return the seed of a job that has none: a function of the run's seed and of the job's id or line number.

    Example:
        >>> seed_of(0, "a") == seed_of(0, "a") != seed_of(1, "a")
        True
        >>> seed_of(0, 7) == seed_of(0, "7")
        False
    """
    name = f"{run}:{type(job).__name__}:{job}".encode("utf-8", "surrogatepass")
    # 48 bits, so that readers who keep JSON numbers as floats repeat it exactly.
    return int.from_bytes(hashlib.blake2b(name, digest_size=6).digest(), "big")


def request_of(values: Mapping[str, Any], line: int, defaults: Defaults) -> Request:
    """Return the request that a job stands for.

    Args:
        values: of the job.
        line: number of its line, in place of a missing id.
        defaults: what it takes where it says nothing.

    Raises:
        RequestError: a field is unknown, has the wrong type or an impossible value.
    """
    job = identity(values, line)
    given = {SPELLINGS.get(name, name): value for name, value in {**defaults.values, **_known(values)}.items()}
    budget = given.pop("budget", None)
    given.pop("id", None)
    sampler = given.get("sampler", "anneal")
    flags = demand_flags()
    if sampler != "anneal":
        # Samplers that draw from the stated law leave free what is not asked for, as `searchgen sample` does.
        given = {**{name: flag.free for name, flag in flags.items() if flag.usual != flag.free}, **given}
    for name, flag in flags.items():
        if flag.is_list and name in given:
            given[name] = (_items if flag.type == ITEMS else _phrases)(name, given[name])
    if given.get("lm") is None:
        given.pop("lm", None)
        given["lm"] = default_model(_written(given), law=sampler != "anneal")
    if given.get("seed") is None:
        given["seed"] = seed_of(defaults.seed, job)
    request = Request.from_mapping(given)
    return request if budget is None else replace(request, annealing=_schedule(request, budget))


def _schedule(request: Request, budget: Any) -> Annealing:
    if type(budget) not in (int, float):
        raise RequestError(f"field 'budget' cannot be {str(budget)[:40]!r}; give a number of seconds")
    return request.annealing.for_budget(float(budget), request.count)


def _known(values: Mapping[str, Any]) -> Mapping[str, Any]:
    own = (f.name for f in fields(Request) if f.name != "demands")
    names = [*demand_flags(), *own, *SPELLINGS, *BESIDES]
    for name in values:
        if name not in names:
            near = get_close_matches(name, names, 1)
            raise RequestError(
                f"unknown field {name[:40]!r}; "
                + (f"did you mean {near[0]!r}?" if near else f"there are {', '.join(names)}")
            )
    if "opaque" in values:
        raise RequestError("field 'opaque' names code to run, which a job may not; give it to the whole run")
    for short, long in SPELLINGS.items():
        if short in values and long in values:
            raise RequestError(f"fields {short!r} and {long!r} are the same; give one")
    return values


def _items(name: str, value: Any) -> Any:
    """Return keywords as a request holds them, from a line as the flag takes it, or a list of words or alternatives."""
    if isinstance(value, str):
        if value.strip().startswith("@"):
            raise RequestError(
                f"field {name!r} {value[:40]!r}: neither a job nor a spec can name a file; write \\@ for the sign itself"
            )
        return parse_items([value])
    if isinstance(value, list) and not value:
        raise RequestError(f"field {name!r} is an empty list; drop it, or give at least one entry")
    return [[one] if isinstance(one, str) else one for one in value] if isinstance(value, list) else value


def _phrases(name: str, value: Any) -> Any:
    return [phrase for item in _items(name, value) for phrase in item] if isinstance(value, str) else value


def _written(given: Mapping[str, Any]) -> str:
    """Return the words of a request as one text, whatever else is wrong with it."""
    items = given.get("keywords")
    words = [phrase for item in items if isinstance(item, list) for phrase in item] if isinstance(items, list) else []
    words += [given.get("starts_with"), given.get("ends_with")]
    if not any(words) and isinstance(given.get("forbid"), list):
        words = given["forbid"][:MOST_WORDS]
    return " ".join(word for word in words if isinstance(word, str))
