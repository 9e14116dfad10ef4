"""The guide: exact look-ahead over (context, automaton state, words left), as an object."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from searchgen.errors import NotFound
from searchgen.guide.candidates import new_scratch
from searchgen.guide.contexts import Budget, Contexts, kept_tokens
from searchgen.guide.draws import draw_many, log_probability
from searchgen.guide.edges import link
from searchgen.guide.layers import Layers, shared
from searchgen.guide.lengths import Lengths
from searchgen.guide.possible import refuse_impossible
from searchgen.guide.state_layout import Classes, StateLayout, UnigramMass
from searchgen.guide.tables import (
    ALIGNED,
    BEGIN_ROW,
    LONG,
    MIXTURE,
    PERIOD,
    PITCH,
    SPECIAL,
    STRIDE,
    WEIGHT,
    WIDTH,
    WORDS,
    GuideTables,
    edge_dtype,
)
from searchgen.lm.ngram.bigrams import Bigrams
from searchgen.problem import Problem

__all__ = ["Guide"]

Array = npt.NDArray[np.int64]

#: What a guide may cost if nothing else is said.
DEFAULT_BUDGET = Budget()

#: An unknown word with less weight than this would be lost in 32-bit reals, as words of twenty letters are.
LEAST_WEIGHT = -80.0

#: Cost of a draw beside the look-ups that `shared` counts.
DRAW_COST = 5_000


@dataclass(frozen=True, eq=False)
class Guide:
    """The law of texts under a truncated n-gram model, the automaton and the token weights, for a window of words.

    Attributes:
        problem: the target it guides to.
        tables: its arrays, for the compiled loops.
        log_masses: (high - low + 1,) log of the mass of texts of each length in the window, natural log.
        log_scale: (L,) natural log of the unit of each layer, see `Lengths`.
        order: order of the model it looks ahead with.
        max_tokens: most tokens of a text.
    """

    problem: Problem
    tables: GuideTables
    log_masses: npt.NDArray[np.float64]
    log_scale: npt.NDArray[np.float64]
    order: int
    max_tokens: int

    @staticmethod
    def build(
        problem: Problem,
        *,
        order: int = 2,
        max_tokens: int | None = None,
        bigrams: Bigrams | None = None,
        budget: Budget | None = DEFAULT_BUDGET,
        threads: int = 2,
        near: int = 0,
    ) -> "Guide":
        """Compute the mass of all completions from every context and state.

        Args:
            problem: the target.
            order: order of the truncated model; the model's own order gives its exact law.
            max_tokens: most tokens of a text; None: as many as the window and the automaton allow.
            bigrams: those of the model; None: computed here.
            budget: which contexts to keep; None: all.
            threads: threads to share the work over; the result does not depend on it.
            near: if above 0, contexts beyond order 2 are those that lead to a demanded word within so many words.

        Raises:
            Impossible: no text of the window is accepted.
            NotFound: some are, but their mass is too small for floating point.
            RequestError: the automaton allows punctuation without end.
        """
        classes = Classes.of(problem)
        mass = UnigramMass.of(problem, classes)
        lengths = Lengths.of(problem)
        refuse_impossible(problem, classes, mass)
        layout = StateLayout.of(classes, mass, lengths.period)
        bigrams = bigrams or Bigrams.of(problem.ngram)
        order = min(order, int(problem.ngram.order[0]))
        kept = kept_tokens(problem, layout, bigrams, order, budget, near)
        contexts = Contexts.of(problem, layout, order, kept, near, budget)
        tables, pairs = _with_edges(problem, layout, mass, contexts, bigrams, threads)
        log_scale = mass.log_scale.copy()
        Layers(tables, problem, layout, contexts.depth, pairs, log_scale, threads).compute()
        tables, log_masses = _with_totals(tables, log_scale, lengths)
        longest = lengths.high + int(mass.level.max()) * (lengths.high + 1) + 2 * lengths.hyphens
        return Guide(problem, tables, log_masses, log_scale, order, max(max_tokens or 0, longest))

    @property
    def log_mass(self) -> float:
        """Natural log of the mass of all accepted texts in the window; -inf if it is too small for floating point."""
        return float(np.logaddexp.reduce(self.log_masses))

    def draw_texts(
        self, counters: npt.NDArray[np.uint64], *, number: int = 0, threads: int = 2
    ) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
        """Draw one text for each chain, exactly from the guide's law.

        Args:
            counters: (C, 6) uint64, one `Counter` row a chain; a chain's text depends on its key and number only.
            number: which of a chain's draws this is.
            threads: threads to share the chains over.

        Returns:
            Tokens (C, max_tokens) int32 and lengths (C,) int64.

        Raises:
            NotFound: the mass of all texts is too small for floating point.
        """
        count = len(counters)
        tokens, lengths = np.zeros((count, self.max_tokens), np.int32), np.zeros(count, np.int64)

        def work(low: int, high: int) -> None:
            draw_many(self.tables, self.problem, counters, low, high, number, new_scratch(), tokens, lengths)

        with ThreadPoolExecutor(threads) as pool:
            shared(np.full(count, DRAW_COST), work, pool, threads)
        if (lengths < 0).any():
            raise NotFound(
                "the texts that satisfy all constraints are too improbable for floating-point numbers; loosen a constraint"
            )
        return tokens, lengths

    def log_probability(self, tokens: Sequence[int]) -> float:
        """Return the natural log-probability of a text under the guide's law; -inf if it is not accepted."""
        text = np.array(tokens, np.int32)
        return float(log_probability(self.tables, self.problem, text, len(text), self.log_mass))

    @cached_property
    def contexts(self) -> int:
        """Number of contexts it looks back on."""
        return int(np.count_nonzero(self.tables.row["node"]))


