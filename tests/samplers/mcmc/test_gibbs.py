"""Gibbs: every update is the enumerated conditional, on worlds where words are linked to one side, to both and to neither."""

from typing import Any

import numpy as np
import pytest

from searchgen.automata import Automaton
from searchgen.errors import RequestError
from searchgen.jobs.draws import stated_law
from searchgen.kernels.compiled import inner, kernel
from searchgen.kernels.randomness import Counter, below, counter
from searchgen.lm.ngram.model import NGram
from searchgen.request.model_ref import ModelRef
from searchgen.request.request import Request
from searchgen.samplers.chains.chains import draft_for, enter, new_chains, recompute
from searchgen.samplers.mcmc.gibbs.conditional import AFTER, BEFORE, EMPTY, FREE, WORD, scratch_for
from searchgen.samplers.mcmc.gibbs.sampler import (
    METHOD,
    RELOCATIONS,
    _run,
    gibbs_step,
    list_outcomes,
    redraw_block,
)
from searchgen.samplers.mcmc.gibbs.sampler import Options as GibbsOptions
from searchgen.samplers.mcmc.gibbs.tables import BlockTables, block_tables
from searchgen.samplers.method import Job
from searchgen.samplers.proofs.exactness import World, imbalance, transition_matrix
from searchgen.samplers.proofs.toy_worlds import WORLDS, problem_of
from searchgen.sources.source import open_source
from searchgen.target import Target
from searchgen.testing import assert_leaves_invariant

EXACT, VISIBLE = 1e-12, 1e-4


def sparse_world(beta: float, order: int = 4) -> World:
    """Texts of 1 to 4 words over six, one of them demanded, under a model that has seen few of the bigrams."""
    sentences = [text.split() for text in ("a b c", "a b d e", "f a b", "c d", "e f", "b a c", "d d a", "a", "f c d e")]
    model = NGram.from_sentences(sentences, order=order)
    words = tuple(model.id_of[w] for w in "abcdef")
    classes = np.zeros(model.size, np.int16)
    classes[list(words)] = 1
    classes[words[2]], classes[words[4]] = 2, 3  # c is demanded; e does not stand before it
    table = np.array([[0, 0, 0, 0], [0, 1, 2, 0], [0, 2, 2, 2]], np.int32)
    automaton = Automaton(classes, table, np.array([False, False, True]))
    weights = (0.3, -0.2, 0.5, 0.0, 0.1, -0.4)
    return World.of(problem_of(model, automaton, window=(1, 4), weight=weights, words=words, beta=beta), 4)


def conditional_matrix(world: World) -> np.ndarray:
    """P of the updates with blocks of at most one token, from the enumerated law alone."""
    index = {text: i for i, text in enumerate(world.texts)}
    matrix = np.zeros((len(world.texts),) * 2)
    for i, text in enumerate(world.texts):
        for size in (0, 1):
            if size > len(text):
                matrix[i, i] += 0.5
                continue
            for start in range(len(text) - size + 1):
                left, right = text[:start], text[start + size :]
                others = [left + right, *((*left, w, *right) for w in range(len(world.problem.token)))]
                alike = [index[other] for other in others if other in index]
                law = np.exp(world.log_density[alike])
                matrix[i, alike] += 0.5 / (len(text) - size + 1) * law / law.sum()
    return matrix


def matrix_of(world: World, tables: BlockTables, longest: int = 1) -> np.ndarray:
    """P of the updates alone: no step is a relocation."""
    scratch = scratch_for(world.problem, tables, world.max_tokens)
    return transition_matrix(world, gibbs_step, tables, scratch, RELOCATIONS, 0.0, longest)


@pytest.mark.parametrize("beta", [0.7, 1.0, 2.0])
@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_every_update_is_the_enumerated_conditional(order: int, beta: float) -> None:
    world = sparse_world(beta, order)
    for smallest in (1, 3, 99):
        matrix = matrix_of(world, block_tables(world.problem, smallest))
        assert np.abs(matrix - conditional_matrix(world)).max() < EXACT


@pytest.mark.parametrize("name", WORLDS)
def test_updates_on_the_other_worlds(name: str) -> None:
    world = WORLDS[name](0.7)
    assert np.abs(matrix_of(world, block_tables(world.problem, 1)) - conditional_matrix(world)).max() < EXACT


