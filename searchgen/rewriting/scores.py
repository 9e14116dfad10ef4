"""Natural log p of texts that a search of edits looks at: by the n-gram model, which is fast, and by the model that decides."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from searchgen.lm.ngram.scoring import score_sequences, score_tokens
from searchgen.sources.source import Source

__all__ = ["Floats", "Scores", "Tokens"]

Tokens = tuple[str, ...]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Scores:
    """Scores texts under one model.

    Attributes:
        source: the model.
    """

    source: Source

    def estimates(self, rows: Sequence[Tokens]) -> Floats:
        """Return natural log p of texts under the n-gram model, (n,), unknown words spelled."""
        ids, spelled, offsets = self._read(rows)
        return score_sequences(self.source.model.tables, ids, offsets) + spelled

    def begun(self, rows: Sequence[Tokens]) -> Floats:
        """Return natural log p of beginnings of texts under the n-gram model, (n,), unknown words spelled."""
        ids, spelled, offsets = self._read(rows)
        log_p = score_tokens(self.source.model.tables, ids, offsets)
        log_p[offsets[1:] + np.arange(len(rows))] = 0.0  # no end
        return np.add.reduceat(log_p, offsets[:-1] + np.arange(len(rows))) + spelled

    def unigrams(self, tokens: Sequence[str]) -> Floats:
        """Return natural log p of tokens by themselves, (n,)."""
        model = self.source.model
        return model.tables.node["log_p"][1 + model.ids(tokens)].astype(np.float64)

    def log_probs(self, rows: Sequence[Tokens]) -> Floats:
        """Return natural log p of texts under the model that decides, (n,)."""
        if not rows:
            return np.zeros(0)
        model, form = self.source.text_model, self.source.lexicon.vocabulary.form
        return self.estimates(rows) if model is None else model.log_probs([form.detokenise(row) for row in rows])

    def _read(self, rows: Sequence[Tokens]) -> tuple[npt.NDArray[np.int32], Floats, npt.NDArray[np.int64]]:
        """The ids of texts, one after the other, what spelling their unknown words takes, and where each begins."""
        ids = [self.source.model.ids(row) for row in rows]
        letters = [sum(len(row[at]) + 1 for at in np.flatnonzero(own == 0)) for row, own in zip(rows, ids, strict=True)]
        spelled = -np.array(letters) * np.log(self.source.lexicon.vocabulary.alphabet_size + 1)
        return np.concatenate(ids).astype(np.int32), spelled, np.cumsum([0, *map(len, rows)]).astype(np.int64)