def _with_edges(
    problem: Problem, layout: StateLayout, mass: UnigramMass, contexts: Contexts, bigrams: Bigrams, threads: int
) -> tuple[GuideTables, Array]:
    """Return the guide's arrays without values, and which rows are laid out for which aligned classes.

    Reals have the model's own precision, unless some edge is negative and sums may cancel, or some word is very improbable.
    """
    long = len(contexts.row_of_node) > len(problem.ngram.alias_p) + 1
    long |= bool((problem.token["weight"][problem.extra] < LEAST_WEIGHT).any())
    real = "<f8" if long else problem.ngram.node["log_p"].dtype.str
    tables = _allocated(problem, layout, mass, contexts, real)
    used = np.zeros((layout.aligned, contexts.special), np.bool_)
    mixture = _link(tables, problem, bigrams, used, threads) >= 0
    if not mixture and real != "<f8":
        tables = _allocated(problem, layout, mass, contexts, "<f8")
        _link(tables, problem, bigrams, used, threads)
    tables.size[MIXTURE], tables.size[LONG] = mixture, long
    return tables, np.argwhere(used)


def _allocated(problem: Problem, layout: StateLayout, mass: UnigramMass, contexts: Contexts, real: str) -> GuideTables:
    """Return the guide's arrays, with neither edges nor values yet."""
    row, layers = contexts.row, len(mass.value)
    node = problem.ngram.node
    children = node["first"][row["node"] + 1].astype(np.int64) - node["first"][row["node"]]
    is_root = (row["token"] < 0) & (row["node"] == 0)
    is_root[0] = False
    sides = 1 if len(contexts.row_of_node) <= len(problem.ngram.alias_p) + 1 else 2
    capacity = np.where(is_root, 0, sides * (children + len(problem.extra)) + len(layout.kind) - 2)
    row["start"] = np.cumsum(capacity) - capacity
    row["middle"] = row["punctuation"] = row["end"] = row["start"]
    size = np.zeros(10, np.int64)
    size[STRIDE], size[SPECIAL], size[PITCH] = contexts.stride, contexts.special, contexts.pitch
    size[WIDTH] = layout.kind["size"][0] if layout.aligned else 0
    size[ALIGNED], size[WORDS] = layout.aligned, layout.aligned + layout.kind["word"][layout.aligned : -2].sum()
    size[BEGIN_ROW] = contexts.begin
    period = size[PERIOD] = Lengths.of(problem).period
    weight = np.zeros(len(problem.token), WEIGHT)
    weight["scale"], weight["unigram"] = np.exp(problem.token["weight"]), layout.classes.unigram
    weight["cls"] = layout.classes.cls
    step = np.exp(np.append(np.zeros(period), mass.log_scale[:-period]) - mass.log_scale)
    return GuideTables(
        value=np.zeros(contexts.stride * layers, real),
        row=row,
        edge=np.empty(int(capacity.sum()), edge_dtype(real)),
        kind=layout.kind,
        place=layout.place,
        target=layout.target,
        level=mass.level,
        mass=mass.value,
        step=step,
        weight=weight,
        row_of_node=contexts.row_of_node,
        extra_row=contexts.extra_row,
        ends=np.zeros(0),
        begins=np.zeros(0, np.int64),
        size=size,
    )


def _link(tables: GuideTables, problem: Problem, bigrams: Bigrams, used: npt.NDArray[np.bool_], threads: int) -> float:
    """Write all edges, note which rows aligned ones use; return the least of what adds a child to its shorter context."""
    size = len(problem.ngram.alias_p)
    two = len(tables.row_of_node) == size + 1
    alpha = bigrams.alpha if two and problem.beta[0] == 1.0 else bigrams.alpha[:0]
    capacity = np.diff(np.append(tables.row["start"], len(tables.edge)))
    classes = len(tables.kind) - 2
    least: list[float] = []

    def work(low: int, high: int) -> None:
        edges = np.empty(int(capacity[low:high].max()) + 1, tables.edge.dtype)
        edge_cls = np.empty(len(edges), np.int16)
        counts, spread = np.zeros(classes + 1, np.int64), np.zeros(classes)
        least.append(link(tables, problem, alpha, low, high, edges, edge_cls, counts, spread, used))

    with ThreadPoolExecutor(threads) as pool:
        shared(capacity, work, pool, threads)
    return min(least)


def _with_totals(
    tables: GuideTables, log_scale: npt.NDArray[np.float64], lengths: Lengths
) -> tuple[GuideTables, npt.NDArray[np.float64]]:
    """Return the guide's arrays with the layers in which texts begin, and the log of the mass of texts of each number of words."""
    begin = tables.row[tables.size[BEGIN_ROW]]
    t = lengths.begins()
    value = tables.value[t * tables.size[STRIDE] + begin["offset"]].astype(np.float64) * tables.mass[t, 1]
    with np.errstate(divide="ignore"):
        log_masses = np.log(value) + log_scale[t]
    top = log_masses.max()
    ends = np.cumsum(np.exp(log_masses - top)) if top > -np.inf else np.zeros(len(t))
    by_words = np.full(lengths.high - lengths.low + 1, -np.inf)
    with np.errstate(invalid="ignore"):  # of masses that are not finite
        np.logaddexp.at(by_words, lengths.words() - lengths.low, log_masses)
    return tables._replace(ends=ends, begins=t), by_words
