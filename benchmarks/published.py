"""Four published objectives, as the specs of `examples/` state them, on held-out lines, beside searchgen's own way to the same task.

    python -m benchmarks.published [--lm en-ngram] [--lines 10] [--spec cgmh] [--show 3]

Each line of the corpus gives what a spec asks for: its two rarest words (cgmh), its rarest (tsmh), or itself (upsa, hc). The recipe of
the paper runs with valid ratios where it draws, as docs/rewriting.md says. The own way of searchgen is `constrain` for the first two, and
`paraphrase` and `shorten` for the others. Both are judged by the density of the best text under the objective, its hard bounds aside. A
run of `sample` is judged by the best of all its draws.
"""

import argparse
import random
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.faults import sentences
from searchgen.errors import SearchgenError
from searchgen.jobs.draws import sample, stated_law
from searchgen.request.from_toml import read_spec
from searchgen.request.model_ref import ModelRef
from searchgen.request.request import PLAIN_TERMS, Annealing, Request
from searchgen.rewriting.paraphraser import Paraphraser
from searchgen.rewriting.shortener import Shortener
from searchgen.samplers.chains.scorer import padded, scorer_of
from searchgen.search.searcher import Searcher
from searchgen.sources.source import Source, open_source

__all__ = ["SPECS", "Answer", "as_published", "main", "own_way", "request_of"]

FOLDER = Path(__file__).parent.parent / "examples"

SPECS = ("cgmh", "tsmh", "upsa", "hc")

#: Words that `hc` leaves out, and draws of a run of `sample`.
LEFT_OUT, DRAWS = 3, 64

#: What an objective does not say of a text: left out when texts of both ways are judged by it.
FREE = {"source": "", "max_edits": None, "regex": "", "keywords": (), "min_words": 1, "max_words": 40}


class Answer(NamedTuple):
    """One run.

    Attributes:
        kind: of its texts.
        text: the best.
        log_density: of the text under the objective, natural log.
        accepted: share of the moves, or of the tests; None: there are none.
        evaluations: texts scored, in whole or in part, after the burn-in of chains; None: not counted.
        seconds: of CPU time.
    """

    kind: str
    text: str
    log_density: float
    accepted: float | None
    evaluations: int | None
    seconds: float


def request_of(spec: str, line: str, source: Source, seed: int) -> Request:
    """Return what a spec asks for with a line in place of its example.

    Args:
        spec: one of `SPECS`.
        line: English, of letters and one stop.
        source: the model.
        seed: of the run.
    """
    words = line.rstrip(".").split()
    rare = sorted(dict.fromkeys(words), key=lambda word: _frequency(word, source))
    if spec == "cgmh":
        given: dict[str, Any] = {"keywords": [[word] for word in words if word in rare[:2]]}
    elif spec == "tsmh":
        given = {"keywords": [[rare[0]]]}
    else:
        given = {"source": line, "similar_to": line}
    if spec == "hc":
        kept = len(words) - LEFT_OUT
        given |= {"max_edits": LEFT_OUT, "min_words": kept, "max_words": kept, "beta": 1 / kept}
    request = read_spec(str(FOLDER / f"{spec}.toml")).request({**given, "lm": source.ref.name, "seed": seed}, seed)
    if request.sampler == "anneal":
        return request
    if source.text_model is not None and request.sampler == "mh":
        request = replace(request, sampler="surrogate", options=())
    return stated_law(replace(request, count=DRAWS))


def _frequency(word: str, source: Source) -> float:
    lexicon = source.lexicon
    ids = [one for one in lexicon.vocabulary.matching(word) if one < len(lexicon.log_unigram)]
    return max((float(lexicon.log_unigram[one]) for one in ids), default=0.0)  # unknown words come last


def as_published(source: Source, request: Request) -> Answer:
    """Run a request as it is: draws of its law, or its search."""
    begun = time.process_time()
    if request.sampler != "anneal":
        draws = sample(source, request).draws
        moves = [sum(row[at] for row in draws.moves.values()) for at in (0, 2)]
        accepted = draws.report.get("acceptance", moves[1] / max(1, moves[0]))
        target = source.target(request)
        best = max(range(len(draws.lengths)), key=lambda at: float(draws.log_density[at]))
        text, seconds = target.printed(draws.texts()[best]), time.process_time() - begun
        return Answer("markov", text, objective(source, request, text), accepted, draws.evaluations, seconds)
    return _searched(source, request)


