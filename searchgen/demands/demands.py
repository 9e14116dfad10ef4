"""What is demanded of a text, as values: one for each flag of each constraint of the registry."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from searchgen.constraints import CONSTRAINTS
from searchgen.constraints.flags import Flag
from searchgen.demands.values import taken
from searchgen.errors import RequestError

__all__ = ["Demands", "demand_flags", "with_needed"]


@cache
def demand_flags() -> dict[str, Flag]:
    """Return the flags of all constraints by key, in the order of the registry.

    Example:
        >>> list(demand_flags())[:3]
        ['keywords', 'ordered', 'overlap']
    """
    return {flag.key: flag for constraint in CONSTRAINTS.values() for flag in constraint.flags}


def with_needed(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that were given in one place, and those that they need: a flag that says nothing without another turns it on.

    Args:
        given: by key; those of flags, and others, which stay as they are.

    Raises:
        RequestError: the flag that is needed is turned off in the same place.

    Example:
        >>> with_needed({"finite_verb": True, "seed": 7}), with_needed({"finite_verb": False})
        ({'finite_verb': True, 'seed': 7, 'sentence': True}, {'finite_verb': False})
    """
    values = dict(given)
    for key, flag in demand_flags().items():
        if not flag.needs or given.get(key) is not True:
            continue
        if given.get(flag.needs) is False:
            needed = demand_flags()[flag.needs].name
            raise RequestError(f"{flag.name} needs {needed}, which is turned off; turn it on, or {flag.name} off, too")
        values[flag.needs] = True
    return values


class Demands(Mapping[str, Any]):
    """An immutable value for every flag of every constraint; those not given are the usual ones of a search.

    Example:
        >>> demands = Demands(keywords=(("dog",),), max_words=8)
        >>> demands["max_words"], demands["sentence"], demands.given()
        (8, True, {'keywords': (('dog',),), 'max_words': 8})
    """

    def __init__(self, **values: Any) -> None:
        """Take the values that are given.

        Args:
            values: by key; a text for a list is read as the command reads it.

        Raises:
            RequestError: a value has another type than its flag.
            TypeError: a key is of no constraint.
        """
        flags = demand_flags()
        unknown = next((key for key in values if key not in flags), None)
        if unknown is not None:
            raise TypeError(f"{unknown!r} is neither a field of a request nor a flag of a constraint")
        self._values = {
            key: taken(key, values[key], flag.type) if key in values else flag.usual for key, flag in flags.items()
        }

    def __getitem__(self, key: str) -> Any:
        return self._values[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Demands) and self._values == other._values

    def __hash__(self) -> int:
        return hash(tuple(self._values.items()))

    def __repr__(self) -> str:
        return f"Demands({', '.join(f'{key}={value!r}' for key, value in self.given().items())})"

    def given(self) -> dict[str, Any]:
        """Return the values that are not the usual ones."""
        return {key: self._values[key] for key, flag in demand_flags().items() if self._values[key] != flag.usual}

    def but(self, **values: Any) -> "Demands":
        """Return the demands with some values replaced."""
        return Demands(**{**self._values, **values})

    @staticmethod
    def nothing(**values: Any) -> "Demands":
        """Return demands that demand nothing but what is given.

        Example:
            >>> Demands.nothing(forbid=("very",))["sentence"]
            False
        """
        return Demands(**{**{key: flag.free for key, flag in demand_flags().items()}, **values})
