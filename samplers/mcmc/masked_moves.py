"""Rounds of masked proposals on many chains: corrected to a target (an exact kernel), or not at all (pseudo-Gibbs)."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from searchgen.errors import RequestError
from searchgen.kernels.acceptance import accepts_each
from searchgen.lm.neural.opening import content_hash, folder_of, require_extra
from searchgen.lm.neural.pieces import PieceModel
from searchgen.lm.neural.settings import NeuralSettings
from searchgen.lm.neural.transformer import is_transformer, open_any_transformer
from searchgen.lm.onnx.model import graph_of
from searchgen.samplers.chains.chains import enter
from searchgen.samplers.chains.scorer import Lengths, Tokens
from searchgen.samplers.mcmc.delayed_acceptance import Rounds, thresholds
from searchgen.samplers.mcmc.masked_proposals import Change, MaskedProposals, drawn, log_acceptance
from searchgen.target import Target

if TYPE_CHECKING:
    from searchgen.lm.neural.masked import MaskedModel

__all__ = ["Drafts", "MaskedRounds", "hash_of_proposer", "masked_rounds", "propose", "uniforms"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Drafts:
    """One changed word for each of some chains.

    Attributes:
        chain: (D,) which chains; the others have no change to make at the place that was drawn, or drew the word that is there.
        tokens: (D, M) int32 the changed texts.
        lengths: (D,) int64.
        log_m_old: (D,) natural log of the probability of the word that is there.
        log_m_new: (D,) and of the one proposed.
    """

    chain: npt.NDArray[np.int64]
    tokens: Tokens
    lengths: Lengths
    log_m_old: Floats
    log_m_new: Floats


def propose(proposals: MaskedProposals, tokens: Tokens, lengths: Lengths, u: Floats) -> Drafts:
    """Draw a place and a word for every chain.

    Args:
        proposals: the masked model's.
        tokens: (C, M) int32 the states.
        lengths: (C,) int64.
        u: (C, 2) uniform numbers of [0, 1): for the place, and for the word.
    """
    places = np.minimum((u[:, 0] * lengths).astype(np.int64), lengths - 1)
    texts = [tuple(row[:length].tolist()) for row, length in zip(tokens, lengths, strict=True)]
    changes: dict[int, tuple[Change, int]] = {}
    for c, change in enumerate(proposals.changes(texts, places.tolist())):
        if change is not None and (new := drawn(change, float(u[c, 1]))) != change.now:
            changes[c] = change, new
    chain = np.array(list(changes), np.int64)
    proposed = tokens[chain].copy()
    for row, (c, (change, new)) in enumerate(changes.items()):
        proposed[row, places[c]] = change.ids[new]
    old = np.array([change.log_m[change.now] for change, _ in changes.values()])
    return Drafts(
        chain, proposed, lengths[chain], old, np.array([change.log_m[new] for change, new in changes.values()])
    )


def uniforms(counters: npt.NDArray[np.uint64], number: int, count: int) -> Floats:
    """Return uniform numbers of [0, 1) for every chain, (C, count): those of the steps from `number` on."""
    logs = np.empty((count, len(counters)))
    for k in range(count):
        thresholds(counters, number + k, logs[k])
    return np.exp(logs).T


@dataclass(eq=False)
class MaskedRounds(Rounds):
    """Rounds of a surrogate, each followed by one masked proposal, tested against the true target.

    Both kernels leave the target invariant, so one after the other does too; the cheap steps change lengths and words of several pieces,
    which the masked model leaves alone.

    Attributes:
        proposals: the masked model's; None: there are no masked rounds.
        masked: proposals that changed a word; each cost one true evaluation.
        masked_accepted: of them.
    """

    proposals: MaskedProposals | None = None
    masked: int = 0
    masked_accepted: int = 0

    def counted(self) -> dict[str, int]:
        """Return what the masked proposals came to."""
        return {"masked": self.masked, "masked_accepted": self.masked_accepted}

    def advance(self, rounds: int) -> None:
        """Make rounds of every chain."""
        for _ in range(rounds):
            self.settle(*self.propose())
            if self.proposals is not None:
                self.change_words(self.proposals)

    def change_words(self, proposals: MaskedProposals) -> None:
        """Propose one word in every chain, and accept by the true target."""
        chains = self.chains
        u = uniforms(self.counters, self.number, 3)
        self.number += 3
        draft = propose(proposals, chains.token, chains.length, u)
        if not len(draft.chain):
            return
        true = self.scorer(draft.tokens, draft.lengths)
        ratio = log_acceptance(
            self.true_power * true, self.true_power * self.true[draft.chain], draft.log_m_new, draft.log_m_old
        )
        good = accepts_each(np.log(u[draft.chain, 2]), ratio)
        who = draft.chain[good]
        self.true[who] = true[good]
        self.masked += len(good)
        self.masked_accepted += int(good.sum())
        if len(who):
            tokens, lengths = chains.token.copy(), chains.length.copy()
            tokens[who] = draft.tokens[good]
            enter(self.cheap, chains, tokens, lengths)


def masked_rounds(name: str, target: Target) -> Callable[..., MaskedRounds]:
    """Return what makes rounds with the proposals of a masked model.

    Args:
        name: its folder, or its name on the hub.
        target: whose vocabulary it proposes.

    Raises:
        RequestError: there is none, or it is a causal one.
    """
    return partial(MaskedRounds, proposals=MaskedProposals(open_proposer(name), target))


def open_proposer(name: str) -> "MaskedModel":
    """Open a masked model.

    Raises:
        RequestError: there is none, or it is of another kind.
    """
    _refuse_missing(name)
    model = open_any_transformer(name)
    if isinstance(model, PieceModel):
        raise _causal(name)
    return model


def hash_of_proposer(name: str) -> str:
    """Return the hash of a masked model's files.

    Raises:
        RequestError: there is none, it is a causal one, or the libraries are missing.
    """
    _refuse_missing(name)
    if graph_of(name) is not None:
        raise _causal(name)
    require_extra()
    return content_hash(folder_of(name), NeuralSettings())


def _causal(name: str) -> RequestError:
    return RequestError(
        f"masked={name}: {name} is a causal model and cannot use the words to the right; name a masked one"
    )


def _refuse_missing(name: str) -> None:
    if not is_transformer(name):
        raise RequestError(f"masked={name}: {name} is no folder with a config.json; name a masked transformer")
