"""The recursion of the guide, layer by layer.

    F(h, s) = sum over children w of h of [ p(w|h)^b B(d(s,w), next(h,w)) - (bo(h) p(w|h'))^b B(d(s,w), next(h',w)) ] + bo(h)^b F(h', s)

`edges` holds the terms of the sum; here they are summed up, for rows of aligned classes as sums of whole rows.
"""

from typing import Any

import numpy as np

from searchgen.guide.tables import PERIOD, PITCH, SPECIAL, STRIDE
from searchgen.kernels.compiled import inner, kernel

__all__ = ["add_class_masses", "add_words", "aligned_layer", "expand", "finish"]

#: A term of a sum of probabilities is never rounded to zero: whether a sum is zero says what is impossible.
TINY = 1e-300


@kernel
def add_class_masses(table: Any, which: Any, columns: Any, mass: Any, source: Any, out: Any) -> None:
    """Add, to out[s] of some states, the sum over some classes c of mass[c] * source[table[s, c]]."""
    for s in which:
        total = out[s]
        for c in columns:
            value = source[table[s, c]]
            if value > 0.0 and mass[c] > 0.0:
                total += max(mass[c] * value, TINY)
        out[s] = total


@inner
def _gather(guide: Any, low: Any, high: Any, t: Any, factor: Any, cls: Any, level: Any, total: Any, out: Any) -> None:
    """Add to out[i], for the states of a class, what edges low ... high - 1 carry to layer t from lower ones, class by class."""
    e = low
    own = guide.kind[cls]
    while e < high:
        c = guide.row[guide.edge[e].row].cls
        child = guide.kind[c]
        source = t - child.down
        total[: child.size] = 0.0
        while e < high and guide.row[guide.edge[e].row].cls == c:
            if source >= 0:
                coefficient = guide.edge[e].coefficient
                at = source * guide.size[STRIDE] + guide.row[guide.edge[e].row].offset
                value = guide.value[at : at + child.size]
                for j in range(child.size):
                    total[j] += coefficient * value[j]
            e += 1
        if source < 0:
            continue
        for j in range(child.size):
            total[j] *= factor * guide.mass[source, guide.place[child.start + j].scaled_by]
        for i in range(own.size):
            s = guide.place[own.start + i].state
            if level < 0 or guide.level[s] == level:
                at = guide.target[c, s]
                if at >= 0:
                    out[i] += total[at]


@kernel
def add_words(guide: Any, problem: Any, t: Any, which: Any, base: Any, total: Any) -> None:
    """Set, for rows that are not aligned, `base` to what comes through words (at t = 0: through the end of the text)."""
    for r in which:
        row = guide.row[r]
        own = guide.kind[row.cls]
        out = base[row.offset : row.offset + own.size]
        out[:] = 0.0
        if t >= guide.size[PERIOD]:
            _gather(guide, row.start, row.punctuation, t, guide.step[t], row.cls, -1, total, out)
        elif t == 0:
            for i in range(own.size):
                if problem.accept[guide.place[own.start + i].state]:
                    out[i] = row.ending * guide.step[0]


@kernel
def finish(guide: Any, t: Any, which: Any, level: Any, base: Any, total: Any, sums: Any) -> None:
    """Set the values of rows to base + punctuation + backoff * parent; only at states of one level, if it is >= 0.

    Punctuation leads to a lower level of the same layer, a hyphen to a lower layer, so levels are finished from 0 on.
    """
    layer = t * guide.size[STRIDE]
    for r in which:
        row = guide.row[r]
        own = guide.kind[row.cls]
        out = sums[: own.size]
        out[:] = 0.0
        if r < guide.size[SPECIAL]:
            for i in range(own.size):
                out[i] = base[row.offset + i]
        _gather(guide, row.punctuation, row.end, t, 1.0, row.cls, level, total, out)
        for i in range(own.size):
            s = guide.place[own.start + i].state
            scale = guide.mass[t, guide.place[own.start + i].scaled_by]
            if level >= 0 and guide.level[s] != level:
                continue
            if row.parent == 0:
                out[i] += row.backoff * guide.value[layer + s] * guide.mass[t, s]
            elif row.parent > 0:
                at = layer + guide.row[row.parent].offset + i
                out[i] += row.backoff * guide.value[at] * scale
            guide.value[layer + row.offset + i] = out[i] / scale if scale > 0.0 else 0.0


