"""Printing the draws of a sampler."""

from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from searchgen.cli.loading import compiling, load_source, refuse_other_model, repeating, starting
from searchgen.cli.output import complain, note, write_json, write_text
from searchgen.cli.parts.looks import Looks
from searchgen.errors import NothingFound, RequestError
from searchgen.request.request import Request

if TYPE_CHECKING:
    from searchgen.jobs.draws import Sampled
    from searchgen.samplers.chains.observer import Observer

__all__ = ["print_draws", "repeat_draws"]

#: A user who wants fewer draws reads them and estimates nothing.
ENOUGH = 100


def repeat_draws(signature: str, lm: str | None, *, json: bool, raw_tokens: bool, looks: Looks) -> None:
    """Draw again the texts that a signature describes.

    Args:
        signature: as a JSON record shows it.
        lm: where the model's file is now; None: where it was.
        json: print JSON lines.
        raw_tokens: the user knows that the model's tokens are printed as they stand.
        looks: what the user wants to see of the run, besides its texts.

    Raises:
        RequestError: it is no signature of this version, is one of `constrain`, or the model is another one.
    """
    request, wanted = Request.from_signature(signature)
    if request.sampler == "anneal" and request.sentence:
        raise RequestError("the signature belongs to a search; repeat it with searchgen constrain --again")
    print_draws(request, json=json, raw_tokens=raw_tokens, looks=looks, lm=lm, wanted=wanted)


def print_draws(
    request: Request, *, json: bool, raw_tokens: bool, looks: Looks, lm: str | None = None, wanted: str = ""
) -> None:
    """Draw from the law of a request and print every draw; `wanted` is the hash the model must have, if any."""
    with starting():
        from searchgen.jobs.draws import job_of, run_of, sample
        from searchgen.samplers.chains.observer import Observer
        from searchgen.samplers.method import parse_options
        from searchgen.samplers.registry import method

        parse_options(method(request.sampler), request.options)  # before a model is loaded
        with repeating(request, lm) if wanted else nullcontext():
            model = replace(request, lm=lm or request.lm).model
            source = load_source(model, request.reading, raw_tokens)
    if wanted:
        refuse_other_model(source, wanted)
    try:
        # Refuses what the sampler cannot serve, before its loops are compiled.
        _, sampler, _ = job_of(source, request, observer=Observer() if looks.watch or looks.trace else None)
        with looks.looking(request.sampler, sampler.observed) as (observer, show), compiling(request.sampler):
            sampled = sample(source, request, show, observer)
    except NothingFound as error:
        looks.write_failed("sample", request, error, run_of(request, source.label, source.hash))
        raise
    diagnostics = sampled.diagnostics()
    for line in (*sampled.target.notes, *sampled.draws.notes):
        note(line)
    if diagnostics["doubts"] and len(sampled.draws.lengths) >= ENOUGH:
        note(
            f"the draws cannot be trusted for estimates: {'; '.join(diagnostics['doubts'][:2])}; raise -n, or see --report"
        )
    try:
        for record in sampled.records():
            if json:
                write_json({**record.as_json(), "status": "ok", "error": None})
            else:
                write_text(record.text, first=record.rank == 1)
    finally:  # a full disk loses no draw, and a closed pipe no report
        looks.write(
            sampled.request.signature(sampled.model_hash),
            lambda observer: _page(sampled, diagnostics, observer),
            lambda: diagnostics,
        )
    if sampled.draws.failure is not None:
        complain(f"stopped with {len(sampled.draws.lengths)} of {request.count} draws")
        raise sampled.draws.failure


def _page(sampled: "Sampled", diagnostics: dict[str, Any], observer: "Observer") -> str:
    # Imported late: nobody who asks for no page waits for it.
    from searchgen.report.run_page import draws_page

    return draws_page(sampled, diagnostics, observer)
