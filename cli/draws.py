"""Printing the draws of a sampler."""

from searchgen.cli.loading import load_model, starting
from searchgen.cli.output import complain, progress, write_json, write_line
from searchgen.request import Request

__all__ = ["print_draws"]


def print_draws(request: Request, *, json: bool, raw_tokens: bool, report: str | None) -> None:
    """Draw from the law of a request and print every draw."""
    with starting():
        from searchgen.samplers.sampling import sample
        from searchgen.samplers.source import Source

        source = load_model(Source, request.lm, raw_tokens)
    with progress() as show:
        sampled = sample(source, request, (lambda share: show(request.sampler, share)) if show else None)
    for note in (*sampled.target.notes, *sampled.draws.notes):
        complain(note)
    for record in sampled.records():
        if json:
            write_json({**record.as_json(), "status": "ok", "error": None})
        else:
            write_line(record.text)
