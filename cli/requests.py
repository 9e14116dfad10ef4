"""From flags to requests: lists split, language recognised, seconds turned into steps."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from searchgen.constraints.parse import parse_items
from searchgen.errors import RequestError
from searchgen.request import Annealing, Request
from searchgen.text import detect

__all__ = ["requests"]


def requests(keywords: Sequence[str], flags: Mapping[str, Any]) -> Request:
    """Return the request that the flags describe.

    Args:
        keywords: values of --keywords.
        flags: every other flag by its name; see `cli/constrain.py`.

    Raises:
        RequestError: a list is empty, a number out of range, or flags contradict each other.
    """
    items = parse_items(keywords) if keywords else []
    forbid = [phrase for item in parse_items(flags["forbid"]) for phrase in item] if flags["forbid"] else []
    written = " ".join([*(phrase for item in items for phrase in item), flags["starts_with"], flags["ends_with"]])
    annealing = Annealing()
    if flags["budget"] is not None:
        if not flags["budget"] > 0 or flags["budget"] == float("inf"):
            raise RequestError(f"--budget {flags['budget']}: give a number of seconds above 0")
        annealing = annealing.for_budget(flags["budget"])
    request = Request(
        keywords=tuple(map(tuple, items)),
        forbid=tuple(forbid),
        ordered=flags["ordered"],
        starts_with=flags["starts_with"],
        ends_with=flags["ends_with"],
        sentence=flags["sentence"],
        min_words=flags["min_words"],
        max_words=flags["max_words"],
        lm=flags["lm"] or detect(written),
        count=flags["count"],
        seed=flags["seed"],
        annealing=annealing,
    )
    return replace(request, terms=replace(request.terms, **flags.get("terms", {})))
