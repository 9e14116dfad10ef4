"""The guide: exact look-ahead over (context, automaton state, words left)."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt

from searchgen.errors import Impossible, RequestError
from searchgen.guide.contexts import Contexts, Entries, choose_contexts, entries_of
from searchgen.guide.draws import draw_many, log_mass_of_text
from searchgen.guide.recursion import GuideTables, add_marks, sum_words
from searchgen.lm.ngram.tables import BEGIN, UNKNOWN
from searchgen.problem import Problem

__all__ = ["Guide"]

Array = npt.NDArray[Any]

#: Beyond so many multiplications, or bytes of layers, the guide keeps only the most frequent words as contexts.
WORK_LIMIT = 3e9
MEMORY_LIMIT = 6e8
SMALLER = (8000, 4000, 2000, 1000, 500, 200, 100, 50, 20, 0)

#: The longest run of marks a guide settles; the automata of the text forms allow two.
LONGEST_RUN = 8


class Guide:
    """Masses of all completions, for the order-k truncation of the target's model.

    Attributes:
        tables: the recursion's arrays.
        log_masses: (T + 1,) natural log of the mass of texts with exactly t words; -inf outside the window.
        log_mass: natural log of the total.
        signed: whether draws have to scan all words.
    """

    def __init__(self, problem: Problem, tables: GuideTables, contexts: Contexts, room: int, signed: bool) -> None:
        """Wrap filled tables; `Guide.build` makes them."""
        self.problem, self.tables, self.room, self.signed = problem, tables, room, signed
        self._of_node = contexts.of_node
        self._begin = _begin_context(problem, contexts)
        kind, row = tables.kind[self._begin], tables.row[self._begin]
        at = tables.position[kind, 1]
        low, high = (int(edge) for edge in problem.window)
        masses = np.zeros(high + 1)
        masses[low:] = tables.mass[low : high + 1, row + at] if at >= 0 else 0.0
        with np.errstate(divide="ignore"):
            self.log_masses = np.log(np.maximum(masses, 0.0))
            self.log_mass = float(np.log(max(masses.sum(), 0.0)))

    @staticmethod
    def build(problem: Problem, *, room: int, order: int = 2, threads: int = 1) -> "Guide":
        """Run the recursion.

        Args:
            problem: the target.
            room: most tokens of a text.
            order: k, the order to which the model is truncated; the model's own order makes draws exact for the target.
            threads: threads of the recursion; the result does not depend on it.

        Raises:
            Impossible: no text of the window is accepted.
            RequestError: the automaton allows an endless run of punctuation.
        """
        order = min(order, int(problem.ngram.order[0]))
        contexts, tables = _prepare(problem, order)
        _fill(problem, tables, contexts, threads)
        guide = Guide(problem, tables, contexts, room, signed=order > 2)
        if guide.log_mass == -np.inf:
            low, high = problem.window
            raise Impossible(f"proved impossible: no text of {low} to {high} words satisfies all constraints")
        return guide

    def draw_texts(self, counters: Array) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
        """Draw independent texts from the guide's law; draw i depends on row i of the counters alone.

        Args:
            counters: (C, 6) uint64, one `Counter` row a text.

        Returns:
            Tokens (C, room) int32 and lengths (C,) int64.
        """
        tokens = np.zeros((len(counters), self.room), np.int32)
        lengths = np.zeros(len(counters), np.int64)
        most = len(self.problem.token) + len(self.problem.window) + int(np.ptp(self.problem.window)) + 1
        draw_many(
            self.tables,
            self.problem,
            self._of_node,
            self._begin,
            self.signed,
            counters,
            tokens,
            lengths,
            np.empty(most),
            np.empty(most, np.int32),
        )
        return tokens, lengths

    def log_probability(self, tokens: Array, length: int) -> float:
        """Return the natural log of a text's probability under the guide's law, -inf when it is not accepted."""
        text = np.ascontiguousarray(tokens, np.int32)
        mass = log_mass_of_text(self.tables, self.problem, self._of_node, self._begin, text, length)
        return float(mass - self.log_mass)


def _begin_context(problem: Problem, contexts: Contexts) -> int:
    node = int(problem.begin[0])
    while contexts.of_node[node] < 0:
        node = int(problem.ngram.node["suffix"][node])
    return int(contexts.of_node[node])


def _prepare(problem: Problem, order: int) -> tuple[Contexts, GuideTables]:
    """Choose the contexts that fit the budget and lay out empty tables for them."""
    states = _States(problem)
    contexts = choose_contexts(problem, order)
    summed = False
    for most in SMALLER:
        kind = states.kind_of(contexts)
        if _affordable(problem, contexts, states.counts[kind], summed):
            break
        summed = True
        contexts = choose_contexts(problem, 2, _most_frequent(problem, most))
    both, full, end = entries_of(problem, contexts)
    both, full = (_for_target(problem, entries) for entries in (both, full))
    if summed:
        both = _summed(problem, both)
    kind = states.kind_of(contexts)
    row = np.append(0, np.cumsum(states.counts[kind])).astype(np.int64)
    is_word = problem.token["word"][np.maximum(both.token, 0)].astype(np.bool_)
    words, marks = (_rows(problem, _part(both, part), len(kind)) for part in (is_word, ~is_word))
    needs_full = summed or order > 2
    full_rows = _rows(problem, full if needs_full else _part(full, np.zeros(len(full.token), np.bool_)), len(kind))
    mass = np.zeros((int(problem.window[1]) + 1, row[-1]))
    tables = GuideTables(
        contexts.node,
        contexts.lower.astype(np.int32),
        kind.astype(np.int32),
        row[:-1].copy(),
        contexts.backoff,
        end,
        *words[:4],
        words[4],
        *marks[:4],
        marks[4],
        states.start,
        states.state,
        states.position,
        states.same,
        mass,
        full_rows[0],
        full_rows[1],
        full_rows[3],
        full_rows[4],
    )
    return contexts, tables


def _affordable(problem: Problem, contexts: Contexts, counts: Array, summed: bool) -> bool:
    """Return whether the layers fit the memory and the recursion the work, by an upper bound."""
    first = problem.ngram.node["first"]
    nodes = contexts.node.astype(np.int64)
    children = (first[nodes + 1] - first[nodes]).astype(np.float64)
    if summed:
        children = np.minimum(children, len(nodes) + problem.next.shape[1])
    layers = int(problem.window[1]) + 1
    return bool((children * counts).sum() * layers <= WORK_LIMIT and counts.sum() * layers * 8 <= MEMORY_LIMIT)


def _most_frequent(problem: Problem, most: int) -> Array:
    """Return which words stay contexts: the most frequent ones, marks, <s>, and what is not of the largest class."""
    token = problem.token[: len(problem.ngram.alias_p)]
    log_p = problem.ngram.node["log_p"][1 : 1 + len(token)]
    keep = np.zeros(len(token), np.bool_)
    keep[np.argsort(-log_p, kind="stable")[:most]] = True
    keep[BEGIN] = True
    return keep


class _States:
    """The lists of automaton states a context can be in, by kind: one for each class, the root, <s>, and <unk>."""

    def __init__(self, problem: Problem) -> None:
        table = problem.next
        states, classes = table.shape
        alive = np.unique(table[1:])
        alive = np.union1d(alive[alive > 0], [1])
        lists = [np.unique(column[column > 0]) for column in table[alive].T]
        extra = np.unique(problem.token["cls"][problem.extra]) if len(problem.extra) else np.zeros(0, np.int64)
        unknown = np.unique(np.concatenate([lists[c] for c in extra])) if len(extra) else np.zeros(0, np.int64)
        lists += [alive, np.array([1]), unknown]
        self.root, self.begin, self.unknown = classes, classes + 1, classes + 2
        self.classes = problem.token["cls"]
        self.counts = np.array([len(one) for one in lists])
        self.start = np.append(0, np.cumsum(self.counts)).astype(np.int64)
        self.state = np.concatenate(lists).astype(np.int32)
        self.position = np.full((len(lists), states), -1, np.int32)
        for kind, one in enumerate(lists):
            self.position[kind, one] = np.arange(len(one))
        self.same = np.zeros((len(lists), classes), np.bool_)
        for kind, one in enumerate(lists):
            for cls in np.flatnonzero(self.counts[:classes] == len(one)):
                self.same[kind, cls] = bool((self.position[cls, table[one, cls]] == np.arange(len(one))).all())

    def kind_of(self, contexts: Contexts) -> Array:
        kind = self.classes[np.maximum(contexts.token, 0)].astype(np.int64)
        kind[contexts.token == BEGIN] = self.begin
        kind[contexts.token == UNKNOWN] = self.unknown
        kind[0] = self.root
        return kind


def _for_target(problem: Problem, entries: Entries) -> Entries:
    """Return the entries with token weights, for tokens that can occur; <unk> stands for every unknown demanded word."""
    reachable = np.zeros(problem.next.shape[1], np.bool_)
    reachable[(problem.next[1:] > 0).any(axis=0)] = True
    alive = reachable[problem.token["cls"]]
    parts = [_part(entries, alive[entries.token])]
    unknown = _part(entries, entries.token == UNKNOWN)
    parts += [unknown._replace(token=np.full(len(unknown.token), extra, np.int32)) for extra in problem.extra if alive[extra]]
    joined = Entries(*(np.concatenate(columns) for columns in zip(*parts, strict=True))) if len(parts) > 1 else parts[0]
    factor = np.exp(problem.token["weight"])
    return joined._replace(mass=joined.mass * factor[joined.token])


def _summed(problem: Problem, entries: Entries) -> Entries:
    """Return the entries with those that lead to the root summed by class; their token is a stand-in, to be drawn later."""
    to_root = entries.following == 0
    kept = _part(entries, ~to_root)
    owner, token, mass = entries.owner[to_root], entries.token[to_root], entries.mass[to_root]
    cls = problem.token["cls"][token].astype(np.int64)
    word = problem.token["word"][token].astype(np.int64)
    key = (owner.astype(np.int64) * problem.next.shape[1] + cls) * 2 + word
    keys, first, where = np.unique(key, return_index=True, return_inverse=True)
    sums = np.bincount(where, weights=mass, minlength=len(keys))
    summed = Entries(owner[first], -2 - token[first], np.zeros(len(keys), np.int32), sums)
    return Entries(*(np.concatenate(pair) for pair in zip(kept, summed, strict=True)))


def _part(entries: Entries, which: Array) -> Entries:
    return Entries(*(column[which] for column in entries)) if not which.all() else entries


def _rows(problem: Problem, entries: Entries, contexts: int) -> tuple[Array, Array, Array, Array, Array]:
    """Return entries sorted by context: where each context's begin, then following, class, mass and token."""
    order = np.argsort(entries.owner, kind="stable") if (np.diff(entries.owner) < 0).any() else slice(None)
    owner, token, following, mass = (column[order] for column in entries)
    start = np.searchsorted(owner, np.arange(contexts + 1)).astype(np.int64)
    real = np.where(token < 0, -2 - token, token)
    cls = problem.token["cls"][real].astype(np.int16)
    shown = np.where(token < 0, -1, token).astype(np.int32)
    return start, following.astype(np.int32), cls, np.ascontiguousarray(mass), shown


