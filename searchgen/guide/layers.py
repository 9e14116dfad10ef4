"""The order in which the rows of a layer are computed, and the sharing of the work over threads."""

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from searchgen.guide.lengths import Lengths
from searchgen.guide.recursion import add_words, aligned_layer, expand, finish
from searchgen.guide.state_layout import StateLayout
from searchgen.guide.tables import PERIOD, PITCH, SPECIAL, STRIDE, GuideTables
from searchgen.problem import Problem

__all__ = ["Layers", "shared"]

Array = npt.NDArray[np.int64]

#: Bytes of the rows of a block of columns: what stays in a core's own cache while edges jump between rows.
BLOCK_BYTES = 600_000

#: Look-ups below which a second thread does not pay.
SHARED_FROM = 20_000


def shared(cost: npt.NDArray[Any], work: Callable[[int, int], object], pool: Executor | None, threads: int) -> None:
    """Call work(low, high) on parts of about equal cost that cover all items, at once in as many threads.

    Args:
        cost: (n,) cost of each item.
        work: does items low ... high - 1; releases the interpreter lock.
        pool: the threads; None: this one.
        threads: number of parts.

    Example:
        >>> shared(np.ones(4), lambda low, high: print(low, high), None, 2)
        0 4
    """
    if len(cost) == 0:
        return
    total = np.cumsum(cost)
    if pool is None or threads < 2 or len(cost) < 2 or total[-1] < SHARED_FROM:
        work(0, len(cost))
        return
    inner = np.searchsorted(total, total[-1] * np.arange(1, threads) / threads) + 1
    bounds = np.unique(np.concatenate([[0], np.minimum(inner, len(cost)), [len(cost)]])).tolist()
    list(pool.map(work, bounds[:-1], bounds[1:]))


