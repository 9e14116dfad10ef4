"""Preferences in a search: half of the chains go where all of them hold, and their cost counts when the texts are ordered.

The moves of chains know nothing of functions of the text. So the second half of them walks the target whose automaton knows the
conditions of the preferences, too. Its texts are texts of the request. Preferences that exclude each other, or the request, are left
out of that automaton, the lightest first.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from searchgen.automata import Automaton
from searchgen.constraints.algebra.prefer import Prefer
from searchgen.errors import Impossible, NotFound, RequestError
from searchgen.guide import Guide
from searchgen.problem import Problem
from searchgen.request.request import Request
from searchgen.samplers.optimise.annealing_loop import Annealed
from searchgen.search.look_ahead import guide_of
from searchgen.sources.source import Source
from searchgen.target import Target, of_automaton

__all__ = ["Preferred", "merged", "preferred", "with_terms"]


class Preferred(NamedTuple):
    """Where preferences hold.

    Attributes:
        automaton: of the request and the preferences.
        guide: draws texts that it accepts.
    """

    automaton: Automaton
    guide: Guide

    def of(self, problem: Problem) -> Problem:
        """Return a problem of the request, on the texts for which the preferences hold."""
        return of_automaton(problem, self.automaton)


def preferred(source: Source, request: Request, target: Target, order: int = 2) -> Preferred | None:
    """Return where the preferences of a request hold, as many of them as exclude nothing; None: there are none.

    Args:
        source: the model.
        request: the job.
        target: its target under the n-gram model.
        order: of the guide.
    """
    wanted = sorted((one for one in target.constraints if isinstance(one, Prefer)), key=lambda one: -one.weight)
    if not wanted or target.many is not None:
        return None
    found = _holding(source, request, target, wanted)
    if found is None:
        kept: list[Prefer] = []
        for one in wanted:
            tried = _holding(source, request, target, [*kept, one])
            if tried is not None:
                found = tried
                kept.append(one)
    try:
        return None if found is None else Preferred(_automaton(found), guide_of(source, found, order))
    except (Impossible, NotFound):  # there are texts, but none that a guide could draw
        return None


def _holding(source: Source, request: Request, target: Target, hard: Sequence[Prefer]) -> Target | None:
    """Return the target with some preferences as demands; None: it has no text, or is too large."""
    constraints = [one.condition if isinstance(one, Prefer) and one in hard else one for one in target.constraints]
    try:
        found = Target.of_parts(source.model, constraints, terms=request.terms, beta=request.beta, known=source.lexicon)
    except (RequestError, Impossible):
        return None
    same = (found.vocabulary.extra, found.vocabulary.units) == (target.vocabulary.extra, target.vocabulary.units)
    low, high = target.window
    return found if same and any(found.word_counts(high)[low:]) else None


def _automaton(target: Target) -> Automaton:
    problem = target.problem
    return Automaton(problem.token["cls"].astype(np.int16), problem.next, problem.accept)


def merged(first: Annealed, second: Annealed) -> Annealed:
    """Return what two halves of the chains found, densest first.

    Example:
        >>> a = Annealed([(1,)], np.array([-2.0]), 10, False, np.zeros((3, 3)))
        >>> both = merged(a, replace(a, texts=[(2,), (1,)], log_density=np.array([-1.0, -2.0])))
        >>> both.texts, both.steps
        ([(2,), (1,)], 20)
    """
    density = dict(zip(second.texts, second.log_density.tolist(), strict=True))
    density |= dict(zip(first.texts, first.log_density.tolist(), strict=True))
    texts = sorted(density, key=lambda text: (-density[text], text))
    return Annealed(
        texts,
        np.array([density[text] for text in texts]),
        first.steps + second.steps,
        first.stopped_early or second.stopped_early,
        first.tally + second.tally,
    )


def with_terms(annealed: Annealed, target: Target) -> Annealed:
    """Return texts with what functions of the text add to their densities, densest first; texts of density zero are left out."""
    if not target.opaque:
        return annealed
    density = annealed.log_density + np.array([target.black_box_log_weight(text) for text in annealed.texts])
    order = [i for i in np.argsort(-density, kind="stable").tolist() if density[i] > -np.inf]
    return replace(annealed, texts=[annealed.texts[i] for i in order], log_density=density[order])
