"""Counts of the words of a text as people count them: what spaces part is one word, so a hyphen between two takes one off.

    count = words + 256 * hyphens

Every token adds its own share (`Vocabulary.counts`), so a chain keeps the count of its text by sums.
"""

from typing import Any

from searchgen.kernels.compiled import inlined

__all__ = ["fits", "may_fit"]


@inlined
def fits(problem: Any, count: Any) -> Any:
    """Return whether a text of this count has as many words and as few hyphens as a problem asks for."""
    words = count & 255
    return problem.window[0] <= words and words <= problem.window[1] and (count >> 8) <= problem.hyphens[0]


@inlined
def may_fit(problem: Any, count: Any) -> Any:
    """Return whether the beginning of a text has neither too many words nor too many hyphens."""
    return (count & 255) <= problem.window[1] and (count >> 8) <= problem.hyphens[0]