@kernel
def expand(guide: Any, t: Any, low: Any, high: Any, pairs: Any, inverse: Any, out: Any) -> None:
    """Lay rows that are not aligned out as aligned classes see them: out (A * SPECIAL * PITCH,).

    Args:
        guide: its tables.
        t: the layer.
        low: first pair.
        high: last pair + 1.
        pairs: (n, 2) aligned class and row.
        inverse: (WIDTH,) 1 / mass of each column; 0 where nothing is possible.
        out: the rows.
    """
    for i in range(low, high):
        own = guide.kind[pairs[i, 0]]
        row = guide.row[pairs[i, 1]]
        child = guide.kind[row.cls]
        source = t - child.down
        if source < 0:
            continue
        values = guide.value[source * guide.size[STRIDE] + row.offset :]
        factor = guide.step[t] if child.word else 1.0
        seen = out[(pairs[i, 0] * guide.size[SPECIAL] + pairs[i, 1]) * guide.size[PITCH] :]
        for j in range(own.size):
            at = guide.target[row.cls, guide.place[own.start + j].state]
            if at >= 0 and inverse[j] > 0.0:
                mass = guide.mass[source, guide.place[child.start + at].scaled_by]
                seen[j] = factor * values[at] * mass * inverse[j]
            else:
                seen[j] = 0.0


@kernel
def aligned_layer(guide: Any, t: Any, low: Any, high: Any, columns: Any, factor: Any, ending: Any, seen: Any) -> None:
    """Compute layer t of aligned rows low ... high - 1, a block of columns at a time so that a block stays in cache.

    Args:
        guide: its tables.
        t: the layer.
        low: first row.
        high: last row + 1.
        columns: (3,) first and last column + 1 to compute, and columns in a block.
        factor: (WIDTH,) turns a value of the layer with one word less into one of layer t.
        ending: (A, WIDTH) accepting states at t = 0 in units of their scale; zero later.
        seen: (A * SPECIAL * PITCH,) see `expand`.
    """
    special, layer = guide.size[SPECIAL], t * guide.size[STRIDE]
    pitch, period = guide.size[PITCH], guide.size[PERIOD]
    before = layer - period * guide.size[STRIDE] + guide.row[special].offset if t >= period else 0
    for block in range(columns[0], columns[1], columns[2]):
        n = min(columns[2], columns[1] - block)
        for r in range(low, high):
            row = guide.row[r]
            at = layer + row.offset + block
            out = guide.value[at : at + n]
            if t >= period:
                out[:] = 0.0
                for e in range(row.start, row.middle):
                    coefficient = guide.edge[e].coefficient
                    at = before + (guide.edge[e].row - special) * pitch + block
                    value = guide.value[at : at + n]
                    for j in range(n):
                        out[j] += coefficient * value[j]
                for j in range(n):
                    out[j] *= factor[block + j]
            else:
                for j in range(n):
                    out[j] = row.ending * ending[row.cls, block + j]
            for e in range(row.middle, row.end):
                coefficient = guide.edge[e].coefficient
                at = (row.cls * special + guide.edge[e].row) * pitch + block
                value = seen[at : at + n]
                for j in range(n):
                    out[j] += coefficient * value[j]
            at = layer + guide.row[row.parent].offset + block
            parent = guide.value[at : at + n]
            backoff = np.float64(row.backoff)
            for j in range(n):
                out[j] += backoff * parent[j]
