"""A Markov sampler is a step: here is all the rest of it, from start states to draws.

    def stepper(job: Job, plan: Plan, chains: Chains) -> Stepper:
        context = ...                                   # made once a job
        def steps(low, high, count, first): ...         # steps first ... first + count - 1 of the chains low ... high - 1
        return steps

    METHOD = chain_method("name", "when to use it", stepper, proof)

One step of one chain is a compiled function by itself, `step(problem, chains, c, draft, *arguments, rng)`: the proof plays all its
branches (`samplers/proofs/exactness.py`), and the loop over chains and steps calls it.
"""

from collections.abc import Callable, Sequence
from typing import Any

from searchgen.samplers.chains.chains import enter, new_chains
from searchgen.samplers.chains.moves import MOVES, Chains
from searchgen.samplers.chains.threads import over_chains
from searchgen.samplers.kept_states import ChainOptions, Plan, retain, starts
from searchgen.samplers.method import Draws, Job, Method
from searchgen.samplers.proofs.exactness import Finding, World

__all__ = ["Stepper", "chain_method"]

#: Makes `count` steps, the first of number `first`, of the chains `low` to `high` - 1; what it draws is a function of chain and step.
Stepper = Callable[[int, int, int, int], None]


def chain_method(
    name: str,
    summary: str,
    stepper: Callable[[Job, Plan, Chains], Stepper],
    proof: Callable[[World], list[Finding]],
    options: type = ChainOptions,
    moves: Sequence[str] = MOVES,
    finish: Callable[[Job, Draws], Draws] = lambda job, draws: draws,
    traced: bool = False,
    **more: Any,
) -> Method:
    """Return the sampler that a step makes: chains from draws of the guide, burn-in, states kept at equal distances.

    Args:
        name: as `--sampler` names it.
        summary: one line: when to use it.
        stepper: checks the options and returns what makes the steps.
        proof: enumerates the step on a small world.
        options: with `chains`, `burn_in` and `thin`.
        moves: names of the moves, in the order of `chains.tally`.
        finish: adds to the draws what only this sampler counts.
        traced: whether its steps are made by `Stage.stepper` where there is an observer, so that every move is seen.
        more: fields of `Method`.
    """

    def draw(job: Job) -> Draws:
        plan = Plan.of(job, job.options.chains, job.options.burn_in, job.options.thin)
        chains = new_chains(plan.chains, job.target.max_tokens)
        steps = stepper(job, plan, chains)
        enter(job.target.problem, chains, *starts(job, plan))
        if job.observer is not None:
            job.observer.begin("chains", "target", chains, plan.steps if traced else 0)

        def go(_chains: Chains, count: int, first: int) -> None:
            over_chains(plan.chains, job.threads, lambda low, high: steps(low, high, count, first))

        return finish(job, retain(job, plan, chains, go, moves))

    return Method(name, "markov", summary, draw, proof, options, observed=True, **more)
