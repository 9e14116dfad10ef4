"""Many chains: independent of each other, of threads and of how a run is cut; running totals are full re-scorings."""

import numpy as np
import pytest

from searchgen.kernels.randomness import counter
from searchgen.request.request import Annealing
from searchgen.samplers.chains.chains import advance, check_totals, enter, new_chains, recompute
from searchgen.samplers.chains.moves import ACCEPTED, LEGAL, PROPOSED, Chains, labels
from searchgen.samplers.optimise.annealing_loop import anneal
from searchgen.samplers.proofs.exactness import World
from searchgen.samplers.proofs.toy_worlds import keyword_world, punctuated_world


def _run(world: World, first: int, count: int, steps: int = 400, threads: int = 1, pieces: int = 1) -> Chains:
    chains = new_chains(count, world.max_tokens)
    text = np.zeros((count, world.max_tokens), np.int32)
    text[:, : len(world.texts[0])] = world.texts[0]
    enter(world.problem, chains, text, np.full(count, len(world.texts[0])))
    counters = np.stack([counter(9, first + c).word for c in range(count)])
    for piece in range(pieces):
        block = steps // pieces
        advance(world.problem, chains, counters, labels(), np.ones(1), block, piece * block, threads)
    return chains


def _same(first: Chains, second: Chains) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def test_chain_7_alone_is_chain_7_among_64() -> None:
    """What a chain does is a function of its own number."""
    world = punctuated_world(1.0)
    alone, among = _run(world, 7, 1), _run(world, 0, 64)
    assert _same(alone, Chains._make(column[7:8] for column in among))


def test_threads_and_pieces_change_nothing() -> None:
    """One thread or two, one call or four: the same bits."""
    world = keyword_world(1.0)
    assert _same(_run(world, 0, 9), _run(world, 0, 9, threads=2))
    assert _same(_run(world, 0, 9), _run(world, 0, 9, pieces=4))


def test_running_totals_are_full_scores() -> None:
    """After many steps every stored number is what a full re-scoring gives."""
    world = punctuated_world(1.0)
    chains = _run(world, 0, 16, steps=5000)
    before = Chains._make(column.copy() for column in chains)
    for c in range(16):
        total = recompute(world.problem, chains, c)
        assert total == pytest.approx(before.log_density[c], abs=1e-9)
        end = chains.length[c] + 1
        assert np.array_equal(chains.context[c, :end], before.context[c, :end])
        assert np.array_equal(chains.state[c, :end], before.state[c, :end])
        assert np.allclose(chains.log_p[c, :end], before.log_p[c, :end], atol=1e-12)


def test_a_wrong_running_total_is_refused() -> None:
    """The check at the end of every run can fail."""
    world = keyword_world(1.0)
    chains = _run(world, 0, 2)
    chains.log_density[1] += 1e-3
    with pytest.raises(AssertionError, match="chain 1"):
        check_totals(world.problem, chains)


def test_counts_add_up() -> None:
    """Every step is a proposal; accepted ones are legal."""
    chains = _run(keyword_world(1.0), 0, 4, steps=1000)
    count = chains.tally.sum(axis=(0, 1))
    assert count[PROPOSED] == 4000
    assert count[ACCEPTED] <= count[LEGAL] <= count[PROPOSED]


def test_one_step_from_exact_draws_stays_exact() -> None:
    """Chains begun at exact draws of the target and moved 3 steps are exact draws: plain chi-square, floor 1e-6."""
    world = keyword_world(1.0)
    draws = 60_000
    edges = np.cumsum(world.law)
    uniforms = (np.arange(draws) + 0.5) / draws  # stratified: the start law is exact to 1 / draws
    starts = np.searchsorted(edges, uniforms)
    tokens = np.zeros((draws, world.max_tokens), np.int32)
    lengths = np.array([len(world.texts[i]) for i in starts])
    for row, i in enumerate(starts):
        tokens[row, : lengths[row]] = world.texts[i]
    chains = new_chains(draws, world.max_tokens)
    enter(world.problem, chains, tokens, lengths)
    counters = np.stack([counter(21, c).word for c in range(draws)])
    advance(world.problem, chains, counters, labels(), np.ones(1), 3)
    index = {text: i for i, text in enumerate(world.texts)}
    seen = np.zeros(len(world.texts))
    for c in range(draws):
        seen[index[tuple(chains.token[c, : chains.length[c]].tolist())]] += 1
    expected = world.law * draws
    large = expected > 5
    statistic = ((seen - expected)[large] ** 2 / expected[large]).sum()
    degrees = large.sum() - 1
    z = ((statistic / degrees) ** (1 / 3) - (1 - 2 / (9 * degrees))) / (2 / (9 * degrees)) ** 0.5
    assert z < 4.75


def test_annealing_finds_the_densest_text() -> None:
    """On a world of 90 texts every chain ends at the optimum, and the result is a pure function of the counters."""
    world = keyword_world(1.0)
    counters = np.stack([counter(1, c).word for c in range(4)])
    text = np.zeros((4, world.max_tokens), np.int32)
    text[:, : len(world.texts[0])] = world.texts[0]
    starts = (text, np.full(4, len(world.texts[0])))
    annealed = anneal(world.problem, starts, counters, Annealing(chains=4, steps=2000), threads=2)
    assert annealed.texts[0] == world.texts[int(np.argmax(world.log_density))]
    assert annealed.log_density[0] == pytest.approx(world.log_density.max())
    again = anneal(world.problem, starts, counters.copy(), Annealing(chains=4, steps=2000), threads=1)
    assert again.texts == annealed.texts
