"""The search under an n-gram model where weights of nearness count: chains of steps with one test a round on the whole density.

The best texts of the annealing, which knows nothing of these weights, are the starts. In a round each chain makes a few steps on the n-gram
density, and one test by the surrogate rule on the true density ** (1 / T). T falls geometrically from round to round, so this is a search.
Every text that was tested is returned, accepted or not.
"""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from searchgen.constraints.words.nearness import Nearness
from searchgen.request.request import Annealing
from searchgen.samplers.chains.chains import enter, new_chains
from searchgen.samplers.chains.scorer import Floats, Lengths, Tokens, padded, scorer_of
from searchgen.samplers.mcmc.delayed_acceptance import Rounds
from searchgen.samplers.optimise.annealing_loop import Annealed, inverse_temperatures
from searchgen.target import Target

__all__ = ["tested"]

#: Rounds of each stage of the schedule, and steps of a chain in a round.
ROUNDS, INNER = 5, 64


def tested(
    annealed: Annealed, target: Target, plan: Annealing, counters: npt.NDArray[np.uint64], threads: int
) -> Annealed:
    """Return what chains from the densest texts find, densest first; the texts as they are where no weight of nearness counts.

    Args:
        annealed: texts with their whole densities.
        target: with terms that are functions of the text.
        plan: the temperatures.
        counters: (C, 6) of the chains.
        threads: for the steps.
    """
    if not annealed.texts or not any(isinstance(one, Nearness) for one in target.constraints):
        return annealed
    density = dict(zip(annealed.texts, annealed.log_density.tolist(), strict=True))
    whole = scorer_of(target)

    def score(tokens: Tokens, lengths: Lengths) -> Floats:
        texts = [tuple(row[:length].tolist()) for row, length in zip(tokens, lengths, strict=True)]
        new = [text for text in dict.fromkeys(texts) if text not in density]
        if new:
            density.update(zip(new, whole(*padded(new, target.max_tokens)).tolist(), strict=True))
        return np.array([density[text] for text in texts])

    starts = [annealed.texts[i % len(annealed.texts)] for i in range(len(counters))]
    tokens, lengths = padded(starts, target.max_tokens)
    chains = new_chains(len(starts), target.max_tokens)
    enter(target.problem, chains, tokens, lengths)
    rounds = Rounds(target.problem, score, chains, score(tokens, lengths), counters, INNER, 1.0, threads=threads)
    for power in inverse_temperatures(plan):
        rounds.true_power = float(power)
        rounds.advance(ROUNDS)
    texts = sorted((text for text in density if density[text] > -np.inf), key=lambda text: (-density[text], text))
    tally = annealed.tally + chains.tally.sum(axis=0)
    return replace(
        annealed,
        texts=texts,
        log_density=np.array([density[text] for text in texts]),
        steps=annealed.steps + int(chains.tally[:, :, 0].sum()),
        tally=tally,
    )