def _fill(problem: Problem, tables: GuideTables, contexts: Contexts, threads: int) -> None:
    """Fill the layers, t by t: words first, then marks from the contexts that end in one outwards."""
    ends_in_mark = np.append(problem.token["word"] == 0, True)[contexts.token]  # token -1, the root, is the last
    ends_in_mark[(contexts.token == BEGIN) | (contexts.token == UNKNOWN)] = False
    every = np.arange(len(contexts.node), dtype=np.int32)
    inner, outer = every[ends_in_mark], every[~ends_in_mark]
    passes = _longest_run(problem) + 1
    base = np.empty(tables.mass.shape[1])
    cost = np.cumsum(np.diff(tables.word_start) + 8)
    edges = np.searchsorted(cost, np.linspace(0, cost[-1], threads + 1)[1:-1])
    ranges = list(zip([0, *edges.tolist()], [*edges.tolist(), len(every)], strict=True))
    by_depth = _by_depth(outer, contexts, threads)
    with ThreadPoolExecutor(threads) as pool:
        for t in range(len(tables.mass)):

            def words(part: tuple[int, int], t: int = t) -> None:
                sum_words(tables, problem.next, problem.accept, t, part[0], part[1], base)

            list(pool.map(words, ranges))
            for _ in range(passes):
                add_marks(tables, problem.next, t, inner, 0, len(inner), base)
            for parts in by_depth:

                def marks(part: Array, t: int = t) -> None:
                    add_marks(tables, problem.next, t, part, 0, len(part), base)

                list(pool.map(marks, parts))


def _by_depth(outer: Array, contexts: Contexts, threads: int) -> list[list[Array]]:
    """Return the contexts by depth, each depth in one part a thread: a context's shorter one comes before it."""
    depth = np.zeros(len(contexts.node), np.int64)
    at = contexts.lower.copy()
    while (at > 0).any():
        depth += at > 0
        at = np.where(at > 0, contexts.lower[at], 0)
    return [np.array_split(outer[depth[outer] == d], threads) for d in range(int(depth.max()) + 1)]


def _longest_run(problem: Problem) -> int:
    """Return the longest run of marks that the automaton allows."""
    marks = np.unique(problem.token["cls"][problem.token["word"] == 0])
    states = np.arange(1, len(problem.next))
    for run in range(LONGEST_RUN + 1):
        states = np.unique(problem.next[np.ix_(states, marks)])
        states = states[states > 0]
        if len(states) == 0:
            return run
    raise RequestError(f"the constraints allow more than {LONGEST_RUN} punctuation tokens in a row; forbid that")
