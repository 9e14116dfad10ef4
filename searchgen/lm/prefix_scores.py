"""Prefixes of growing texts under a model that reads each anew; what was scored once is kept."""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from searchgen.lm.neural.score_cache import Kept, Usage

__all__ = ["ReadAnew"]

Floats = npt.NDArray[np.float64]


class ReadAnew:
    """Scores prefixes one by one, whatever they grow out of.

    Example:
        >>> scorer = ReadAnew(Usage(), lambda texts: np.array([-float(len(text)) for text in texts]))
        >>> scorer.log_probs(["The", "The dog"], np.zeros(2, np.int64)).tolist()
        [-3.0, -7.0]
    """

    def __init__(self, usage: Usage, score: Callable[[list[str]], Floats]) -> None:
        """Begin with no text.

        Args:
            usage: counts what is asked for.
            score: distinct prefixes to natural log p, (n,) float64, ends apart.
        """
        self._kept, self._score = Kept(usage), score

    def log_probs(self, texts: Sequence[str], parents: npt.NDArray[np.int64]) -> Floats:
        """Return natural log p of prefixes, (n,) float64."""
        del parents
        return self._kept.of(texts, self._score)
