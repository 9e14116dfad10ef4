"""A truncated model is a law of its own, equal to the recursion over its shorter contexts."""

import numpy as np
import pytest

from searchgen.errors import RequestError
from searchgen.lm.ngram.model import NGram
from searchgen.lm.ngram.scoring import score_tokens
from searchgen.lm.ngram.truncate import truncated

SENTENCES = [list("abcabd"), list("abcacd"), list("bca"), list("dcba"), list("abd")] * 2


def slow(model: NGram, history: tuple[int, ...], word: int, order: int) -> float:
    """Log p by definition: the longest stored n-gram of at most `order` words, with back-off."""
    tables = model.exact_tables()

    def find(ids: tuple[int, ...]) -> int:
        node = 0
        for w in ids:
            low, high = int(tables.node["first"][node]), int(tables.node["end"][node])
            place = low + int(np.searchsorted(tables.word[low:high], w))
            if place >= high or tables.word[place] != w:
                return -1
            node = place
        return node

    history = history[-(order - 1) :] if order > 1 else ()
    node = find((*history, word))
    if node > 0:
        return float(tables.node["log_p"][node])
    context = find(history)
    backoff = float(tables.node["log_backoff"][context]) if context > 0 else 0.0
    return backoff + slow(model, history[1:], word, len(history))


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_truncated_models_score_by_definition(order: int) -> None:
    model = NGram.from_sentences(SENTENCES, order=4)
    text = list("abcdabca")
    ids = model.ids(text)
    tables = truncated(model.exact_tables(), order)
    scores = score_tokens(tables, ids, np.array([0, len(ids)]))
    history: tuple[int, ...] = (1,)
    for place, word in enumerate([*ids.tolist(), 2]):
        assert scores[place] == pytest.approx(slow(model, history, word, order), abs=1e-12)
        history = (*history, word)


def test_a_longer_order_is_the_model_itself() -> None:
    tables = NGram.from_sentences(SENTENCES, order=2).tables
    assert truncated(tables, 5) is tables
    with pytest.raises(RequestError, match="order 0"):
        truncated(tables, 0)
