"""Rejection: controls that the harness catches, its rate against the guide's exact mass, and the same output on any threads and batches."""

from typing import Any

import numpy as np
import pytest

from searchgen.errors import NotFound, RequestError
from searchgen.kernels.compiled import inner
from searchgen.samplers.diagnostics.intervals import clopper_pearson
from searchgen.samplers.proofs.exactness import prove_attempts
from searchgen.samplers.proofs.toy_worlds import keyword_world, phrase_world
from searchgen.samplers.registry import method
from searchgen.samplers.rejection.ancestral import attempt, new_memory, new_path, scripted
from searchgen.samplers.rejection.attempts import attempts
from searchgen.samplers.rejection.bounds import bounded_proposal
from searchgen.samplers.rejection.proof import filled_memory, memory_findings
from tests.samplers.toy_jobs import toy_job

REJECTION = method("rejection")


@inner
def without_weight(
    problem: Any, tokens: Any, lengths: Any, log_weight: Any, proposal: Any, memory: Any, path: Any, rng: Any
) -> None:
    """Forget the factor of what the memory took away."""
    lengths[0] = max(attempt(problem, proposal, memory, path, tokens[0], rng), -1)
    log_weight[0] = proposal.log_bound[0]


def test_controls_are_caught() -> None:
    """A bound that is too small, a dropped factor, a dead mass that is wrong."""
    world = keyword_world(2.0)
    proposal, path = bounded_proposal(world.problem, world.max_tokens), new_path(world.max_tokens)
    memory = filled_memory(world, proposal)
    small = proposal._replace(log_bound=np.array([-4.0]))
    assert not prove_attempts("bound", world, scripted, small, new_memory(0), path)[0].holds
    assert not prove_attempts("factor", world, without_weight, proposal, memory, path)[0].holds
    assert all(f.holds for f in memory_findings(world, proposal, memory))
    memory.dead[0] += 1e-6
    assert not memory_findings(world, proposal, memory)[0].holds
    memory.dead[0] -= 1e-6
    key = int(np.flatnonzero(memory.key)[-1])
    memory.key[key] += 1  # another token: what is called dead there is not
    assert not all(f.holds for f in memory_findings(world, proposal, memory))


def test_unknown_words_take_the_spelling_share_of_unk() -> None:
    """Equal shares of <unk>, the spelling forgotten, is another law."""
    world = phrase_world(1.0)
    proposal = bounded_proposal(world.problem, world.max_tokens)
    assert proposal.share[-1] == pytest.approx(np.exp(-2.0) + np.exp(-1.0))
    equal = proposal._replace(share=np.array([0.5, 1.0]))
    assert not prove_attempts("equal", world, scripted, equal, new_memory(0), new_path(world.max_tokens))[0].holds


def test_threads_and_batches_change_nothing() -> None:
    """Attempt i is a function of the key and i, and the run ends with the last text wanted."""
    whole = attempts(toy_job("rejection", 50), _proposal(), 5, 100_000, 50)
    for threads, batch in ((2, 0), (1, 7), (2, 33), (2, 5000)):
        again = attempts(toy_job("rejection", 50, threads=threads), _proposal(), 5, 100_000, 50, batch=batch)
        assert again.made == whole.made
        assert np.array_equal(again.tokens, whole.tokens)
        assert np.array_equal(again.log_density, whole.log_density)
    assert len(whole.lengths) == 50


def _proposal() -> Any:
    job = toy_job("rejection", 50)
    return bounded_proposal(job.target.problem, job.target.max_tokens)


