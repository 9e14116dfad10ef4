"""The texts of one search: chosen so that they differ, and made into records."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np

from searchgen.errors import NotFound
from searchgen.kernels.shares import WORD
from searchgen.lm.examples import counted, echoes, example_lines
from searchgen.ranking.diversity import common_bigrams, diverse
from searchgen.ranking.whole_words import whole_words_first
from searchgen.record import Record
from searchgen.request.request import Request
from searchgen.samplers.optimise.annealing_loop import Annealed
from searchgen.sources.records import record_of, run_record
from searchgen.sources.source import Source
from searchgen.target import Target

__all__ = ["Outcome", "broken", "outcome_of"]


@dataclass(frozen=True)
class Outcome:
    """The texts of one request, with notes for the user.

    Attributes:
        records: the texts, best first.
        notes: one line each, for stderr.
        request: what was searched, the window spelled out.
        annealed: the run behind them.
        log_mass: natural log of the guide's mass of accepted texts.
        failure: the outage or Ctrl-C that ended the search early; None: it ended as planned.
        report: further counts, by name.
        others: returns at most so many of the other texts found, best first, for those who have the chosen ones already.
    """

    records: tuple[Record, ...]
    notes: tuple[str, ...]
    request: Request
    annealed: Annealed
    log_mass: float
    failure: BaseException | None = None
    report: dict[str, int] = field(default_factory=dict)
    others: Callable[[int], tuple[Record, ...]] = lambda most: ()

    def on_line(self, number: int | None) -> Self:
        """Return the outcome with the number of its input line in every record."""
        return replace(self, records=tuple(replace(record, line=number) for record in self.records))


def outcome_of(
    source: Source, request: Request, target: Target, ranked: Annealed, log_mass: float, report: dict[str, int]
) -> Outcome:
    """Choose texts that differ, new ones first, and make records of them.

    Args:
        source: the model.
        request: its window spelled out.
        target: what was searched.
        ranked: the texts found, in the order in which they are to be printed.
        log_mass: of the guide.
        report: counts of the text model's work, by name; empty: there was no text model.

    Raises:
        NotFound: nothing was found.
    """
    ranked = _own(_allowed(ranked, target), target, example_lines(request.reading.examples))
    if not ranked.texts:
        raise NotFound(f"not found in {ranked.steps:,} steps; widen the window, or raise --budget")
    order = whole_words_first(ranked.texts, target, source.segmentation)
    ranked = replace(ranked, texts=[ranked.texts[i] for i in order], log_density=ranked.log_density[order])
    notes = list(target.notes)
    new = [i for i, text in enumerate(ranked.texts) if target.vocabulary.decode(text) not in source.training_sentences]
    if not new:
        notes.append("all texts found are sentences of the training text; widen the window, or raise --budget")
        new = list(range(len(ranked.texts)))
    words = [[i for i in ranked.texts[at] if target.problem.token["word"][i] == WORD] for at in new]
    stated = common_bigrams(words) if request.template or request.source else frozenset()
    chosen = [new[at] for at in diverse(words, request.count, stated=stated)]
    if len(chosen) < request.count:
        notes.append(
            f"{len(chosen)} of {request.count} texts: all others found are too similar; widen the window, or raise --budget"
        )
    run = run_record(
        kind="search",
        sampler="anneal",
        lm=source.label,
        seed=request.seed,
        steps=ranked.steps,
        window=target.window,
        signature=request.signature(source.hash),
        stopped_early=ranked.stopped_early,
        neural=report or None,
        examples=counted(request.reading.examples),
        source=request.template or request.source or None,
    )

    def records(places: list[int], first: int) -> tuple[Record, ...]:
        return tuple(
            record_of(run, target, ranked.texts[i], float(ranked.log_density[i]), rank)
            for rank, i in enumerate(places, first)
        )

    def others(most: int) -> tuple[Record, ...]:
        return records([i for i in new if i not in chosen][:most], len(chosen) + 1)

    return Outcome(records(chosen, 1), tuple(notes), request, ranked, log_mass, report=report, others=others)


def _allowed(ranked: Annealed, target: Target) -> Annealed:
    """Return the texts that no function of the text forbids.

    Raises:
        NotFound: all of them are forbidden.
    """
    if not target.opaque or not ranked.texts:
        return ranked
    kept = [i for i, text in enumerate(ranked.texts) if target.black_box_log_weight(text) > -np.inf]
    if not kept:
        raise NotFound(f"not found: {broken(target)}")
    return _only(ranked, kept)


def broken(target: Target) -> str:
    """Return what every text breaks that was found, and the way out."""
    names = ", ".join(term.name for term in target.opaque if term.hard)
    return f"every text breaks: {names}; raise --budget or widen the window"


def _only(ranked: Annealed, kept: list[int]) -> Annealed:
    return replace(ranked, texts=[ranked.texts[i] for i in kept], log_density=ranked.log_density[kept])


def _own(ranked: Annealed, target: Target, lines: tuple[str, ...]) -> Annealed:
    """Return the texts that repeat no example line.

    Raises:
        NotFound: all of them do.
    """
    if not lines or not ranked.texts:
        return ranked
    kept = [i for i, text in enumerate(ranked.texts) if not echoes(target.printed(text), lines)]
    if not kept:
        raise NotFound("all texts found repeat the example lines; raise --budget, or give other --examples")
    return _only(ranked, kept)
