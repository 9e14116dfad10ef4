"""How well a model predicts text: perplexity, unknown words, bits per character."""

from collections.abc import Iterable
from math import isinf, log
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from searchgen.errors import RequestError
from searchgen.lm.ngram.model import NGram
from searchgen.lm.ngram.scoring import score_tokens
from searchgen.lm.ngram.tables import UNKNOWN, as_logs
from searchgen.vocabulary import Vocabulary

__all__ = ["Evaluation", "evaluate", "impossible_token"]


class Evaluation(NamedTuple):
    """How well a model predicts a text."""

    sentences: int
    tokens: int  # ends of sentences not included
    unknown: int  # tokens the model does not know
    perplexity: float  # over all tokens and ends, an unknown one counting as `<unk>`
    perplexity_known: float  # over known tokens and ends
    bits_per_character: float  # of the printed text; unknown words are spelled letter by letter
    reason: str | None  # why some of these are infinite, if they are

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
    log_p = as_logs(score_tokens(model.tables, ids, np.concatenate([[0], np.cumsum(lengths)])))
    ends = np.cumsum(lengths + 1) - 1
    is_known = np.ones(len(log_p), dtype=bool)
    is_known[np.delete(np.arange(len(log_p)), ends)] = ids != UNKNOWN
    spelled = [token for tokens in sentences for token in tokens if token not in model.id_of]
    letters = sum(map(len, spelled)) + len(spelled)
    return Evaluation(
        sentences=len(sentences),
        tokens=len(ids),
        unknown=int(np.count_nonzero(~is_known)),
        perplexity=_perplexity(log_p),
        perplexity_known=_perplexity(log_p[is_known]),
        bits_per_character=(letters * log(alphabet + 1) - float(log_p.sum())) / characters / log(2),
        reason=_reason(model, sentences, log_p),
    )


def _perplexity(log_p: npt.NDArray[np.float64]) -> float:
    with np.errstate(over="ignore"):  # of a text that is all but impossible
        return float(np.exp(-log_p.mean()))


def _reason(model: NGram, sentences: list[list[str]], log_p: npt.NDArray[np.float64]) -> str | None:
    """Return which token has probability 0; None: every one has more."""
    if not isinf(log_p.sum()):
        return None
    tokens = [token for sentence in sentences for token in (*sentence, "")]
    return impossible_token(model, tokens[int(np.argmax(np.isinf(log_p)))])


def impossible_token(model: NGram, token: str) -> str:
    """Return in words that a model gives a token probability 0; "" is the end of a text.

    Example:
        >>> impossible_token(NGram.from_sentences([["a"]], order=1, name="my.arpa"), "b")
        "my.arpa gives 'b' no probability: its vocabulary is closed"
    """
    if not token:
        return f"{model.name} gives the end of a text no probability"
    unknown = ": its vocabulary is closed" if token not in model.id_of else ""
    return f"{model.name} gives {token!r} no probability{unknown}"
