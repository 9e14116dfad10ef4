"""The Python interface: one function to search, one to sample, one to draw from a target made of parts."""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from searchgen.errors import RequestError
from searchgen.jobs.draws import Sampled, refuse_unserved, stated_law
from searchgen.jobs.draws import sample as sample_request
from searchgen.kernels.randomness import key_of
from searchgen.lm.embedded import ngram_name
from searchgen.lm.neural import NeuralSettings
from searchgen.lm.whole_text import opening, scores_whole_texts
from searchgen.record import Record
from searchgen.request.request import Request
from searchgen.samplers.method import Draws, Job, parse_options
from searchgen.samplers.registry import method
from searchgen.search.ngram_search import Searcher
from searchgen.search.transformer_search import TransformerSearcher
from searchgen.sources.transformer import language
from searchgen.target import Target
from searchgen.text import detect
from searchgen.text.lists import parse_items

__all__ = ["constrain", "draw", "load", "sample"]

#: Threads of a model that was not loaded by hand.
THREADS = 2

Keywords = str | Sequence[str | Sequence[str]]


@lru_cache(maxsize=4)
def load(name: str = "en-ngram", threads: int = THREADS) -> Searcher:
    """Return a loaded n-gram model; the last four are kept.

    Args:
        name: of an embedded model, or the path of a model file.
        threads: threads that searches and samplers may use.

    Raises:
        ModelFileError: there is no such model.
    """
    return Searcher.load(name, threads=threads)


def constrain(
    keywords: Keywords = (), *, n: int = 1, seed: int = 0, lm: str | None = None, **fields: Any
) -> list[Record]:
    """Search for texts that hold the keywords, best first; kind `search`.

    Args:
        keywords: "dog,park|garden" as the command takes it, or a list of words, or of lists of alternatives.
        n: how many texts, each unlike the others.
        seed: makes the result repeatable.
        lm: an embedded model, a path or a transformer; by default the embedded one of the keywords' language.
        fields: of `Request`: min_words, max_words, ordered, forbid, starts_with, ...

    Raises:
        RequestError: the request is malformed.
        NothingFound: no text satisfies it, or none was found.
        Outage: a server or the memory gave out.

    Example:
        >>> record = constrain("dog,park", seed=7)[0]
        >>> sorted({"dog", "park"} & set(record.tokens))
        ['dog', 'park']
    """
    request = _request(keywords, lm, count=n, seed=seed, **fields)
    outcome = _model(request).search(request)
    if outcome.failure is not None:
        raise outcome.failure
    return list(outcome.records)


def sample(
    keywords: Keywords = (),
    *,
    sampler: str | None = None,
    n: int = 1,
    seed: int = 0,
    lm: str | None = None,
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
    sampler = sampler or ("surrogate" if lm and scores_whole_texts(lm) else "mh")
    free = {"sentence": False, "finite_verb": False, "quotes": True, **fields}
    request = _request(keywords, lm, count=n, seed=seed, sampler=sampler, options=tuple(options), **free)
    request = request if lm else replace(request, lm=ngram_name(request.lm))
    return sample_request(_model(request), stated_law(request))


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
    if n < 1:
        raise RequestError(f"n = {n}: ask for at least one draw")
    found = method(sampler)
    refuse_unserved(found, target)
    given = parse_options(found, [f"{name}={value}" for name, value in options.items()])
    return found.draw(Job(target, n, key_of(seed, "draw", sampler), given, threads))


def _model(request: Request) -> Searcher:
    """Return the model of a request, kept for the next one."""
    if not scores_whole_texts(request.lm):
        return load(request.lm)
    # What the models depend on: the transformer, how it reads, and the language of the words.
    return _beside(request.lm, request.neural, language(request))


@lru_cache(maxsize=2)
def _beside(lm: str, settings: NeuralSettings, form: str) -> Searcher:
    return replace(TransformerSearcher.load(form, threads=THREADS), opened=opening(lm, settings, THREADS))


def _request(keywords: Keywords, lm: str | None, **fields: Any) -> Request:
    if isinstance(keywords, str):
        items = [tuple(item) for item in parse_items([keywords])] if keywords else []
    else:
        items = [(item,) if isinstance(item, str) else tuple(item) for item in keywords]
    written = " ".join(phrase for item in items for phrase in item)
    return Request(keywords=tuple(items), lm=lm or detect(written), **fields)
