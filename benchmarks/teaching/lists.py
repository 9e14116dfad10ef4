"""Labelled requests as rows of the student's pieces, and how far two orders of their texts agree."""

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from benchmarks.teaching.records import read_records
from searchgen.lm.training.packing import BEGIN, END, NOTHING

__all__ = ["Labelled", "Pieces", "agreement", "labelled", "pieces_of", "split"]

#: Requests of fewer texts teach no order.
FEWEST = 4

#: Of twenty requests so many are held out.
TWENTY, HELD_OUT = 20, 1

Floats = npt.NDArray[np.float64]


class Labelled(NamedTuple):
    """A request's texts with the teacher's log p."""

    words: list[list[str]]
    texts: list[str]
    log_p: Floats  # (n,)
    prefixes: list[tuple[list[int], list[float]]]  # places where the teacher's pieces end, and log p up to there


class Pieces(NamedTuple):
    """Texts of one request as rows: begin and pieces; and what follows at each place, NOTHING behind the end.

    Attributes:
        rows: (n, L) pieces.
        following: (n, L) the pieces that follow.
        stretch: (n, L) the number of the stretch that the following piece belongs to, counted through all texts, an end as one; 0 behind.
        log_p: (n,) of the texts under the teacher.
        stretch_log_p: (stretches,) of each stretch under the teacher: what lies between two places where pieces of both models end.
    """

    rows: npt.NDArray[np.int64]
    following: npt.NDArray[np.int64]
    stretch: npt.NDArray[np.int64]
    log_p: Floats
    stretch_log_p: Floats


def labelled(folders: Sequence[Path]) -> list[Labelled]:
    """Return the labelled requests of all folders, in the order of their words; texts of one request in several folders are one list."""
    texts: dict[str, dict[str, tuple[float, tuple[list[int], list[float]]]]] = {}
    for path in (path for folder in folders for path in sorted(folder.glob("labels*.jsonl"))):
        for one in read_records(path):
            values = zip(one["log_p"], one["prefixes"], strict=True)
            texts.setdefault(json.dumps(one["words"]), {}).update(zip(one["texts"], values, strict=True))
    found = [
        Labelled(
            json.loads(words),
            list(known),
            np.array([log_p for log_p, _ in known.values()]),
            [prefixes for _, prefixes in known.values()],
        )
        for words, known in texts.items()
        if len(known) >= FEWEST
    ]
    return sorted(found, key=lambda one: one.words)


def split(requests: Sequence[Labelled]) -> tuple[list[Labelled], list[Labelled]]:
    """Return the requests to learn from and those held out: drawn by their words alone, however many there are."""
    held_out = [random.Random(f"held out {one.words}").randrange(TWENTY) < HELD_OUT for one in requests]
    return (
        [one for one, out in zip(requests, held_out, strict=True) if not out],
        [one for one, out in zip(requests, held_out, strict=True) if out],
    )


def pieces_of(tokenizer: Tokenizer, request: Labelled) -> Pieces:
    """Return a request's texts in the student's pieces."""
    encoded = tokenizer.encode_batch(request.texts, add_special_tokens=False)
    longest = max(len(one.ids) for one in encoded) + 1
    rows = np.full((len(encoded), longest), END, np.int64)
    following, stretch = np.full_like(rows, NOTHING), np.zeros_like(rows)
    values: list[float] = []
    for i, (one, text, (places, log_p)) in enumerate(zip(encoded, request.texts, request.prefixes, strict=True)):
        length = len(one.ids)
        rows[i, : length + 1] = [BEGIN, *one.ids]
        following[i, : length + 1] = [*one.ids, END]
        ends = [end - text.count(" ", 0, end) for _, end in one.offsets]
        common = np.intersect1d(places, ends)
        stretch[i, :length] = len(values) + np.searchsorted(common, ends)
        reached = np.array(log_p)[np.isin(places, common)]
        values += [*np.diff(reached, prepend=0.0), float(request.log_p[i] - reached[-1])]
        stretch[i, length] = len(values) - 1
    return Pieces(rows, following, stretch, request.log_p, np.array(values))


def agreement(teacher: Sequence[Floats], student: Sequence[Floats]) -> dict[str, float]:
    """Return how far two scores order the texts of requests alike.

    Args:
        teacher: (n,) of each request.
        student: the same shapes.

    Returns:
        first: the share of requests whose best text is the same; rank: the mean of Spearman's rank correlations; lost: the teacher's nats
        between its best text and the student's, mean.

    Example:
        >>> agreement([np.array([3.0, 2.0, 1.0])], [np.array([3.0, 1.0, 2.0])])
        {'first': 1.0, 'rank': 0.5, 'lost': 0.0}
    """
    first, rank, lost = [], [], []
    for wanted, given in zip(teacher, student, strict=True):
        best = int(np.argmax(given))
        first.append(best == int(np.argmax(wanted)))
        lost.append(float(wanted.max() - wanted[best]))
        rank.append(float(np.corrcoef(wanted.argsort().argsort(), given.argsort().argsort())[0, 1]))
    return {"first": float(np.mean(first)), "rank": round(float(np.mean(rank)), 4), "lost": float(np.mean(lost))}
