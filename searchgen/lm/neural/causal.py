"""Whole-text scores under a causal transformer, computed by torch.

The output layer sees a contiguous 2-D copy of the positions that are scored, never a 3-D slice (measured elsewhere: up to 100 times
slower in bfloat16).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch

from searchgen.lm.neural.incremental import Incremental, log_probs_above
from searchgen.lm.neural.network import Network, alone_after_fork
from searchgen.lm.neural.pieces import PieceModel
from searchgen.lm.neural.score_cache import Usage
from searchgen.lm.neural.spelling.spelling import Spelling
from searchgen.lm.neural.top_pieces import Scored
from searchgen.lm.protocol import PrefixScorer

__all__ = ["CausalModel"]

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]


@dataclass(eq=False)
class CausalModel(PieceModel):
    """A causal transformer as a law over printed texts.

    Attributes:
        name: as the user named it.
        hash: of the contents of its files and of the settings.
        network: on its device.
        spelling: texts to pieces.
        usage: counts so far.
    """

    name: str
    hash: str
    network: Network
    spelling: Spelling
    usage: Usage = field(default_factory=Usage)

    def __post_init__(self) -> None:
        self._ready(self.network.context, self.network.positions)

    @property
    def uncached(self) -> Mapping[str, str]:
        """Why the network keeps no keys and values, by name; empty if it does."""
        return {self.name: self.network.uncached} if self.network.uncached else {}

    def log_probs_above(self, texts: Sequence[str], bounds: Floats) -> Floats:
        """Return natural log p of texts, (n,) float64, or -inf where it is not above the bound: such texts need not be read to the end.

        Args:
            texts: printed texts.
            bounds: (n,) for each.

        Raises:
            RequestError: as for `log_probs`; or the network keeps no keys and values to read on from.
        """
        least = log_probs_above(self, self.network, texts, bounds, self._kept)
        return np.where(least > bounds, least, -np.inf)

    def growing(self) -> PrefixScorer:
        """Return what scores prefixes of texts that grow, from the keys and values of those they grow out of."""
        return Incremental(self, self.network)

    def _compute(self, padded: Places, at: Places, target: Places, most: int) -> Scored:
        device = self.network.device
        alone_after_fork()
        with torch.inference_mode():
            hidden = self.network.trunk(torch.from_numpy(padded).to(device))
            needed = hidden.reshape(-1, hidden.shape[-1]).index_select(0, torch.from_numpy(at).to(device))  # (N, H)
            scores = self.network.head(needed).float()  # (N, V)
            wanted = torch.from_numpy(target).to(device)
            log_p = -torch.nn.functional.cross_entropy(scores, wanted, reduction="none")
            best, piece = scores.topk(min(most, scores.shape[1]))
            best = best - scores.logsumexp(1, keepdim=True) if most else best
        return Scored(
            log_p.cpu().numpy().astype(np.float64), piece.cpu().numpy(), best.cpu().numpy().astype(np.float64)
        )

    def _make_room(self) -> None:
        if self.network.device.type == "cuda":
            torch.cuda.empty_cache()
