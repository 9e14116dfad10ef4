"""The face of a constraint: its flags, which are also its keys in specs, jobs and Python."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

__all__ = ["ITEMS", "PHRASES", "TEXTS", "Flag"]

#: Types of values beside bool, str, int | None and float | None: lists of words or phrases, and lists of alternatives of such.
PHRASES = tuple[str, ...]
ITEMS = tuple[tuple[str, ...], ...]

#: Texts that are never split: a flag that may be given several times.
TEXTS = tuple[Annotated[str, "whole"], ...]


@dataclass(frozen=True)
class Flag:
    """One flag of a constraint, in every command that takes constraints.

    Attributes:
        name: as the command line has it, without dashes; with "_" for "-" the key in specs, jobs and Python.
        type: of the value: bool, str, int | None, float | None, `PHRASES`, `ITEMS` or `TEXTS`.
        help: one line, for people.
        metavar: what stands for the value in the help.
        usual: the value where nothing is said, in a search.
        free: the value that demands nothing; commands on laws take it where nothing is said.
        also: other spellings of the flag, with their dashes.
        table: of a spec, that holds the key.
        read: what the command line makes of each of several texts, for example of the name of a file.
        needs: key of the flag without which it says nothing: where this one is turned on, that one is, too.

    Example:
        >>> Flag("max-commas", int | None, "Most commas.", "N").key
        'max_commas'
    """

    name: str
    type: Any
    help: str
    metavar: str = ""
    usual: Any = None
    free: Any = None
    also: tuple[str, ...] = ()
    table: str = "constraints"
    read: Callable[[str], str] = str
    needs: str = ""

    @property
    def key(self) -> str:
        """The name as Python has it."""
        return self.name.replace("-", "_")

    @property
    def is_list(self) -> bool:
        """Whether the value is a list of words."""
        return self.type in (PHRASES, ITEMS)
