"""A masked transformer: what it says of one place given all the rest, and the pseudo-log-likelihood of a text.

    m(v | left, right) = softmax over the pieces v that may stand there of the network's scores of the mask between left and right
    PLL(text) = sum over i of log m(piece_i | all other pieces)        (Salazar et al., "Masked language model scoring", ACL 2020)

The conditionals of a masked model belong to no one law of texts (Goyal et al. 2022), and PLL is a score, not a probability: exp PLL
sums to no 1. As an energy it is as good a target as any other, so samplers take it in the place of log p, and every label says so.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt
import torch
from transformers import AutoModelForMaskedLM

from searchgen.errors import ModelFileError, Outage, RequestError
from searchgen.lm.neural.architectures.library import loaded
from searchgen.lm.neural.batches import MOST_POSITIONS, batches, free_bytes, is_memory, positions_for
from searchgen.lm.neural.network import alone_after_fork
from searchgen.lm.neural.score_cache import Kept, Usage
from searchgen.lm.neural.spelling.spelling import MOST_PIECES
from searchgen.lm.neural.spelling.tokenizer_file import read_tokenizer

__all__ = ["MaskedModel", "open_masked"]

Floats = npt.NDArray[np.float64]
Row = tuple[list[int], int]  # pieces, and the place of the mask among them


@dataclass(frozen=True, eq=False)
class MaskedSpelling:
    """How a masked model spells texts.

    Attributes:
        encode: a batch of printed texts to their pieces; of one that cannot be spelled there are none.
        begin: pieces before every text.
        end: pieces after it.
        mask: the piece that stands for one to be guessed.
        refused: pieces that no text may hold.
        size: number of pieces that the network has.
    """

    encode: Callable[[list[str]], list[list[int]]]
    begin: tuple[int, ...]
    end: tuple[int, ...]
    mask: int
    refused: frozenset[int]
    size: int = MOST_PIECES

    def spell(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the pieces of texts, without begin and end; none of a text that cannot be spelled."""
        return [pieces if self._spells(pieces) else [] for pieces in self.encode(list(texts))]

    def single(self, texts: Sequence[str]) -> npt.NDArray[np.int64]:
        """Return the piece of each text that is exactly one, -1 for others."""
        return np.array([row[0] if len(row) == 1 else -1 for row in self.spell(texts)], np.int64)

    def sides(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the pieces of what stands beside a mask: nothing has none, and what cannot be spelled is the unknown piece or left out."""
        rows = self.encode(list(texts))
        return [[piece for piece in row if piece < self.size] for row in rows]

    def _spells(self, pieces: list[int]) -> bool:
        return bool(pieces) and self.refused.isdisjoint(pieces) and max(pieces) < self.size

    @staticmethod
    def of(folder: Path) -> "MaskedSpelling":
        """Read the tokenizer of a folder.

        Raises:
            ModelFileError: it has none, or it is damaged.
            RequestError: it has no mask.
        """
        tokenizer = read_tokenizer(folder)
        ids = tokenizer.special
        mask = ids.get("mask_token")
        if mask is None:
            raise RequestError(
                f"{folder}: the tokenizer has no mask token, which a masked model needs; name another model"
            )
        begin, end = ids.get("cls_token", ids.get("bos_token")), ids.get("sep_token", ids.get("eos_token"))
        ends = [() if piece is None else (piece,) for piece in (begin, end)]
        return MaskedSpelling(tokenizer.encode, ends[0], ends[1], mask, tokenizer.unknown | frozenset(ids.values()))

    def within(self, folder: Path, size: int) -> "MaskedSpelling":
        """Return the spelling under a network of so many pieces.

        Raises:
            ModelFileError: a special piece is none of them.
        """
        odd = [piece for piece in (*self.begin, *self.end, self.mask) if not 0 <= piece < size]
        if odd:
            raise ModelFileError(
                f"{folder}: the tokenizer has a piece {odd[0]}, and the network has {size:,}; fetch the model again"
            )
        return replace(self, size=size)


@dataclass(eq=False)
class MaskedModel:
    """A masked transformer as an energy over printed texts, and as proposals at one place.

    Attributes:
        name: as the user named it.
        hash: of the contents of its files.
        scores: pieces (B, L) int64, which of them are there (B, L) int64 and places (B,) to scores there (B, V).
        spelling: texts to pieces.
        device: where it is.
        context: most pieces, 0: unlimited.
        positions: of one pass.
        usage: counts so far.
    """

    name: str
    hash: str
    scores: Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]
    spelling: MaskedSpelling
    device: torch.device
    context: int
    positions: int
    usage: Usage = field(default_factory=Usage)

    def __post_init__(self) -> None:
        self._kept = Kept(self.usage)

    @property
    def label(self) -> str:
        """Name and hash, and what its scores are, as records show them."""
        return f"{self.name}@{self.hash[:12]} (masked: pseudo-log-likelihoods)"

    def log_probs(self, texts: Sequence[str]) -> Floats:
        """Return the pseudo-log-likelihood of printed texts, (n,) float64, in nats; each piece of a text takes a row of a pass.

        A text that the tokenizer cannot spell has -inf.

        Raises:
            RequestError: a text is too long.
        """
        return self._kept.of(texts, self._pseudo)

    def conditionals(self, sides: Sequence[tuple[str, str]], pieces: Sequence[npt.NDArray[np.int64]]) -> list[Floats]:
        """Return log m of the pieces that may stand between left and right, normalised over them: one (K,) float64 array a place.

        Words beside the place that the model cannot spell are its unknown piece: m is a law all the same, and a chain may pass by them.

        Args:
            sides: the printed text left and right of each place.
            pieces: (K,) for each place, those that may stand there.

        Raises:
            RequestError: the whole is too long.
        """
        spelled = self.spelling.sides([side for pair in sides for side in pair])
        spelling, rows = self.spelling, []
        for left, right in zip(spelled[::2], spelled[1::2], strict=True):
            prefix = [*spelling.begin, *left]
            rows.append(([*prefix, spelling.mask, *right, *spelling.end], len(prefix)))
        results: list[Floats] = [np.zeros(0)] * len(rows)
        for i, scores in self._scored(rows):
            results[i] = _log_softmax(scores[pieces[i]])
        return results

    def counted(self) -> dict[str, int]:
        """Return what it has done so far, by name."""
        return asdict(self.usage)

    def forget(self) -> None:
        """Drop the scores kept."""
        self._kept.scores.clear()

    def growing(self) -> NoReturn:
        """Refuse: nothing can be said of a text that is not there yet.

        Raises:
            RequestError: always.
        """
        raise RequestError(
            f"{self.name} is a masked model: it has no probability of a text's beginning; "
            "use --sampler surrogate or gibbs, or name a causal model"
        )

    def _pseudo(self, texts: list[str]) -> Floats:
        spelling, rows = self.spelling, []
        owner, target = [], []
        total = np.zeros(len(texts))
        for t, pieces in enumerate(spelling.spell(texts) if texts else []):
            total[t] = 0.0 if pieces else -np.inf
            whole = [*spelling.begin, *pieces, *spelling.end]
            for at in range(len(spelling.begin), len(spelling.begin) + len(pieces)):
                rows.append(([*whole[:at], spelling.mask, *whole[at + 1 :]], at))
                owner.append(t)
                target.append(whole[at])
        for i, scores in self._scored(rows):
            total[owner[i]] += _log_softmax(scores)[target[i]]
        if np.isnan(total).any():
            text = texts[int(np.flatnonzero(np.isnan(total))[0])]
            raise ModelFileError(
                f"{self.name}: the score of {text[:80]!r} is not a number; the weights are damaged, fetch the model again"
            )
        return total

    def _scored(self, rows: Sequence[Row]) -> Iterator[tuple[int, Floats]]:
        """Yield, for each row, its number and the network's scores at its mask, (V,) float64; rows of one length go together.

        One pass at a time is in memory: the scores of all pieces of a few hundred texts would be a gigabyte.
        """
        longest = max((len(row) for row, _ in rows), default=0)
        if self.context and longest > self.context:
            raise RequestError(
                f"a text of {longest} pieces is longer than the {self.context} that {self.name} can read; ask for shorter texts"
            )
        for batch in batches([len(row) for row, _ in rows], self.positions):
            width = max(len(rows[i][0]) for i in batch)
            padded, there = np.zeros((len(batch), width), np.int64), np.zeros((len(batch), width), np.int64)
            for line, i in enumerate(batch):
                padded[line, : len(rows[i][0])] = rows[i][0]
                there[line, : len(rows[i][0])] = 1
            at = torch.tensor([rows[i][1] for i in batch], device=self.device)
            at_masks = self._computed(padded, there, at)
            self.usage.forwards += 1
            self.usage.texts += len(batch)
            self.usage.tokens += int(there.sum())
            self.usage.padding += int(there.size - there.sum())
            yield from zip(batch, at_masks, strict=True)

    def _computed(self, padded: npt.NDArray[np.int64], there: npt.NDArray[np.int64], at: torch.Tensor) -> Floats:
        """Return the scores of a pass, (B, V).

        Raises:
            ModelFileError: the network cannot be computed, as sizes of config.json may make it.
            Outage: the memory is too small.
        """
        alone_after_fork()
        try:
            with torch.inference_mode():
                scores = self.scores(
                    torch.from_numpy(padded).to(self.device), torch.from_numpy(there).to(self.device), at
                )
            return scores.float().cpu().numpy().astype(np.float64)
        except Exception as error:  # torch's own and the library's, of many kinds
            if is_memory(error):
                raise Outage(
                    f"out of memory: {self.name} leaves no room for texts; try --dtype bfloat16 or --device cpu"
                ) from None
            reason = " ".join(str(error).split())[:160] or type(error).__name__
            raise ModelFileError(
                f"{self.name}: the network cannot be computed ({reason}); fetch the model again"
            ) from None


def _log_softmax(scores: Floats) -> Floats:
    shifted = scores - scores.max()
    return np.asarray(shifted - np.log(np.exp(shifted).sum()))


def open_masked(
    name: str, folder: Path, hash: str, config: dict[str, Any], device: torch.device, dtype: torch.dtype
) -> MaskedModel:
    """Open a masked transformer; code that comes with it is refused, pickled weights are read as weights only.

    Raises:
        ModelFileError: it cannot be loaded; the message gives the library's first line.
        RequestError: it has no mask token.
    """
    spelling = MaskedSpelling.of(folder)
    model = loaded(AutoModelForMaskedLM, folder, config, dtype).to(device).eval()
    pieces = int(model.get_input_embeddings().num_embeddings)
    spelling = spelling.within(folder, pieces)

    def scores(pieces: torch.Tensor, there: torch.Tensor, at: torch.Tensor) -> torch.Tensor:
        every: torch.Tensor = model(input_ids=pieces, attention_mask=there).logits
        return every[torch.arange(len(at), device=at.device), at]

    width = int(config.get("hidden_size") or config.get("dim") or 768)
    positions = positions_for(free_bytes(device), width, pieces, MOST_POSITIONS[device.type])
    context = int(config.get("max_position_embeddings") or 0)
    if str(config.get("model_type")) in OFFSET_POSITIONS and context:
        context -= 2
    return MaskedModel(name, hash, scores, spelling, device, context, positions)


#: Architectures whose first two positions stand for padding.
OFFSET_POSITIONS = ("roberta", "xlm-roberta", "camembert", "longformer")
