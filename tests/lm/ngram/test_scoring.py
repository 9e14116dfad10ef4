"""Many sequences scored in turns: each as it is alone, however their ends fall together."""

import itertools

import numpy as np
import pytest

from searchgen.lm.ngram.model import NGram
from searchgen.lm.ngram.scoring import LANE, LANES, _score, score_tokens

MODEL = NGram.from_sentences([["a", "b"], ["b", "a"], ["a", "c", "b"], ["c"], ["b", "c", "a"]] * 3, order=3)


@pytest.mark.parametrize("lengths", [[1] * 500, [2] * 100, [0] * 40, [3, 1, 2] * 50, [1] * LANES + [4] * LANES, []])
def test_every_sequence_is_scored_as_alone(lengths: list[int]) -> None:
    """Sequences of one length end in the same turn of all lanes, with more to come."""
    tables, offsets = MODEL.exact_tables(), np.append(0, np.cumsum(lengths)).astype(np.int64)
    tokens = (3 + np.arange(offsets[-1]) % 3).astype(np.int32)
    together = np.full(len(tokens) + len(lengths), np.nan)
    _score(tables, tokens, offsets, np.zeros(LANES, LANE), together)
    alone = [
        score_tokens(tables, tokens[low:high], np.array([0, high - low], np.int64))
        for low, high in itertools.pairwise(offsets)
    ]
    assert together.tolist() == np.concatenate([*alone, np.zeros(0)]).tolist()
