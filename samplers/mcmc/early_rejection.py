"""Early rejection: a text is read only until its score cannot be accepted any more.

U is drawn before the test, so acceptance needs log density > some bound. Every piece of a text adds log p <= 0, so the sum of the pieces
read so far bounds the score from above: once it is not above the bound, the text is rejected, the rest unread. The decisions, and so
the chain, are those of whole scores (Christen and Fox 2005 delay the test, this one cuts it short).
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from searchgen.errors import RequestError
from searchgen.lm.protocol import StopsEarly
from searchgen.samplers.chains.scorer import Floats, Lengths, Scorer, Tokens, score_texts
from searchgen.target import Target

__all__ = ["EarlyScorer", "early_scorer", "whole_by"]

#: Tokens (n, M), lengths (n,) and bounds (n,) to log-densities (n,): exact where they exceed the bound, else exact or -inf.
EarlyScorer = Callable[[Tokens, Lengths, Floats], Floats]


def early_scorer(target: Target) -> EarlyScorer:
    """Return the log-density of a target under a transformer, read no further than bounds need.

    Raises:
        RequestError: its model cannot stop within a text, or terms are functions of the whole text.
    """
    model = target.text_model
    if not isinstance(model, StopsEarly) or target.opaque:
        name = target.text_model.label if target.text_model else "the n-gram model"
        raise RequestError(
            f"early=true: {name} with these terms cannot be scored piece by piece; "
            "drop the option, or name a transformer with a key-value cache"
        )
    beta = float(target.problem.beta[0])

    def score(tokens: Tokens, lengths: Lengths, least: Floats) -> Floats:
        accepted = score_texts(target.problem, tokens, lengths) > -np.inf
        total: npt.NDArray[np.float64] = np.full(len(lengths), -np.inf)
        rows = [tokens[i, : lengths[i]].tolist() for i in np.flatnonzero(accepted)]
        weight = np.array([target.token_weight(row) for row in rows])
        log_p = model.log_probs_above([target.printed(row) for row in rows], (least[accepted] - weight) / beta)
        total[accepted] = beta * log_p + weight
        return total

    return score


def whole_by(early: EarlyScorer) -> Scorer:
    """Return a scorer that reads every text to its end by the same route, so that both scores of a test come from one."""
    return lambda tokens, lengths: early(tokens, lengths, np.full(len(lengths), -np.inf))
