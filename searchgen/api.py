"""The Python interface: one function to search, one to sample, one to draw from a target made of parts."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from searchgen.demands.demands import Demands, with_needed
from searchgen.demands.values import taken
from searchgen.errors import RequestError
from searchgen.jobs.compared import Compared, requests_of
from searchgen.jobs.compared import compare as compare_samplers
from searchgen.jobs.draws import Sampled, refuse_unserved, stated_law, usual_sampler
from searchgen.jobs.draws import sample as sample_request
from searchgen.kernels.randomness import key_of
from searchgen.lm.neural.settings import NeuralSettings
from searchgen.record import Record
from searchgen.request.model_ref import ModelRef, default_model
from searchgen.request.request import Request
from searchgen.samplers.method import Draws, Job, parse_options
from searchgen.samplers.registry import method
from searchgen.search.searcher import Searcher
from searchgen.sources.cache import SourceCache
from searchgen.sources.source import Source
from searchgen.target import Target

__all__ = ["compare", "constrain", "draw", "load", "sample"]

#: Threads of a model that was not loaded by hand.
THREADS = 2

Keywords = str | Sequence[str | Sequence[str]]


#: The models of this process.
SOURCES = SourceCache(THREADS, THREADS)


def load(name: str | Path = "en-ngram", threads: int = THREADS) -> Searcher:
    """Return a loaded n-gram model, ready to search; the last four are kept.

    Args:
        name: of an embedded model, or the path of a model file.
        threads: threads that searches and samplers may use.

    Raises:
        ModelFileError: there is no such model.
    """
    source = SOURCES.source(ModelRef.parse(str(name)).ngram, NeuralSettings())
    return Searcher.of(replace(source, threads=threads))


def constrain(
    keywords: Keywords = (), *, n: int = 1, seed: int = 0, lm: str | Path | None = None, **fields: Any
) -> list[Record]:
    """Search for texts that hold the keywords, best first; kind `search`.

    Args:
        keywords: "dog,park|garden" as the command takes it, or a list of words, or of lists of alternatives.
        n: how many texts, each unlike the others.
        seed: makes the result repeatable.
        lm: an embedded model, a path or a transformer; by default the embedded one of the keywords' language.
        fields: of `Request`: min_words, max_words, ordered, forbid, starts_with, ...; a text for a list is read as the command
            reads it, and the items of a list are never split.

    Raises:
        RequestError: the request is malformed.
        NothingFound: no text satisfies it, or none was found.
        Outage: a server or the memory gave out.

    Example:
        >>> record = constrain("dog,park", seed=7)[0]
        >>> sorted({"dog", "park"} & set(record.tokens))
        ['dog', 'park']
    """
    request = _request(keywords, lm, count=taken("n", n, int), seed=seed, **fields)
    outcome = Searcher.of(_source(request)).search(request)
    if outcome.failure is not None:
        raise outcome.failure
    return list(outcome.records)


def sample(
    keywords: Keywords = (),
    *,
    sampler: str | None = None,
    n: int = 1,
    seed: int = 0,
    lm: str | Path | None = None,
    options: Sequence[str] = (),
    **fields: Any,
) -> Sampled:
    """Draw texts from p(x) ** beta on the texts that satisfy the constraints.

    Args:
        keywords: as for `constrain`.
        sampler: name of a registered sampler; by default mh, under a transformer surrogate.
        n: number of draws.
        seed: makes the result repeatable.
        lm: an embedded model, a path or a transformer; by default the n-gram model of the keywords' language.
        options: of the sampler, as "name=value".
        fields: of `Request`: beta, max_words, sentence, ...

    Raises:
        RequestError: the request is malformed, or the sampler cannot serve it.
        NothingFound: no text satisfies it, or none was found.

    Example:
        >>> drawn = sample("doctor", n=3, max_words=6, seed=1)
        >>> drawn.method.kind, [record.satisfied["keyword doctor"] for record in drawn.records()]
        ('markov', [True, True, True])
    """
    sampler = sampler or usual_sampler(None if lm is None else taken("lm", lm, str))
    fields_of_draws = {
        "count": taken("n", n, int),
        "seed": seed,
        "sampler": sampler,
        "options": options,
        "demands": Demands.nothing(),
    }
    request = _request(keywords, lm, law=True, **fields_of_draws, **fields)
    return sample_request(_source(request), stated_law(request))


def compare(
    keywords: Keywords = (),
    *,
    samplers: str | Sequence[str] | None = None,
    budget: float = 2.0,
    evaluations: int | None = None,
    repeat: int = 1,
    seed: int = 0,
    lm: str | Path | None = None,
    **fields: Any,
) -> Compared:
    """Run several samplers on one target, each for the same time; a notebook shows the result as a table with plots.

    Args:
        keywords: as for `constrain`.
        samplers: names of registered samplers; by default the usual ones for the model.
        budget: seconds for each.
        evaluations: texts that each scores, in place of seconds.
        repeat: number of runs of each.
        seed: makes the random choices repeatable.
        lm: an embedded model, a path or a transformer; by default the n-gram model of the keywords' language.
        fields: of `Request`: beta, max_words, sentence, ...

    Raises:
        RequestError: the request is malformed, a sampler is unknown or cannot serve it, or the budget is too small.
        NothingFound: no text satisfies it.

    Example:
        >>> compared = compare("doctor", samplers="importance", evaluations=500, max_words=6)
        >>> [(row.sampler, row.kind) for row in compared.rows]
        [('importance', 'weighted')]
    """
    request = _request(keywords, lm, law=True, seed=taken("seed", seed, int), demands=Demands.nothing(), **fields)
    requests = requests_of(request, samplers)
    return compare_samplers(_source(request), requests, budget=budget, evaluations=evaluations, repeat=repeat)


def draw(target: Target, *, sampler: str = "mh", n: int = 1, seed: int = 0, threads: int = 1, **options: Any) -> Draws:
    """Draw from a target made of parts (`Target.of_parts`).

    Args:
        target: with constraints, terms and functions of your own.
        sampler: name of a registered sampler.
        n: number of draws.
        seed: makes the result repeatable.
        threads: threads to share the work over; the result does not depend on it.
        options: of the sampler.

    Raises:
        RequestError: the sampler is unknown, has no such option, or cannot serve the target; or n < 1.
        NothingFound: no text was found.
    """
    n, seed = taken("n", n, int), taken("seed", seed, int)
    if n < 1:
        raise RequestError(f"n = {n}: ask for at least one draw")
    chosen = method(sampler)
    refuse_unserved(chosen, target)
    parsed = parse_options(chosen, [f"{name}={value}" for name, value in options.items()])
    return chosen.draw(Job(target, n, key_of(seed, "draw", sampler), parsed, threads))


def _source(request: Request) -> Source:
    """Return the model of a request, kept for the next one."""
    return SOURCES.source(request.model, request.reading)


def _request(keywords: Keywords, lm: str | Path | None, law: bool = False, **fields: Any) -> Request:
    request = Request(keywords=keywords, **with_needed(fields))
    return replace(request, lm=taken("lm", lm, str) if lm is not None else default_model(request.words, law))
