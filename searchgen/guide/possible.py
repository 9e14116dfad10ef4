"""Whether any text is accepted at all: a proof by the automaton alone, which no rounding can make.

    can(0, s) = accept(s);   can(t, s) = some word class c leads to can(t - 1, next(s, c)), or some punctuation to can(t, next(s, c))

Masses are zero as well where probabilities are too small for floating point, so they prove nothing.
"""

import numpy as np
import numpy.typing as npt

from searchgen.errors import Impossible, NotFound
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
    low, high = int(problem.window[0]), int(problem.window[1])
    if (mass.value[low : high + 1, 1] > 0).any():
        return
    if _accepts(problem, classes, low, high):
        raise NotFound(
            "the texts that satisfy all constraints are too improbable to be counted; lower --beta or the weights of terms"
        )
    raise Impossible(f"proved impossible: no accepted text has {low} to {high} words")


def _accepts(problem: Problem, classes: Classes, low: int, high: int) -> bool:
    """Return whether the start can reach acceptance by low to high words."""
    words, others = classes.table[:, classes.word], classes.table[:, ~classes.word]
    can: npt.NDArray[np.bool_] = problem.accept.copy()
    for t in range(high + 1):
        if t:
            can = np.asarray(can[words].any(axis=1))
        can[0] = False
        while True:
            wider = can | can[others].any(axis=1)
            wider[0] = False
            if (wider == can).all():
                break
            can = wider
        if t >= low and can[1]:
            return True
    return False
