"""The proof of rejection: every attempt enumerated, without memory and with one, and the memory's own sums checked by definition."""

from typing import Any

import numpy as np

from searchgen.kernels.randomness import counter
from searchgen.problem import Problem
from searchgen.samplers.proofs.exactness import WEIGHTED, Finding, World, prove_attempts
from searchgen.samplers.rejection.ancestral import Memory, Proposal, new_memory, new_path, run_attempts, scripted
from searchgen.samplers.rejection.bounds import bounded_proposal, with_enumerated_bound

__all__ = ["filled_memory", "memory_findings", "proof"]

#: Attempts that fill the memory of a proof, and its nodes: so few that it runs full.
ATTEMPTS, NODES = 400, 40


def proof(world: World) -> list[Finding]:
    """Return how far probability x weight is from the target.

    For beta < 1 the bound is that of the world, by enumeration; `--sampler rejection` refuses such targets for want of one.
    """
    proposal = bounded_proposal(world.problem, world.max_tokens)
    if world.problem.beta[0] < 1.0:
        proposal = with_enumerated_bound(world, proposal)
    path, memory = new_path(world.max_tokens), filled_memory(world, proposal)
    return [
        *prove_attempts("rejection", world, scripted, proposal, new_memory(0), path),
        *prove_attempts("rejection with memory", world, scripted, proposal, memory, path),
        *memory_findings(world, proposal, memory),
    ]


def filled_memory(world: World, proposal: Proposal) -> Memory:
    """Return a memory after some attempts."""
    memory, rows = new_memory(NODES), ATTEMPTS + 1
    max_tokens = np.zeros((rows, world.max_tokens), np.int32), np.zeros(rows, np.int64), np.zeros(rows, np.int64)
    values, sums = np.zeros((rows, 2)), np.zeros(2)
    place = (new_path(world.max_tokens), counter(1).word, 0, ATTEMPTS)
    run_attempts(world.problem, proposal, memory, *place, *max_tokens, values, sums)
    return memory


def memory_findings(world: World, proposal: Proposal, memory: Memory) -> list[Finding]:
    """Return whether what is remembered is dead, and the dead mass of each beginning the sum over its continuations.

    This is what the script takes for granted: it replaces the redraws at a beginning by the sum of their geometric series.
    """
    prefixes = _prefixes(memory)
    total = np.zeros(len(memory.dead))
    for child, (parent, token) in prefixes.items():
        mass = _mass(world.problem, proposal, _tokens(prefixes, parent), token)
        total[parent] += mass * memory.dead[child]
    inner = sorted({parent for parent, _ in prefixes.values()})
    leaves = [node for node in prefixes if node not in inner]
    sums = max((abs(memory.dead[node] - total[node]) for node in inner), default=np.inf)
    alive = {(*text, 2)[:n] for text in world.texts for n in range(len(text) + 2)}
    wrong = sum(memory.dead[leaf] != 1.0 or _tokens(prefixes, leaf) in alive for leaf in leaves)
    return [
        Finding("rejection with memory: dead mass is the sum over continuations", float(sums), WEIGHTED),
        Finding("rejection with memory: only dead beginnings are remembered", float(wrong or not leaves), 0.0),
    ]


def _prefixes(memory: Memory) -> dict[int, tuple[int, int]]:
    """Return, for each node but the first, the one before it and the token between."""
    taken = np.flatnonzero(memory.key)
    return {int(memory.child[at]): (int(memory.key[at] >> 32), int(memory.key[at] & 0xFFFFFFFF) - 1) for at in taken}


def _tokens(prefixes: dict[int, tuple[int, int]], node: int) -> tuple[int, ...]:
    tokens: list[int] = []
    while node in prefixes:
        node, token = prefixes[node]
        tokens.append(token)
    return tuple(reversed(tokens))


def _mass(problem: Problem, proposal: Proposal, before: tuple[int, ...], token: int) -> float:
    """Return the probability that an attempt draws a token after a beginning, by the definition of a backoff model."""
    context = int(problem.begin[0])
    for earlier in before:
        _, context = _score(problem.ngram, context, int(problem.token["model"][earlier]))
    word = int(problem.token["model"][token])
    log_p, _ = _score(problem.ngram, context, word)
    if word > 0 or not len(problem.extra):
        return float(np.exp(log_p))
    if token == 0:
        return float(np.exp(log_p) * (1.0 - proposal.share[-1]))
    return float(np.exp(log_p + proposal.log_share[token - len(problem.ngram.alias_p)]))


def _score(tables: Any, context: int, word: int) -> tuple[float, int]:
    """Return log p(word | context) and the context after it, one suffix after the other."""
    log_p = 0.0
    while True:
        node = tables.node[context]
        first, end = (1, 1 + len(tables.alias_p)) if context == 0 else (int(node["first"]), int(node["end"]))
        for child in range(first, end):
            if tables.word[child] == word:
                return log_p + float(tables.node["log_p"][child]), int(tables.node["state"][child])
        log_p += float(node["log_backoff"])
        context = int(node["suffix"])
