"""The whole log-density of texts, black-box terms included, as one function of a batch."""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from searchgen.problem import Problem
from searchgen.samplers.chains.chains import enter, new_chains
from searchgen.target import Target

__all__ = ["Scorer", "padded", "score_texts", "scorer_of"]

Floats = npt.NDArray[np.float64]
Tokens = npt.NDArray[np.int32]
Lengths = npt.NDArray[np.int64]

#: Tokens (n, M) and lengths (n,) to log-densities (n,), unnormalised, natural log; -inf where a text is not accepted.
Scorer = Callable[[Tokens, Lengths], Floats]


def padded(texts: Sequence[tuple[int, ...]], max_tokens: int) -> tuple[Tokens, Lengths]:
    """Return the tokens of texts (n, max_tokens), zeros behind them, and their lengths (n,)."""
    tokens = np.zeros((len(texts), max_tokens), np.int32)
    for row, text in zip(tokens, texts, strict=True):
        row[: len(text)] = text
    return tokens, np.array([len(text) for text in texts], np.int64)


def score_texts(problem: Problem, tokens: Tokens, lengths: Lengths) -> Floats:
    """Return the log-density of texts under a problem: (n,) float64, natural log, -inf where it is not accepted."""
    chains = new_chains(len(lengths), tokens.shape[1])
    enter(problem, chains, tokens, lengths)
    return chains.log_density


def scorer_of(target: Target) -> Scorer:
    """Return the log-density of a target; equal texts of a batch are given to functions of the user once."""

    def score(tokens: Tokens, lengths: Lengths) -> Floats:
        total = score_texts(target.problem, tokens, lengths)
        if target.opaque or target.bare or target.text_model:
            texts = [tuple(row[:length].tolist()) for row, length in zip(tokens, lengths, strict=True)]
            distinct = dict.fromkeys(text for text, score in zip(texts, total, strict=True) if score > -np.inf)
            own = target.own_log_densities(list(distinct))
            extra = dict(zip(distinct, _with_black_box_terms(target, list(distinct), own), strict=True))
            for i, text in enumerate(texts):
                if text in extra:
                    total[i] = extra[text] + (total[i] if own is None else 0.0)
        return total

    return score


def _with_black_box_terms(target: Target, texts: list[tuple[int, ...]], own: Floats | None) -> list[float]:
    """Return what functions of the text make of each: a density of its own, if there is one, and black-box terms on top."""
    base = np.zeros(len(texts)) if own is None else own
    return [float(score) + target.black_box_log_weight(ids) for score, ids in zip(base, texts, strict=True)]
