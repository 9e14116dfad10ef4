"""The flags of constraints, the same in every command: added to its signature, and handed over as one object."""

import inspect
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import typer

from searchgen.cli.numbers import decimal, whole
from searchgen.errors import RequestError

if TYPE_CHECKING:
    from searchgen.constraints.flags import Flag
    from searchgen.demands.demands import Demands

__all__ = ["NO_DEMANDS", "Given", "expanded", "refuse_beside", "takes_demands", "was_given"]

#: The default of a flag: that of a search, that of a law, or no value, so that an absent flag can be seen.
Usual = Literal["search", "law", "nothing"]


Command = TypeVar("Command", bound=Callable[..., None])

#: The commands that take demands.
MARKED: dict[Callable[..., None], Usual] = {}


@dataclass(frozen=True)
class Given:
    """The flags of constraints as a command line has them.

    Attributes:
        values: by key, lists unread.
        spelled: keys of the flags that stand on the line; the others have their defaults.
    """

    values: dict[str, Any]
    spelled: frozenset[str] = frozenset()

    def __getitem__(self, key: str) -> Any:
        return self.values[key]

    @property
    def from_stdin(self) -> bool:
        """Whether the keywords are to be read from stdin."""
        return list(self.values["keywords"] or []) == ["-"]

    @property
    def words(self) -> list[str]:
        """All required words, as they were given."""
        from searchgen.constraints import CONSTRAINTS

        return [*(self.values["keywords"] or []), *(kind.wording(self.values) for kind in CONSTRAINTS.values())]

    def read(self, key: str) -> Any:
        """Return the value of a flag as a request holds it: lists split, files read.

        Raises:
            RequestError: nothing is listed, or a file cannot be read.
        """
        from searchgen.cli.requests import listed, phrases
        from searchgen.constraints.flags import ITEMS, TEXTS
        from searchgen.demands.demands import demand_flags

        value, flag = self.values[key], demand_flags()[key]
        if flag.type == ITEMS:
            return tuple(map(tuple, listed(f"--{flag.name}", value))) if value else ()
        if flag.type == TEXTS:
            return tuple(map(flag.read, value or ()))
        if flag.is_list:
            return phrases(f"--{flag.name}", value) if value else ()
        return flag.usual if value is None else value

    def as_a_job_has_it(self, key: str) -> Any:
        """Return the value of a flag as jobs and specs write it: lists for tuples; raises as `read`."""
        return _listed(self.read(key))

    def demands(self, **others: Any) -> "Demands":
        """Return every demand but keywords that come from stdin.

        Args:
            others: values by key in place of those given.

        Raises:
            RequestError: nothing is listed, or a file cannot be read.
        """
        from searchgen.demands.demands import Demands, with_needed

        left_out = ("keywords",) if self.from_stdin else ()
        kept = [key for key in self.values if key not in others]
        read = {key: () if key in left_out else self.read(key) for key in kept}
        needed = with_needed({key: value for key, value in read.items() if key in self.spelled})
        return Demands(**{**read, **needed}, **others)


def _listed(value: Any) -> Any:
    return [_listed(part) for part in value] if isinstance(value, tuple) else value


#: What stands in the signature of a command until the flags take its place.
NO_DEMANDS = Given({})


def takes_demands(usual: Usual) -> Callable[[Command], Command]:
    """Return the decorator of a command that takes demands: its parameter `demands`, a `Given`, stands for the flags of all constraints.

    A parameter of the command's own with the name of a flag takes that flag's place.

    Args:
        usual: which defaults the flags have.
    """

    def mark(command: Command) -> Command:
        MARKED[command] = usual
        return command

    return mark


def expanded(command: Callable[..., None]) -> Callable[..., None]:
    """Return a command with the flags of all constraints in its signature, if it takes demands."""
    if command not in MARKED:
        return command
    own, flags = inspect.signature(command).parameters, _flags()

    def taken(**values: Any) -> None:
        demands = {key: values[key] if key in own else values.pop(key) for key in flags}
        context = values["context"] if "context" in own else values.pop("context")
        command(**values, demands=Given(demands, frozenset(key for key in flags if was_given(context, key))))

    taken.__name__, taken.__doc__ = command.__name__, command.__doc__
    taken.__signature__ = _signature(command, MARKED[command])  # type: ignore[attr-defined]
    return taken


def _flags() -> "dict[str, Flag]":
    from searchgen.demands.demands import demand_flags

    return demand_flags()


def was_given(context: typer.Context, name: str) -> bool:
    """Return whether a parameter stands on the command line, and has not its default."""
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def refuse_beside(context: typer.Context, allowed: Collection[str], why: str) -> None:
    """Refuse parameters on the command line that do not go with another one.

    Args:
        context: of the command.
        allowed: names of those that do.
        why: what the message begins with.

    Raises:
        RequestError: it names the flag to drop.
    """
    for option in context.command.params:
        if option.name not in allowed and was_given(context, option.name or ""):
            raise RequestError(f"{why}; drop {option.opts[0]}")


def _signature(command: Callable[..., None], usual: Usual) -> inspect.Signature:
    own = inspect.signature(command, eval_str=False)
    parameters: list[inspect.Parameter] = []
    if "context" not in own.parameters:
        parameters.append(
            inspect.Parameter("context", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context)
        )
    for name, parameter in own.parameters.items():
        if name != "demands":
            parameters.append(parameter)
            continue
        parameters += [_parameter(flag, usual) for key, flag in _flags().items() if key not in own.parameters]
    return own.replace(parameters=parameters)


def _parameter(flag: "Flag", usual: Usual) -> inspect.Parameter:
    kinds: dict[Any, tuple[Any, dict[str, Any]]] = {
        bool: (bool, {}),
        str: (str | None, {"metavar": flag.metavar}),
        int | None: (int | None, {"metavar": flag.metavar, "parser": whole}),
        float | None: (float | None, {"metavar": flag.metavar, "parser": decimal}),
    }
    kind, more = kinds.get(flag.type, (list[str] | None, {"metavar": flag.metavar}))
    default = {"search": flag.usual, "law": flag.free, "nothing": None}[usual]
    default = default if kind is bool and default is not None else None
    if kind is bool and default is None:
        kind = bool | None
    both = f"/--no-{flag.name}" if kind is not bool or default or flag.usual != flag.free else ""
    spelled = (f"--{flag.name}{both}" if flag.type is bool else f"--{flag.name}", *flag.also)
    option = typer.Option(*spelled, help=flag.help, **more)
    return inspect.Parameter(
        flag.key, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=default, annotation=Annotated[kind, option]
    )
