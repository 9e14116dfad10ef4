"""What each capability of a text model promises; the protocols are those of `searchgen.lm.protocol`."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from searchgen.errors import RequestError
from searchgen.lm.boundaries import compact_length
from searchgen.lm.protocol import (
    ExpectsPieces,
    FillsMasks,
    HasContext,
    KeepsKeyValues,
    StatesPrefixes,
    StopsEarly,
    expecting,
)
from searchgen.testing.laws import Floats, require, require_at_most, require_same, require_scores

__all__ = ["CAPABILITIES"]

#: Pieces that are noted at every place, and that may fill a mask.
PIECES = 5

#: How far bounds lie from scores, in nats.
MARGIN = 1.0

#: A text too long to be read is looked for by doubling a short one so often.
DOUBLINGS = 12


def _states_prefixes(model: Any, texts: list[str], tolerance: float) -> None:
    try:
        stated = model.prefix_log_probs(texts)
    except RequestError:  # its tokenizer does not say where pieces stand
        return
    grown = None if isinstance(model, FillsMasks) else model.growing().log_probs(texts, np.zeros(len(texts), np.int64))
    for i, (text, prefixes) in enumerate(zip(texts, stated, strict=True)):
        rising = (np.diff(prefixes.places, prepend=0) >= 0).all() and (np.diff(prefixes.places) > 0).all()
        require(prefixes.places.dtype == np.int64 and rising, "prefixes: places rise", text, prefixes.places, "rising")
        require(
            prefixes.places[-1] == compact_length(text), "prefixes: last place", text, prefixes.places[-1], "the end"
        )
        log_p = require_scores("prefixes: log p", prefixes.places.tolist(), prefixes.log_p)
        require_at_most("prefixes: log p falls", [text] * (len(log_p) - 1), log_p[1:], log_p[:-1], tolerance)
        require(prefixes.log_end <= 0.0, "prefixes: log p of the end", text, prefixes.log_end, "at most 0")
        if grown is not None:
            require_same("prefixes: last against prefix scorer", [text], log_p[-1:], grown[i : i + 1], tolerance)
    whole = np.array([prefixes.log_p[-1] + prefixes.log_end for prefixes in stated])
    require_same("prefixes: last and end are the text", texts, whole, model.log_probs(texts), tolerance)


def _expects_pieces(model: Any, texts: list[str], tolerance: float) -> None:
    if expecting(model) is None:
        return
    model.forget()
    plain, nothing = model.log_probs(texts), model.expected(texts)
    model.forget()
    model.note_expected(PIECES)
    require_same("expected pieces leave scores as they are", texts, model.log_probs(texts), plain, tolerance)
    for text, without, expected in zip(texts, nothing, model.expected(texts), strict=True):
        scored, count = expected.scored, len(expected.scored.log_p)
        require(without.scored.piece.shape == (count, 0), "expected pieces unasked", text, without.scored.piece, "none")
        require_same("expected pieces: same text", [text] * count, scored.log_p, without.scored.log_p, tolerance)
        starts = np.array([0, *expected.starts, compact_length(text)])
        inside = len(expected.starts) <= count and (np.diff(starts) >= 0).all()
        require(inside, "expected pieces: starts", text, expected.starts, f"at most {count} places, rising")
        for place in range(count):
            where, log_p = f"{text} [{place}]", scored.log_p[place]
            _expected_at(where, log_p, scored.piece[place], scored.piece_log_p[place], tolerance)
    model.note_expected(0)
    model.forget()


def _expected_at(where: str, scored: float, pieces: Floats, log_p: Floats, tolerance: float) -> None:
    """Require one place to be right: the best pieces, each once, and the scored one among them or below the least."""
    names = [where] * len(log_p)
    require_scores("expected pieces: log p", names, log_p)
    require(len(set(pieces.tolist())) == len(log_p), "expected pieces: each once", where, pieces, "all different")
    require_at_most("expected pieces: best first", names[1:], log_p[1:], log_p[:-1], tolerance)
    total = float(np.exp(log_p).sum())
    require(total <= 1 + tolerance, "expected pieces sum to at most 1", where, total, "at most 1")
    slack = tolerance * max(1.0, abs(scored))
    listed = bool((np.abs(log_p - scored) <= slack).any()) or scored <= log_p.min(initial=0.0) + slack
    require(listed, "expected pieces against the scored one", where, scored, f"one of {log_p}, or below them")


def _stops_early(model: Any, texts: list[str], tolerance: float) -> None:
    model.forget()
    try:
        unbounded = model.log_probs_above(texts, np.full(len(texts), -np.inf))
    except RequestError:  # this one cannot
        return
    model.forget()
    whole = model.log_probs(texts)
    require_same("early stop: without a bound", texts, unbounded, whole, tolerance)
    none = np.full(len(texts), -np.inf)
    for bounds, right in ((whole - MARGIN, whole), (whole + MARGIN, none)):
        model.forget()
        law = "early stop: above the bound" if right is whole else "early stop: below the bound"
        require_same(law, texts, model.log_probs_above(texts, bounds), right, tolerance)
    model.forget()
    mixed = model.log_probs_above([*texts, *texts], np.concatenate([whole - MARGIN, whole + MARGIN]))
    require_same("early stop: two bounds of a text", [*texts, *texts], mixed, np.append(whole, none), tolerance)


def _has_context(model: Any, texts: list[str], tolerance: float) -> None:
    del tolerance
    fitting = model.fits(texts)
    require(fitting == [True] * len(texts), "fits what it scores", texts, fitting, "True for each")
    longer = texts[0]
    for _ in range(DOUBLINGS):
        longer = f"{longer} {longer}"
        fitting = model.fits([texts[1], longer])
        if fitting == [True, True]:
            continue
        require(fitting == [True, False], "fits what it scores", texts[1], fitting[0], True)
        try:
            score = model.log_probs([longer])[0]
        except RequestError:
            return
        require(False, "fits no text that it scores", longer[:60], f"{score} for {len(longer)} signs", "RequestError")


def _keeps_key_values(model: Any, texts: list[str], tolerance: float) -> None:
    del texts, tolerance
    for name, reason in model.uncached.items():
        require(isinstance(reason, str) and reason != "", "uncached gives a reason", name, repr(reason), "a reason")


def _fills_masks(model: Any, texts: list[str], tolerance: float) -> None:
    sides = [
        (" ".join(words[:at]), " ".join(words[at + 1 :]))
        for words in map(str.split, texts)
        for at in range(max(1, len(words)))
    ]
    pieces = np.arange(PIECES, dtype=np.int64)
    together = model.conditionals(sides, [pieces] * len(sides))
    for side, log_m in zip(sides, together, strict=True):
        names = [side] * PIECES
        require_scores("mask: log m", names, log_m)
        total = float(np.exp(log_m).sum())
        require(abs(total - 1.0) <= tolerance, "mask: conditionals sum to 1", side, total, 1)
        require_same("mask: alone", names, model.conditionals([side], [pieces])[0], log_m, tolerance)
        fewer, few = model.conditionals([side], [pieces[:2]])[0], log_m[:2] - np.logaddexp.reduce(log_m[:2])
        require_same("mask: fewer pieces", names[:2], fewer, few, tolerance)
    try:
        model.growing()
    except RequestError:
        return
    require(False, "mask: no prefixes", type(model).__name__, "it scores prefixes", "RequestError")


Law = Callable[[Any, list[str], float], None]

#: The promises of each protocol: a function of the model, texts and the tolerance.
CAPABILITIES: Sequence[tuple[type, Law]] = (
    (StatesPrefixes, _states_prefixes),
    (ExpectsPieces, _expects_pieces),
    (StopsEarly, _stops_early),
    (HasContext, _has_context),
    (KeepsKeyValues, _keeps_key_values),
    (FillsMasks, _fills_masks),
)
