"""The guide: exact look-ahead over (context, automaton state, words left)."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt

from searchgen.errors import Impossible, RequestError
from searchgen.lookahead.contexts import Contexts, StateLists, choose_contexts
from searchgen.lookahead.draws import draw_many_by_levels, draw_many_by_scan, log_mass_of_text
from searchgen.lookahead.entries import arrange
from searchgen.lookahead.recursion import GuideTables, add_marks, sum_words
from searchgen.lm.ngram.tables import BEGIN, UNKNOWN
from searchgen.problem import Problem

__all__ = ["QUICK_WORK", "Guide"]

Array = npt.NDArray[Any]

#: Beyond so many multiplications, or bytes of layers, the guide keeps only the most frequent words as contexts.
WORK_LIMIT = 3e9

#: Enough work for start states: about 4,000 contexts for three keywords, a tenth of a second.
QUICK_WORK = 1.5e8
MEMORY_LIMIT = 8e8
SMALLER = (8000, 4000, 2000, 1000, 500, 200, 100, 50, 20, 0)

#: The longest run of marks a guide settles; the automata of the text forms allow two.
LONGEST_RUN = 8


class Guide:
    """Masses of all completions, for the order-k truncation of the target's model.

    Attributes:
        problem: the target.
        tables: the recursion's arrays.
        begin: the context after <s>.
        by_scan: whether entries may be negative, so that draws scan all words.
        log_masses: (T + 1,) natural log of the mass of texts with exactly t words; -inf outside the window.
        log_mass: natural log of the total.
    """

    def __init__(self, problem: Problem, tables: GuideTables, room: int, *, by_scan: bool) -> None:
        """Wrap filled tables; `Guide.build` makes them."""
        self.problem, self.tables, self.room, self.by_scan = problem, tables, room, by_scan
        self.begin = _begin_context(problem, tables)
        kind, row = tables.kind[self.begin], tables.row[self.begin]
        at = tables.position[kind, 1]
        low, high = (int(edge) for edge in problem.window)
        masses = np.zeros(high + 1)
        masses[low:] = tables.mass[low : high + 1, row + at] if at >= 0 else 0.0
        with np.errstate(divide="ignore"):
            self.log_masses = np.log(np.maximum(masses, 0.0))
            self.log_mass = float(np.log(max(masses.sum(), 0.0)))

    @staticmethod
    def build(
        problem: Problem, *, room: int, order: int = 2, threads: int = 1, work: float = WORK_LIMIT
    ) -> "Guide":
        """Run the recursion.

        Args:
            problem: the target.
            room: most tokens of a text.
            order: k, the order to which the model is truncated; the model's own order makes draws exact for the target.
            threads: threads of the recursion; the result does not depend on it.
            work: most multiplications; beyond, only the most frequent words stay contexts (order 2).

        Raises:
            Impossible: no text of the window is accepted.
            RequestError: the automaton allows an endless run of punctuation, or an order above 2 takes too much memory.
        """
        order = min(order, int(problem.ngram.order[0]))
        with ThreadPoolExecutor(threads) as pool:
            contexts, tables = _prepare(problem, order, work, pool, threads)
            _fill(problem, tables, contexts, pool, threads)
        guide = Guide(problem, tables, room, by_scan=order > 2)
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
        most = len(self.problem.token) + len(self.problem.next[0]) + int(self.problem.window[1]) + 2
        draw_many = draw_many_by_scan if self.by_scan else draw_many_by_levels
        weights, room = np.empty(most), np.empty(most, np.int32)
        draw_many(self.tables, self.problem, self.begin, counters, tokens, lengths, weights, room)
        return tokens, lengths

    def log_probability(self, tokens: Array, length: int) -> float:
        """Return the natural log of a text's probability under the guide's law, -inf when it is not accepted."""
        text = np.ascontiguousarray(tokens, np.int32)
        return float(log_mass_of_text(self.tables, self.problem, self.begin, text, length) - self.log_mass)


def _begin_context(problem: Problem, tables: GuideTables) -> int:
    node = int(problem.begin[0])
    while node >= len(tables.of_node) or tables.of_node[node] < 0:
        node = int(problem.ngram.node["suffix"][node])
    return int(tables.of_node[node])


def _prepare(
    problem: Problem, order: int, work: float, pool: ThreadPoolExecutor, threads: int
) -> tuple[Contexts, GuideTables]:
    """Choose the contexts that fit the budget and read their entries off the trie."""
    lists = StateLists(problem)
    contexts, summed = _within_budget(problem, order, work, lists)
    kind = lists.kind_of(contexts)
    row = np.append(0, np.cumsum(lists.counts[kind])).astype(np.int64)
    first = problem.ngram.node["first"]
    children = (first[contexts.node.astype(np.int64) + 1] - first[contexts.node]).astype(np.int64)
    tables = _empty_tables(problem, contexts, lists, row, children * (2 if order > 2 else 1))
    parts = _ranges(children, threads)

    def run(part: tuple[int, int]) -> None:
        arrange(tables, problem, *part, summed, np.zeros((2, problem.next.shape[1])))

    list(pool.map(run, parts))
    return contexts, tables


def _empty_tables(problem: Problem, contexts: Contexts, lists: StateLists, row: Array, most: Array) -> GuideTables:
    """Return tables with room for `most` entries of each context in each list; what is not used costs no memory."""
    kind = lists.kind_of(contexts)
    copies = max(1, len(problem.extra))
    start = np.append(0, np.cumsum(most * copies + 2 * problem.next.shape[1])).astype(np.int64)
    room = int(start[-1])
    beta = float(problem.beta[0])
    nodes = problem.ngram.node
    backoff = np.exp(beta * nodes["log_backoff"][contexts.node].astype(np.float64))
    backoff[0] = 0.0
    size = len(problem.ngram.alias_p)
    alive = (problem.next[1:] > 0).any(axis=0)[problem.token["cls"]]
    alive[[BEGIN, UNKNOWN]] = False
    return GuideTables(
        node=contexts.node,
        lower=contexts.lower,
        of_node=contexts.of_node,
        kind=kind.astype(np.int32),
        row=row[:-1].copy(),
        backoff=backoff,
        end=np.zeros(len(kind)),
        unigram=np.exp(beta * nodes["log_p"][1 : 1 + size].astype(np.float64)),
        factor=np.where(alive, np.exp(problem.token["weight"]), 0.0),
        plain_start=start[:-1],
        plain_end=start[:-1].copy(),
        plain_row=np.empty(room, np.uint32),
        plain_mass=np.empty(room),
        plain_token=np.empty(room, np.int32),
        word_start=start[:-1],
        word_end=start[:-1].copy(),
        word_next=np.empty(room, np.int32),
        word_cls=np.empty(room, np.int16),
        word_mass=np.empty(room),
        word_token=np.empty(room, np.int32),
        mark_start=start[:-1],
        mark_end=start[:-1].copy(),
        mark_next=np.empty(room, np.int32),
        mark_cls=np.empty(room, np.int16),
        mark_mass=np.empty(room),
        mark_token=np.empty(room, np.int32),
        state_start=lists.start,
        state=lists.state,
        position=lists.position,
        same=lists.same,
        mass=np.zeros((int(problem.window[1]) + 1, int(row[-1]))),
    )


def _within_budget(problem: Problem, order: int, work: float, lists: StateLists) -> tuple[Contexts, bool]:
    """Return all contexts of the order, or the most frequent words (entries summed) when those are too many."""
    contexts = choose_contexts(problem, order)
    if _affordable(problem, contexts, lists.counts[lists.kind_of(contexts)], work, False):
        return contexts, False
    if order > 2:
        raise RequestError(f"a guide of order {order} takes too much memory for these constraints; use order 2")
    for most in SMALLER:
        contexts = choose_contexts(problem, 2, _most_frequent(problem, most))
        if _affordable(problem, contexts, lists.counts[lists.kind_of(contexts)], work, True):
            return contexts, True
    raise RequestError("the constraints need more memory than a search may take; ask for fewer keywords or a narrower window")


def _affordable(problem: Problem, contexts: Contexts, counts: Array, work: float, summed: bool) -> bool:
    """Return whether the layers fit the memory and the recursion the work, by an upper bound."""
    first = problem.ngram.node["first"]
    nodes = contexts.node.astype(np.int64)
    children = (first[nodes + 1] - first[nodes]).astype(np.float64)
    if summed:
        children = np.minimum(children, len(nodes) + problem.next.shape[1])
    layers = int(problem.window[1]) + 1
    return bool((children * counts).sum() * layers <= work and counts.sum() * layers * 8 <= MEMORY_LIMIT)


def _most_frequent(problem: Problem, most: int) -> Array:
    """Return which words stay contexts: so many of the most frequent ones, marks among them, and <s>."""
    log_p = problem.ngram.node["log_p"][1 : 1 + len(problem.ngram.alias_p)]
    keep = np.zeros(len(log_p), np.bool_)
    keep[np.argsort(-log_p, kind="stable")[:most]] = True
    keep[BEGIN] = True
    return keep


def _fill(problem: Problem, tables: GuideTables, contexts: Contexts, pool: ThreadPoolExecutor, threads: int) -> None:
    """Fill the layers, t by t: words first, then marks from the contexts that end in one outwards."""
    ends_in_mark = np.append(problem.token["word"] == 0, True)[contexts.token]  # token -1, the root, is the last
    ends_in_mark[(contexts.token == BEGIN) | (contexts.token == UNKNOWN)] = False
    every = np.arange(len(contexts.node), dtype=np.int32)
    inner, outer = every[ends_in_mark], every[~ends_in_mark]
    passes = _longest_run(problem) + 1
    base = np.empty(tables.mass.shape[1])
    ranges = _ranges(tables.plain_end - tables.plain_start + tables.word_end - tables.word_start, threads)
    by_depth = _by_depth(outer, contexts, threads)

    def words(t: int) -> Callable[[tuple[int, int]], None]:
        return lambda part: sum_words(tables, problem.next, problem.accept, t, *part, base)

    def marks(t: int) -> Callable[[Array], None]:
        return lambda part: add_marks(tables, problem.next, t, part, 0, len(part), base)

    for t in range(len(tables.mass)):
        list(pool.map(words(t), ranges))
        for _ in range(passes):
            marks(t)(inner)
        for parts in by_depth:
            list(pool.map(marks(t), parts))


def _ranges(cost: Array, threads: int) -> list[tuple[int, int]]:
    """Return one range of contexts a thread, of about equal cost."""
    total = np.cumsum(cost + 8)
    edges = np.searchsorted(total, np.linspace(0, total[-1], threads + 1)[1:-1]).tolist()
    return list(zip([0, *edges], [*edges, len(total)], strict=True))


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
