"""What Python programs give for a field: the types that are taken, and what becomes of them."""

import os
from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np

from searchgen.constraints.flags import ITEMS, PHRASES, TEXTS
from searchgen.errors import RequestError
from searchgen.text.items.lists import parse_items

__all__ = ["taken"]

#: What each type of field is to be given as.
WANTED = {
    ITEMS: "a text as the flag takes it, or a list of words or of lists of alternatives",
    PHRASES: "a text as the flag takes it, or a list of texts",
    TEXTS: "a text or a list of texts",
    bool: "True or False",
    int: "a whole number",
    int | None: "a whole number or None",
    float: "a number",
    float | None: "a number or None",
    str: "a text",
}


def taken(name: str, value: Any, kind: Any) -> Any:
    """Return the value of a field as a request holds it.

    A text for a list is read as the command reads its flag; the items of a list are never split.

    Args:
        name: of the field, for the message.
        value: what was given; numbers may be numpy's, and a path may stand for its text.
        kind: the type of the field.

    Raises:
        RequestError: the value has another type; the message names field, value and what to give.

    Example:
        >>> taken("forbid", "very,rain", tuple[str, ...]), taken("keywords", ["a,b", ("c", "d")], tuple[tuple[str, ...], ...])
        (('very', 'rain'), (('a,b',), ('c', 'd')))
        >>> taken("count", np.int64(3), int)
        3
    """
    result = _taken(value, kind)
    if result is NotImplemented:
        described = f"{type(value).__name__} {value!r}"[:60]
        wanted = WANTED.get(kind) or f"an object of the class {getattr(kind, '__name__', kind)}"
        raise RequestError(f"{name} cannot be {described}; give {wanted}")
    return result


def _taken(value: Any, kind: Any) -> Any:
    if kind in (ITEMS, PHRASES):
        return _list(value, kind)
    if kind == TEXTS:
        texts = [value] if isinstance(value, str) else value
        is_list = isinstance(texts, list | tuple) and all(isinstance(text, str) for text in texts)
        return tuple(map(str, texts)) if is_list else NotImplemented
    if value is None and kind in (int | None, float | None):
        return None
    if kind is bool:
        return bool(value) if isinstance(value, bool | np.bool_) else NotImplemented
    if isinstance(value, bool | np.bool_):
        return NotImplemented
    if kind in (int, int | None):
        return int(value) if isinstance(value, Integral) else NotImplemented
    if kind in (float, float | None):
        return float(value) if isinstance(value, Real) else NotImplemented
    if kind is str:
        return os.fspath(value) if isinstance(value, str | os.PathLike) else NotImplemented
    return value if not isinstance(kind, type) or isinstance(value, kind) else NotImplemented


def _list(value: Any, kind: Any) -> Any:
    """Return a list of phrases, or of alternatives, as tuples."""
    if isinstance(value, str):
        items = parse_items([value]) if value.strip() else []
        return tuple(map(tuple, items)) if kind == ITEMS else tuple(phrase for item in items for phrase in item)
    if not isinstance(value, Sequence | np.ndarray) or isinstance(value, bytes | bytearray):
        return NotImplemented
    entries: list[Any] = []
    for item in value:
        if isinstance(item, str):
            entries.append((str(item),) if kind == ITEMS else str(item))
        elif kind == ITEMS and isinstance(item, list | tuple) and item and all(isinstance(text, str) for text in item):
            entries.append(tuple(map(str, item)))
        else:
            return NotImplemented
    return tuple(entries)
