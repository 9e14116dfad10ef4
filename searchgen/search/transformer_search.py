"""The search under a model that scores printed texts, for one request, or for several whose texts go through the model together."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from searchgen.errors import NotFound, RequestError, SearchgenError
from searchgen.lm.mixture import Mixture
from searchgen.lm.protocol import StatesPrefixes, TextModel
from searchgen.lm.turns import turn_with
from searchgen.ranking.association import WEIGHT, Floats, ranked
from searchgen.request.request import Request
from searchgen.samplers.optimise.annealing_loop import Annealed
from searchgen.search.lockstep import in_step
from searchgen.search.outcome import Outcome, broken, outcome_of
from searchgen.search.transformer_steps import TransformerRun
from searchgen.sources.source import Source
from searchgen.target import Target

__all__ = ["TransformerSearch", "judge", "log_unigram", "rank"]


@dataclass(frozen=True)
class TransformerSearch:
    """The strategy of a model that scores printed texts: an n-gram model proposes, and requests share the model's passes."""

    #: Looks ahead and anneals once, or explores under an embedded model: neither needs the text model.
    begin = staticmethod(TransformerRun.begin)

    def finish(
        self, runs: Sequence[TransformerRun], progress: Callable[[float], None] | None
    ) -> list[Outcome | BaseException]:
        """Run searches to their ends in step; return the outcome of each, or its error."""
        # Only now the text model is needed: until here its libraries were imported by another thread.
        model = runs[0].source.text_model
        assert model is not None
        with turn_with(model):
            # Scores of other jobs were computed beside other texts, and may differ in their last bits.
            model.forget()
            before = model.counted()
            in_step(runs, model, progress)
            counts = {name: count - before.get(name, 0) for name, count in model.counted().items()}
            shared = {"shared": len(runs)} if len(runs) > 1 else {}
            return [_outcome(run, {**counts, **shared}) for run in runs]


def _outcome(run: TransformerRun, counts: dict[str, int]) -> Outcome | BaseException:
    """Return the outcome of a search; if it found no text, the error."""
    annealed, tests = run.result()
    if run.failure is not None and not annealed.texts:
        return run.failure
    assert run.target is not None
    if tests["scored"] and not annealed.texts:
        return NotFound(f"not found: {broken(run.target)}")
    if run.first and not annealed.texts:
        return NotFound(
            f"{run.source.label} gives every proposed text probability zero, as {run.target.printed(run.first[0])!r}: "
            "it cannot spell them; give other words, or name another model"
        )
    report = {**tests, **counts}
    try:
        if run.expert is None or run.request.association_weight is not None:  # an expert has ranked them
            annealed = rank(run.source, annealed, run.target, run.request)
        outcome = outcome_of(run.source, run.request, run.target, annealed, run.guide.log_mass, report)
    except SearchgenError as error:
        return error
    notes = outcome.notes
    if report["tested"] and not report["accepted"] and run.failure is None:
        notes = (
            *notes,
            f"all {report['tested']} tests were rejected: these are texts of {run.source.ref.proposer}, ranked by the "
            "transformer; raise --budget, or try another model",
        )
    return replace(outcome, failure=run.failure, notes=notes)


def rank(source: Source, annealed: Annealed, target: Target, request: Request) -> Annealed:
    """Return the texts of a search in the order in which they are to be printed.

    Args:
        source: the model; one that states no prefixes leaves the order as it is.
        annealed: the texts, densest first.
        target: what was searched.
        request: may set the weight of the ranking.
    """
    weight = WEIGHT if request.association_weight is None else request.association_weight
    model = judge(source)
    if not weight or model is None:
        return annealed
    try:
        return ranked(annealed, target, model, log_unigram(source, target), weight)
    except RequestError:  # tokenizers that do not state where their pieces stand
        return annealed


def judge(source: Source) -> StatesPrefixes | None:
    """Return the model that ranks texts: n-grams led the search, so of a mixture the other parts; None: it states no prefixes."""
    model: TextModel | None = source.text_model
    if isinstance(model, Mixture):
        model = model.without_ngrams()
    return model if isinstance(model, StatesPrefixes) else None


def log_unigram(source: Source, target: Target) -> Floats:
    """Return natural log p of each token of a target alone, (tokens,): the n-gram model's, and the spelling of words it does not know."""
    vocabulary, log_p = target.vocabulary, source.lexicon.log_unigram
    extra = [vocabulary.spelling_log_probability(token) for token in range(len(log_p), len(vocabulary))]
    return np.append(log_p, extra)
