"""Whole-text scores under a causal transformer.

    log p(text) = sum over t of log p(piece_t | pieces before it),   the pieces of the text and of its end

Batched by length, each distinct text once; the output layer sees a contiguous 2-D copy of the positions that are scored, never a
3-D slice (measured elsewhere: up to 100 times slower in bfloat16). Sums are 64-bit, on the host.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from searchgen.errors import ModelFileError, RequestError, SearchgenError
from searchgen.lm.neural.batches import FEWEST_POSITIONS, batches
from searchgen.lm.neural.spelling import Spelling

__all__ = ["CausalModel", "Network", "Usage"]

Floats = npt.NDArray[np.float64]

#: Scores that are kept; beyond it the oldest half is forgotten.
MOST_KEPT = 1_000_000


@dataclass
class Usage:
    """What a model has done so far.

    Attributes:
        evaluations: texts whose score was asked for.
        duplicates: of them, texts that occurred twice in a call.
        cache_hits: of them, texts scored in an earlier call.
        forwards: passes through the network.
        texts: texts that went through it.
        tokens: pieces that went through it, padding not counted.
        padding: padded positions.
        halvings: passes that did not fit into the memory and were made again in halves.
    """

    evaluations: int = 0
    duplicates: int = 0
    cache_hits: int = 0
    forwards: int = 0
    texts: int = 0
    tokens: int = 0
    padding: int = 0
    halvings: int = 0


@dataclass(frozen=True, eq=False)
class Network:
    """A network on its device.

    Attributes:
        trunk: pieces (B, L) int64 to hidden states (B, L, H); right of a position nothing matters to it.
        head: hidden states (N, H) to scores (N, V), unnormalised.
        device: where it is.
        context: most positions, 0: unlimited.
        positions: of one pass.
    """

    trunk: Callable[[torch.Tensor], torch.Tensor]
    head: Callable[[torch.Tensor], torch.Tensor]
    device: torch.device
    context: int
    positions: int


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
        self._kept: dict[str, float] = {}
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
        distinct = dict.fromkeys(texts)
        new = [text for text in distinct if text not in self._kept]
        self.usage.evaluations += len(texts)
        self.usage.duplicates += len(texts) - len(distinct)
        self.usage.cache_hits += len(distinct) - len(new)
        if len(self._kept) + len(new) > MOST_KEPT:
            self._kept = {text: self._kept[text] for text in distinct if text in self._kept}
        self._kept.update(zip(new, self._computed(new).tolist(), strict=True))
        return np.array([self._kept[text] for text in texts], np.float64)

    def counted(self) -> dict[str, int]:
        """Return what it has done so far, by name."""
        return asdict(self.usage)

    def forget(self) -> None:
        """Drop the scores kept, so that the next ones are computed anew."""
        self._kept.clear()

    def _computed(self, texts: list[str]) -> Floats:
        """Score distinct texts."""
        rows = self.spelling.spell(texts) if texts else []
        longest = max(map(len, rows), default=0)
        if self.network.context and longest > self.network.context:
            text = texts[max(range(len(rows)), key=lambda i: len(rows[i]))]
            raise RequestError(
                f"a text of {longest} pieces, {text[:40]!r}..., is longer than the {self.network.context} that {self.name} can read"
            )
        scores = np.zeros(len(rows))
        todo = list(batches([len(row) for row in rows], self._positions))[::-1]
        while todo:
            batch = todo.pop()
            try:
                scores[batch] = self._pass([rows[i] for i in batch])
            except (torch.OutOfMemoryError, RuntimeError, MemoryError) as error:
                todo += self._halves(batch, error)
        for i in np.flatnonzero(np.isnan(scores)):
            raise ModelFileError(
                f"{self.name} scores {texts[i][:80]!r} as not a number; try --dtype float32, or its weights are damaged"
            )
        return scores

    def _halves(self, batch: list[int], error: Exception) -> list[list[int]]:
        """Return the two halves of a batch that did not fit, and ask for smaller ones from now on."""
        if not _is_memory(error):
            raise error
        if len(batch) == 1:
            raise SearchgenError(
                f"out of memory: one text does not fit beside {self.name}; try --dtype bfloat16 or --device cpu"
            )
        if self.network.device.type == "cuda":
            torch.cuda.empty_cache()
        self._positions = max(FEWEST_POSITIONS, self._positions // 2)
        self.usage.halvings += 1
        middle = len(batch) // 2
        return [batch[middle:], batch[:middle]]

    def _pass(self, rows: list[list[int]]) -> Floats:
        """Return log p of the texts of one batch, (B,) float64."""
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
        sums: Floats = np.bincount(at, weights=each, minlength=len(rows)).astype(np.float64)
        return sums


def _is_memory(error: Exception) -> bool:
    signs: Iterable[Any] = ("out of memory", "can't allocate memory", "not enough memory", "alloc_cpu")
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or any(one in str(error).lower() for one in signs)
