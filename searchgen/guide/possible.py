"""Whether any text is accepted at all: a proof by the automaton alone, which no rounding can make.

    can(0, s) = accept(s);   can(t, s) = some class c leads to can(t - down(c), next(s, c)),

t a layer, of so many words and hyphens (`Lengths`).

Masses are zero as well where probabilities are too small for floating point, so they prove nothing.
"""

import numpy as np

from searchgen.errors import Impossible, NotFound
from searchgen.guide.lengths import Lengths
from searchgen.guide.state_layout import Classes, UnigramMass
from searchgen.problem import Problem

__all__ = ["refuse_impossible"]


def refuse_impossible(problem: Problem, classes: Classes, mass: UnigramMass) -> None:
    """Refuse a target whose window holds no mass.

    Args:
        problem: the target.
        classes: of its tokens.
        mass: of completions under the unigram model.

    Raises:
        Impossible: the automaton accepts no text of the window.
        NotFound: it accepts some, but the mass of all is 0 or not finite.
    """
    lengths = Lengths.of(problem)
    low, high = lengths.low, lengths.high
    if (mass.value[lengths.begins(), 1] > 0).any():
        return
    if _accepts(problem, classes, lengths):
        raise NotFound(
            "the texts that satisfy all constraints are too improbable to be counted; lower --beta or the weights of terms"
        )
    raise Impossible(f"proved impossible: no accepted text has {low} to {high} words")


def _accepts(problem: Problem, classes: Classes, lengths: Lengths) -> bool:
    """Return whether the start can reach acceptance by a text of these lengths."""
    words, hyphens = classes.table[:, classes.word], classes.table[:, classes.hyphen]
    others = classes.table[:, ~classes.word & ~classes.hyphen]
    can = np.zeros((lengths.layers, len(problem.accept)), np.bool_)
    can[0] = problem.accept
    for t in (t for layers in lengths.computed() for t in layers):
        if t >= lengths.period:
            can[t] |= can[t - lengths.period][words].any(axis=1)
        if t:
            can[t] |= can[t - 1][hyphens].any(axis=1)
        can[t, 0] = False
        while True:
            wider = can[t] | can[t][others].any(axis=1)
            wider[0] = False
            if (wider == can[t]).all():
                break
            can[t] = wider
    return bool(can[lengths.begins(), 1].any())
