"""Records of texts: the fields of each, with those that all texts of a run have in common."""

from dataclasses import replace
from typing import Any

from searchgen.record import Record
from searchgen.target import Target

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
    return replace(
        run,
        text=target.form.detokenise(tokens),
        tokens=tokens,
        log_prob=log_prob,
        log_prob_per_token=log_prob / (len(ids) + 1),
        log_density=log_density,
        satisfied=target.satisfied(ids),
        spans=target.spans(ids),
        rank=rank,
        token_log_p=tuple(token_log_p.tolist()),
    )
