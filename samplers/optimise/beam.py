"""Beam search under the automaton: the densest texts that a bounded set of prefixes leads to, the baseline people know.

Prefixes grow left to right, all by one token at a time, and the best `width` of each cell go on. With a cell for each state of the
automaton, prefixes that have met a demand do not compete with those that have not: the grid of Hokamp and Liu, "Lexically constrained
decoding for sequence generation using grid beam search", ACL 2017. With one cell for all it is the usual beam, which rarely pays
for an improbable demanded word before it must. A prefix that no text of the window completes is dropped at once.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from searchgen.errors import NotFound, RequestError
from searchgen.guide.lengths import Lengths
from searchgen.guide.possible import refuse_impossible
from searchgen.guide.state_layout import Classes, UnigramMass
from searchgen.kernels.shares import JOIN, WORD
from searchgen.samplers.chains.chains import enter, new_chains
from searchgen.samplers.method import Draws, Job, Method
from searchgen.samplers.optimise.beam_successors import NEVER, Successors

__all__ = ["METHOD", "Found", "Options", "search"]

WIDEST = 100_000


@dataclass(frozen=True)
class Options:
    """Which prefixes go on.

    Attributes:
        width: prefixes kept in each cell; 0: 16, or the number of texts asked for if that is more.
        grid: whether each state of the automaton is a cell; else all prefixes of a length share one beam.
    """

    width: int = 0
    grid: bool = True


class Beam(NamedTuple):
    """H prefixes of the same number of tokens."""

    token: npt.NDArray[np.int32]  # (H, M)
    context: npt.NDArray[np.int64]  # (H,) the model's context
    state: npt.NDArray[np.int64]  # (H,) the automaton's state
    words: npt.NDArray[np.int64]  # (H,) count of words and hyphens so far, see `kernels.word_count`
    score: npt.NDArray[np.float64]  # (H,) log density so far, without an end


@dataclass(frozen=True, eq=False)
class Found:
    """What a search returned.

    Attributes:
        texts: tuples of ids, densest first.
        score: log density of each, natural log.
        extended: prefixes that were extended.
        offered: successors that were compared.
    """

    texts: list[tuple[int, ...]]
    score: list[float]
    extended: int
    offered: int


def _completable(job: Job, classes: Classes) -> npt.NDArray[np.bool_]:
    """Return whether a state can still become an accepted text, by state and count so far: (S, 256 (hyphens + 1))."""
    problem = job.target.problem
    lengths = Lengths.of(problem)
    mass = UnigramMass.of(problem, classes)
    refuse_impossible(problem, classes, mass)
    exactly = mass.value > 0.0  # (L, S): by exactly the words and hyphens of a layer
    layers = np.arange(lengths.layers)
    hyphens = layers % lengths.period
    words = layers // lengths.period - hyphens
    alive = np.zeros((exactly.shape[1], 256 * (lengths.hyphens + 1)), np.bool_)
    for used in range(lengths.hyphens + 1):
        for so_far in range(lengths.high + 1):
            fits = (
                (hyphens <= lengths.hyphens - used) & (lengths.low <= so_far + words) & (so_far + words <= lengths.high)
            )
            alive[:, 256 * used + so_far] = exactly[fits].any(axis=0)
    return alive


def search(job: Job, width: int, grid: bool) -> Found:
    """Extend the best prefixes until no prefix can lead to a denser text than those found.

    Args:
        job: target, and how many texts to find.
        width: prefixes kept in each cell.
        grid: see `Options`.
    """
    problem = job.target.problem
    classes = Classes.of(problem)
    alive = _completable(job, classes)
    successors = Successors(problem, classes, width)
    start = np.ones(1, np.int64)
    beam = Beam(np.zeros((1, 0), np.int32), problem.begin.copy(), start, 0 * start, np.zeros(1))
    done: list[tuple[float, tuple[int, ...]]] = []
    extended = offered = 0
    falls = bool((problem.token["weight"][classes.cls >= 0] <= 0.0).all())  # then no prefix gains by growing
    while len(beam.score):
        done = sorted([*done, *_ended(successors, beam)], key=lambda pair: -pair[0])[: job.count]
        if falls and len(done) == job.count and done[-1][0] >= beam.score.max():
            break
        extended += len(beam.score)
        beam, compared = _extended(successors, classes, beam, alive, width, grid)
        offered += compared
        if job.progress is not None:
            job.progress(min(1.0, beam.token.shape[1] / max(1, job.target.max_tokens)))
    return Found([text for _, text in done], [score for score, _ in done], extended, offered)


def _ended(successors: Successors, beam: Beam) -> list[tuple[float, tuple[int, ...]]]:
    """Return the prefixes that are accepted texts, each with its log density."""
    low, high = successors.problem.window.tolist()
    words, hyphens = beam.words & 255, beam.words >> 8
    accepted = successors.problem.accept[beam.state] & (low <= words) & (words <= high)
    accepted &= hyphens <= successors.problem.hyphens[0]
    ended = []
    for i in np.flatnonzero(accepted & (beam.token.shape[1] > 0)):
        score = float(beam.score[i] + successors.of(int(beam.context[i])).ending)
        if score > NEVER:
            ended.append((score, tuple(beam.token[i].tolist())))
    return ended


def _extended(
    successors: Successors, classes: Classes, beam: Beam, alive: npt.NDArray[np.bool_], width: int, grid: bool
) -> tuple[Beam, int]:
    """Return the best successors of all prefixes, and how many were compared."""
    per_prefix = [successors.of(int(context)) for context in beam.context]
    origin = np.repeat(np.arange(len(per_prefix)), [len(best.token) for best in per_prefix])
    token, gain, context = (
        np.concatenate([getattr(best, f) for best in per_prefix]) for f in ("token", "gain", "context")
    )
    cls = classes.cls[token].astype(np.int64)
    state = classes.table[beam.state[origin], cls].astype(np.int64)
    words = beam.words[origin] + np.where(classes.word, WORD, np.where(classes.hyphen, JOIN, 0))[cls]
    fits = (state > 0) & (words < alive.shape[1])
    fits[fits] = alive[state[fits], words[fits]]
    kept = np.flatnonzero(fits)
    score = beam.score[origin[kept]] + gain[kept]
    cell = state[kept] if grid else np.zeros(len(kept), np.int64)
    order = np.lexsort((-score, cell))  # stable: of equal scores the earlier prefix and token
    cell = cell[order]
    rank = np.arange(len(cell)) - np.searchsorted(cell, cell)
    order = order[rank < width]
    chosen, back = kept[order], origin[kept[order]]
    tokens = np.column_stack([beam.token[back], token[chosen].astype(np.int32)])
    return Beam(tokens, context[chosen], state[chosen], words[chosen], score[order]), len(token)


def draw(job: Job) -> Draws:
    """Return the densest texts of the beam, densest first."""
    options: Options = job.options
    width = options.width or max(16, job.count)
    if not 1 <= width <= WIDEST:
        raise RequestError(
            f"--sampler beam: width={options.width} is out of range; give 1 to {WIDEST:,} prefixes, or 0 for the default"
        )
    result = search(job, width, options.grid)
    if not result.texts:
        way_out = "give a larger width" if options.grid else "give grid=true, or a larger width"
        raise NotFound(
            f"not found within the beam: {result.extended} prefixes were extended, but no accepted text came out; {way_out}"
        )
    count = len(result.texts)
    chains = new_chains(count, max(len(text) for text in result.texts))
    tokens = np.zeros((count, chains.token.shape[1]), np.int32)
    for i, text in enumerate(result.texts):
        tokens[i, : len(text)] = text
    enter(job.target.problem, chains, tokens, np.array([len(text) for text in result.texts]))
    return Draws(
        tokens=tokens,
        lengths=chains.length,
        log_density=chains.log_density,
        log_weight=np.zeros(count),
        evaluations=result.offered,
        counts={"width": width, "prefixes": result.extended, "successors": result.offered},
        report={"width": width, "grid": options.grid},
        notes=()
        if count == job.count
        else (f"only {count} of {job.count} texts: the beam found no others; raise width",),
    )


METHOD = Method(
    name="beam",
    kind="search",
    summary="Beam search: the densest texts that a beam of prefixes reaches, the same for every seed.",
    draw=draw,
    proof=None,
    options=Options,
    unnormalised=True,
)
