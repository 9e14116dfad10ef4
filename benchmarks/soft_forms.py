"""Hard conditions without an automaton under `en`: texts that the transformer scores until the first that holds, and requests answered.

Seeded requests, half with --no-repeats in long texts, half with --lines and --chars-per-line, each searched under several laws of what a
text costs that breaks the condition. Only the law differs: schedule, seeds and models are the same. `0/1 after scoring` knows of a breach
only once a text was scored; the others count the violations of candidates before. A request without an answer counts with all its texts.
"""

import math
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from statistics import mean, median
from unittest import mock

import numpy as np

from benchmarks.common import Report, options, shared
from searchgen.errors import NotFound
from searchgen.jobs.draws import job_of, stated_law
from searchgen.lm.protocol import expecting
from searchgen.request.request import Request
from searchgen.samplers.diagnostics.weights import effective_sample_size
from searchgen.samplers.weighted.smc.bridge import NARROWEST, smoothed_step
from searchgen.search.look_ahead import look_ahead
from searchgen.search.neighbours import EXPECTED
from searchgen.search.softening import EACH, Softening
from searchgen.search.transformer_steps import TransformerRun
from searchgen.sources.source import Source, open_source

#: Violations of a hard term, and a width, to natural-log units.
Step = Callable[[int, float], float]

#: Particles of a run of `smc`.
PARTICLES = 200

#: By name: what violations cost, in nats; and whether candidates are judged before they are scored.
LAWS: dict[str, tuple[Step, bool]] = {
    "0/1 after scoring": (lambda violations, width: -math.inf if violations else 0.0, False),
    "0/1": (lambda violations, width: -math.inf if violations else 0.0, True),
    "linear, 2 nats": (lambda violations, width: -2.0 * violations, True),
    "linear, 8 nats": (lambda violations, width: -EACH * violations, True),
    "ladder": (smoothed_step, True),
}


