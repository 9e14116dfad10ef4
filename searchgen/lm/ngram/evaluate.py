"""How well a model predicts text: perplexity, unknown words, bits per character."""

from collections.abc import Iterable
from math import exp, log
from typing import NamedTuple

import numpy as np

from searchgen.errors import RequestError
from searchgen.lm.ngram.model import NGram
from searchgen.lm.ngram.scoring import score_tokens
from searchgen.lm.ngram.tables import UNKNOWN
from searchgen.vocabulary import Vocabulary

__all__ = ["Evaluation", "evaluate"]


class Evaluation(NamedTuple):
    """How well a model predicts a text."""

    sentences: int
    tokens: int  # ends of sentences not included
    unknown: int  # tokens the model does not know
    perplexity: float  # over all tokens and ends, an unknown one counting as `<unk>`
    perplexity_known: float  # over known tokens and ends
    bits_per_character: float  # of the printed text; unknown words are spelled letter by letter

    @property
    def unknown_rate(self) -> float:
        """The share of the tokens that the model does not know."""
        return self.unknown / max(self.tokens, 1)


def evaluate(model: NGram, lines: Iterable[str]) -> Evaluation:
    """Measure a model on texts.

    Args:
        model: the model.
        lines: printed texts, one sentence each, in the model's text form; empty lines do not count.

    Raises:
        RequestError: there is no text.

    Example:
        >>> model = NGram.from_sentences([["a", "b"], ["a", "b"]], order=2)
        >>> round(evaluate(model, ["a b"]).perplexity, 3)
        1.548
    """
    form = model.text_form
    alphabet = Vocabulary(model.vocabulary, form).alphabet_size
    sentences: list[list[str]] = []
    characters = 0
    for line in lines:
        if tokens := form.tokenise(line):
            sentences.append(tokens)
            characters += len(line.strip())
    if not sentences:
        raise RequestError("there is no text to evaluate the model on: the files hold no word; name others")
    lengths = np.array([len(tokens) for tokens in sentences])
    ids = model.ids(token for tokens in sentences for token in tokens)
    log_p = score_tokens(model.tables, ids, np.concatenate([[0], np.cumsum(lengths)]))
    ends = np.cumsum(lengths + 1) - 1
    is_known = np.ones(len(log_p), dtype=bool)
    is_known[np.delete(np.arange(len(log_p)), ends)] = ids != UNKNOWN
    spelled = [token for tokens in sentences for token in tokens if token not in model.id_of]
    letters = sum(map(len, spelled)) + len(spelled)
    return Evaluation(
        sentences=len(sentences),
        tokens=len(ids),
        unknown=int(np.count_nonzero(~is_known)),
        perplexity=exp(-float(log_p.mean())),
        perplexity_known=exp(-float(log_p[is_known].mean())),
        bits_per_character=(letters * log(alphabet + 1) - float(log_p.sum())) / characters / log(2),
    )
