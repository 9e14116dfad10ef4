"""At real size, order 2: log Z and word marginals of the methods with independent texts, against exact masses of the guide."""

from typing import Any

import numpy as np
import pytest

from searchgen.lm.ngram.load import load
from searchgen.lm.ngram.model import NGram
from searchgen.request.request import PLAIN_TERMS, Request
from searchgen.samplers.method import Job
from searchgen.samplers.registry import method
from searchgen.target import Target

#: z of a two-sided p-value of 1e-6.
LARGEST_Z = 4.9

WORD, OTHERS = "time", ("the", "of", "he", "long")


def _job(model: NGram, name: str, words: tuple[str, ...], count: int, **options: Any) -> Job:
    request = Request(
        keywords=tuple((word,) for word in words),
        terms=PLAIN_TERMS,
        min_words=1,
        max_words=12,
        finite_verb=False,
        quotes=True,
    )
    return Job(Target.of(request, model), count, 3, method(name).options(**options))


@pytest.fixture(scope="module")
def bigram() -> NGram:
    """A bigram model of 30,000 texts of the English model."""
    english = load("en")
    drawn = method("rejection").draw(_job(english, "rejection", (), 30_000))
    return NGram.from_sentences([english.tokens(text) for text in drawn.texts()], order=2, form="en")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["rejection", "importance", "sir", "isir"])
def test_log_z_and_marginals_are_the_guides(bigram: NGram, name: str) -> None:
    """P(another word | the demanded one) is the ratio of two exact masses."""
    count = 2000
    job = _job(bigram, name, (WORD,), count)
    draws = method(name).draw(job)
    exact = job.guide().log_mass
    if draws.log_z is not None and draws.log_z_error is not None:
        assert abs(draws.log_z - exact) < LARGEST_Z * draws.log_z_error + 1e-4
    texts, size = draws.texts(), len(draws.lengths)
    scores: dict[str, float] = {}
    for other in OTHERS:
        p = np.exp(_job(bigram, name, (WORD, other), 1).guide().log_mass - exact)
        ids = _job(bigram, name, (other,), 1).target.demanded
        share = np.mean([bool(ids & set(text)) for text in texts])
        scores[other] = float((share - p) / np.sqrt(p * (1 - p) / size))
        assert abs(share - p) < LARGEST_Z * np.sqrt(p * (1 - p) / size) + 1e-4, other
    print(name, {other: round(z, 2) for other, z in scores.items()}, draws.log_z, draws.log_z_error, exact)
