"""Searches under a large model that may score equally many texts: what explores, what edits, and what else reaches good texts.

    python -m benchmarks.large_searches [--lm smollm2] [--sets 24]

Each way searches the same sets, half of two keywords and half of three. The score is log p + log q + 2 nats a word, with p the large model
and q the embedded mixture, as in `searchgen/search/expert.py`. Pieces are those that the large model has scored.
"""

import time
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, NamedTuple
from unittest import mock

import numpy as np

from benchmarks.common import keyword_request, options, shared
from searchgen.errors import SearchgenError
from searchgen.jobs.draws import sample
from searchgen.lm.open import open_text_model
from searchgen.request.request import PLAIN_TERMS, Request
from searchgen.search import transformer_plan
from searchgen.search.expert import PER_WORD
from searchgen.search.searcher import Searcher
from searchgen.search.transformer_plan import EXPLORED
from searchgen.sources.source import Source, open_source

__all__ = ["main"]

#: Particles of SMC, whose prefixes have about as many pieces as 100 texts.
PARTICLES = 12

SEED = 7


class Found(NamedTuple):
    """The first text of a search, and its cost: pieces scored, processor seconds."""

    text: str
    pieces: int
    seconds: float


class Alone(Source):
    """A model without an explorer."""

    @property
    def explorer(self) -> None:
        """None."""


class Silent(Source):
    """A model that hides what it expects, so that chains of tests follow the first texts."""

    @property
    def piece_words(self) -> None:
        """None."""


def main() -> None:
    """Search all sets in every way, and print the table."""
    with options("large_searches", _flags) as (flags, report):
        path = shared("tasks", "keywords-en.txt")
        if path is None:
            return
        lines = path.read_text(encoding="utf-8").splitlines()
        half = 2 if report.quick else flags.sets // 2
        sets = [line for size in (2, 3) for line in [one for one in lines if one.count(",") == size - 1][:half]]
        request = keyword_request(sets[0], lm=flags.lm, seed=SEED)
        source, other = open_source(request.model, request.reading), open_text_model("en")
        found = {name: [_timed(way, source, line, flags.lm) for line in sets] for name, way in WAYS.items()}
        for name, rows in found.items():
            some = [row for row in rows if row.text]
            log_p = _log_p(source, [row.text for row in some])
            score = log_p + other.log_probs([row.text for row in some])
            score += PER_WORD * np.array([len(row.text.split()) for row in some])
            pieces, seconds = (np.mean([getattr(row, what) for row in rows]) for what in ("pieces", "seconds"))
            report.row(
                name,
                f"score {score.mean():.2f}, log p {log_p.mean():.2f}",
                f"{pieces:,.0f} pieces, {seconds:.2f} s of CPU, texts for {len(some)} of {len(rows)}",
            )
        report.numbers["texts"] = {name: [row.text for row in rows] for name, rows in found.items()}


def _flags(parser: ArgumentParser) -> None:
    parser.add_argument("--lm", default="smollm2", help="a large model")
    parser.add_argument("--sets", type=int, default=24, help="sets of keywords")


def _log_p(source: Source, texts: list[str]) -> Any:
    model = source.text_model
    assert model is not None
    return model.log_probs(texts)


def _timed(way: "Way", source: Source, line: str, lm: str) -> Found:
    model = source.text_model
    assert model is not None
    model.forget()
    before, begun = model.counted()["tokens"], time.process_time()
    try:
        text = way(source, keyword_request(line, lm=lm, seed=SEED))
    except SearchgenError:
        text = ""
    return Found(text, model.counted()["tokens"] - before, time.process_time() - begun)


#: A source and a request to the first text.
Way = Callable[[Source, Request], str]


def _shipped(source: Source, request: Request) -> str:
    return Searcher.of(source).search(request).records[0].text


def _rescored(source: Source, request: Request) -> str:
    """The explorer's 100 best texts, scored; no edits."""
    with _schedule(restart_scored=100, edit_rounds=0):
        return _shipped(source, request)


def _ngrams(source: Source, request: Request) -> str:
    """No explorer: restarts of n-grams, then edits, ranked by association."""
    return _shipped(Alone(source.ref, source.model, source.lexicon, source.threads, source.opened), request)


def _chains(source: Source, request: Request) -> str:
    """Chains of delayed acceptance from the explorer's 40 best texts."""
    with _schedule(test_rounds=8):
        return _shipped(Silent(source.ref, source.model, source.lexicon, source.threads, source.opened), request)


def _smc(source: Source, request: Request) -> str:
    """The best of particles that the large model weighs word by word; n-grams propose them, by exact look-ahead."""
    law = request.but(sampler="smc", count=PARTICLES, terms=PLAIN_TERMS, neural=request.reading)
    records = sample(source, law).records()
    return max(records, key=lambda record: record.log_density).text


WAYS: dict[str, Way] = {
    "explorer, then edits (shipped)": _shipped,
    "explorer, rescored": _rescored,
    "n-grams, then edits": _ngrams,
    "explorer, then chains of delayed acceptance": _chains,
    "SMC, by the model's weight of each prefix": _smc,
}


@contextmanager
def _schedule(**changes: int) -> Iterator[None]:
    with mock.patch.object(transformer_plan, "EXPLORED", replace(EXPLORED, **changes)):
        yield


if __name__ == "__main__":
    main()
