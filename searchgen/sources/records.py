"""Records of texts: the fields of each, with those that all texts of a run have in common."""

from dataclasses import replace
from typing import Any

import numpy as np

from searchgen.constraints.algebra.prefer import Prefer
from searchgen.constraints.lines.division import divided, shape_of
from searchgen.constraints.words.nearness import Nearness
from searchgen.record import Record
from searchgen.target import Target
from searchgen.text.lexicon.segmentation import chinese_words

__all__ = ["record_of", "run_record"]


def run_record(**common: Any) -> Record:
    """Return a record of a run without a text.

    Args:
        common: the fields that all texts of the run have in common.
    """
    nothing = {"text": "", "tokens": (), "satisfied": {}, "spans": (), "rank": 0}
    numbers = dict.fromkeys(("log_prob", "log_prob_per_token", "log_density", "log_weight"), 0.0)
    return Record(**{**nothing, **numbers, **common})


def record_of(run: Record, target: Target, ids: tuple[int, ...], log_density: float, rank: int) -> Record:
    """Return the record of one text of a run.

    Args:
        run: the fields that its texts have in common.
        target: the target that was searched or sampled.
        ids: the text.
        log_density: of the text, natural log.
        rank: 1 for the first.
    """
    tokens = tuple(target.vocabulary.decode(ids))
    token_log_p = target.token_log_p(ids)
    log_prob = target.log_prob(ids, token_log_p)
    text, spans = target.form.detokenise(tokens), target.spans(ids)
    shape = shape_of(target.constraints)
    if shape is not None:
        # A search takes the best division; draws of a law take one with its probability given the text.
        seed = None if run.kind == "search" else run.seed
        within = _within_words(text, target)
        division = divided(text, shape, target.form.name, seed, run.signature, str(rank), within=within)
        moved = division.moved
        text, spans = (
            division.text,
            tuple(replace(span, start=moved(span.start), end=moved(span.end - 1) + 1) for span in spans),
        )
    return replace(
        run,
        text=text,
        tokens=tokens,
        log_prob=log_prob,
        log_prob_per_token=log_prob / (len(ids) + 1),
        log_density=log_density,
        satisfied=target.satisfied(ids),
        spans=spans,
        violations=_violations(ids, target),
        measures=_measures(ids, target),
        rank=rank,
        token_log_p=tuple(token_log_p.tolist()),
    )


def _violations(ids: tuple[int, ...], target: Target) -> dict[str, int] | None:
    """Return how often a text violates the condition of each preference; None: there is none."""
    preferences = [one.condition for one in target.constraints if isinstance(one, Prefer)]
    text = np.array(ids, np.int32)
    return {one.text: one.violations(text, target.vocabulary) for one in preferences} or None


def _measures(ids: tuple[int, ...], target: Target) -> dict[str, float] | None:
    """Return what the weights of nearness count in a text, rounded; None: there are none."""
    text, near = np.array(ids, np.int32), [one for one in target.constraints if isinstance(one, Nearness)]
    measured = (one.measures(text, target.vocabulary) for one in near)
    return {name: round(value, 4) for name, value in measured} or None


def _within_words(text: str, target: Target) -> frozenset[int]:
    """Return the places of a text that are inside a word, where words have no spaces between them."""
    return frozenset(range(len(text))) - chinese_words().borders(text) if target.form.name == "zh" else frozenset()
