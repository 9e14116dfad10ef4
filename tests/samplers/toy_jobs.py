"""A small model and jobs for samplers on it."""

from functools import cache
from typing import Any

from searchgen.lm.ngram.model import NGram
from searchgen.request.request import PLAIN_TERMS, Request
from searchgen.samplers.method import Job
from searchgen.samplers.registry import method
from searchgen.target import Target
from tests.lm.ngram.toy_sentences import toy_sentences


@cache
def _model() -> NGram:
    return NGram.from_sentences(toy_sentences("aaabbcdeef", 400), order=3, form="raw")


def toy_job(name: str, count: int, keywords: str = "c", beta: float = 1.0, threads: int = 1, **options: Any) -> Job:
    """Return a job: texts of 1 to 6 words that hold the keywords."""
    request = Request(
        keywords=tuple((word,) for word in keywords.split(",") if word),
        terms=PLAIN_TERMS,
        min_words=1,
        max_words=6,
        beta=beta,
        sentence=False,
        finite_verb=False,
        quotes=True,
    )
    return Job(Target.of(request, _model()), count, 11, method(name).options(**options), threads)
