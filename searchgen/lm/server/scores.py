"""From the answer of a completions server to the log-probabilities of texts; nothing is taken that could be the sum of something else."""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any, NamedTuple

from searchgen.lm.server.alignment import Misaligned, tokens_of_text
from searchgen.lm.server.discretion import shown

__all__ = ["NoScores", "Score", "Unscored", "scores"]

#: What vLLM writes for a probability of zero, since JSON has no infinity.
STANDS_FOR_ZERO = -9999.0

NO_SCORES = "gives no log-probabilities of its prompt (echo with logprobs); use a server that does, such as vLLM"


class NoScores(ValueError):
    """The answer has another form than that of a completions server with log-probabilities; the text says why."""


class Unscored(ValueError):
    """The answer has the form, but no usable score of one of the texts; the text says why."""


class Score(NamedTuple):
    """A text's natural log p, and the number of its tokens."""

    log_p: float
    tokens: int


def scores(answer: Any, prompts: Sequence[str], begin: int) -> list[Score]:
    """Return the scores of the texts that prompts end with.

    Args:
        answer: of the server, as JSON values.
        prompts: as they were sent.
        begin: where the text begins in each, in characters.

    Raises:
        NoScores: the answer has another form.
        Unscored: a text has no usable score.
    """
    choices = answer.get("choices") if isinstance(answer, Mapping) else None
    if not isinstance(choices, list) or not all(isinstance(choice, Mapping) for choice in choices):
        raise NoScores(_without_choices(answer))
    if len(choices) != len(prompts):
        raise NoScores(f"answers {len(prompts)} texts with {len(choices)}; is it a completions server?")
    by_index = {choice.get("index"): choice for choice in choices if type(choice.get("index")) is int}
    if sorted(by_index) != list(range(len(prompts))):
        raise NoScores("does not number its answers 0, 1, 2, ..., so they cannot be told apart")
    return [_score(by_index[i], prompt, begin) for i, prompt in enumerate(prompts)]


def _without_choices(answer: Any) -> str:
    error = answer.get("error") if isinstance(answer, Mapping) else None
    message = error.get("message") if isinstance(error, Mapping) else error
    reason = shown(message) if isinstance(message, str) else ""
    return f"gives no scores: {reason}" if reason else "gives an answer without 'choices'; is it a completions server?"


def _score(choice: Mapping[str, Any], prompt: str, begin: int) -> Score:
    found = choice.get("logprobs")
    log_p = found.get("token_logprobs") if isinstance(found, Mapping) else None
    if not isinstance(found, Mapping) or not isinstance(log_p, list):
        raise NoScores(NO_SCORES)
    tokens = _tokens(found, prompt)
    if len(tokens) != len(log_p):
        raise NoScores(f"gives {len(tokens)} tokens and {len(log_p)} log-probabilities")
    if len(tokens) <= 1:
        raise NoScores(NO_SCORES)
    try:
        inside = tokens_of_text(tokens, prompt, begin, choice.get("finish_reason") == "length")
    except Misaligned as error:
        raise Unscored(str(error)) from None
    if all(value == 0 for value in log_p[1 : inside.stop]):
        raise NoScores("gives 0 as the log-probability of every token")
    return Score(float(sum(_log_p(log_p[i], tokens[i]) for i in inside)), len(inside))


def _tokens(found: Mapping[str, Any], prompt: str) -> list[str]:
    """Return the texts of the tokens; a server without them is believed only if each character is a token."""
    tokens = found.get("tokens")
    if isinstance(tokens, list) and all(isinstance(token, str | None) for token in tokens):
        return [token or "" for token in tokens]
    offsets = found.get("text_offset")
    if isinstance(offsets, list) and offsets == list(range(len(offsets))) and 0 <= len(offsets) - len(prompt) <= 1:
        return [*prompt, *[""] * (len(offsets) - len(prompt))]
    raise NoScores("does not give the texts of its tokens, so it is unknown which ones are the text's")


def _log_p(value: Any, token: str) -> float:
    if type(value) is float and isfinite(value) and STANDS_FOR_ZERO != value <= 0:
        return value
    if type(value) is int and STANDS_FOR_ZERO != value <= 0 and value.bit_length() < 64:
        return float(value)
    shown = str(value)[:20] if type(value) is not int or value.bit_length() < 64 else "a number of many digits"
    raise Unscored(f"gives {shown} as the log-probability of {token[:40]!r}; it must be a finite number, at most 0")