@pytest.mark.parametrize("options", [{}, {"memory": True}, {"memory": True, "memory_nodes": 50}])
@pytest.mark.parametrize("beta", [1.0, 1.5])
def test_log_z_is_the_guides(beta: float, options: dict[str, Any]) -> None:
    """Within five standard errors, and the interval covers the rate; draws satisfy everything."""
    job = toy_job("rejection", 3000, beta=beta, **options)
    draws, exact = REJECTION.draw(job), job.guide(3).log_mass
    assert draws.log_z is not None
    assert draws.log_z_error is not None
    assert abs(draws.log_z - exact) < 5 * draws.log_z_error + 1e-5
    assert all(all(job.target.satisfied(text).values()) for text in draws.texts()[:100])
    if options:
        assert draws.counts["remembered"] > 0
        assert "acceptance_interval" not in draws.report
        assert draws.report["remembered_mass"] < 1 - np.exp(exact)
    else:
        low, high = draws.report["acceptance_interval"]
        assert low < draws.report["acceptance_rate"] < high


def test_memory_saves_attempts() -> None:
    """Remembered beginnings are not met again: fewer attempts for as many texts."""
    plain = REJECTION.draw(toy_job("rejection", 3000))
    remembering = REJECTION.draw(toy_job("rejection", 3000, memory=True))
    assert remembering.counts["attempts"] < plain.counts["attempts"]


def test_word_marginals_with_memory_are_those_without() -> None:
    """Lengths of 3,000 draws of each: a two-sample chi-square, below five standard deviations."""
    first = np.bincount(REJECTION.draw(toy_job("rejection", 3000)).lengths, minlength=7)[1:]
    second = np.bincount(REJECTION.draw(toy_job("rejection", 3000, memory=True)).lengths, minlength=7)[1:]
    both = first + second
    statistic = (((first - second) ** 2)[both > 0] / both[both > 0]).sum()
    degrees = (both > 0).sum() - 1
    assert statistic < degrees + 5 * np.sqrt(2 * degrees)


def test_quasi_says_what_it_is() -> None:
    """An estimated bound makes the draws approximate, with a distance; without it beta < 1 is refused with what serves it."""
    draws = REJECTION.draw(toy_job("rejection", 100, beta=0.9, quasi=True, pilot=2000))
    assert draws.kind == "approximate"
    assert 0.0 <= draws.report["total_variation"] < 1.0
    assert "approximate" in draws.notes[0]
    with pytest.raises(RequestError, match=r"no usable bound.*smc or mh"):
        REJECTION.draw(toy_job("rejection", 100, beta=0.9))
    with pytest.raises(RequestError, match="exclude"):
        REJECTION.draw(toy_job("rejection", 100, memory=True, quasi=True))


def test_quasi_is_close_to_the_target() -> None:
    """With log Z corrected for what exceeded the bound: within five standard errors."""
    job = toy_job("rejection", 4000, beta=0.9, quasi=True, pilot=200, attempts=10_000_000)
    draws = REJECTION.draw(job)
    assert draws.log_z is not None
    assert draws.log_z_error is not None
    assert abs(draws.log_z - job.guide(3).log_mass) < 5 * draws.log_z_error + 1e-5


def test_none_found_says_how_rare() -> None:
    """k = 0 is below 3 / n, not 0; fewer texts than wanted are said to be so."""
    with pytest.raises(NotFound, match=r"no attempt of 3 was accepted.*below 3/n = 1.*smc"):
        REJECTION.draw(toy_job("rejection", 1, keywords="c,f,d,e", attempts=3))
    draws = REJECTION.draw(toy_job("rejection", 500, attempts=200))
    assert len(draws.lengths) < 500
    assert "only" in draws.notes[0]


@pytest.mark.parametrize(("k", "n"), [(1, 20), (7, 30), (199, 200), (3, 1_000_000)])
def test_clopper_pearson_by_definition(k: int, n: int) -> None:
    """At its ends the tails of the binomial law are 2.5 % (summed term by term)."""
    low, high = clopper_pearson(k, n)

    def at_most(p: float, most: int) -> float:
        log_term, total = n * np.log1p(-p), 0.0
        for i in range(most + 1):
            total += np.exp(log_term)
            log_term += np.log((n - i) / (i + 1) * p / (1 - p)) if i < n else 0.0
        return float(total)

    assert 1 - at_most(low, k - 1) == pytest.approx(0.025, rel=1e-6)
    assert at_most(high, k) == pytest.approx(0.025, rel=1e-6)