def requests(count: int, seed: int) -> Iterator[tuple[str, Request]]:
    """Yield the kind of each request, and the request."""
    file = shared("tasks", "keywords-en.txt")
    assert file is not None
    sets = [line.strip().split(",") for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    chance = Random(seed)
    for number in range(count):
        words = tuple((word.strip(),) for word in chance.choice(sets)[:2])
        if number % 2:
            low = chance.randint(16, 24)
            yield "lines", Request(keywords=words, seed=number, lines=4, chars_per_line=f"{low}..{low + 1}")
        else:
            yield "no repeats", Request(keywords=words, seed=number, repeats=False, min_words=45, max_words=60)


@dataclass(eq=False)
class Sharpening:
    """A law of what violations cost, whose width falls geometrically from pass to pass of a search.

    Attributes:
        step: the law.
        foresees: whether candidates are judged before they are scored.
        scale: first width of each hard term: the median of the violations first seen.
        share: of the passes that is behind.
        run: the search.
    """

    step: Step
    foresees: bool
    scale: tuple[float, ...] = ()
    share: float = 0.0
    run: TransformerRun | None = None

    def charge(self, softening: Softening, text: tuple[int, ...]) -> float:
        """Return what the terms add to the log-density of a text."""
        scored = self.run.scored if self.run else None
        if not self.foresees and (scored is None or text not in scored.own):
            return 0.0
        counts = softening.violations(text)[: len(softening.hard)]
        widths = [scale * (NARROWEST / scale) ** self.share for scale in self.scale or (1.0,) * len(counts)]
        return sum(map(self.step, counts, widths)) + softening.weight(text)

    def sharpen(self, share: float) -> None:
        """Make hard terms harder, and what was scored denser or less dense."""
        assert self.run is not None
        softening, scored = self.run.softening, self.run.scored
        if scored is None:
            return
        self.share = share
        if not self.scale and scored.own:
            columns = np.array([softening.violations(text)[: len(softening.hard)] for text in scored.own], float).T
            self.scale = tuple(max(1.0, float(np.median(c[c > 0]))) if c.any() else 1.0 for c in columns)
        charged = {text: own + self.charge(softening, text) for text, own in scored.own.items()}
        scored.density = {text: density for text, density in charged.items() if density > -math.inf}


def searched(source: Source, request: Request, law: str) -> tuple[int, bool]:
    """Return the texts scored until the first that holds, and whether there is one."""
    sharpening = Sharpening(*LAWS[law])
    with mock.patch.object(Softening, "charge", lambda softening, text: sharpening.charge(softening, text)):
        run = sharpening.run = TransformerRun.begin(source, request)
        model = source.text_model
        assert model is not None
        model.forget()
        expects = expecting(model)
        assert expects is not None
        expects.note_expected(EXPECTED)
        passes = run.plan.passes(source.piece_words is not None)
        for number, _ in enumerate(run.steps(model)):
            sharpening.sharpen(number / passes)
            if run.scored is not None and any(map(run.softening.holds, run.scored.own)):
                break
        expects.note_expected(0)
    assert run.scored is not None
    texts = [*run.scored.own]
    first = next((number for number, text in enumerate(texts, 1) if run.softening.holds(text)), None)
    return first or len(texts), first is not None


#: Steps from soft to hard on the rungs of `smc`: what violations cost, in nats.
RUNGS: dict[str, Step] = {
    "smoothed step": smoothed_step,
    "linear": lambda violations, width: -violations / width,
}


def led(source: Source, request: Request, particles: int, *settings: str) -> tuple[int, float]:
    """Return the texts that were given to the functions, and the effective number of different draws; 0: none keeps the lines."""
    request = stated_law(request.but(sampler="smc", count=particles, options=settings, lm="en-ngram", max_words=30))
    _, sampler, job = job_of(source, request)
    try:
        draws = sampler.draw(job)
    except NotFound:
        return particles, 0.0
    weight: dict[tuple[int, ...], float] = {}
    for text, log_weight in zip(draws.texts(), draws.log_weight.tolist(), strict=True):
        weight[text] = np.logaddexp(weight.get(text, -np.inf), log_weight)
    return draws.evaluations - particles, effective_sample_size(np.array([*weight.values()]))


def measure_rungs(asked: Sequence[Request], report: Report) -> None:
    """Print the effective draws of `smc` by the step on its rungs, and of as many texts judged at once."""
    source = open_source(Request(keywords=(("dog",),), lm="en-ngram").model)
    found: dict[str, list[tuple[int, float]]] = {name: [] for name in (*RUNGS, "at once")}
    for request in asked:
        for name, step in RUNGS.items():
            with mock.patch("searchgen.samplers.weighted.smc.bridge.smoothed_step", step):
                found[name].append(led(source, request, PARTICLES))
        texts = max(found[name][-1][0] for name in RUNGS)
        found["at once"].append(led(source, request, texts, "soften=1", "rejuvenate=1"))
        print(f"  smc: {[results[-1] for results in found.values()]}", file=sys.stderr, flush=True)
    for name, results in found.items():
        effective = [number for _, number in results]
        answered = sum(number > 0 for number in effective)
        spent = mean(texts for texts, _ in results)
        report.row(
            f"smc, {name}",
            f"{answered} of {len(results)}; effective: median {median(effective):.1f}, mean {mean(effective):.1f}; texts: {spent:.0f}",
        )
        report.numbers[f"smc, {name}"] = {"answered": answered, "effective": effective}


def _flags(parser: ArgumentParser) -> None:
    parser.add_argument("--requests", type=int, default=40)
    parser.add_argument("--kind", default="", help="no repeats, or lines: requests of this kind alone")
    parser.add_argument(
        "--smc", action="store_true", help="only the rungs of the sampler smc, on the requests for lines"
    )


def main() -> None:
    """Measure, and print the table."""
    with options("soft_forms", _flags) as (flags, report):
        if shared("tasks", "keywords-en.txt") is None:
            return
        if flags.smc:
            every = requests(4 if flags.quick else flags.requests, 22)
            return measure_rungs([request for kind, request in every if kind == "lines"], report)
        source = open_source(Request(keywords=(("dog",),)).model)
        asked = [*requests(4 if flags.quick else flags.requests, 22)]
        asked = [one for one in asked if flags.kind in ("", one[0])]
        found: dict[str, list[tuple[str, int, bool]]] = {law: [] for law in LAWS}
        for number, (kind, request) in enumerate(asked):
            ahead = look_ahead(source, request)
            with mock.patch("searchgen.search.transformer_steps.look_ahead", lambda *_, ahead=ahead: ahead):
                for law, results in found.items():
                    results.append((kind, *searched(source, request, law)))
            print(f"  {number} {kind}: {[results[-1][1:] for results in found.values()]}", file=sys.stderr, flush=True)
        for law, results in found.items():
            for kind in dict.fromkeys(kind for kind, _ in asked):
                counts = [(texts, answered) for one, texts, answered in results if one == kind]
                texts = [texts for texts, _ in counts]
                answered = sum(answered for _, answered in counts)
                spent = f"median {median(texts):g}, mean {mean(texts):.1f}"
                report.row(f"{kind}, {law}", f"{answered} of {len(counts)}; texts: {spent}")
                report.numbers[f"{kind}, {law}"] = {"answered": answered, "texts": texts}


if __name__ == "__main__":
    main()
