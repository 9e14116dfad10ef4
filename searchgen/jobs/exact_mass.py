"""The exact total mass of a target, where the guide of the model's own order is small enough to be made in passing."""

import math

from searchgen.guide import Guide
from searchgen.guide.lengths import Lengths
from searchgen.request.request import Request
from searchgen.sources.source import Source

__all__ = ["exact_log_z"]

#: What a guide of the model's own order may take: n-grams x states x words, and its values in bytes. Below a second or so.
CHEAP_STEPS, CHEAP_BYTES = 1e8, 4e8


def exact_log_z(source: Source, request: Request) -> float | None:
    """Return natural log Z by the guide of the model's own order, None where that is not to be had within a second or so."""
    target = source.target(request)
    if target.opaque or target.bare or target.text_model:
        return None
    problem = target.problem
    node = problem.ngram.node
    layers = len(problem.next) * Lengths.of(problem).layers
    contexts = int((node["end"] > node["first"]).sum())
    if len(node) * layers > CHEAP_STEPS or contexts * layers * 8 > CHEAP_BYTES:
        return None
    order = int(problem.ngram.order[0])
    guide = Guide.build(problem, order=order, max_tokens=target.max_tokens, bigrams=target.bigrams, budget=None)
    return guide.log_mass if math.isfinite(guide.log_mass) else None