@pytest.mark.parametrize("beta", [0.7, 1.0, 2.0])
def test_blocks_of_two_and_the_mixture(beta: float) -> None:
    world = sparse_world(beta)
    tables = block_tables(world.problem, 1)
    scratch = scratch_for(world.problem, tables, world.max_tokens)
    assert_leaves_invariant(gibbs_step, world, tables, scratch, RELOCATIONS, 0.0, 2)
    assert_leaves_invariant(gibbs_step, world, tables, scratch, RELOCATIONS, 0.5, 0, irreducible=True)


# Controls


def spoilt(tables: BlockTables, fault: str) -> BlockTables:
    """Return tables with one part of the method left out."""
    if fault == "no special tokens":
        return tables._replace(special=tables.special[:0])
    if fault == "no trigrams to the right":
        return tables._replace(pair_first=np.zeros_like(tables.pair_first))
    if fault == "no predecessors":
        return tables._replace(before_first=np.zeros_like(tables.before_first))
    if fault == "no subtraction":
        return tables._replace(after_free=np.zeros_like(tables.after_free))
    return tables._replace(free=np.zeros_like(tables.free))  # "both links subtracted twice"


@pytest.mark.parametrize(
    "fault",
    [
        "no special tokens",
        "no trigrams to the right",
        "no predecessors",
        "no subtraction",
        "both links subtracted twice",
    ],
)
def test_a_missing_part_is_caught(fault: str) -> None:
    world = sparse_world(1.0)
    tables = block_tables(world.problem, 3)
    right = conditional_matrix(world)
    assert np.abs(matrix_of(world, tables) - right).max() < EXACT
    wrong = matrix_of(world, spoilt(tables, fault))
    assert imbalance(world, wrong) > VISIBLE or np.abs(wrong - right).max() > VISIBLE


@inner
def _place_among_all(problem: Any, chains: Any, c: Any, draft: Any, tables: Any, scratch: Any, rng: Any) -> None:
    """The fault: places counted among n + 1 for every block, so that the choice depends on what stands in the block."""
    size = below(rng, 2)
    start = below(rng, chains.length[c] + 1)
    if start + size <= chains.length[c]:
        redraw_block(problem, chains, c, draft, tables, scratch, np.int64(1), start, size, rng)


def test_a_place_that_depends_on_the_block_is_caught() -> None:
    world = sparse_world(1.0)
    tables = block_tables(world.problem, 1)
    scratch = scratch_for(world.problem, tables, world.max_tokens)
    assert imbalance(world, transition_matrix(world, _place_among_all, tables, scratch)) > VISIBLE


def test_a_model_without_a_suffix_is_refused() -> None:
    arpa = (
        "\\data\\\nngram 1=5\nngram 2=1\nngram 3=1\n\n\\1-grams:\n-1 <unk>\n-99 <s> 0\n-1 </s>\n-0.5 a 0\n-0.5 b 0\n\n"
        "\\2-grams:\n-0.3 a a 0\n\n\\3-grams:\n-0.2 a a b\n\n\\end\\\n"
    )
    target = Target.of(stated_law(Request(max_words=3)), NGram.from_arpa(arpa))
    with pytest.raises(RequestError, match="--sampler mh --moves site"):
        block_tables(target.problem)


# Real size


@pytest.fixture(scope="module")
def job() -> Job:
    rng = open_source(ModelRef.parse("en-ngram"))
    request = stated_law(Request(keywords=(("doctor",), ("letter",)), max_words=10, finite_verb=False))
    return Job(Target.of(request, rng.model, rng.lexicon), 32, 7, GibbsOptions(chains=16, burn_in=8, thin=4))


@kernel
def _listed(problem: Any, chains: Any, draft: Any, tables: Any, scratch: Any, start: Any, size: Any, word: Any) -> None:
    list_outcomes(problem, chains, np.int64(0), draft, tables, scratch, np.int64(1), start, size, Counter(word))


