"""Prefixes of texts that grow word by word: each is scored from the keys and values of the one it grows out of.

A row is a distinct beginning, so particles that share one share its keys and values. Its cache holds all its pieces but the last, which is
read with what follows it. A longer text may be spelled otherwise than its beginning: then the row is cut back to the pieces they share.
"""

from collections.abc import Sequence
from itertools import takewhile

import numpy as np
import numpy.typing as npt
import torch

from searchgen.errors import RequestError
from searchgen.lm.neural.batches import SHARE, free_bytes, is_memory
from searchgen.lm.neural.network import Network, alone_after_fork
from searchgen.lm.neural.pieces import PieceModel
from searchgen.lm.neural.score_cache import Kept
from searchgen.lm.neural.spelling.spelling import UNSPELLED

__all__ = ["Incremental", "log_probs_above"]

Floats = npt.NDArray[np.float64]

#: Shares of a text's pieces after which its partial score is looked at, where a bound may end the reading.
PORTIONS = (0.4, 0.7, 1.0)

#: Room for further places is made in such portions.
PORTION = 32


#: Positions that the output layer sees at once: every one of them has a score for each piece.
PASS = 2048


class Incremental:
    """Prefixes of texts, generation after generation.

    Attributes:
        model: scores them.
        network: that of the model.
        cached: whether keys and values are kept; without them, or if they do not fit, every beginning is read anew.
    """

    def __init__(self, model: PieceModel, network: Network, cached: bool = True) -> None:
        """Begin with no text.

        Args:
            model: a causal model.
            network: that it computes with.
            cached: whether to keep keys and values, where the network allows it.
        """
        alone_after_fork()
        self.model, self.network, self.cached = model, network, cached and network.cache is not None
        self._rows: list[list[int]] = [list(model.spelling.before[:1])]
        self._log_p: list[Floats] = [np.zeros(0)]
        self._row_of = np.zeros(1, np.int64)
        self._seen = network.cache.nothing_seen(1) if network.cache is not None else None

    def log_probs(self, texts: Sequence[str], parents: npt.NDArray[np.int64]) -> Floats:
        """Return natural log p of prefixes, without any end, (n,) float64; -inf of one that cannot be spelled.

        Args:
            texts: printed prefixes.
            parents: (n,) for each, which text of the last call it grows out of; in the first call 0.

        Raises:
            RequestError: a text is too long.
        """
        distinct: dict[str, int] = {}
        for i, text in enumerate(texts):
            distinct.setdefault(text, i)
        rows = self.model.spelling.spell_begun(list(distinct)) if distinct else []
        parent = self._row_of[parents[list(distinct.values())]]
        self.model.usage.evaluations += len(texts)
        self.model.usage.duplicates += len(texts) - len(distinct)
        sums = self.log_probs_of(list(distinct), rows, parent)
        number = {text: row for row, text in enumerate(distinct)}
        self._row_of = np.array([number[text] for text in texts], np.int64)
        return np.asarray(sums[self._row_of])

    def log_probs_of(self, texts: list[str], rows: list[list[int]], parent: npt.NDArray[np.int64]) -> Floats:
        """Return natural log p of distinct rows of pieces, (n,) float64, which grow out of rows `parent` (n,) of the last call.

        Args:
            texts: what the rows spell, for messages.
            rows: with all that stands before texts.
            parent: (n,) int64.
        """
        log_p: list[Floats] | None = None
        if self.cached and rows and self._fits(rows):
            try:
                log_p = self._extended(texts, rows, parent)
            except (RuntimeError, MemoryError) as error:  # torch's own is a RuntimeError
                if not is_memory(error):
                    raise
                self.model.usage.halvings += 1
        if log_p is None:
            # From now on without: what was kept does not belong to these rows.
            self.cached, self._seen = False, None
            log_p = self.model.scored_rows(texts, rows)
        self._rows, self._log_p = rows, log_p
        return np.array([row_log_p.sum() for row_log_p in log_p], np.float64)

    def _fits(self, rows: list[list[int]]) -> bool:
        network = self.network
        assert network.cache is not None
        longest = max(map(len, rows))
        if network.context and longest > network.context:
            return False
        # What is kept, the copies of a selection, and those that the library makes.
        needed = 3 * network.cache.place_bytes * len(rows) * (longest + PORTION)
        return bool(needed < SHARE * free_bytes(network.device))

    def _extended(self, texts: list[str], rows: list[list[int]], parent: npt.NDArray[np.int64]) -> list[Floats]:
        """Return log p of the scored pieces of each row, reading only what its parent's cache lacks."""
        network, before = self.network, len(self.model.spelling.before)
        assert network.cache is not None
        assert self._seen is not None
        start = np.array([_shared(row, self._rows[p]) - 1 for row, p in zip(rows, parent, strict=True)])
        lengths = np.array([len(row) for row in rows])
        width = max(1, int((lengths - 1 - start).max()))
        pieces, target = np.zeros((2, len(rows), width), np.int64)
        for i, row in enumerate(rows):
            read = row[start[i] :]
            pieces[i, : len(read) - 1], target[i, : len(read) - 1] = read[:-1], read[1:]
        impossible = target == UNSPELLED
        pieces, target = np.maximum(pieces, 0), np.maximum(target, 0)
        at, column = np.nonzero(np.arange(width)[None, :] < (lengths - 1 - start)[:, None])
        capacity = -(-int((start + width).max()) // PORTION) * PORTION
        with torch.inference_mode():
            self._seen = self._seen.select(torch.from_numpy(parent).to(network.device)).widened(capacity)
            hidden = network.cache.extend(
                torch.from_numpy(pieces).to(network.device), torch.from_numpy(start).to(network.device), self._seen
            )
            flat = torch.from_numpy(at * width + column).to(network.device)
            needed = hidden.reshape(-1, hidden.shape[-1]).index_select(0, flat)
            wanted = torch.from_numpy(target[at, column]).to(network.device)
            parts = [
                self._log_p_of(h, w) for h, w in zip(torch.split(needed, PASS), torch.split(wanted, PASS), strict=True)
            ]
        new_log_p = np.concatenate([*parts, np.zeros(0)])
        new_log_p[impossible[at, column]] = -np.inf
        usage = self.model.usage
        usage.forwards += 1
        usage.texts += len(rows)
        usage.tokens += len(at)
        usage.padding += pieces.size - len(at)
        usage.spared += int(start.sum())
        new = np.split(new_log_p, np.cumsum(np.bincount(at, minlength=len(rows)))[:-1])
        # A row's log p begins with its first scored piece; what stands before texts has none.
        kept = [
            self._log_p[p][: s + 1 - before] if s + 1 > before else np.zeros(0)
            for s, p in zip(start, parent, strict=True)
        ]
        joined = [
            np.concatenate([old, own[max(0, before - s - 1) :]]) for old, own, s in zip(kept, new, start, strict=True)
        ]
        self.model.refuse_nan(texts, joined)
        return joined

    def _log_p_of(self, hidden: torch.Tensor, target: torch.Tensor) -> Floats:
        scores = self.network.head(hidden)
        log_p = -torch.nn.functional.cross_entropy(scores.float(), target, reduction="none")
        values: Floats = log_p.cpu().numpy().astype(np.float64)
        return values


def _shared(row: list[int], other: list[int]) -> int:
    """Return how many pieces two rows have in common at their beginning."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(row, other, strict=False)))


def log_probs_above(model: PieceModel, network: Network, texts: Sequence[str], bounds: Floats, kept: Kept) -> Floats:
    """Return natural log p of texts, (n,) float64, or an upper bound of it that is not above the text's bound; whole scores are kept.

    Args:
        model: a causal model.
        network: that it computes with, which reads on from keys and values.
        texts: printed texts.
        bounds: (n,) for each; of equal texts the lowest counts.
        kept: scores of texts that were read to the end.

    Raises:
        RequestError: the network keeps no keys and values.
    """
    growing = Incremental(model, network)
    if not growing.cached:
        raise RequestError(
            f"{model.name} keeps no keys and values here, so it cannot reject texts early; drop early=true"
        )
    lowest: dict[str, float] = {}
    for text, bound in zip(texts, bounds.tolist(), strict=True):
        lowest[text] = min(bound, lowest.get(text, np.inf))
    going = [text for text in lowest if text not in kept.scores]
    usage = model.usage
    usage.evaluations += len(texts)
    usage.duplicates += len(texts) - len(lowest)
    usage.cache_hits += len(lowest) - len(going)
    spelled = dict(zip(going, model.spelling.spell(going) if going else [], strict=True))
    partial: dict[str, float] = {}
    parents = np.zeros(len(going), np.int64)
    for share in PORTIONS:
        if not going:
            break
        rows = [
            spelled[text][: max(len(model.spelling.before), int(np.ceil(share * len(spelled[text]))))] for text in going
        ]
        sums = growing.log_probs_of(going, rows, parents)
        partial.update(zip(going, sums.tolist(), strict=True))
        if share < 1.0:
            good = [i for i, text in enumerate(going) if partial[text] > lowest[text]]
            usage.cut_short += len(going) - len(good)
            going, parents = [going[i] for i in good], np.array(good, np.int64)
    kept.scores.update((text, partial[text]) for text in going)
    return np.array([kept.scores.get(text, partial.get(text, -np.inf)) for text in texts])
