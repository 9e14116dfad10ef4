"""From a job to its request: defaults, the spellings of the command line, and a seed of its own."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from difflib import get_close_matches
from functools import cache
from typing import Any

from searchgen.constraints.flags import ITEMS, TEXTS
from searchgen.demands.demands import demand_flags, with_needed
from searchgen.errors import RequestError
from searchgen.plain_json import brief
from searchgen.request.json_values import typed
from searchgen.request.model_ref import default_model
from searchgen.request.request import Annealing, Request
from searchgen.text import detect
from searchgen.text.items.lists import parse_items

__all__ = [
    "BESIDES",
    "OF_TEXTS",
    "SPELLINGS",
    "USUAL_COMMAND",
    "Defaults",
    "columns_of",
    "field_names",
    "fields_of",
    "free_values",
    "identity",
    "near_field",
    "refuse_unknown",
    "request_of",
    "seed_again",
    "seed_of",
    "usual_model",
]

#: Other spellings of fields, as the command line has them.
SPELLINGS = {"n": "count", "custom_id": "id"}

#: Keys of a job that are no fields of a request.
BESIDES = ("id", "budget")

#: Keys of a job that changes a text; in other jobs they are names like any other.
OF_TEXTS = ("command", "text", "weight", "costs", "coverage", "cut", "among")

#: The command of jobs that name none.
USUAL_COMMAND = "constrain"

#: Letters by which a name may differ from that of a field and still be taken for a mistake.
MOST_LETTERS = 2

#: How alike a name must be to a field that is offered in its place, as difflib counts.
LIKELY = 0.7


@dataclass(frozen=True)
class Defaults:
    """What a job without a field of its own takes.

    Attributes:
        values: fields, in the spellings of a job.
        seed: of the run; jobs without a seed get theirs from it.
        models: of jobs that search and name none, by language; the embedded one where a language is absent.
        keep_columns: whether jobs may have columns of the user's own, which go into their rows.
        unique: whether no text may stand in two rows.
    """

    values: Mapping[str, Any]
    seed: int = 0
    models: Mapping[str, str] = field(default_factory=dict)
    keep_columns: bool = False
    unique: bool = False


def identity(values: Mapping[str, Any], line: int) -> str | int:
    """Return a job's `id` or `custom_id`, or the number of its line.

    Raises:
        RequestError: the id is neither text nor a whole number.
    """
    job_id = next((values[name] for name in ("id", "custom_id") if values.get(name) is not None), None)
    if job_id is None:
        return line
    if isinstance(job_id, str) and 0 < len(job_id) <= 1000:
        return job_id
    if type(job_id) is int and abs(job_id) < 2**63:
        return job_id
    described = repr(job_id) if isinstance(job_id, str) and len(job_id) <= 40 else brief(job_id)
    raise RequestError(f"id {described}: give a text of 1 to 1000 characters or a whole number")


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


def seed_again(seed: int, attempt: int) -> int:
    """Return the seed that a job is done again with, because its texts are those of other rows.

    Args:
        seed: of the job.
        attempt: how often it was done before; 0: the seed stays.

    Example:
        >>> seed_again(7, 0), seed_again(7, 1) == seed_again(7, 2)
        (7, False)
    """
    return seed_of(seed, f"attempt {attempt}") if attempt else seed


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
    given = {
        SPELLINGS.get(name, name): value
        for name, value in {**defaults.values, **with_needed(fields_of(values, defaults))}.items()
    }
    budget = given.pop("budget", None)
    given.pop("id", None)
    given = _of_command(given.pop("command", USUAL_COMMAND), given, values)
    sampler = given.get("sampler", "anneal")
    flags = demand_flags()
    if sampler != "anneal":
        # Samplers that draw from the stated law leave free what is not asked for, as `searchgen sample` does.
        given = {**free_values(), **given}
    for name, flag in flags.items():
        if flag.type == TEXTS and isinstance(given.get(name), str):
            given[name] = [given[name]]
        if flag.is_list and name in given:
            given[name] = (_items if flag.type == ITEMS else _phrases)(name, given[name])
    if given.get("lm") is None:
        given.pop("lm", None)
    if given.get("seed") is None:
        given["seed"] = seed_of(defaults.seed, job)
    request = Request.from_mapping(given)
    if "lm" not in given:
        request = replace(request, lm=usual_model(request.words, sampler, defaults))
    return request if budget is None else replace(request, annealing=_schedule(request, budget))


def _of_command(command: Any, given: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a job that makes texts: numbers of commands that change texts may stand in its defaults only."""
    if command not in (USUAL_COMMAND, "infill"):
        raise RequestError(f"field 'command' {brief(command)}: there is no such command of jobs")
    foreign = [name for name in OF_TEXTS[1:] if name in values and (command, name) != ("infill", "text")]
    if foreign and "command" in values:
        raise RequestError(f"field {foreign[0]!r} does not go with {command}; drop it")
    if command == "infill":
        given = _of_gaps(given)
    return {name: value for name, value in given.items() if name not in OF_TEXTS}


