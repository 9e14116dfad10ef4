"""Every sampler by its name; installed packages add theirs by the entry point group `searchgen.samplers`."""

from collections.abc import Iterator
from difflib import get_close_matches
from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

from searchgen.errors import RequestError

if TYPE_CHECKING:
    from searchgen.samplers.method import Method

__all__ = ["BUILT_IN", "method", "methods", "names"]

#: One line a sampler: its name, and where its `Method` is.
BUILT_IN = {
    "mh": "searchgen.samplers.mcmc.metropolis_hastings:METHOD",
    "anneal": "searchgen.samplers.optimise.annealing:METHOD",
    "surrogate": "searchgen.samplers.mcmc.surrogate:METHOD",
    "smc": "searchgen.samplers.weighted.smc.sampler:METHOD",
    "rejection": "searchgen.samplers.rejection.sampler:METHOD",
    "importance": "searchgen.samplers.weighted.importance:METHOD",
    "sir": "searchgen.samplers.weighted.sir:METHOD",
    "isir": "searchgen.samplers.weighted.sir:ITERATED",
    "gibbs": "searchgen.samplers.mcmc.gibbs.sampler:METHOD",
    "tempering": "searchgen.samplers.mcmc.tempering:METHOD",
    "beam": "searchgen.samplers.optimise.beam:METHOD",
}


def names() -> list[str]:
    """Return the names of all samplers, installed ones too."""
    return list(dict.fromkeys([*BUILT_IN, *(entry.name for entry in entry_points(group="searchgen.samplers"))]))


def method(name: str) -> "Method":
    """Return a sampler by its name.

    Raises:
        RequestError: there is none of that name.

    Example:
        >>> method("mh").kind
        'markov'
    """
    if name in BUILT_IN:
        module, _, attribute = BUILT_IN[name].partition(":")
        built_in: Method = getattr(import_module(module), attribute)
        return built_in
    for entry in entry_points(group="searchgen.samplers"):
        if entry.name == name:
            installed: Method = entry.load()
            return installed
    near = get_close_matches(name, names(), 1)
    way_out = f"did you mean {near[0]}?" if near else f"give one of {', '.join(names())}"
    raise RequestError(f"--sampler {name!r} is unknown; {way_out}")


def methods() -> "Iterator[Method]":
    """Yield every sampler."""
    return map(method, names())