def _searched(source: Source, request: Request) -> Answer:
    begun = time.process_time()
    outcome = Searcher.of(source).search(request)
    seconds, tally = time.process_time() - begun, outcome.annealed.tally.sum(axis=0)
    texts = [record.text for record in outcome.records]
    densities = [objective(source, request, text) for text in texts]
    best = densities.index(max(densities))
    scored = (outcome.report or {}).get("scored", outcome.annealed.steps)
    return Answer("search", texts[best], densities[best], tally[2] / max(1, tally[0]), scored, seconds)


def own_way(spec: str, source: Source, request: Request, line: str) -> Answer:
    """Run searchgen's own way to the task of a spec; errors as those of the verb."""
    if spec in ("cgmh", "tsmh"):
        search = replace(request, sampler="anneal", options=(), count=1, terms=PLAIN_TERMS, annealing=Annealing())
        return _searched(source, replace(search, class_weight=0.0, association_weight=0.0))
    begun = time.process_time()
    reviser = Paraphraser(source) if spec == "upsa" else Shortener(source, request.max_words or 1)
    text = reviser.revise(line)[0].text
    seconds = time.process_time() - begun
    return Answer("search", text, objective(source, request, text), None, None, seconds)


def objective(source: Source, request: Request, text: str) -> float:
    """Return the log-density of a text, natural log, without the hard bounds of a request."""
    free = request.but(**FREE, terms=PLAIN_TERMS)
    if request.beta != 1.0:
        free = free.but(beta=1 / len(text.split()))
    target = source.target(free)
    ids = tuple(target.vocabulary.encode(target.form.tokenise(text)).tolist())
    return float(scorer_of(target)(*padded([ids], max(target.max_tokens, len(ids))))[0])


def lines_of(count: int, seed: int) -> Sequence[str]:
    """Return held-out lines of 8 to 12 words and one stop."""
    plain = [line for line in sentences("en") if line.endswith(".") and line[:-1].replace(" ", "").isalpha()]
    return random.Random(seed).sample([line for line in plain if 8 <= len(line.split()) <= 12], count)


def compared(spec: str, source: Source, count: int, seed: int) -> Iterator[tuple[str, Answer, Answer]]:
    """Yield lines with both answers; lines without one of them are left out."""
    for number, line in enumerate(lines_of(count, seed)):
        request = request_of(spec, line, source, number)
        try:
            yield line, as_published(source, request), own_way(spec, source, request, line)
        except SearchgenError as error:
            print(f"{spec}: {line} | {error}")


def main() -> None:
    """Run all specs under all models and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lm", action="append")
    parser.add_argument("--spec", action="append", choices=SPECS)
    parser.add_argument("--lines", type=int, default=10)
    parser.add_argument("--seed", type=int, default=23)
    parser.add_argument("--show", type=int, default=0)
    asked = parser.parse_args()
    for lm in asked.lm or ["en-ngram", "en"]:
        source = open_source(ModelRef.parse(lm), threads=2)
        for spec in asked.spec or SPECS:
            rows = [*compared(spec, source, asked.lines, asked.seed)]
            for line, published, own in rows[: asked.show]:
                print(f"{spec}: {line} | {published.text} | {own.text}")
            for way, answers in (("as published", [one for _, one, _ in rows]), ("own way", [one for *_, one in rows])):
                if answers:
                    print(f"{lm:9} {spec:5} {way:13} {_row(answers)}", flush=True)


def _row(answers: Sequence[Answer]) -> str:
    def mean(name: str, form: str) -> str:
        values = [getattr(one, name) for one in answers]
        return format(statistics.mean(values), form) if None not in values else "-"

    numbers = f"accepted {mean('accepted', '.1%')}, objective {mean('log_density', '.2f')}"
    return f"{answers[0].kind:7} {len(answers)} lines, {numbers}, evaluations {mean('evaluations', ',.0f')}, {mean('seconds', '.2f')} s"


if __name__ == "__main__":
    main()
