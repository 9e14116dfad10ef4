"""Token classes and automaton states as the guide numbers them, and the mass under the unigram model that scales everything.

Only the states R_c = {next[s, c]} can follow a token of class c. Classes of words after which the automaton goes on in the same
way are **aligned**: their states are listed in one order in which words of aligned classes change nothing, so that a sum over
children is a sum of whole rows. Nearly all words are in such classes: those no constraint speaks of.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from searchgen.errors import RequestError
from searchgen.guide.lengths import Lengths
from searchgen.guide.recursion import add_class_masses
from searchgen.guide.tables import CLASS, PLACE
from searchgen.kernels.shares import JOIN
from searchgen.lm.ngram.tables import END
from searchgen.problem import Problem

__all__ = ["StateLayout", "UnigramMass"]

Array = npt.NDArray[np.int64]

#: More punctuation tokens in a row than any sensible constraint allows.
LEVEL_LIMIT = 100


@dataclass(frozen=True, eq=False)
class Classes:
    """Live tokens by automaton class, split into words and punctuation.

    Attributes:
        cls: (V',) int16 class of a token, -1 = it can never be part of a text.
        word: (K,) whether the tokens of a class count as words.
        hyphen: (K,) whether they join two words.
        table: (S, K) int32 next state.
        unigram: (V',) p(w)^b exp(weight) of each token.
        mass: (K,) sum of that over the tokens of each class.
        count: (K,) number of tokens.
    """

    cls: npt.NDArray[np.int16]
    word: npt.NDArray[np.bool_]
    hyphen: npt.NDArray[np.bool_]
    table: npt.NDArray[np.int32]
    unigram: npt.NDArray[np.float64]
    mass: npt.NDArray[np.float64]
    count: Array

    @staticmethod
    def of(problem: Problem) -> "Classes":
        """Read the classes off a problem."""
        token = problem.token
        live = np.asarray(problem.next.any(axis=0), np.bool_)[token["cls"]]
        live[: END + 1] = False  # <unk>, <s>, </s> never stand inside a text, whatever the automaton says
        if problem.hyphens[0] == 0:
            live &= token["word"] != JOIN
        code = np.where(live, 3 * token["cls"].astype(np.int64) + np.minimum(token["word"], 2), 0)
        present = np.zeros(3 * problem.next.shape[1] + 1, np.bool_)
        present[code[live]] = True
        number = np.cumsum(present) - 1
        cls = np.where(live, number[code], -1).astype(np.int16)
        kept = np.flatnonzero(present)
        log_p = problem.ngram.node["log_p"][1 + token["model"]].astype(np.float64)
        unigram = np.exp(problem.beta[0] * log_p + token["weight"])
        mass = np.bincount(cls + 1, unigram, len(kept) + 1)[1:]
        count = np.bincount(cls + 1, minlength=len(kept) + 1)[1:].astype(np.int64)
        table = np.ascontiguousarray(problem.next[:, kept // 3])
        return Classes(cls, kept % 3 == 1, kept % 3 == 2, table, unigram, mass.astype(np.float64), count)

    def ordered(self, order: Array) -> "Classes":
        """Return the same classes numbered in another order."""
        number = np.append(np.argsort(order), -1).astype(np.int16)
        table = np.ascontiguousarray(self.table[:, order])
        word, hyphen = self.word[order], self.hyphen[order]
        return Classes(number[self.cls], word, hyphen, table, self.unigram, self.mass[order], self.count[order])

    def down(self, period: int) -> Array:
        """Return by how many layers the tokens of each class lead down, (K,)."""
        return np.where(self.word, period, np.where(self.hyphen, 1, 0))


@dataclass(frozen=True, eq=False)
class UnigramMass:
    """The recursion under the unigram model alone: which states can still be completed by t words, and roughly how much they weigh.

    Attributes:
        value: (L, S) mass of completions by the words and hyphens of each layer, the largest of the layers of a number of words 1; 0
            exactly where there is none.
        log_scale: (L,) natural log of what each layer was divided by, the same for all layers of a number of words.
        level: (S,) int8, the most punctuation tokens in a row from each state on.
    """

    value: npt.NDArray[np.float64]
    log_scale: npt.NDArray[np.float64]
    level: npt.NDArray[np.int8]

    @staticmethod
    def of(problem: Problem, classes: Classes) -> "UnigramMass":
        """Compute all layers up to the most words of the window."""
        lengths, states = Lengths.of(problem), len(problem.next)
        period = lengths.period
        level = punctuation_levels(classes)
        by_level = [np.flatnonzero(level == depth) for depth in range(level.max() + 1)]
        words, hyphens = np.flatnonzero(classes.word), np.flatnonzero(classes.hyphen)
        others = np.flatnonzero(~classes.word & ~classes.hyphen)
        live = np.arange(1, states)
        value, log_scale = np.zeros((lengths.layers, states)), np.zeros(lengths.layers)
        value[0, problem.accept] = np.exp(problem.beta[0] * np.float64(problem.ngram.node["log_p"][1 + END]))
        for layers in lengths.computed():
            for t in layers:
                if t >= period:
                    add_class_masses(classes.table, live, words, classes.mass, value[t - period], value[t])
                if t and len(hyphens):
                    add_class_masses(classes.table, live, hyphens, classes.mass, value[t - 1], value[t])
                for which in by_level[1:]:
                    add_class_masses(classes.table, which, others, classes.mass, value[t], value[t])
            block = slice(layers[-1] // period * period, layers[-1] + 1)
            largest = value[block].max() or 1.0
            value[block] /= largest
            log_scale[block] = np.log(largest) + (log_scale[block.start - period] if block.start else 0.0)
        return UnigramMass(value, log_scale, level)


def punctuation_levels(classes: Classes) -> npt.NDArray[np.int8]:
    """Return the most tokens in a row that count no word, from each state on.

    Raises:
        RequestError: there may be any number of them, so a window of words does not bound a text.
    """
    table = classes.table[:, ~classes.word & ~classes.hyphen]
    level = np.zeros(len(table), np.int64)
    while table.shape[1]:
        longer = np.where(table > 0, level[table] + 1, 0).max(axis=1)
        if (longer == level).all():
            break
        if longer.max() > LEVEL_LIMIT:
            raise RequestError(
                "the constraints allow punctuation without end, so texts have no longest length; limit the punctuation"
            )
        level = longer
    return level.astype(np.int8)


@dataclass(frozen=True, eq=False)
class StateLayout:
    """Classes in their final order with the states of each.

    Attributes:
        classes: aligned classes first, then other words, then punctuation.
        kind: (K + 2,) CLASS; the last two are the start of a text and the root.
        place: (P,) PLACE, the states of each class in turn.
        target: (K, S) int32 place of next[s, c] among the states of c, -1 = dead.
        aligned: number of aligned classes.
    """

    classes: Classes
    kind: npt.NDArray[np.void]
    place: npt.NDArray[np.void]
    target: npt.NDArray[np.int32]
    aligned: int

    @staticmethod
    def of(classes: Classes, mass: UnigramMass, period: int = 1) -> "StateLayout":
        """Find the states of each class and the aligned classes, where a word leads down by `period` layers."""
        table = classes.table
        possible = mass.value > 0.0
        needed = np.where(possible.any(axis=0), possible.argmax(axis=0), len(possible))
        reached = [_reached(table[:, c], needed) for c in range(table.shape[1])]
        aligned = _aligned(classes, reached, possible)
        plain = [c for c in range(len(reached)) if c not in aligned]
        order = np.array([*aligned, *(c for c in plain if classes.word[c]), *(c for c in plain if not classes.word[c])])
        lists = [*(aligned[c] for c in aligned), *(reached[c] for c in order[len(aligned) :])]
        start = np.array([1], np.int64)
        lists += [start, np.arange(len(table))]
        kind = np.zeros(len(lists), CLASS)
        kind["size"] = [len(states) for states in lists]
        kind["start"] = np.cumsum(kind["size"]) - kind["size"]
        kind["word"][: len(order)] = classes.word[order]
        kind["down"][: len(order)] = classes.down(period)[order]
        place = np.zeros(int(kind["size"].sum()), PLACE)
        place["state"] = place["scaled_by"] = np.concatenate(lists)
        if aligned:
            width = int(kind["size"][0])
            place["scaled_by"][: width * len(aligned)] = np.tile(place["state"][:width], len(aligned))
        final = classes.ordered(order)
        target = np.full((len(order), len(table)), -1, np.int32)
        for c in range(len(order)):
            number = np.full(len(table), -1, np.int32)
            number[lists[c]] = np.arange(len(lists[c]))
            target[c] = number[final.table[:, c]]
        return StateLayout(final, kind, place, target, len(aligned))


def _reached(column: npt.NDArray[np.int32], needed: Array) -> Array:
    """Return the live states in a column of the table, those that need the fewest words first."""
    seen = np.zeros(len(needed), np.bool_)
    seen[column] = True
    seen[0] = False
    states = np.flatnonzero(seen)
    return states[np.argsort(needed[states], kind="stable")]


def _aligned(classes: Classes, reached: list[Array], possible: npt.NDArray[np.bool_]) -> dict[int, Array]:
    """Return the aligned classes, the one with most tokens first, each with its states in the common order."""
    words = np.flatnonzero(classes.word)
    if len(words) == 0:
        return {}
    first = int(words[np.argmax(classes.count[words])])
    table, width = classes.table, len(reached[first])
    place = np.full(len(table), -1)
    place[reached[first]] = np.arange(width)
    aligned: dict[int, Array] = {}
    for c in (first, *(int(c) for c in words if c != first)):
        if len(reached[c]) != width:
            continue
        column = place[table[reached[c], first]]
        if not np.array_equal(np.sort(column), np.arange(width)):
            continue
        states = reached[c][np.argsort(column)]
        same = all(np.array_equal(table[aligned[d], c], states) for d in aligned)
        same &= all(np.array_equal(table[states, d], aligned[d]) for d in aligned)
        same &= np.array_equal(table[states, c], states)
        if same and np.array_equal(possible[:, states], possible[:, aligned.get(first, states)]):
            aligned[c] = states
    return aligned if first in aligned else {}