@dataclass(frozen=True, eq=False)
class Layers:
    """One computation of all layers of a guide.

    Attributes:
        tables: the guide; its values are written.
        problem: the target.
        layout: classes and states.
        depth: (N,) depth of each row's context, 0 for the root rows.
        pairs: (n, 2) aligned class and row that is not aligned, where an edge leads from one to the other.
        log_scale: (T + 1,) natural log of the scale of each layer; later ones are adapted as layers are known.
        threads: threads to share the work over.
    """

    tables: GuideTables
    problem: Problem
    layout: StateLayout
    depth: Array
    pairs: Array
    log_scale: npt.NDArray[np.float64]
    threads: int

    def compute(self) -> None:
        """Write the values of every layer: first what punctuation leads to, level by level, then all other rows."""
        row, size = self.tables.row, self.tables.size
        special = int(size[SPECIAL])
        rows = np.arange(len(row))
        is_root = (self.depth == 0) & (rows > 0)
        context = rows[(rows < special) & ~is_root]
        word = self.layout.kind["word"][row["cls"]] > 0
        first = self._together(np.array([0]), rows[is_root], *self._by_depth(context[(context > 0) & ~word[context]]))
        later = self._together(*self._by_depth(context[word[context]]))
        aligned = [*self._by_depth(rows[(rows >= special) & ~is_root])]
        base = np.zeros(int(row["offset"][special - 1] + self._sizes([special - 1])[0]))
        seen = self._seen(aligned)
        levels = range(int(self.tables.level.max()) + 1)
        period = int(size[PERIOD])
        with ThreadPoolExecutor(self.threads) as pool:
            for layers in Lengths.of(self.problem).computed():
                after = (layers[-1] // period + 1) * period
                for t in layers:
                    self._words(t, context, base, pool)
                    for level in levels:
                        for group in first:
                            self._finish(t, group, level, base, pool)
                    for group in later:
                        self._finish(t, group, -1, base, pool)
                    if after < len(self.tables.mass):
                        self._aligned(t, aligned, seen, pool)
                if after < len(self.tables.mass):
                    self._rescale(layers, after)

    def _rescale(self, layers: list[int], after: int) -> None:
        """Absorb in the scale of all later layers how much the model outweighs the unigrams in the layers of a number of words."""
        begins = np.array(layers)[:, None] * int(self.tables.size[STRIDE])
        largest = float(self.tables.value[begins + np.arange(len(self.problem.next))].max())
        if largest > 0:
            self.tables.step[after : after + int(self.tables.size[PERIOD])] /= largest
            self.log_scale[after:] += np.log(largest)

    def _together(self, *groups: Array) -> list[Array]:
        """Return groups of rows, each of which needs the one before, as one group if that is too small to share."""
        if groups and sum(self._sizes(group).sum() for group in groups) < SHARED_FROM:
            return [np.concatenate(groups)]
        return list(groups)

    def _by_depth(self, rows: Array) -> Iterator[Array]:
        for depth in np.unique(self.depth[rows]):
            yield rows[self.depth[rows] == depth]

    def _sizes(self, rows: Any) -> Array:
        return np.asarray(self.layout.kind["size"][self.tables.row["cls"][rows]])

    @property
    def _widest(self) -> int:
        return int(self.layout.kind["size"].max())

    def _seen(self, aligned: list[Array]) -> npt.NDArray[Any]:
        """Room for what `expand` lays out; empty if there are no aligned contexts."""
        size = self.tables.size
        classes = self.layout.aligned if aligned else 0
        return np.zeros(classes * int(size[SPECIAL] * size[PITCH]), self.tables.value.dtype)

    def _words(self, t: int, which: Array, base: npt.NDArray[np.float64], pool: Executor) -> None:
        def work(low: int, high: int) -> None:
            add_words(self.tables, self.problem, t, which[low:high], base, np.empty(self._widest))

        row = self.tables.row[which]
        width = int(self.layout.kind["size"][0])
        shared((row["punctuation"] - row["start"]) * width + self._sizes(which), work, pool, self.threads)

    def _finish(self, t: int, which: Array, level: int, base: npt.NDArray[np.float64], pool: Executor) -> None:
        def work(low: int, high: int) -> None:
            finish(self.tables, t, which[low:high], level, base, np.empty(self._widest), np.empty(self._widest))

        shared(self._sizes(which), work, pool, self.threads)

    def _aligned(self, t: int, aligned: list[Array], seen: npt.NDArray[Any], pool: Executor) -> None:
        """Compute the aligned contexts of one layer."""
        if not aligned:
            return
        layout, tables = self.layout, self.tables
        width = int(layout.kind["size"][0])
        now = tables.mass[t, layout.place["scaled_by"][:width]]
        alive = np.flatnonzero(now > 0)
        if len(alive) == 0:
            return
        inverse = np.divide(1.0, now, out=np.zeros(width), where=now > 0)
        before = tables.mass[t - int(tables.size[PERIOD]), layout.place["scaled_by"][:width]]
        factor = (tables.step[t] * before * inverse).astype(tables.value.dtype)
        states = layout.place["state"][: layout.aligned * width].reshape(layout.aligned, width)
        ending = self.problem.accept[states] * (inverse * tables.step[0] * (t == 0))
        columns = np.array([alive[0], alive[-1] + 1, self._block()])

        def lay_out(low: int, high: int) -> None:
            expand(tables, t, low, high, self.pairs, inverse, seen)

        shared(np.full(len(self.pairs), width), lay_out, pool, self.threads)
        for group in aligned:
            start = int(group[0])

            def work(low: int, high: int, start: int = start) -> None:
                aligned_layer(tables, t, start + low, start + high, columns, factor, ending, seen)

            cost = (tables.row["end"][group] - tables.row["start"][group] + 2) * width
            shared(cost, work, pool, self.threads)

    def _block(self) -> int:
        rows = len(self.tables.row) - int(self.tables.size[SPECIAL])
        return max(64, BLOCK_BYTES // (rows * self.tables.value.itemsize) // 16 * 16)
