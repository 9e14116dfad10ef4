"""What every sampler says of its draws: texts that satisfy the target, with the log-densities of a full re-scoring."""

import numpy as np
import pytest

from searchgen.samplers.chains.scorer import score_texts
from searchgen.samplers.registry import BUILT_IN, method
from tests.samplers.toy_jobs import toy_job

#: Options that make a run short.
SHORT = {
    "mh": {"burn_in": 50},
    "gibbs": {"burn_in": 50},
    "surrogate": {"burn_in": 5},
    "tempering": {"burn_in": 20, "rungs": 2},
    "anneal": {"steps": 100},
}


def test_moves_are_reported_by_the_names_of_their_sampler() -> None:
    named = {"mh": "span", "gibbs": "block 0-1", "isir": "resample"}
    for name, move in named.items():
        draws = method(name).draw(toy_job(name, 70, keywords="c,d", **SHORT.get(name, {})))
        assert move in draws.moves


@pytest.mark.parametrize("name", BUILT_IN)
def test_draws_are_scored_as_the_target_has_it(name: str) -> None:
    job = toy_job(name, 70, keywords="c,d", beta=1.5, **SHORT.get(name, {}))
    draws = method(name).draw(job)
    scores = score_texts(job.target.problem, draws.tokens, draws.lengths)
    assert np.abs(draws.log_density - scores).max() < 1e-5
    assert np.isfinite(draws.log_weight).all()
    assert all(all(job.target.satisfied(text).values()) for text in draws.texts())
    assert draws.evaluations >= len(draws.lengths) > 0
