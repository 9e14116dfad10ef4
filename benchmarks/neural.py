"""Transformers: batched scoring against a bare forward pass, waiting times, and the value of evaluations and shared passes."""

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks.common import cli, keyword_request, options, shared
from benchmarks.edits import edits_beside_rounds
from benchmarks.neural_curves import compare, sharing
from searchgen.lm import torch_threads
from searchgen.lm.neural.settings import NeuralSettings
from searchgen.lm.neural.transformer import open_transformer
from searchgen.search.searcher import Searcher
from searchgen.sources.source import open_source

SETS = (
    "dog,park,ball",
    "doctor,letter,night",
    "river,boat,song",
    "teacher,window,rain",
    "king,horse,war",
    "train,station,bag",
)

PARTS = ("scoring", "sentences", "edits", "sharing", "curves")

#: Texts in one pass of the bare network; the best of them is compared with.
SIZES = (4, 16, 32, 64, 128, 256)


def flags_of(parser: argparse.ArgumentParser) -> None:
    """Add the flags of this benchmark."""
    parser.add_argument(
        "--model", help="folder of a causal model, or a mixture; by default the small one of the shared folder"
    )
    parser.add_argument("--device", default="auto")
    parser.add_argument("--dtype", default="auto")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS, help="what to measure")
    parser.add_argument("--sets", type=int, default=24, help="keyword sets of the comparison with CGMH")
    parser.add_argument("--times", type=int, nargs="+", default=(1, 3, 10), help="times of a default search")
    parser.add_argument("--together", type=int, default=64, help="searches that share passes")


def main() -> None:
    """Measure, and print the table."""
    torch_threads.claim("a benchmark")  # numbers are those of commands
    with options("neural", flags_of) as (flags, report):
        found = flags.model or shared("models", "tiny-gpt2-en")
        if found is None:
            return
        settings = NeuralSettings(device=flags.device, dtype=flags.dtype)
        if "scoring" in flags.parts:
            scoring(report, str(found), settings, flags.quick)
        if "sentences" in flags.parts:
            sentences(report, str(found), flags.quick)
        if "edits" in flags.parts:
            sets = keyword_sets(6 if flags.quick else 2 * flags.sets)
            edits_beside_rounds(report, opened(str(found), settings).source, sets, str(found))
        if "sharing" in flags.parts:
            searcher, lines = opened(str(found), settings), keyword_sets(12 if flags.quick else flags.together)
            sharing(report, searcher, lines, str(found))
        if "curves" in flags.parts:
            sets = keyword_sets(2 if flags.quick else flags.sets)
            compare(report, opened(str(found), settings).source, sets, str(found), flags.times)


def opened(model: str, settings: NeuralSettings) -> Searcher:
    """Return a model ready to search, its compiled loops and passes warm, with one thread."""
    request = replace(keyword_request(SETS[0], lm=model, seed=1), neural=settings)
    searcher = Searcher.of(open_source(request.model, request.neural))
    searcher.search(request)
    return searcher


