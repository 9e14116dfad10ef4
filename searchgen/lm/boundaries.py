"""Where a model's pieces end in a printed text, so that models with different pieces can be compared stretch by stretch.

A place in a text is the number of signs before it that are no spaces: a space belongs to what follows it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["PrefixLogProbs", "common_places", "compact_length", "prefix_log_probs", "token_ends"]


@dataclass(frozen=True, eq=False)
class PrefixLogProbs:
    """The probabilities of a text's prefixes under a model.

    Attributes:
        places: (k,) int64, rising: places where its pieces end, none of them across; the last is the text's end.
        log_p: (k,) float64, natural log p of the text up to there, the end apart.
        log_end: natural log p of the end after it.
    """

    places: npt.NDArray[np.int64]
    log_p: npt.NDArray[np.float64]
    log_end: float


def compact_length(text: str) -> int:
    """Return the place of a text's end.

    Example:
        >>> compact_length("The dog ran.")
        10
    """
    return len("".join(text.split()))


def prefix_log_probs(
    starts: Sequence[int], ends: Sequence[int], length: int, log_p: npt.NDArray[np.float64]
) -> PrefixLogProbs:
    """Return prefixes from pieces. From the first piece that is impossible on all places count, for whatever comes there is.

    Args:
        starts: (n,) the place where each piece begins.
        ends: (n,) where it ends; a sign that several pieces share is across all ends but the last.
        length: the place of the text's end.
        log_p: (n + m,) of each piece, and of the m that are the text's end.

    Example:
        >>> prefix_log_probs([0, 0, 1], [0, 2, 3], 3, np.array([-1.0, -2.0, -4.0, -8.0])).places  # "( ab c": b is not cut
        array([3])
        >>> begun = prefix_log_probs([0, 1, 2], [1, 2, 4], 4, np.array([-1.0, -np.inf, -4.0, -8.0]))
        >>> begun.places.tolist(), begun.log_p.tolist(), begun.log_end
        ([1, 2, 3, 4], [-1.0, -inf, -inf, -inf], -inf)
    """
    n = len(ends)
    possible = int(np.argmin(np.append(log_p[:n], -np.inf) > -np.inf))  # pieces before the first that is not
    ahead = [length] * (n + 1)  # where the first of the pieces that follow begins
    for i in range(n - 1, -1, -1):
        ahead[i] = min(ahead[i + 1], starts[i])
    places, sums, reached, total = [0], [], 0, 0.0
    for i, piece_log_p in enumerate(log_p[:possible].tolist()):
        total += piece_log_p
        reached = max(reached, ends[i])
        # Of pieces after which a place may be cut the first counts: a lone space belongs to what follows.
        if places[-1] < reached < length and reached <= ahead[i + 1]:
            places.append(reached)
            sums.append(total)
    if possible < n:
        rest = np.arange(places[-1] + 1, length + 1) if length else np.zeros(1)
        never = np.full(len(rest), -np.inf)
        return PrefixLogProbs(np.append(places[1:], rest).astype(np.int64), np.append(sums, never), -np.inf)
    return PrefixLogProbs(np.array([*places[1:], length], np.int64), np.array([*sums, total]), float(log_p[n:].sum()))


def common_places(texts: Sequence[PrefixLogProbs]) -> npt.NDArray[np.int64]:
    """Return the places that all have, (m,) int64, rising.

    Example:
        >>> common_places([PrefixLogProbs(np.array(places), np.zeros(3), 0.0) for places in ([3, 6, 9], [2, 6, 9])])
        array([6, 9])
    """
    first, *others = (text.places.tolist() for text in texts)
    return np.array(sorted(set(first).intersection(*others)), np.int64)


def token_ends(tokens: Sequence[str], text: str) -> tuple[list[int], list[int]]:
    """Return where tokens begin and end in a printed text; from the first that is not printed as it stands on, the text is one stretch.

    Example:
        >>> token_ends(["the", "dog", "ran", "."], "The dog ran.")
        ([0, 3, 6, 9], [3, 6, 9, 10])
    """
    compact = "".join(text.split())
    starts: list[int] = []
    ends: list[int] = []
    at = 0
    for token in tokens:
        stop = at + len(token)
        if compact[at:stop].casefold() != token.casefold():
            rest = len(tokens) - len(ends)
            return [*starts, *[at] * rest], [*ends, *[len(compact)] * rest]
        starts.append(at)
        ends.append(stop)
        at = stop
    return starts, ends
