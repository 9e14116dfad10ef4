"""Printing the draws of a sampler."""

from contextlib import nullcontext
from dataclasses import replace

from searchgen.cli.loading import compiling, load_source, refuse_other_model, repeating, starting
from searchgen.cli.output import complain, note, progress, write_json, write_line
from searchgen.cli.parts.outputs import output_place
from searchgen.cli.parts.report import write_report
from searchgen.errors import NothingFound, RequestError
from searchgen.request.request import Request

__all__ = ["print_draws", "repeat_draws"]

#: A user who wants fewer draws reads them and estimates nothing.
ENOUGH = 100


def repeat_draws(signature: str, lm: str | None, *, json: bool, raw_tokens: bool, report: str | None) -> None:
    """Draw again the texts that a signature describes.

    Args:
        signature: as a JSON record shows it.
        lm: where the model's file is now; None: where it was.
        json: print JSON lines.
        raw_tokens: the user knows that the model's tokens are printed as they stand.
        report: file for the diagnostics.

    Raises:
        RequestError: it is no signature of this version, is one of `constrain`, or the model is another one.
    """
    request, wanted = Request.from_signature(signature)
    if request.sampler == "anneal" and request.sentence:
        raise RequestError("the signature belongs to a search; repeat it with searchgen constrain --again")
    print_draws(request, json=json, raw_tokens=raw_tokens, report=report, lm=lm, wanted=wanted)


def print_draws(
    request: Request, *, json: bool, raw_tokens: bool, report: str | None, lm: str | None = None, wanted: str = ""
) -> None:
    """Draw from the law of a request and print every draw; `wanted` is the hash the model must have, if any."""
    report_file = None if report is None else output_place("--report", report)
    with starting():
        from searchgen.jobs.draws import job_of, run_of, sample
        from searchgen.samplers.method import parse_options
        from searchgen.samplers.registry import method

        parse_options(method(request.sampler), request.options)  # before a model is loaded
        with repeating(request, lm) if wanted else nullcontext():
            model = replace(request, lm=lm or request.lm).model
            source = load_source(model, request.reading, raw_tokens)
    if wanted:
        refuse_other_model(source, wanted)
    try:
        job_of(source, request)  # refuses what the sampler cannot serve, before its loops are compiled
        with progress() as show, compiling(request.sampler):
            sampled = sample(source, request, (lambda share: show(request.sampler, share)) if show else None)
    except NothingFound as error:
        if report_file is not None:
            run = run_of(request, source.label, source.hash)
            write_report(report_file, {"status": "infeasible", "error": str(error), **run, "sampler": request.sampler})
        raise
    diagnostics = sampled.diagnostics()
    for line in (*sampled.target.notes, *sampled.draws.notes):
        note(line)
    if diagnostics["doubts"] and len(sampled.draws.lengths) >= ENOUGH:
        note(
            f"the draws cannot be trusted for estimates: {'; '.join(diagnostics['doubts'][:2])}; raise -n, or see --report"
        )
    if report_file is not None:
        write_report(report_file, diagnostics)
    for record in sampled.records():
        if json:
            write_json({**record.as_json(), "status": "ok", "error": None})
        else:
            write_line(record.text)
    if sampled.draws.failure is not None:
        complain(f"stopped with {len(sampled.draws.lengths)} of {request.count} draws")
        raise sampled.draws.failure
