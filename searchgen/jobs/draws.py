"""Draws from the stated law: a request, its target, a sampler of the registry, and the records of its draws."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from searchgen.demands.demands import demand_flags
from searchgen.errors import RequestError
from searchgen.kernels.randomness import key_of
from searchgen.lm.embedded import MIXED, ngram_name
from searchgen.lm.examples import counted
from searchgen.lm.protocol import FillsMasks
from searchgen.lm.turns import turn_with
from searchgen.record import Record
from searchgen.request.json_values import listed
from searchgen.request.model_ref import ModelRef
from searchgen.request.request import PLAIN_TERMS, Request
from searchgen.samplers.chains.observer import Observer
from searchgen.samplers.diagnostics.report import diagnose
from searchgen.samplers.method import Draws, Job, Method, parse_options, spelled_out
from searchgen.samplers.registry import method, methods
from searchgen.sources.records import record_of, run_record
from searchgen.sources.source import Source
from searchgen.target import Target
from searchgen.version import __version__

__all__ = [
    "Sampled",
    "job_of",
    "refuse_black_box_terms",
    "refuse_unserved",
    "run_of",
    "sample",
    "stated_law",
    "usual_sampler",
]

#: The length bound of `sample` when none is given, in words.
MOST_WORDS = 20


def usual_sampler(lm: str | None) -> str:
    """Return the sampler that draws under a model unless another is named.

    Example:
        >>> usual_sampler(None), usual_sampler("gpt2")
        ('mh', 'surrogate')
    """
    return "surrogate" if lm and ModelRef.parse(lm).scores_texts else "mh"


def stated_law(request: Request, bounded: bool = True) -> Request:
    """Return a request for draws from p(x) ** beta on the accepted texts: no terms, and a length bound.

    Args:
        request: as the flags give it; its lengths are kept where they are given.
        bounded: whether the user wants a length bound at all.

    Raises:
        RequestError: the law without a bound does not exist, or cannot be sampled.
    """
    if not bounded and request.beta < 1:
        raise RequestError(
            f"--beta {request.beta:g} without a bound on the length: the sum of p(x)^{request.beta:g} over all texts diverges, "
            "so there is no such law; give --max-words"
        )
    if not bounded:
        raise RequestError("--max-words none: samplers look ahead over a bounded length; give up to 200 words")
    low = request.min_words or 1
    high = request.max_words or max(MOST_WORDS, low)
    return request.but(terms=PLAIN_TERMS, min_words=low, max_words=high)


def job_of(
    source: Source,
    request: Request,
    progress: Callable[[float], None] | None = None,
    observer: Observer | None = None,
) -> tuple[Request, Method, Job]:
    """Return a request with its sampler's options spelled out, the sampler, and the job for it.

    Raises:
        RequestError: the request contradicts itself, or names a sampler or an option that does not exist.
        Impossible: no text satisfies it.
    """
    target = source.target(request)
    sampler = method_for(request.sampler, target)
    if request.start and sampler.kind != "pseudo":
        raise RequestError(
            f"--text starts the chains of --sampler gibbs under a masked model; {sampler.name} finds its own starts, so drop it"
        )
    options = parse_options(sampler, request.options)
    refuse_unserved(sampler, target)
    options, spelled = spelled_out(sampler, options, target)
    request = replace(request, options=spelled)
    key = key_of(request.seed, request.canonical())
    if observer is not None:
        refuse_unobserved(sampler)
        observer.target = target
    return request, sampler, Job(target, request.count, key, options, source.threads, progress, request.start, observer)


def method_for(name: str, target: Target) -> Method:
    """Return the sampler of a name; `gibbs` under a masked model is pseudo-Gibbs.

    Raises:
        RequestError: there is none of that name.
    """
    if name == "gibbs" and isinstance(target.text_model, FillsMasks):
        from searchgen.samplers.mcmc import pseudo_gibbs

        return pseudo_gibbs.METHOD
    return method(name)


def refuse_unserved(sampler: Method, target: Target) -> None:
    """Refuse a target to a method that cannot serve it.

    Raises:
        RequestError: in this case; it names the methods that can.
    """
    refuse_black_box_terms(sampler, target)
    why = target.model.unnormalised
    if why and not sampler.unnormalised:
        able = ", ".join(other.name for other in methods() if other.unnormalised and other.kind != "search")
        raise RequestError(
            f"--sampler {sampler.name} draws words from the model, and {why}; normalise the model, or use {able}, which weigh their draws"
        )


def refuse_unobserved(sampler: Method) -> None:
    """Refuse to look at the moves of a method that makes none, or does not show them.

    Raises:
        RequestError: in this case; it names the methods that can be watched.
    """
    if not sampler.observed:
        able = ", ".join(other.name for other in methods() if other.observed)
        raise RequestError(
            f"--watch and --trace show the moves of chains, and --sampler {sampler.name} shows none; drop them, or use {able}"
        )


def refuse_black_box_terms(sampler: Method, target: Target) -> None:
    """Refuse a target with functions of the text to a method that needs the target's parts.

    Raises:
        RequestError: in this case; it names the methods that serve the target.
    """
    functions, softened = bool(target.opaque or target.bare), not (target.bare or target.text_model)

    def serves(method: Method) -> bool:
        return method.opaque or (method.whole_text and not functions) or (method.softens and softened)

    if (functions or target.text_model) and not serves(sampler):
        able = ", ".join(other.name for other in filter(serves, methods()))
        whole = [target.text_model.label] if target.text_model else ["a bare log-density"] if target.bare else []
        names = ", ".join([*whole, *(term.name for term in target.opaque)])
        mixed = whole[0].partition("@")[0] if whole else ""
        ngrams = f", or --lm {ngram_name(mixed)} for its n-gram model" if mixed in MIXED and not functions else ""
        raise RequestError(
            f"--sampler {sampler.name} needs the parts of the target, and {names} is a function without parts; use {able}{ngrams}"
        )


def sample(
    source: Source,
    request: Request,
    progress: Callable[[float], None] | None = None,
    observer: Observer | None = None,
) -> "Sampled":
    """Draw texts from the law of a request (see `stated_law`).

    Args:
        source: the model.
        request: the job; `request.sampler` names the method.
        progress: called with the share done.
        observer: sees the chains; it changes nothing.

    Raises:
        RequestError: as for `job_of`; or the sampler cannot serve the target.
        NothingFound: no text satisfies the request, or none was found.
    """
    request, sampler, job = job_of(source, request, progress, observer)
    model = job.target.text_model
    if model is None:
        return Sampled(request, sampler, job.target, sampler.draw(job), source.label, source.hash)
    with turn_with(model):
        # Scores of other runs were computed beside other texts, and may differ in their last bits.
        model.forget()
        before = model.counted()
        draws = sampler.draw(job)
        passes = {name: count - before.get(name, 0) for name, count in model.counted().items()}
    tests = {name: count for name, count in draws.counts.items() if name in ("tested", "accepted")}
    draws = replace(draws, report={**draws.report, "transformer": passes})
    return Sampled(request, sampler, job.target, draws, source.label, source.hash, {**tests, **passes})


def run_of(request: Request, lm: str, model_hash: str) -> dict[str, Any]:
    """Return what decides a run, as plain JSON values: version, model, seed, constraints, and the signature that repeats it.

    Args:
        request: of the run.
        lm: name and hash of the model.
        model_hash: its whole hash.
    """
    flags = demand_flags()
    return {
        "version": __version__,
        "lm": lm,
        "model_hash": model_hash,
        "seed": request.seed,
        "constraints": {key: listed(value) for key, value in request.demands.items() if value != flags[key].free},
        "signature": request.signature(model_hash),
    }


@dataclass(frozen=True, eq=False)
class Sampled:
    """The draws of a request.

    Attributes:
        request: what was asked for.
        method: the sampler.
        target: the target.
        draws: in drawn order, with repeats.
        lm: name and hash of the model.
        model_hash: its whole hash.
        neural: what the run cost under a transformer; None without one.
    """

    request: Request
    method: Method
    target: Target
    draws: Draws
    lm: str
    model_hash: str
    neural: dict[str, int] | None = None

    def diagnostics(self) -> dict[str, Any]:
        """Return what was run and its diagnostics as plain JSON values; see `searchgen.samplers.diagnostics.report`."""
        return {
            "status": "ok" if self.draws.failure is None else "stopped",
            **run_of(self.request, self.lm, self.model_hash),
            **diagnose(self.method, self.draws, self.target),
        }

    def records(self) -> Iterator[Record]:
        """Yield a record of every draw, in drawn order."""
        run = run_record(
            kind=self.draws.kind or self.method.kind,
            sampler=self.method.name,
            lm=self.lm,
            seed=self.request.seed,
            steps=self.draws.evaluations,
            window=self.target.window,
            signature=self.request.signature(self.model_hash),
            neural=self.neural,
            examples=counted(self.request.reading.examples),
        )
        values = zip(self.draws.texts(), self.draws.log_density.tolist(), self.draws.log_weight.tolist(), strict=True)
        for rank, (ids, log_density, log_weight) in enumerate(values, 1):
            yield replace(record_of(run, self.target, ids, log_density, rank), log_weight=log_weight)
