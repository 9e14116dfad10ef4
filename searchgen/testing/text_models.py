"""What every model of printed texts promises: a text has one score, whatever else is asked and in what order.

    log p(text) <= log p(prefix of it),        sum over words w of p(prefix w) + p(prefix ends) <= p(prefix)

The promises are those of `searchgen.lm.protocol.TextModel` and of each protocol of a capability that the model has.
"""

import re
from collections.abc import Sequence
from itertools import product

import numpy as np

from searchgen.errors import RequestError
from searchgen.lm.protocol import FillsMasks, TextModel
from searchgen.testing.capabilities import CAPABILITIES
from searchgen.testing.laws import Floats, require, require_at_most, require_same, require_scores

__all__ = ["assert_text_model"]

#: Counts that asking for the same texts anew must raise by the same number.
WORK = ("evaluations", "duplicates", "cache_hits", "texts", "tokens")

#: Digits of the hash that a label holds.
DIGITS = 12


def assert_text_model(
    model: TextModel, texts: Sequence[str], vocabulary: Sequence[str] = (), longest: int = 3, tolerance: float = 1e-5
) -> None:
    """Assert that a text model keeps its promises, those of each capability too. The scores that it keeps are dropped.

    Args:
        model: the model.
        texts: at least two that it can score, best of unlike lengths. Their prefixes end at spaces.
        vocabulary: words, none the beginning of another. All short texts of them are summed up, so the model must score ends.
        longest: words of the longest of these.
        tolerance: how far a score may depend on the batch, relative to the score, or to 1 if the score is less.

    Raises:
        AssertionError: a promise is broken; the message names the law, the text and both values.
        RequestError: there is nothing to compare, or a masked model is to be summed up.

    Example:
        >>> from searchgen.lm.open import open_text_model
        >>> assert_text_model(open_text_model("en"), ["The dog ran.", "A cat sat down."])
    """
    texts = list(dict.fromkeys(texts))
    masked = isinstance(model, FillsMasks)
    if len(texts) < 2:
        raise RequestError(f"{len(texts)} texts to compare the scores of; give at least two")
    if masked and vocabulary:
        raise RequestError(
            "the scores of a masked model are not log-probabilities, so their sum means nothing; drop vocabulary"
        )
    require(isinstance(model, TextModel), "protocol", type(model).__name__, "a method is missing", "a TextModel")
    called = _label(model)
    first = _batches(model, texts, tolerance)
    if not masked:
        _prefixes(model, texts, tolerance)
    if vocabulary:
        _sums(model, vocabulary, longest, tolerance)
    for protocol, keeps_promises in CAPABILITIES:
        if isinstance(model, protocol):
            keeps_promises(model, texts, tolerance)
    model.forget()
    require_same("forget", texts, model.log_probs(texts), first)
    require(_label(model) == called, "label", model.label, model.label, called)
    model.forget()


def _label(model: TextModel) -> str:
    digits, label = model.hash[:DIGITS], model.label
    require(len(digits) == DIGITS, "hash", label, repr(model.hash), f"{DIGITS} digits or more")
    require(digits in label, "label", label, f"without {digits}", f"with the first {DIGITS} digits of its hash")
    return label


def _batches(model: TextModel, texts: list[str], tolerance: float) -> Floats:
    """Return the first scores, (n,), after those of every other batch and order were compared with them."""
    model.forget()
    first, work = _asked(model, texts)
    require_scores("no texts have no scores", [], model.log_probs([]))
    require_same("same score in every call", texts, model.log_probs(texts[::-1])[::-1], first)
    twice = model.log_probs([*texts, *texts])
    require_same("same score in every call", texts, twice[: len(texts)], first)
    require_same("same score in every call", texts, twice[len(texts) :], first)
    for text, score in zip(texts, first, strict=True):
        model.forget()
        require_same("batch row is the text alone", [text], model.log_probs([text]), np.array([score]), tolerance)
    model.forget()
    require_same("batch order", texts, model.log_probs(texts[::-1])[::-1], first, tolerance)
    model.forget()
    again, anew = _asked(model, texts)
    require_same("forget", texts, again, first)
    require(anew == work and not anew.get("cache_hits"), "forget", "counts of the same texts anew", anew, work)
    return first


def _asked(model: TextModel, texts: list[str]) -> tuple[Floats, dict[str, int]]:
    """Return the scores of texts, (n,), and by how much the counts of `WORK` have risen."""
    before = dict(model.counted())
    scores = require_scores("scores", texts, model.log_probs(texts))
    after = model.counted()
    for name, count in after.items():
        well_formed = isinstance(name, str) and isinstance(count, int)
        require(
            well_formed and count >= before.get(name, 0), "counted", name, repr(count), f"{before.get(name, 0)} or more"
        )
    risen = {name: after[name] - before.get(name, 0) for name in WORK if name in after}
    asked = risen.get("evaluations", len(texts))
    require(asked == len(texts), "counted", "evaluations", asked, len(texts))
    return scores, risen


def _prefixes(model: TextModel, texts: list[str], tolerance: float) -> None:
    """Let all texts grow word by word, and compare with what was before, with prefixes read anew, and with whole texts."""
    grown = [[text[: word.end()] for word in re.finditer(r"\S+", text)] or [text] for text in texts]
    scorer, last, before = model.growing(), np.zeros(len(texts)), list(range(len(texts)))
    for length in range(max(map(len, grown))):
        going = [i for i in before if length < len(grown[i])]
        parents = np.array([before.index(i) if length else 0 for i in going], np.int64)
        prefixes = [grown[i][length] for i in going]
        scores = require_scores("prefix scores", prefixes, scorer.log_probs(prefixes, parents))
        require_at_most("prefix factorises", prefixes, scores, last[going], tolerance)
        anew = model.growing().log_probs(prefixes, np.zeros(len(going), np.int64))
        require_same("prefix whatever it grows out of", prefixes, scores, anew, tolerance)
        last[going], before = scores, going
    require_at_most("prefix factorises", texts, model.log_probs(texts), last, tolerance)


def _sums(model: TextModel, vocabulary: Sequence[str], longest: int, tolerance: float) -> None:
    """Add up all texts of a few words, and what may follow each prefix."""

    def of_prefixes(prefixes: list[str]) -> Floats:
        return np.exp(model.growing().log_probs(prefixes, np.zeros(len(prefixes), np.int64)))

    total = 0.0
    for length in range(1, longest + 1):
        texts = [" ".join(words) for words in product(vocabulary, repeat=length)]
        ended = np.exp(model.log_probs(texts))
        total += float(ended.sum())
        require(total <= 1 + tolerance, "sums to at most 1", f"texts of up to {length} words", total, "at most 1")
        longer = of_prefixes([f"{text} {word}" for text in texts for word in vocabulary]).reshape(len(texts), -1)
        require_at_most("next words and the end", texts, longer.sum(axis=1) + ended, of_prefixes(texts), tolerance)
