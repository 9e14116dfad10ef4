"""Parallel tempering: the product of the rungs' laws is invariant, and wrong swaps are caught."""

from typing import Any

import numpy as np
import pytest

from searchgen.errors import RequestError
from searchgen.jobs.draws import stated_law
from searchgen.kernels.acceptance import accepts, log_threshold
from searchgen.kernels.compiled import inner
from searchgen.kernels.randomness import bernoulli
from searchgen.lm.ngram.model import NGram
from searchgen.request.request import Request
from searchgen.samplers.chains.moves import labels, step
from searchgen.samplers.mcmc.tempering import Options, draw, exchange, proof_on, small_world, spaced
from searchgen.samplers.method import Job
from searchgen.samplers.proofs.exactness import Finding
from searchgen.samplers.proofs.toy_worlds import keyword_world
from searchgen.target import Target

RIGHT, WRONG_SIGN, ONE_DENSITY, NO_TEMPERATURES = range(4)
TABLE = labels(span=0, any_span=1, relocate=0, longest=1)
VISIBLE = 1e-4


@inner
def _event(problem: Any, chains: Any, first: Any, draft: Any, table: Any, ladder: Any, fault: Any, rng: Any) -> None:
    """A step of either rung, or a swap with one mistake."""
    if bernoulli(rng, 0.5):
        rung = 1 if bernoulli(rng, 0.5) else 0
        step(problem, chains, rung, draft, table, ladder[rung], rng)
        return
    change = chains.log_density[1] - chains.log_density[0]
    log_alpha = (ladder[0] - ladder[1]) * change
    if fault == WRONG_SIGN:
        log_alpha = -log_alpha
    elif fault == ONE_DENSITY:
        # of the colder text; with the other density alone the ratio would be right, while it is below 1, only needlessly small
        log_alpha = (ladder[1] - ladder[0]) * chains.log_density[0]
    elif fault == NO_TEMPERATURES:
        log_alpha = change
    if accepts(rng, log_threshold(rng), log_alpha):
        exchange(chains, 0, 1)


def _findings(fault: int) -> list[Finding]:
    ladder = (1.0, 0.5)
    return proof_on(small_world(keyword_world(1.0)), _event, TABLE, np.array(ladder), fault, ladder=ladder)


def test_the_right_swap_passes() -> None:
    """The kernel that the controls spoil is exact when nothing is spoilt."""
    assert all(finding.holds for finding in _findings(RIGHT))


@pytest.mark.parametrize("fault", [WRONG_SIGN, ONE_DENSITY, NO_TEMPERATURES])
def test_a_wrong_swap_is_caught(fault: int) -> None:
    """Each fault moves the joint law visibly."""
    assert _findings(fault)[0].error > VISIBLE


def test_spacing_equalises_rejections() -> None:
    """A pair that rejects all is cut into parts, pairs that reject nothing are joined; the ends stay."""
    ladder = spaced(np.array([1.0, 0.9, 0.5, 0.4]), np.array([0.0, 0.8, 0.0]), 5)
    assert ladder[0] == 1.0
    assert ladder[-1] == pytest.approx(0.4)
    assert (np.diff(ladder) < 0).all()
    assert ((ladder[1:-1] > 0.5) & (ladder[1:-1] < 0.9)).all()


def _job(options: Options, threads: int = 1) -> Job:
    model = NGram.from_sentences([text.split() for text in ("a b c", "c b a b", "b b a c", "a c", "c")] * 3, order=3)
    target = Target.of(stated_law(Request(keywords=(("a",), ("c",)), max_words=6)), model)
    return Job(target, 64, 5, options, threads)


def test_one_thread_or_two() -> None:
    """The pilot run, the ladder and the draws are the same bits; the report says what the swaps did."""
    alone, shared = draw(_job(Options(chains=4, rungs=3))), draw(_job(Options(chains=4, rungs=3), threads=2))
    assert np.array_equal(alone.tokens, shared.tokens)
    assert alone.report == shared.report
    assert len(alone.report["inverse_temperatures"]) == 3
    assert len(alone.report["swap_rates"]) == 2
    assert min(alone.report["swap_rates"]) > 0.1
    assert alone.chains == 4


@pytest.mark.parametrize("options", [Options(rungs=1), Options(hottest=1.0), Options(swap=0.0), Options(rungs=99)])
def test_options_out_of_range(options: Options) -> None:
    """One line that names the option."""
    with pytest.raises(RequestError, match="--sampler tempering"):
        draw(_job(options))


def test_the_moves_reported_are_those_after_the_burn_in() -> None:
    """Four cold chains keep 16 states each, a round of two events apart; the burn-in has 2,000 rounds."""
    draws = draw(_job(Options(chains=4, rungs=2, burn_in=2000, thin=1)))
    assert 0 < sum(proposed for proposed, _, _ in draws.moves.values()) <= 4 * 16 * 2
