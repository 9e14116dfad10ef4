"""The fields of a request as plain JSON values, checked on the way in."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from math import isfinite
from typing import Any

from searchgen.constraints.flags import TEXTS
from searchgen.demands.demands import demand_flags
from searchgen.errors import RequestError
from searchgen.plain_json import brief

__all__ = ["differences", "filled", "listed", "typed"]

#: What the fields of a type are to be given as.
WANTED: tuple[tuple[tuple[Any, ...], str], ...] = (
    ((int, int | None), "a whole number"),
    ((float, float | None), "a number"),
    ((bool,), "true or false"),
    ((str,), "a text"),
    ((tuple[str, ...], TEXTS), "a list of texts"),
    ((tuple[tuple[str, ...], ...],), "a list of words or of lists of alternatives"),
)


def filled(default: Any, values: Mapping[str, Any], within: str) -> Any:
    """Return a dataclass with some of its fields replaced by checked JSON values.

    Args:
        default: has the other fields.
        values: by name; demands are not among them.
        within: names the field that the dataclass is, with a dot.

    Raises:
        RequestError: a field is unknown, or has the wrong type.
    """
    types = {f.name: f.type for f in fields(default) if f.name != "demands"}
    checked: dict[str, Any] = {}
    for name, value in values.items():
        if name not in types:
            names = ", ".join(sorted({*types, *(() if within else demand_flags())}))
            raise RequestError(f"unknown field {within + name!r}; the fields are {names}")
        inner = getattr(default, name)
        if is_dataclass(inner) and isinstance(value, dict):
            checked[name] = filled(inner, value, f"{name}.")
        else:
            checked[name] = typed(within + name, value, types[name])
    return replace(default, **checked)


def typed(name: str, value: Any, kind: Any) -> Any:
    """Return a field's value, lists as tuples.

    Args:
        name: of the field, for messages.
        value: as JSON has it.
        kind: its type, as the dataclass or the flag says.

    Raises:
        RequestError: it has another type.
    """
    texts = isinstance(value, list) and all(isinstance(item, str) for item in value)
    if kind in (tuple[str, ...], TEXTS) and texts:
        return tuple(value)
    if (
        kind == tuple[tuple[str, ...], ...]
        and isinstance(value, list)
        and all(isinstance(item, list) for item in value)
    ):
        return tuple(typed(name, item, tuple[str, ...]) for item in value if item)
    if kind == int | None and (value is None or type(value) is int):
        return value
    if kind in (float, float | None) and _is_number(value):
        return float(value)
    if kind == float | None and value is None:
        return None
    if kind is not float and type(value) is kind:
        return value
    wanted = next((words for kinds, words in WANTED if kind in kinds), "an object of its fields")
    raise RequestError(f"field {name!r} cannot be {brief(value)}; give {wanted}")


def _is_number(value: Any) -> bool:
    """Return whether a value is a number that a float can hold."""
    try:
        return type(value) in (int, float) and isfinite(value)
    except OverflowError:
        return False


def differences(value: Any, default: Any) -> dict[str, Any]:
    """Return the fields of a dataclass that are not those of another, demands apart, as plain JSON values."""
    result: dict[str, Any] = {}
    for f in fields(value):
        if f.name == "demands":
            continue
        mine, theirs = getattr(value, f.name), getattr(default, f.name)
        if mine == theirs:
            continue
        result[f.name] = differences(mine, theirs) if is_dataclass(theirs) else listed(mine)
    return result


def listed(value: Any) -> Any:
    """Return a value with lists for tuples."""
    if isinstance(value, tuple):
        return [listed(item) for item in value]
    return value