@kernel
def _enumerated(problem: Any, chains: Any, old: Any, start: Any, size: Any, out: Any) -> None:
    """Write the log-density of every text `old` with one token or none in the place of the block; the last entry is for none."""
    for word in range(len(problem.token) + 1):
        new = 1 if word < len(problem.token) else 0
        if new:
            chains.token[0, start] = word
        for at in range(start + size, len(old)):
            chains.token[0, at - size + new] = old[at]
        chains.length[0] = len(old) - size + new
        legal = new == 0 or word > 2
        out[word] = recompute(problem, chains, 0) if legal else -np.inf


def log_sum(terms: np.ndarray) -> float:
    return float(terms.max() + np.log(np.exp(terms - terms.max()).sum()))


def test_the_whole_vocabulary_is_weighed(job: Job) -> None:
    """On the large model, all 63,000 words one by one: each word with a weight of its own, and the mass of each remainder."""
    problem = job.target.problem
    tables, draws = block_tables(problem), METHOD.draw(job)
    scratch = scratch_for(problem, tables, job.target.max_tokens)
    chains = new_chains(1, job.target.max_tokens)
    out = np.zeros(len(problem.token) + 1)
    kinds = set()
    for row, length in zip(draws.tokens[:3], draws.lengths[:3], strict=True):
        for start in range(int(length) + 1):
            size = int(start < length)
            enter(problem, chains, row[None], np.array([length]))
            _enumerated(problem, chains, row[:length], start, size, out)
            enter(problem, chains, row[None], np.array([length]))
            _listed(problem, chains, draft_for(chains), tables, scratch, start, size, counter(1).word)
            n = int(scratch.entries[0])
            kind, which = scratch.kind[:n], scratch.which[:n]
            with np.errstate(divide="ignore"):
                log_w = scratch.log_w[:n] + np.log(scratch.factor[:n])
            whole = log_sum(out)
            listed = log_sum(log_w)
            single = np.where(kind == WORD, which, len(problem.token))
            own = (kind == WORD) | (kind == EMPTY)
            assert len(set(single[own].tolist())) == own.sum()
            assert np.abs(np.exp(out[single[own]] - whole) - np.exp(log_w[own] - listed)).max() < 1e-12
            rest = np.ones(len(out), np.bool_)
            rest[single[own]] = False
            mass = np.bincount(tables.group[np.flatnonzero(rest[:-1])] + 1, np.exp(out[:-1][rest[:-1]] - whole), 9)
            for g in range(len(tables.group_class)):
                of_group = np.exp(log_w[~own & (which == g)] - listed).sum()
                assert of_group == pytest.approx(mass[g + 1], abs=1e-12)
            assert mass[0] == 0
            kinds |= set(kind.tolist())
    assert kinds == {EMPTY, WORD, AFTER, BEFORE, FREE}


def test_a_step_changes_at_most_its_block(job: Job) -> None:
    """Before and after have a common beginning and a common end but for two tokens; no proposal is refused.

    The steps are those of a run without relocations, with blocks of one token or two.
    """
    problem = job.target.problem
    tables, draws = block_tables(problem), METHOD.draw(job)
    scratch = scratch_for(problem, tables, job.target.max_tokens)
    chains = new_chains(1, job.target.max_tokens)
    enter(problem, chains, draws.tokens[:1], draws.lengths[:1])
    changes, one, counters = set(), np.array([0, 1, 1]), counter(3).word[None, :]
    for number in range(400):
        before = tuple(chains.token[0, : chains.length[0]].tolist())
        _run(problem, chains, one, draft_for(chains), tables, scratch, RELOCATIONS, 0.0, counters, number)
        after = tuple(chains.token[0, : chains.length[0]].tolist())
        same = 0
        while same < min(len(before), len(after)) and before[same] == after[same]:
            same += 1
        end = 0
        while end < min(len(before), len(after)) - same and before[-1 - end] == after[-1 - end]:
            end += 1
        changes.add((len(before) - same - end, len(after) - same - end))
        assert max(changes)[0] <= 2
        assert max(new for _, new in changes) <= 2
    assert {(1, 1), (0, 1), (1, 0)} <= changes


def test_one_thread_or_two(job: Job) -> None:
    alone, shared = METHOD.draw(job), METHOD.draw(Job(job.target, job.count, job.key, job.options, threads=2))
    assert np.array_equal(alone.tokens, shared.tokens)
    assert np.array_equal(alone.log_density, shared.log_density)
