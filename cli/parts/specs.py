"""Specs on the command line: what flags beside them change."""

from dataclasses import asdict
from typing import Any

import typer

from searchgen.cli.requests import forbidden, listed, neural_settings
from searchgen.request.from_toml import Spec
from searchgen.request.request import Request

__all__ = ["from_stdin", "law_beside", "request_beside"]

#: Flags of `constrain` that are fields of a request under the same name.
SAME = (
    "ordered",
    "starts_with",
    "ends_with",
    "sentence",
    "finite_verb",
    "quotes",
    "min_words",
    "max_words",
    "lm",
    "count",
    "seed",
    "budget",
)

#: Flags that say how a transformer is read.
NEURAL = ("end", "prompt", "device", "dtype")


def request_beside(spec: Spec, context: typer.Context, seed: int) -> Request:
    """Return the request of a spec, with the flags that were given in place of its values.

    Args:
        spec: the file.
        context: of the command.
        seed: if neither names one.

    Raises:
        RequestError: a value is impossible, or the model would not heed it.
    """
    given: dict[str, Any] = {name: context.params[name] for name in SAME if _was_given(context, name)}
    if _was_given(context, "keywords") and not from_stdin(context):
        given["keywords"] = listed("--keywords", context.params["keywords"])
    if _was_given(context, "forbid"):
        given["forbid"] = list(forbidden(context.params["forbid"]))
    return _heeded(spec, context, given, seed)


def from_stdin(context: typer.Context) -> bool:
    """Return whether the keywords are to be read from stdin."""
    return list(context.params["keywords"] or []) == ["-"]


def law_beside(spec: Spec, context: typer.Context, given: dict[str, Any], seed: int) -> Request:
    """Return the request of `sample` for a spec: as `request_beside`, with a sampler that draws unless the spec names one.

    Args:
        spec: the file.
        context: of the command.
        given: fields whose flags are spelled in a way of their own, if they were given.
        seed: if neither names one.

    Raises:
        RequestError: a value is impossible, or the model would not heed it.
    """
    plain = ("ordered", "starts_with", "ends_with", "sentence", "min_words", "lm", "count", "seed", "beta", "sampler")
    fields = {name: context.params[name] for name in plain if _was_given(context, name)}
    for name, values in (("keywords", listed), ("forbid", lambda _, words: list(forbidden(words)))):
        if _was_given(context, name):
            fields[name] = values(f"--{name}", context.params[name])
    fields = {name: value for name, value in fields.items() if value is not None}
    from searchgen.jobs.draws import usual_sampler

    law = {"sampler": spec.values.get("sampler") or usual_sampler(fields.get("lm", spec.values.get("lm")))}
    return _heeded(spec, context, {**law, **fields, **given}, seed)


def _heeded(spec: Spec, context: typer.Context, given: dict[str, Any], seed: int) -> Request:
    """Return the request, how a transformer is read included, unless its model is none."""
    neural = {name: context.params[name] for name in NEURAL if _was_given(context, name)}
    request = spec.request({**given, "neural": neural}, seed)
    neural_settings(request.lm, **asdict(request.neural))
    return request


def _was_given(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"
