"""Hard conditions without an automaton under `en`: texts that the transformer scores until the first that holds, and requests answered.

Seeded requests, half with --no-repeats in long texts, half with --lines and --chars-per-line, each searched under several laws of what a
text costs that breaks the condition. Only the law differs: schedule, seeds and models are the same. `0/1 after scoring` knows of a breach
only once a text was scored; the others count the violations of candidates before. A request without an answer counts with all its texts.
"""

import math
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from random import Random
from statistics import mean, median
from unittest import mock

from benchmarks.common import options, shared
from searchgen.lm.protocol import expecting
from searchgen.request.request import Request
from searchgen.search.look_ahead import look_ahead
from searchgen.search.neighbours import EXPECTED
from searchgen.search.softening import Softening, Step, even_charge, smoothed_step
from searchgen.search.transformer_steps import TransformerRun
from searchgen.sources.source import Source, open_source

#: By name: what violations cost, in nats; and whether candidates are judged before they are scored.
LAWS: dict[str, tuple[Step, bool]] = {
    "0/1 after scoring": (lambda violations, width: -math.inf if violations else 0.0, False),
    "0/1": (lambda violations, width: -math.inf if violations else 0.0, True),
    "linear, 2 nats": (lambda violations, width: -2.0 * violations, True),
    "linear, 8 nats": (even_charge, True),
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


def searched(source: Source, request: Request, law: str) -> tuple[int, bool]:
    """Return the texts scored until the first that holds, and whether there is one."""
    step, foresees = LAWS[law]
    charge, runs = Softening.charge, list[TransformerRun]()

    def after_scoring(softening: Softening, text: tuple[int, ...]) -> float:
        scored = runs[0].scored if runs else None
        return charge(softening, text) if scored is not None and text in scored.own else 0.0

    with mock.patch.object(Softening, "charge", charge if foresees else after_scoring):
        run = TransformerRun.begin(source, request, step=step)
        runs.append(run)
        model = source.text_model
        assert model is not None
        model.forget()
        expects = expecting(model)
        assert expects is not None
        expects.note_expected(EXPECTED)
        for _ in run.steps(model):
            if run.scored is not None and any(map(run.softening.holds, run.scored.own)):
                break
        expects.note_expected(0)
    assert run.scored is not None
    texts = [*run.scored.own]
    first = next((number for number, text in enumerate(texts, 1) if run.softening.holds(text)), None)
    return first or len(texts), first is not None


def _flags(parser: ArgumentParser) -> None:
    parser.add_argument("--requests", type=int, default=40)
    parser.add_argument("--kind", default="", help="no repeats, or lines: requests of this kind alone")


def main() -> None:
    """Measure, and print the table."""
    with options("soft_forms", _flags) as (flags, report):
        if shared("tasks", "keywords-en.txt") is None:
            return
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
