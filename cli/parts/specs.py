"""Specs on the command line, with the flags that override them."""

from dataclasses import asdict
from typing import Any

import typer

from searchgen.cli.parts.demands import Given, was_given
from searchgen.cli.requests import neural_settings
from searchgen.demands.demands import with_needed
from searchgen.lm.neural.settings import NEURAL_FIELDS
from searchgen.request.from_toml import Spec
from searchgen.request.request import Request

__all__ = ["law_beside", "request_beside"]

#: Flags other than those of constraints that are fields of a request under the same name.
OWN = ("lm", "count", "seed", "budget", "beta", "sampler")


def request_beside(spec: Spec, context: typer.Context, demands: Given, seed: int) -> Request:
    """Return the request of a spec, with the flags that were given in place of its values.

    Args:
        spec: the file.
        context: of the command.
        demands: its flags of constraints.
        seed: if neither names one.

    Raises:
        RequestError: a value is impossible, or the model would not heed it.
    """
    return _heeded(spec, context, _beside(context, demands), seed)


def law_beside(spec: Spec, context: typer.Context, demands: Given, given: dict[str, Any], seed: int) -> Request:
    """Return the request of `sample` for a spec: as `request_beside`, with a sampler that draws unless the spec names one.

    Args:
        spec: the file.
        context: of the command.
        demands: its flags of constraints.
        given: fields whose flags are spelled differently, if they were given.
        seed: if neither names one.

    Raises:
        RequestError: a value is impossible, or the model would not heed it.
    """
    from searchgen.jobs.draws import usual_sampler

    fields = {name: value for name, value in _beside(context, demands).items() if value is not None}
    law = {"sampler": spec.values.get("sampler") or usual_sampler(fields.get("lm", spec.values.get("lm")))}
    return _heeded(spec, context, {**law, **fields, **given}, seed)


def _heeded(spec: Spec, context: typer.Context, given: dict[str, Any], seed: int) -> Request:
    """Return the request with the settings of a transformer; a model of another kind refuses them."""
    neural = {name: context.params[name] for name in NEURAL_FIELDS if was_given(context, name)}
    request = spec.request({**given, "neural": neural}, seed)
    neural_settings(request.lm, **asdict(request.neural))
    return request


def _beside(context: typer.Context, demands: Given) -> dict[str, Any]:
    """Return the flags that were given, as a job has them."""
    given: dict[str, Any] = {
        name: context.params[name] for name in OWN if name in context.params and was_given(context, name)
    }
    for key in demands.values:
        if was_given(context, key) and not (key == "keywords" and demands.from_stdin):
            given[key] = demands.as_a_job_has_it(key)
    return with_needed(given)
