"""Texts read in portions, and no further than a bound on their score needs."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from searchgen.errors import RequestError
from searchgen.lm.neural.growing import Growing

if TYPE_CHECKING:
    from searchgen.lm.neural.causal import CausalModel
    from searchgen.lm.neural.score_cache import Kept

__all__ = ["log_probs_above"]

#: Shares of a text's pieces after which its partial score is looked at.
PORTIONS = (0.4, 0.7, 1.0)


def log_probs_above(
    model: "CausalModel", texts: Sequence[str], bounds: npt.NDArray[np.float64], kept: "Kept"
) -> npt.NDArray[np.float64]:
    """Return log p of texts, or an upper bound of it that is not above the text's bound; whole scores are kept.

    Args:
        model: with a network that reads on from keys and values.
        texts: printed texts.
        bounds: (n,) for each; of equal texts the lowest counts.
        kept: scores of texts that were read to the end.

    Raises:
        RequestError: the network keeps no keys and values.
    """
    growing = Growing(model)
    if not growing.cached:
        raise RequestError(
            f"{model.name} keeps no keys and values here, so no text is read in portions; drop early=true"
        )
    lowest: dict[str, float] = {}
    for text, bound in zip(texts, bounds.tolist(), strict=True):
        lowest[text] = min(bound, lowest.get(text, np.inf))
    going = [text for text in lowest if text not in kept.scores]
    usage = model.usage
    usage.evaluations += len(texts)
    usage.duplicates += len(texts) - len(lowest)
    usage.cache_hits += len(lowest) - len(going)
    spelled = dict(zip(going, model.spelling.spell(going) if going else [], strict=True))
    partial: dict[str, float] = {}
    parents = np.zeros(len(going), np.int64)
    for share in PORTIONS:
        if not going:
            break
        rows = [
            spelled[text][: max(len(model.spelling.before), int(np.ceil(share * len(spelled[text]))))] for text in going
        ]
        sums = growing.log_probs_of(going, rows, parents)
        partial.update(zip(going, sums.tolist(), strict=True))
        if share < 1.0:
            good = [i for i, text in enumerate(going) if partial[text] > lowest[text]]
            usage.cut_short += len(going) - len(good)
            going, parents = [going[i] for i in good], np.array(good, np.int64)
    kept.scores.update((text, partial[text]) for text in going)
    return np.array([kept.scores.get(text, partial.get(text, -np.inf)) for text in texts])