def keyword_sets(count: int) -> list[str]:
    """Return keyword sets: the first of the task file, of one to four words, or repetitions of those above."""
    file = shared("tasks", "keywords-en.txt")
    lines = file.read_text(encoding="utf-8").split() if file else []
    return [*lines, *SETS * (count // len(SETS) + 1)][:count]


def scoring(report: Any, model: str, settings: NeuralSettings, quick: bool) -> None:
    """Compare tokens a second with the library's own forward pass and cross-entropy, same texts, dtype, device and threads."""
    import torch
    from transformers import AutoModelForCausalLM

    from searchgen.lm.neural.causal import CausalModel

    ours = open_transformer(model, settings)
    assert isinstance(ours, CausalModel)
    device = ours.network.device
    head = next(iter(ours.network.trunk.parameters()), None)  # type: ignore[attr-defined]
    dtype = ours.network.trunk.head.dtype if head is None else head.dtype  # type: ignore[attr-defined]
    bare = AutoModelForCausalLM.from_pretrained(model, dtype=dtype).to(device).eval()
    texts = texts_of(256 if quick else 1024)
    rows = sorted(ours.spelling.spell(texts), key=len)
    tokens = sum(len(row) - 1 for row in rows)

    def forward(size: int) -> None:
        with torch.inference_mode():
            for first in range(0, len(rows), size):
                part = rows[first : first + size]
                width = max(map(len, part))
                pieces = torch.tensor([row + [0] * (width - len(row)) for row in part], device=device)
                target = pieces[:, 1:].clone()
                for i, row in enumerate(part):
                    target[i, len(row) - 1 :] = -100
                scores = bare(input_ids=pieces[:, :-1], use_cache=False).logits
                torch.nn.functional.cross_entropy(
                    scores.flatten(0, 1).float(), target.flatten(), reduction="none"
                ).cpu()

    def mine() -> None:
        ours.forget()
        ours.log_probs(texts)

    ratios, rates = [], []
    bests = {size: _seconds(lambda size=size: forward(size), 1) for size in SIZES}
    best = min(bests, key=lambda size: bests[size])
    for _ in range(2 if quick else 5):  # in turn: what else the machine does meets both
        theirs, own = _seconds(lambda: forward(best), 1), _seconds(mine, 1)
        ratios.append(theirs / own)
        rates.append((tokens / own, tokens / theirs))
    own_rate, their_rate = (max(column) for column in zip(*rates, strict=True))
    ratio = statistics.median(ratios)
    report.row(f"batched scoring, {device}, {str(dtype)[6:]}", f"{own_rate:,.0f} tokens/s")
    report.row(f"bare forward + cross-entropy, best batch ({best})", f"{their_rate:,.0f} tokens/s")
    report.row("  ratio, median of turns", f"{ratio:.2f}", ">= 0.90", ratio >= 0.9)
    report.numbers |= {"own_tokens": own_rate, "bare_tokens": their_rate, "ratio": ratio, "batch": best}


def texts_of(count: int) -> list[str]:
    """Return distinct sentences like those of a search."""
    from benchmarks.common import ROOT

    lines = (ROOT / "corpora" / "everyday-en.txt").read_text(encoding="utf-8").splitlines()
    return list(dict.fromkeys(line for line in lines if 6 <= len(line.split()) <= 14))[:count]


def _seconds(work: Callable[[], Any], times: int) -> float:
    found = []
    for _ in range(times):
        begun = time.perf_counter()
        work()
        found.append(time.perf_counter() - begun)
    return min(found)


def sentences(report: Any, model: str, quick: bool) -> None:
    """Measure the first sentence of a process and those of later keyword sets."""
    arguments = (
        "constrain",
        "--lm",
        model,
        "--keywords",
        SETS[0],
        "--min-words",
        "6",
        "--max-words",
        "14",
        "--seed",
        "7",
    )
    cli(*arguments)  # fills the cache
    runs = [cli(*arguments) for _ in range(2 if quick else 5)]
    first = min(run.first_line for run in runs)
    report.row("3 keywords, first sentence, whole process", f"{first:.2f} s", "< 4 s", first < 4)
    report.row("  CPU of all threads", f"{min(run.cpu for run in runs):.2f} s")
    requests = [keyword_request(line, lm=model, seed=7, min_words=6, max_words=14) for line in SETS]
    source = open_source(requests[0].model, requests[0].neural)
    searcher, text_model = Searcher.of(source), source.text_model
    assert text_model is not None
    searcher.search(requests[0])
    waits, texts, satisfied = [], 0, True
    before = text_model.counted()["texts"]
    for request in requests[1:]:
        begun = time.perf_counter()
        outcome = searcher.search(request)
        waits.append(time.perf_counter() - begun)
        satisfied &= all(all(record.satisfied.values()) for record in outcome.records)
        texts += len(outcome.records)
    each = (text_model.counted()["texts"] - before) / (len(requests) - 1)
    report.row("  later sets, each: median", f"{np.median(waits):.2f} s", "< 1 s", bool(np.median(waits) < 1))
    report.row("  later sets, each: least and most", f"{min(waits):.2f} to {max(waits):.2f} s")
    report.row("  texts scored for each set", f"{each:.0f}")
    report.row("  texts that satisfy everything", f"{texts if satisfied else 'NOT ALL'} of {texts}", "all", satisfied)
    report.numbers |= {"first": first, "later": waits, "scored": each}


if __name__ == "__main__":
    main()
