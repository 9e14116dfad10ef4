"""Gibbs: blocks of 0 to 2 tokens redrawn from their exact conditional between a kept prefix and a kept suffix, and relocations.

Geman and Geman 1984; the choice of length makes it a step between dimensions without any ratio, since every outcome is weighed
against the same prefix and suffix. docs/methods/gibbs.md derives the places, the blocks of two and the sums over the vocabulary.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from searchgen.errors import RequestError
from searchgen.kernels.compiled import inlined, inner, kernel
from searchgen.kernels.randomness import Counter, below, bernoulli, start_step
from searchgen.kernels.shares import JOIN, WORD
from searchgen.kernels.word_count import fits
from searchgen.lm.ngram.query import draw_word, score_word
from searchgen.lm.ngram.tables import BEGIN, UNKNOWN
from searchgen.samplers.chain_method import Stepper, chain_method
from searchgen.samplers.chains.chains import draft_for, recompute
from searchgen.samplers.chains.moves import ACCEPTED, LEGAL, PROPOSED, Chains, labels, step
from searchgen.samplers.kept_states import Plan
from searchgen.samplers.mcmc.gibbs.conditional import (
    EMPTY,
    add_entry,
    list_words,
    read_suffix,
    scratch_for,
    side_of,
    suffix_value,
)
from searchgen.samplers.mcmc.gibbs.draws import draw_entry
from searchgen.samplers.mcmc.gibbs.tables import block_tables
from searchgen.samplers.method import Job
from searchgen.samplers.proofs.exactness import Finding, World, prove_kernel

__all__ = ["METHOD", "Options", "block_step", "gibbs_step", "list_outcomes", "redraw_block"]

#: How the moves are called in the tally: blocks of at most one token, of at most two, and relocations.
MOVES = ("block 0-1", "block 0-2", "relocate")


#: Segments of one, two or three tokens travel: a demanded word or a short phrase changes its place.
RELOCATIONS = labels(span=0, any_span=0, relocate=1)


@dataclass(frozen=True)
class Options:
    """How the chains run; 0 stands for the default.

    Attributes:
        chains: independent chains.
        burn_in: steps of each chain before the first state is kept; default: 50 times the thinning.
        thin: steps from one kept state to the next; default: 4 times the most words.
        relocate: share of the steps that are relocations; they cost a hundredth of an update.
    """

    chains: int = 64
    burn_in: int = 0
    thin: int = 0
    relocate: float = 0.5


@inlined
def _fit(problem: Any, chains: Any, c: Any, state: Any, at: Any, fits: Any) -> None:
    """Write which classes of a token after `state` let the automaton accept the suffix that begins at a place."""
    length = chains.length[c]
    for cls in range(len(fits)):
        now = np.int64(problem.next[state, cls])
        old = at
        while now != 0 and old < length and now != chains.state[c, old]:
            now = np.int64(problem.next[now, problem.token[chains.token[c, old]].cls])
            old += 1
        # the present text is accepted: where its state is met again, so is this one
        fits[cls] = now != 0 and (old < length or problem.accept[now])


@inlined
def _empty_fits(problem: Any, chains: Any, c: Any, start: Any, at: Any) -> Any:
    """Return whether the automaton accepts the prefix and the suffix alone."""
    now = np.int64(chains.state[c, start])
    for old in range(at, chains.length[c]):
        now = np.int64(problem.next[now, problem.token[chains.token[c, old]].cls])
    return now != 0 and problem.accept[now]


@inlined
def _companion(problem: Any, chains: Any, c: Any, start: Any, size: Any, rng: Any) -> Any:
    """Return the first word of the blocks of two and log r of it, as drawn beside a shorter block.

    It is the block's own first word if that has two tokens, else a draw from the model.
    """
    context = np.int64(chains.context[c, start])
    extras = len(problem.extra)
    if size == 2:
        word = np.int64(chains.token[c, start])
    else:
        word, _ = draw_word(problem.ngram, context, rng)
        if word == UNKNOWN and extras > 0:
            word = np.int64(problem.extra[below(rng, extras)])
    log_p, after = score_word(problem.ngram, context, np.int64(problem.token[word].model))
    log_r = log_p - np.log(extras) if word >= len(problem.ngram.alias_p) else log_p
    return word, log_p, log_r, after


@inner
def _replace(problem: Any, chains: Any, c: Any, start: Any, size: Any, new: Any, first: Any, last: Any) -> Any:
    """Put a block of new tokens in the place of the old one; return whether the text is another."""
    row, length = chains.token[c], chains.length[c]
    changed = new != size or (new > 0 and row[start + new - 1] != last) or (new == 2 and row[start] != first)
    if new < size:
        for at in range(start + size, length):
            row[at + new - size] = row[at]
    elif new > size:
        for at in range(length - 1, start + size - 1, -1):
            row[at + new - size] = row[at]
    if new > 0:
        row[start + new - 1] = last
    if new == 2:
        row[start] = first
    chains.length[c] = length + new - size
    if changed:
        chains.log_density[c] = recompute(problem, chains, c)
    return changed


@inner
def list_outcomes(
    problem: Any,
    chains: Any,
    c: Any,
    draft: Any,
    tables: Any,
    scratch: Any,
    longest: Any,
    start: Any,
    size: Any,
    rng: Any,
) -> Any:
    """List every block of at most `longest` tokens that may stand in the place of one; return both left sides and the companion."""
    at = start + size
    kept = chains.length[c] - size
    read_suffix(problem, chains, c, at, scratch)
    words = np.int64(chains.words[c])
    for i in range(start, at):
        words -= problem.token[chains.token[c, i]].word
    beta = problem.beta[0]
    context, state = np.int64(chains.context[c, start]), np.int64(chains.state[c, start])
    left = np.int64(problem.token[chains.token[c, start - 1]].model) if start > 0 else np.int64(BEGIN)
    first = side_of(problem, tables, context, left, np.int64(0), scratch)
    other, second, log_r = np.int64(0), first, 0.0
    scratch.entries[0] = 0
    if longest == 2:
        other, log_p, log_r, after = _companion(problem, chains, c, start, size, rng)
        token = problem.token[other]
        state_after = np.int64(problem.next[state, token.cls])
        second = side_of(problem, tables, after, np.int64(token.model), np.int64(1), scratch)
        if state_after != 0 and other != UNKNOWN and kept + 2 <= len(draft.token):
            _fit(problem, chains, c, state_after, at, scratch.fits[1])
            more = words + token.word
            counts = (fits(problem, more), fits(problem, more + WORD), fits(problem, more + JOIN))
            list_words(problem, tables, second, counts, beta * log_p + token.weight, scratch)
    counts = (fits(problem, words), fits(problem, words + WORD), fits(problem, words + JOIN))
    if counts[0] and _empty_fits(problem, chains, c, start, at):
        add_entry(scratch, EMPTY, 0, 0, log_r + beta * suffix_value(problem, context, scratch), 1.0)
    if kept + 1 <= len(draft.token):
        _fit(problem, chains, c, state, at, scratch.fits[0])
        list_words(problem, tables, first, counts, log_r, scratch)
    return first, second, other


@inner
def redraw_block(
    problem: Any,
    chains: Any,
    c: Any,
    draft: Any,
    tables: Any,
    scratch: Any,
    longest: Any,
    start: Any,
    size: Any,
    rng: Any,
) -> None:
    """Draw what stands in the place of a block from its exact conditional, given prefix, suffix and companion."""
    first, second, other = list_outcomes(problem, chains, c, draft, tables, scratch, longest, start, size, rng)
    if scratch.entries[0] == 0:  # the text's own outcome has underflown
        return
    chains.tally[c, longest - 1, LEGAL] += 1
    new, last, is_second = draw_entry(problem, tables, first, second, scratch, rng)
    if _replace(problem, chains, c, start, size, new + is_second, other, last):
        chains.tally[c, longest - 1, ACCEPTED] += 1


@inner
def block_step(
    problem: Any, chains: Any, c: Any, draft: Any, tables: Any, scratch: Any, longest: Any, rng: Any
) -> None:
    """Redraw a block of 0 to `longest` tokens of chain c.

    The old block's length l is uniform on 0 ... longest, its place uniform among the n - l + 1: as likely for every outcome,
    since n - l is the number of tokens kept.
    """
    chains.tally[c, longest - 1, PROPOSED] += 1
    size = below(rng, longest + 1)
    kept = chains.length[c] - size
    if kept >= 0:
        redraw_block(problem, chains, c, draft, tables, scratch, longest, below(rng, kept + 1), size, rng)


@inner
def gibbs_step(
    problem: Any,
    chains: Any,
    c: Any,
    draft: Any,
    tables: Any,
    scratch: Any,
    relocations: Any,
    share: Any,
    longest: Any,
    rng: Any,
) -> None:
    """Make one step of chain c: a relocation with probability `share`, else an update of a block of at most `longest` tokens.

    With a `longest` of 0, which is what runs take, it is one or two, equally likely.
    """
    if bernoulli(rng, share):
        step(problem, chains, c, draft, relocations, 1.0, rng)
    else:
        most = longest if longest > 0 else 1 + below(rng, 2)
        block_step(problem, chains, c, draft, tables, scratch, most, rng)


@kernel
def _run(
    problem: Any,
    chains: Any,
    which: Any,
    draft: Any,
    tables: Any,
    scratch: Any,
    relocations: Any,
    share: Any,
    counters: Any,
    first_step: Any,
) -> None:
    """Make `which[2]` steps of chains `which[0] ... which[1] - 1`."""
    for c in range(which[0], which[1]):
        rng = Counter(counters[c])
        for number in range(first_step, first_step + which[2]):
            start_step(rng, number)
            gibbs_step(problem, chains, c, draft, tables, scratch, relocations, share, 0, rng)


def stepper(job: Job, plan: Plan, chains: Chains) -> Stepper:
    """Return what makes steps of the mixture.

    Raises:
        RequestError: an option is out of range, or the model's conditionals are out of reach.
    """
    problem, share = job.target.problem, job.options.relocate
    if not 0.0 <= share < 1.0:
        raise RequestError(f"--sampler gibbs: relocate={share:g} is out of range; give a share from 0 to below 1")
    tables = block_tables(problem)

    def steps(low: int, high: int, count: int, first: int) -> None:
        which = np.array([low, high, count], np.int64)
        draft, scratch = draft_for(chains), scratch_for(problem, tables, chains.token.shape[1])
        _run(problem, chains, which, draft, tables, scratch, RELOCATIONS, share, plan.counters, first)

    return steps


def proof(world: World) -> list[Finding]:
    """Return how far the blocks and the mixture are from leaving the target of a world invariant.

    Once with running sums for every class of tokens, and once with all tokens gone through one by one. Blocks are
    steps of the mixture without relocations, so that one kernel is compiled for all.
    """
    findings: list[Finding] = []
    for name, smallest in (("sums", 1), ("one by one", len(world.problem.token) + 1)):
        tables = block_tables(world.problem, smallest)
        scratch = scratch_for(world.problem, tables, world.max_tokens)
        for longest in (1, 2):
            what = f"block 0-{longest}, {name}"
            findings += prove_kernel(what, world, gibbs_step, tables, scratch, RELOCATIONS, 0.0, longest)[:1]
        findings += prove_kernel(f"gibbs, {name}", world, gibbs_step, tables, scratch, RELOCATIONS, 0.5, 0)
    return findings


METHOD = chain_method(
    "gibbs",
    "Block Gibbs: exact conditionals over the whole vocabulary, without rejections, for n-gram targets.",
    stepper,
    proof,
    options=Options,
    moves=MOVES,
)
