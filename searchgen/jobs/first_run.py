"""The compiling of the first run: the inner loops, on a toy problem of the same types as those of real models.

python -m searchgen.jobs.first_run engine|guide|trace|NAME of a sampler
"""

import sys
from dataclasses import replace

import numpy as np

from searchgen.files.notices import hear_notices
from searchgen.guide import Guide
from searchgen.kernels.precompile import TRACE
from searchgen.kernels.randomness import counter
from searchgen.lm.ngram.model import NGram
from searchgen.request.request import PLAIN_TERMS, Annealing, Request, Terms
from searchgen.samplers.chains.observer import Observer
from searchgen.samplers.optimise.annealing_loop import anneal
from searchgen.target import Target

__all__: list[str] = []


def _toy_target(terms: Terms | None = None) -> Target:
    """Return a target whose arrays have the types of an embedded model's; no terms given: those of a search."""
    sentences = [
        ["the", "dog", "ran", "."],
        ["a", "dog", "sat", ",", "and", "the", "cat", "ran", "."],
        ["it", "ran", "."],
    ] * 3
    model = NGram.from_sentences(sentences, order=3, form="en")
    request = Request(keywords=(("dog",),), min_words=1, max_words=6, finite_verb=False)
    return Target.of(replace(request, terms=terms) if terms else request, model)


def _engine(observer: Observer | None = None) -> None:
    target = _toy_target()
    text = target.vocabulary.encode(["the", "dog", "ran", "."])
    tokens = np.zeros((1, target.max_tokens), np.int32)
    tokens[0, : len(text)] = text
    plan = Annealing(chains=1, steps=2, blocks=1)
    anneal(target.problem, (tokens, np.array([len(text)])), counter(1).word[None, :], plan, observer=observer)
    target.log_prob(text.tolist())
    # Of a search under a transformer:
    from searchgen.samplers.mcmc.delayed_acceptance import thresholds
    from searchgen.search.token_weights import fitted

    thresholds(counter(1).word[None, :], 1, np.zeros(1))
    fitted(target.problem, [(1,)], np.zeros(1))


def _trace() -> None:
    _engine(Observer(recorded="accepted"))


def _guide() -> None:
    target = _toy_target()
    guide = Guide.build(target.problem, max_tokens=target.max_tokens, bigrams=target.bigrams, threads=1)
    guide.draw_texts(counter(1).word[None, :], threads=1)


def _sampler(name: str) -> None:
    # imported late: a search needs neither
    from searchgen.samplers.method import Job
    from searchgen.samplers.registry import method

    sampler = method(name)
    sampler.draw(Job(_toy_target(PLAIN_TERMS), 2, 1, sampler.options()))


if __name__ == "__main__":
    part = sys.argv[1]
    unkept: list[str] = []
    hear_notices(unkept.append)
    {"engine": _engine, "guide": _guide, TRACE: _trace}.get(part, lambda: _sampler(part))()
    sys.exit("; ".join(unkept) or 0)
