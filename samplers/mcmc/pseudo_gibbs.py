"""Pseudo-Gibbs under a masked model: word after word drawn from its conditional, and never tested.

Wang and Cho, "BERT has a mouth, and it must speak" (2019). The conditionals of a masked model are those of no one law of texts, so
the chain has whatever law it ends in, which nobody can state: its draws are of kind `pseudo`. Constraints hold all the same: a word
that would break one is not taken. The exact form tests these proposals: `--sampler surrogate --option masked=NAME`.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np

from searchgen.errors import Impossible, RequestError
from searchgen.samplers.chains.scorer import Floats, Lengths, Scorer, Tokens, score_texts
from searchgen.samplers.kept_states import Plan, allowed_starts
from searchgen.samplers.mcmc.masked_moves import propose, uniforms
from searchgen.samplers.mcmc.masked_proposals import MaskedProposals
from searchgen.samplers.method import Draws, Job, Method
from searchgen.target import Target

if TYPE_CHECKING:
    from searchgen.lm.neural.masked import MaskedModel

__all__ = ["METHOD", "Options"]

#: Sweeps (as many updates as a text has tokens) before the first kept state.
SWEEPS = 5


@dataclass(frozen=True)
class Options:
    """How the chains run; 0 stands for the default.

    Attributes:
        chains: independent chains.
        burn_in: updates of each chain before the first state is kept; default: 5 times the tokens of the longest start.
        thin: updates from one kept state to the next; default: the tokens of the longest start.
    """

    chains: int = 64
    burn_in: int = 0
    thin: int = 0


def draw(job: Job) -> Draws:
    """Run chains of updates from the text given, or from draws of the guide, and keep states after burn-in.

    Raises:
        RequestError: the text given has a word that the vocabulary lacks, or too many.
        Impossible: it does not satisfy the constraints.
    """
    options, target = job.options, job.target
    plan = Plan.of(job, options.chains, options.burn_in, options.thin)
    model = cast("MaskedModel", target.text_model)
    # What stays in the texts must have a score in the end.
    tokens, lengths = (
        _given(job, plan, model) if job.start else allowed_starts(job, plan, _spelled_by(model, target))[:2]
    )
    sweep = int(lengths.max())
    thin, burn_in = options.thin or sweep, options.burn_in or SWEEPS * sweep
    chains = _Chains(job, plan, MaskedProposals(model, target), tokens, lengths)
    chains.update(burn_in)
    kept = np.zeros((plan.kept, *tokens.shape), np.int32)
    for k in range(plan.kept):
        chains.update(thin)
        kept[k] = chains.tokens
        if job.progress is not None:
            job.progress((k + 1) / plan.kept)
    every = kept.reshape(-1, tokens.shape[1])[: job.count]
    count = np.tile(lengths, plan.kept)[: job.count]
    density = target.own_log_densities([tuple(row[:n].tolist()) for row, n in zip(every, count, strict=True)])
    assert density is not None
    steps = plan.chains * (burn_in + plan.kept * thin)
    return Draws(
        tokens=every,
        lengths=count,
        log_density=density,
        log_weight=np.zeros(job.count),
        chains=plan.chains,
        evaluations=steps,
        counts={"chains": plan.chains, "burn_in": burn_in, "thin": thin, "steps": steps},
        moves={"word": (steps, steps - chains.illegal, steps - chains.illegal)},
        report={"transformer": model.counted()},
    )


def _spelled_by(model: "MaskedModel", target: Target) -> Scorer:
    """Return what gives texts that a model can spell 0, and others -inf."""

    def score(tokens: Tokens, lengths: Lengths) -> Floats:
        texts = [target.printed(row[:n].tolist()) for row, n in zip(tokens, lengths, strict=True)]
        return np.array([0.0 if pieces else -np.inf for pieces in model.spelling.spell(texts)])

    return score


def _given(job: Job, plan: Plan, model: "MaskedModel") -> tuple[Tokens, Lengths]:
    """Return the text of the request as the start of every chain."""
    target = job.target
    words = target.form.tokenise(job.start)
    unknown = [word for word in words if target.vocabulary.find(word) < 0]
    if not words or unknown:
        name = unknown[0] if unknown else job.start
        raise RequestError(
            f"--text: {target.model.name} does not know the word {name!r}, and the chains use its words only; write another word"
        )
    ids = target.vocabulary.encode(words)
    if not model.spelling.spell([target.printed(ids.tolist())])[0]:
        raise RequestError(f"--text: the tokenizer of {model.name} cannot spell {job.start!r}; write other words")
    missing = [part for part, holds in target.satisfied(ids.tolist()).items() if not holds]
    if missing or len(ids) > target.max_tokens:
        raise Impossible(
            f"--text does not satisfy {missing[0] if missing else 'the length'}; change the text or the constraint"
        )
    tokens = np.zeros((plan.chains, target.max_tokens), np.int32)
    tokens[:, : len(ids)] = ids
    return tokens, np.full(plan.chains, len(ids), np.int64)


class _Chains:
    """States that a masked model changes word by word."""

    def __init__(self, job: Job, plan: Plan, proposals: MaskedProposals, tokens: Tokens, lengths: Lengths) -> None:
        self.tokens, self.lengths, self.illegal = tokens, lengths, 0
        self._target, self._plan, self._proposals, self._number = job.target, plan, proposals, 0

    def update(self, count: int) -> None:
        """Draw a word anew in every chain, so many times; one that breaks a constraint is not taken."""
        for _ in range(count):
            u = uniforms(self._plan.counters, self._number, 2)
            self._number += 2
            draft = propose(self._proposals, self.tokens, self.lengths, u)
            legal = score_texts(self._target.problem, draft.tokens, draft.lengths) > -np.inf
            for term in self._target.opaque if len(draft.chain) else ():
                texts = [
                    self._target.printed(row[:n].tolist()) for row, n in zip(draft.tokens, draft.lengths, strict=True)
                ]
                legal &= np.array([term.log_weight(text) > -np.inf for text in texts])
            self.tokens[draft.chain[legal]] = draft.tokens[legal]
            self.illegal += int((~legal).sum())


METHOD = Method(
    name="gibbs",
    kind="pseudo",
    summary="Pseudo-Gibbs: redraws the words of a text one by one from a masked model; the law of the texts is unknown.",
    draw=draw,
    proof=None,
    options=Options,
    opaque=True,
)
