"""Whole-text scores under a causal transformer.

    log p(text) = sum over t of log p(piece_t | pieces before it),   the pieces of the text and of its end

Batched by length, each distinct text once; the output layer sees a contiguous 2-D copy of the positions that are scored, never a
3-D slice (measured elsewhere: up to 100 times slower in bfloat16). Sums are 64-bit, on the host.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch

from searchgen.errors import ModelFileError, Outage, RequestError
from searchgen.lm.cuts import Beginnings, beginnings, compact_length
from searchgen.lm.neural.batches import FEWEST_POSITIONS, batches, is_memory
from searchgen.lm.neural.key_values import Reader
from searchgen.lm.neural.spelling import Spelling
from searchgen.lm.neural.usage import Kept, Usage

if TYPE_CHECKING:
    from searchgen.lm.neural.growing import Growing

__all__ = ["CausalModel", "Network", "Usage"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Network:
    """A network on its device.

    Attributes:
        trunk: pieces (B, L) int64 to hidden states (B, L, H); right of a position nothing matters to it.
        head: hidden states (N, H) to scores (N, V), unnormalised.
        device: where it is.
        context: most positions, 0: unlimited.
        positions: of one pass.
        cache: the network that reads on from keys and values kept; None: beginnings are read anew.
    """

    trunk: Callable[[torch.Tensor], torch.Tensor]
    head: Callable[[torch.Tensor], torch.Tensor]
    device: torch.device
    context: int
    positions: int
    cache: Reader | None = None


@dataclass(eq=False)
class CausalModel:
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
        self._kept = Kept(self.usage)
        self._positions = self.network.positions

    @property
    def label(self) -> str:
        """Name and hash, as records show them."""
        return f"{self.name}@{self.hash[:12]}"

    def log_probs(self, texts: Sequence[str]) -> Floats:
        """Return natural log p of printed texts, (n,) float64; a text that was scored before keeps its score.

        Raises:
            RequestError: a text cannot be spelled or is too long, or its score is not a number.
        """
        return self._kept.of(texts, lambda new: np.array([log_p.sum() for log_p in self._scored(new)]))

    def beginnings(self, texts: Sequence[str]) -> list[Beginnings]:
        """Return log p of every beginning of texts that ends where a piece ends, and of their ends; nothing is kept.

        Raises:
            RequestError: as for `log_probs`; or the tokenizer does not tell where its pieces stand.
        """
        scored, found = self._scored(list(texts)), []
        for text, places, log_p in zip(texts, self.spelling.places(texts), scored, strict=True):
            found.append(beginnings(*places, compact_length(text), log_p))
        return found

    def log_probs_above(self, texts: Sequence[str], bounds: Floats) -> Floats:
        """Return natural log p of texts, (n,) float64, or -inf where it is not above the bound: such texts need not be read to the end.

        Args:
            texts: printed texts.
            bounds: (n,) for each.

        Raises:
            RequestError: as for `log_probs`; or the network keeps no keys and values to read on from.
        """
        from searchgen.lm.neural.early import log_probs_above

        found = log_probs_above(self, texts, bounds, self._kept)
        return np.where(found > bounds, found, -np.inf)

    def growing(self) -> "Growing":
        """Return what scores beginnings of texts that grow, from the keys and values of those they grow out of."""
        from searchgen.lm.neural.growing import Growing

        return Growing(self)

    def counted(self) -> dict[str, int]:
        """Return what it has done so far, by name."""
        return asdict(self.usage)

    def forget(self) -> None:
        """Drop the scores kept, so that the next ones are computed anew, in passes as large as at the start."""
        self._kept.scores.clear()
        self._positions = self.network.positions

    def _scored(self, texts: list[str]) -> list[Floats]:
        """Return log p of the pieces of each text, its end included."""
        return self.scored_rows(texts, self.spelling.spell(texts) if texts else [])

    def scored_rows(self, texts: Sequence[str], rows: Sequence[list[int]]) -> list[Floats]:
        """Return log p of the pieces of each row after what stands before all texts; `texts` names them in errors."""
        longest = max(map(len, rows), default=0)
        if self.network.context and longest > self.network.context:
            text = texts[max(range(len(rows)), key=lambda i: len(rows[i]))]
            raise RequestError(
                f"a text of {longest} pieces, {text[:40]!r}..., is longer than the {self.network.context} that {self.name} can read"
            )
        scores: list[Floats] = [np.zeros(0)] * len(rows)
        todo = list(batches([len(row) for row in rows], self._positions))[::-1]
        while todo:
            batch = todo.pop()
            try:
                for i, log_p in zip(batch, self._pass([rows[i] for i in batch]), strict=True):
                    scores[i] = log_p
            except (torch.OutOfMemoryError, RuntimeError, MemoryError) as error:
                todo += self._halves(batch, error)
        self.refuse_nan(texts, scores)
        return scores

    def refuse_nan(self, texts: Sequence[str], scores: Sequence[Floats]) -> None:
        """Refuse scores that are no numbers.

        Raises:
            ModelFileError: it names the text.
        """
        for text, log_p in zip(texts, scores, strict=True):
            if np.isnan(log_p).any():
                raise ModelFileError(
                    f"{self.name} scores {text[:80]!r} as not a number; try --dtype float32, or its weights are damaged"
                )

    def _halves(self, batch: list[int], error: Exception) -> list[list[int]]:
        """Return the two halves of a batch that did not fit, and ask for smaller ones from now on."""
        if not is_memory(error):
            raise error
        if len(batch) == 1:
            raise Outage(
                f"out of memory: one text does not fit beside {self.name}; try --dtype bfloat16 or --device cpu"
            )
        if self.network.device.type == "cuda":
            torch.cuda.empty_cache()
        self._positions = max(FEWEST_POSITIONS, self._positions // 2)
        self.usage.halvings += 1
        middle = len(batch) // 2
        return [batch[middle:], batch[:middle]]

    def _pass(self, rows: list[list[int]]) -> list[Floats]:
        """Return log p of the scored pieces of each text of one batch, float64."""
        first, device = len(self.spelling.before) - 1, self.network.device
        lengths = np.array([len(row) for row in rows])
        padded = np.zeros((len(rows), lengths.max()), np.int64)
        for row, pieces in zip(padded, rows, strict=True):
            row[: len(pieces)] = pieces
        # Where a scored piece comes next: from the last of what stands before the text to the last but one of all.
        scored = np.arange(padded.shape[1] - 1)[None, :] < (lengths - 1)[:, None]
        scored[:, :first] = False
        at, column = np.nonzero(scored)
        with torch.inference_mode():
            # The last piece is never a context.
            hidden = self.network.trunk(torch.from_numpy(padded[:, :-1]).to(device))
            flat = torch.from_numpy(at * hidden.shape[1] + column).to(device)
            needed = hidden.reshape(-1, hidden.shape[-1]).index_select(0, flat)  # (N, H), contiguous
            target = torch.from_numpy(padded[at, column + 1]).to(device)
            scores = self.network.head(needed)  # (N, V)
            log_p = -torch.nn.functional.cross_entropy(scores.float(), target, reduction="none")
            each = log_p.cpu().numpy().astype(np.float64)
        self.usage.forwards += 1
        self.usage.texts += len(rows)
        self.usage.tokens += int((lengths - 1).sum())
        self.usage.padding += int(padded[:, 1:].size - (lengths - 1).sum())
        return np.split(each, np.cumsum(lengths - 1 - first)[:-1])
