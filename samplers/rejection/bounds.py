"""What bounds the ratio of a target to attempts from the model itself."""

import numpy as np

from searchgen.problem import Problem
from searchgen.samplers.proofs.exactness import World
from searchgen.samplers.rejection.ancestral import Proposal

__all__ = ["bounded_proposal", "with_enumerated_bound"]


def bounded_proposal(problem: Problem, max_tokens: int) -> Proposal:
    """Return the proposal for a target, with the least bound that its parts show: 0 if p is all there is.

    For beta >= 1, rho / q = p^(beta - 1) * product over tokens of exp(weight) <= exp(max_tokens * largest weight); the words e that the
    model does not know share <unk> in proportion to exp(weight), and what they leave of it dies.
    """
    weight = problem.token["weight"][problem.extra]
    most = max(0.0, float(np.logaddexp.reduce(weight))) if len(weight) else 0.0
    log_share = weight - most
    share = np.cumsum(np.exp(log_share)) if len(weight) else np.zeros(1)
    size = len(problem.ngram.alias_p)
    alive = np.array(problem.next[1:, problem.token["cls"][:size]].any(axis=0), np.bool_)
    alive[0] = False
    largest = float(problem.token["weight"][:size][alive].max(initial=0.0))
    return Proposal(np.minimum(share, 1.0), log_share, np.array([max_tokens * max(most, largest)]))


def with_enumerated_bound(world: World, proposal: Proposal) -> Proposal:
    """Return a proposal with the largest ratio of a world's texts as its bound, which serves every beta."""
    problem = world.problem
    size = len(problem.ngram.alias_p)
    largest = -np.inf
    for text, log_density in zip(world.texts, world.log_density, strict=True):
        weight = float(problem.token["weight"][list(text)].sum())
        log_share = sum(float(proposal.log_share[token - size]) for token in text if token >= size)
        largest = max(largest, log_density - (log_density - weight) / float(problem.beta[0]) - log_share)
    return proposal._replace(log_bound=np.array([largest]))
