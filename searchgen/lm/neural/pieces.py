"""Whole-text scores of a causal network, whatever computes it.

    log p(text) = sum over t of log p(piece_t | pieces before it),   the pieces of the text and of its end

Batched by length, each distinct text once. Sums are 64-bit, on the host.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import cached_property

import numpy as np
import numpy.typing as npt

from searchgen.errors import ModelFileError, Outage, RequestError
from searchgen.lm.boundaries import PrefixLogProbs, compact_length, prefix_log_probs
from searchgen.lm.neural.batches import FEWEST_POSITIONS, batches, is_memory
from searchgen.lm.neural.score_cache import Kept, Recent, Usage
from searchgen.lm.neural.spelling.spelling import UNSPELLED, Spelling
from searchgen.lm.neural.top_pieces import Expected, Scored
from searchgen.lm.prefix_scores import ReadAnew
from searchgen.lm.protocol import PrefixScorer

__all__ = ["PieceModel"]

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]


class PieceModel:
    """A causal network as a law over printed texts.

    Attributes:
        name: as the user named it.
        hash: of the contents of its files and of the settings.
        spelling: texts to pieces.
        usage: counts so far.
    """

    name: str
    hash: str
    spelling: Spelling
    usage: Usage

    @property
    def uncached(self) -> Mapping[str, str]:
        """Why a network that might keep keys and values does not, by name; empty if it does, or never could."""
        return {}

    def _ready(self, context: int, positions: int) -> None:
        """Say how many positions the network reads (0: any number), and how many a pass has."""
        self._kept = Kept(self.usage)
        self._recent: Recent[Scored] = Recent()
        self._noted = 0
        self._context, self._most, self._positions = context, positions, positions

    @cached_property
    def expectable(self) -> Mapping[str, int] | None:
        """The pieces it can tell that it expects, with their ids; None: it cannot tell, or not where its pieces stand."""
        spelling = self.spelling
        if spelling.vocabulary is None or spelling.offsets is None:
            return None
        return {piece: number for piece, number in spelling.vocabulary().items() if 0 <= number < spelling.size}

    def _compute(self, padded: Places, at: Places, target: Places, most: int) -> Scored:
        """Return natural log p of pieces (N,), and so many of the most probable ones in their places: one pass.

        Args:
            padded: (B, L) pieces; right of a position nothing matters to it.
            at: (N,) flat positions that pieces come after.
            target: (N,) those pieces.
            most: K of `Scored`.
        """
        raise NotImplementedError

    @property
    def _read_before(self) -> int:
        """How many pieces of what stands before every text are read once only."""
        return 0

    def _make_room(self) -> None:
        """Give back memory before a smaller pass."""

    @property
    def label(self) -> str:
        """Name and hash, as records show them."""
        return f"{self.name}@{self.hash[:12]}"

    def log_probs(self, texts: Sequence[str]) -> Floats:
        """Return natural log p of printed texts, (n,) float64; a text that was scored before keeps its score.

        A text that the tokenizer cannot spell has -inf.

        Raises:
            RequestError: a text is too long, or its score is not a number.
        """
        return self._kept.of(texts, lambda new: np.array([scored.log_p.sum() for scored in self._pieces(new)]))

    def prefix_log_probs(self, texts: Sequence[str]) -> list[PrefixLogProbs]:
        """Return log p of every beginning of texts that ends where a piece ends, and of their ends; the texts scored last are known.

        Raises:
            RequestError: as for `log_probs`; or the tokenizer does not tell where its pieces stand.
        """
        scored, prefixes = self._pieces(texts), []
        for text, places, pieces in zip(texts, self.spelling.places(texts), scored, strict=True):
            prefixes.append(prefix_log_probs(*places, compact_length(text), pieces.log_p))
        return prefixes

    def expected(self, texts: Sequence[str]) -> list[Expected]:
        """Return what it expects at every place of texts, as `note_expected` has asked; the texts scored last are known.

        Raises:
            RequestError: as for `prefix_log_probs`.
        """
        places = self.spelling.places(texts)
        return [Expected(starts, scored) for (starts, _), scored in zip(places, self._pieces(texts), strict=True)]

    def note_expected(self, most: int) -> None:
        """Note so many of the pieces it expects at every place of the texts that it scores from now on; 0: none."""
        self._noted = most

    def growing(self) -> PrefixScorer:
        """Return what scores prefixes of texts that grow: here each is read anew."""
        return ReadAnew(self.usage, self._without_end)

    def _without_end(self, texts: list[str]) -> Floats:
        rows = self.spelling.spell_begun(texts) if texts else []
        return np.array([log_p.sum() for log_p in self.scored_rows(texts, rows)], np.float64)

    def fits(self, texts: Sequence[str]) -> list[bool]:
        """Return which texts are short enough to be read."""
        rows = self.spelling.spell(list(texts))
        return [not self._context or len(row) <= self._context for row in rows]

    def counted(self) -> dict[str, int]:
        """Return what it has done so far, by name."""
        return asdict(self.usage)

    def forget(self) -> None:
        """Drop the scores kept, so that the next ones are computed anew, in passes as large as at the start."""
        self._kept.scores.clear()
        self._recent.results.clear()
        self._noted = 0
        self._positions = self._most

    def _pieces(self, texts: Sequence[str]) -> list[Scored]:
        return self._recent.of(texts, self._scored)

    def _scored(self, texts: list[str]) -> list[Scored]:
        """Return the pieces of each text, its end included."""
        return self._scored_rows(texts, self.spelling.spell(texts) if texts else [])

    def scored_rows(self, texts: Sequence[str], rows: Sequence[list[int]]) -> list[Floats]:
        """Return log p of the pieces of each row after what stands before all texts; `texts` names them in errors."""
        return [scored.log_p for scored in self._scored_rows(texts, rows)]

    def _scored_rows(self, texts: Sequence[str], rows: Sequence[list[int]]) -> list[Scored]:
        longest = max(map(len, rows), default=0)
        if self._context and longest > self._context:
            text = texts[max(range(len(rows)), key=lambda i: len(rows[i]))]
            raise RequestError(
                f"a text of {longest} pieces, {text[:40]!r}..., is longer than the {self._context} that {self.name} can read; "
                "ask for shorter texts"
            )
        scores: dict[int, Scored] = {}
        todo = list(self._batches(rows))[::-1]
        while todo:
            batch = todo.pop()
            try:
                scores.update(zip(batch, self._pass([rows[i] for i in batch]), strict=True))
            except Exception as error:  # each library has its own that says so
                if not is_memory(error):
                    raise self._failed(error) from None
                todo += self._halves(batch)
        scored = [scores[i] for i in range(len(rows))]
        self.refuse_nan(texts, [row.log_p for row in scored])
        return scored

    def _batches(self, rows: Sequence[list[int]]) -> Iterator[list[int]]:
        """Yield the indices of rows that go through the network together."""
        return batches([len(row) for row in rows], self._positions)

    def _failed(self, error: Exception) -> ModelFileError:
        """Return what a network that cannot be computed is refused with: sizes of config.json are tried here first, on real texts."""
        reason = " ".join(str(error).split())[:160] or type(error).__name__
        return ModelFileError(f"{self.name}: the network cannot be computed ({reason}); fetch the model again")

    def refuse_nan(self, texts: Sequence[str], scores: Sequence[Floats]) -> None:
        """Refuse scores that are no numbers.

        Raises:
            ModelFileError: it names the text.
        """
        for text, log_p in zip(texts, scores, strict=True):
            if np.isnan(log_p).any():
                raise ModelFileError(
                    f"{self.name}: the score of {text[:80]!r} is not a number; try --dtype float32, or fetch the model again: "
                    "its weights may be damaged"
                )

    def _halves(self, batch: list[int]) -> list[list[int]]:
        """Return the two halves of a batch that did not fit, and ask for smaller ones from now on."""
        if len(batch) == 1:
            raise Outage(
                f"out of memory: {self.name} leaves no room for one text; try --dtype bfloat16 or --device cpu"
            )
        self._make_room()
        self._positions = max(FEWEST_POSITIONS, self._positions // 2)
        self.usage.halvings += 1
        middle = len(batch) // 2
        return [batch[middle:], batch[:middle]]

    def _pass(self, rows: list[list[int]]) -> list[Scored]:
        """Return the scored pieces of each text of one batch."""
        first = len(self.spelling.before) - 1
        lengths = np.array([len(row) for row in rows])
        padded = np.zeros((len(rows), lengths.max()), np.int64)
        for row, pieces in zip(padded, rows, strict=True):
            row[: len(pieces)] = pieces
        # Where a scored piece comes next: from the last of what stands before the text to the last but one of all.
        scored = np.arange(padded.shape[1] - 1)[None, :] < (lengths - 1)[:, None]
        scored[:, :first] = False
        at, column = np.nonzero(scored)
        target = padded[at, column + 1]
        impossible = target == UNSPELLED
        padded, target = np.maximum(padded, 0), np.maximum(target, 0)
        # The last piece is never a context.
        flat = at * (padded.shape[1] - 1) + column
        scored_pieces = self._compute(padded[:, :-1], flat, target, self._noted)
        scored_pieces.log_p[impossible] = -np.inf
        self.usage.forwards += 1
        self.usage.texts += len(rows)
        self.usage.tokens += int((lengths - 1 - self._read_before).sum())
        self.usage.spared += self._read_before * len(rows)
        self.usage.padding += int(padded[:, 1:].size - (lengths - 1).sum())
        return scored_pieces.split(np.cumsum(lengths - 1 - first)[:-1])
