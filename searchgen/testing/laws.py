"""How a broken law is reported: by an AssertionError that names the law, the text, and both values."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Floats", "require", "require_at_most", "require_same", "require_scores"]

Floats = npt.NDArray[np.float64]


def require(holds: bool | np.bool_, law: str, about: object, value: object, promised: object) -> None:
    """Require that a law holds.

    Args:
        holds: whether it does.
        law: its name.
        about: the text, or whatever else it was tried on.
        value: the one computed.
        promised: what the law promises.

    Raises:
        AssertionError: it does not hold.

    Example:
        >>> require(1 + 1 == 3, "addition", "1 + 1", 2, 3)
        Traceback (most recent call last):
        AssertionError: addition: '1 + 1': 2, not 3
    """
    if not holds:
        raise AssertionError(f"{law}: {about!r}: {value}, not {promised}")


def require_scores(law: str, texts: Sequence[object], values: Any) -> Floats:
    """Return the scores of texts, (n,), once they are 64-bit numbers of which none is NaN or above 0.

    Raises:
        AssertionError: they are not.

    Example:
        >>> require_scores("scores", ["a"], np.array([0.5]))
        Traceback (most recent call last):
        AssertionError: scores: 'a': 0.5, not at most 0
    """
    kind = (getattr(values, "dtype", type(values).__name__), getattr(values, "shape", None))
    require(kind == (np.float64, (len(texts),)), law, [*texts], kind, f"float64 of shape ({len(texts)},)")
    scores: Floats = values
    for text, score in zip(texts, scores.tolist(), strict=True):
        require(score <= 0.0, law, text, score, "at most 0")
    return scores


def require_same(law: str, texts: Sequence[object], values: Floats, expected: Floats, tolerance: float = 0.0) -> None:
    """Require two scores of every text to be the same.

    Args:
        law: its name.
        texts: n of them.
        values: (n,) float64.
        expected: (n,) float64.
        tolerance: largest difference, relative to the score, or to 1 if the score is less.

    Raises:
        AssertionError: two scores differ.

    Example:
        >>> require_same("same score", ["a"], np.array([-1.0]), np.array([-2.0]))
        Traceback (most recent call last):
        AssertionError: same score: 'a': -1.0, not -2.0
    """
    for text, value, right in zip(texts, values.tolist(), expected.tolist(), strict=True):
        near = value == right or abs(value - right) <= tolerance * _size(value, right)
        require(near, law, text, value, right)


def require_at_most(law: str, texts: Sequence[object], values: Floats, bound: Floats, tolerance: float = 0.0) -> None:
    """Require the first value of every text to be at most the second; arguments as for `require_same`.

    Raises:
        AssertionError: one is larger.

    Example:
        >>> require_at_most("prefix factorises", ["a b"], np.array([-1.0]), np.array([-2.0]))
        Traceback (most recent call last):
        AssertionError: prefix factorises: 'a b': -1.0, not at most -2.0
    """
    for text, value, most in zip(texts, values.tolist(), bound.tolist(), strict=True):
        below = value <= most or value - most <= tolerance * _size(value, most)
        require(below, law, text, value, f"at most {most}")


def _size(value: float, second: float) -> float:
    """Return what a tolerance is relative to; it is finite if one of the two is."""
    return max(1.0, min(abs(value), abs(second)))
