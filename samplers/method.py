"""What every sampler is: a name, an honest kind, options, and a function from a job to draws."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from difflib import get_close_matches
from functools import cached_property
from math import isfinite
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from searchgen.errors import RequestError
from searchgen.guide import Guide
from searchgen.samplers.chains.observer import Observer
from searchgen.samplers.proofs.exactness import Finding, World
from searchgen.target import Target

__all__ = ["Draws", "Job", "Kind", "Method", "NoOptions", "parse_options", "spelled_out"]

#: exact: independent draws from the target; weighted: properly weighted draws; markov: a chain that leaves the target invariant;
#: search: an optimiser, whose texts follow no stated law; approximate: draws from a law near the target, at an estimated distance;
#: pseudo: a chain whose law nobody can state.
Kind = Literal["exact", "weighted", "markov", "search", "approximate", "pseudo"]


@dataclass(frozen=True)
class NoOptions:
    """A sampler without options."""


@dataclass(frozen=True, eq=False)
class Job:
    """What a sampler is asked for.

    Attributes:
        target: the target, its compiled form in `target.problem`.
        count: number of draws.
        key: 64-bit key of the run; every random choice is a function of it.
        options: an instance of the method's options.
        threads: threads to share the work over; the result does not depend on it.
        progress: called with the share done.
        start: a text for every chain to begin with, for methods that take one.
        observer: sees the chains of methods that show them (`Method.observed`); it changes nothing.
    """

    target: Target
    count: int
    key: int
    options: Any = field(default_factory=NoOptions)
    threads: int = 1
    progress: Callable[[float], None] | None = None
    start: str = ""
    observer: Observer | None = None

    def __post_init__(self) -> None:
        """Refuse a target of a search whose keywords are too many for its automaton, and so stand beside it.

        Raises:
            TooLarge: in this case.
        """
        if self.target.many is not None:
            raise self.target.many.too_large

    def guide(self, order: int = 2, near: int = 0) -> Guide:
        """Return the exact look-ahead of an order, made once a job; `near`: see `Guide.build`."""
        if (order, near) not in self._guides:
            problem = self.target.problem
            self._guides[order, near] = Guide.build(
                problem,
                order=order,
                max_tokens=self.target.max_tokens,
                bigrams=self.target.bigrams,
                threads=self.threads,
                near=near,
            )
        return self._guides[order, near]

    @cached_property
    def _guides(self) -> dict[tuple[int, int], Guide]:
        return {}


@dataclass(frozen=True, eq=False)
class Draws:
    """What a sampler returns: texts in drawn order, with repeats, and its own account of how it got them.

    Attributes:
        tokens: (n, M) int32 ids.
        lengths: (n,) int64.
        log_density: (n,) float64, natural log of the target's unnormalised density.
        log_weight: (n,) float64, natural log; 0 unless the kind is `weighted`.
        chains: number of Markov chains: draw i is of chain i % chains; 0 for other kinds.
        evaluations: number of texts scored, whole or in part, rejected ones included.
        log_z: natural log of the target's total mass, where the method estimates it.
        log_z_error: its standard error; 0 where it is exact.
        counts: the method's own counts, e.g. `attempts`, `accepted`.
        moves: for each move: proposed, legal, accepted.
        report: whatever else a reader should know, as plain JSON values.
        notes: one line each, for stderr.
        kind: what these draws are, where an option makes them something else than the method's; None: the method's kind.
        failure: what ended the run before it had all that were asked for: an outage or Ctrl-C; None: nothing did.
    """

    tokens: npt.NDArray[np.int32]
    lengths: npt.NDArray[np.int64]
    log_density: npt.NDArray[np.float64]
    log_weight: npt.NDArray[np.float64]
    chains: int = 0
    evaluations: int = 0
    log_z: float | None = None
    log_z_error: float | None = None
    counts: dict[str, int] = field(default_factory=dict)
    moves: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    report: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    kind: Kind | None = None
    failure: BaseException | None = None

    def texts(self) -> list[tuple[int, ...]]:
        """Return the draws as tuples of ids."""
        return [tuple(row[:n].tolist()) for row, n in zip(self.tokens, self.lengths, strict=True)]


@dataclass(frozen=True)
class Method:
    """A sampler, as the registry lists it.

    Attributes:
        name: as `--sampler` names it.
        kind: what its draws are.
        summary: one line: when to use it.
        draw: makes the draws.
        proof: enumerates the compiled sampler on a small world and returns the differences from the target's law; None for `search`.
        options: a frozen dataclass of numbers, booleans and strings with defaults.
        opaque: whether it serves targets with terms that are functions of the text.
        whole_text: whether it serves targets of a transformer; one that serves black-box terms always does.
        softens: whether it serves such terms under an n-gram model alone.
        unnormalised: whether it serves models whose probabilities do not sum to one: no draw of it is the model's own.
        grows: of a search, the option that more work goes into, and its least value; None: more draws are more work.
        observed: whether it shows its chains to the observer of a job.
    """

    name: str
    kind: Kind
    summary: str
    draw: Callable[[Job], Draws]
    proof: Callable[[World], list[Finding]] | None
    options: type = NoOptions
    opaque: bool = False
    whole_text: bool = False
    softens: bool = False
    unnormalised: bool = False
    grows: tuple[str, int] | None = None
    observed: bool = False


def parse_options(method: Method, settings: Sequence[str]) -> Any:
    """Return a method's options from "name=value" strings.

    Raises:
        RequestError: a name is unknown, or a value has the wrong type.

    Example:
        >>> @dataclass(frozen=True)
        ... class Options:
        ...     thin: int = 0
        >>> nothing = Method("mh", "markov", "", draw=lambda job: None, proof=None, options=Options)
        >>> parse_options(nothing, ["thin=8"])
        Options(thin=8)
    """
    options: Any = method.options()
    defaults = {f.name: getattr(options, f.name) for f in fields(options)}
    for setting in settings:
        name, equals, value = setting.partition("=")
        name = name.strip().replace("-", "_")
        if name not in defaults:
            near = get_close_matches(name, defaults, 1)
            way_out = f"did you mean {near[0]}?" if near else f"it has {', '.join(defaults) or 'no options'}"
            raise RequestError(f"--sampler {method.name} has no option {name!r}; {way_out}")
        options = replace(options, **{name: _value(method.name, name, value if equals else "true", defaults[name])})
    return options


def spelled_out(method: Method, options: Any, target: Target) -> tuple[Any, tuple[str, ...]]:
    """Return options with their defaults for a target written out, and what differs from the method's own as "name=value" strings.

    A signature that holds them replays the draws even where a default follows from the request.
    """
    complete = getattr(options, "spelled_out", None)
    options = complete(target) if complete else options
    default = method.options()
    settings = tuple(
        f"{f.name}={getattr(options, f.name)}"
        for f in fields(options)
        if getattr(options, f.name) != getattr(default, f.name)
    )
    return options, settings


def _value(method: str, name: str, text: str, default: Any) -> Any:
    try:
        if isinstance(default, bool):
            return {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}[text.lower()]
        if isinstance(default, int):
            number = int(text)
            if abs(number) >= 1 << 63:  # more than machines count with
                raise ValueError
            return number
        if isinstance(default, float):
            value = float(text)
            if not isfinite(value):
                raise ValueError
            return value
        return text
    except (KeyError, ValueError):
        kind = {bool: "true or false", int: "a whole number", float: "a number"}[type(default)]
        raise RequestError(f"--sampler {method}: {name}={text[:40]!r} is not {kind}") from None