def _of_gaps(given: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a job that fills the gaps of a text: its template, and nothing that it does not ask for."""
    rest = dict(given)
    text = rest.pop("text", None)
    if not isinstance(text, str) or not text.strip():
        raise RequestError("infill needs the field 'text', with gaps, such as: The ___ of the ___.")
    return {**free_values(), **rest, "template": text.strip()}


def free_values() -> dict[str, Any]:
    """Return the values of flags that leave free what a search usually asks for."""
    return {name: flag.free for name, flag in demand_flags().items() if flag.usual != flag.free}


def usual_model(words: str, sampler: Any, defaults: Defaults) -> str:
    """Return the model of a job that names none.

    Args:
        words: whose language decides.
        sampler: of the job.
        defaults: what it takes where it says nothing.
    """
    searches = sampler == "anneal"
    return (searches and defaults.models.get(detect(words))) or default_model(words, law=not searches)


def _schedule(request: Request, budget: Any) -> Annealing:
    return request.annealing.for_budget(typed("budget", budget, float), request.count)


@cache
def field_names(changes_a_text: bool = False) -> tuple[str, ...]:
    """Return the names of a job's fields, other spellings as well.

    Args:
        changes_a_text: whether the job names a command.
    """
    of_request = (f.name for f in fields(Request) if f.name != "demands")
    return (*demand_flags(), *of_request, *SPELLINGS, *BESIDES, *(OF_TEXTS if changes_a_text else ()))


def columns_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a job has besides its fields.

    Example:
        >>> columns_of({"keywords": "dog", "reference": "A dog."})
        {'reference': 'A dog.'}
    """
    known = field_names("command" in values)
    return {name: value for name, value in values.items() if name not in known}


def near_field(name: str) -> str | None:
    """Return the field that differs from a name by at most two letters, fewer for short ones, None: there is none.

    Example:
        >>> near_field("Keywrods"), near_field("ID"), near_field("reference"), near_field("ref")
        ('keywords', 'id', None, None)
    """
    folded = name.casefold()
    near = [
        (_distance(folded, field), field) for field in field_names() if abs(len(field) - len(folded)) <= MOST_LETTERS
    ]
    distance, field = min(near, default=(MOST_LETTERS + 1, ""))
    return field if distance <= min(MOST_LETTERS, len(field) - 1) else None


def _distance(word: str, other_word: str) -> int:
    """Return how many letters must be put in, taken out or exchanged to make one word of the other."""
    row = list(range(len(other_word) + 1))
    for i, sign in enumerate(word, 1):
        before, row[0] = row[0], i
        for j, letter in enumerate(other_word, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (sign != letter))
    return row[-1]


def refuse_unknown(name: str, keep_columns: bool) -> None:
    """Refuse a name that is not a field, and not a column of the user's own either.

    Raises:
        RequestError: columns are not kept, or the name is nearly that of a field.
    """
    near = near_field(name)
    if near is not None:
        raise RequestError(f"unknown field {name[:40]!r}; did you mean {near!r}?")
    if not keep_columns:
        likely = get_close_matches(name, field_names(), 1, LIKELY)
        hint = f"did you mean {likely[0]!r}? " if likely else ""
        raise RequestError(
            f"unknown field {name[:40]!r}; {hint}--keep-columns allows other columns and copies them into the row"
        )


def fields_of(values: Mapping[str, Any], defaults: Defaults) -> dict[str, Any]:
    """Return the fields of a job, its own columns left out.

    Raises:
        RequestError: a name is neither, or a field may not stand in a job.
    """
    for name in columns_of(values):
        refuse_unknown(name, defaults.keep_columns)
    if "opaque" in values:
        raise RequestError("field 'opaque' names code to run, which a job may not; give it to the whole run")
    for short, long in SPELLINGS.items():
        if short in values and long in values:
            raise RequestError(f"fields {short!r} and {long!r} are the same; give one")
    known = field_names("command" in values)
    return {name: value for name, value in values.items() if name in known}


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
    return [[entry] if isinstance(entry, str) else entry for entry in value] if isinstance(value, list) else value


def _phrases(name: str, value: Any) -> Any:
    return [phrase for item in _items(name, value) for phrase in item] if isinstance(value, str) else value
