"""Copied parts of the saved results: the longest run of tokens of each that stands verbatim in the training text.

Case is ignored. Reads benchmarks/results/constrain-*.jsonl, which `python -m benchmarks.tasks --save` writes.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.common import Report, options, shared
from benchmarks.registers import MODELS, files
from benchmarks.tasks import RESULTS
from searchgen.lm.ngram.estimation.reading import read_passages, text_files

FACTOR = np.uint64(0x9E3779B97F4A7C15)


def training_sentences(paths: Sequence[Path], language: str) -> Iterator[str]:
    """Yield the sentences a model is trained on, in lower case, tokens between spaces."""
    for passage in read_passages(text_files(paths), language):
        yield from (sentence.lower() for sentence in passage.sentences)


def longest_runs(outputs: Sequence[Sequence[int]], training: npt.NDArray[np.uint64]) -> list[int]:
    """Return the longest run of each output that stands in the training text, in tokens; id 0 is any other."""
    longest = [0] * len(outputs)
    alive = {i: np.array(ids, np.uint64) for i, ids in enumerate(outputs)}
    places = np.flatnonzero(training)
    n = 0
    while alive and len(places):
        n += 1
        codes = {i: _codes(ids, np.arange(len(ids) - n + 1), n) for i, ids in alive.items() if len(ids) >= n}
        if not codes:
            break
        places = places[places + n <= len(training)]
        found = _codes(training, places, n)
        stands = np.isin(found, np.concatenate(list(codes.values())))
        places, known = places[stands], np.unique(found[stands])
        alive = {i: alive[i] for i, mine in codes.items() if np.isin(mine, known).any()}
        for i in alive:
            longest[i] = n
    return longest


def _codes(ids: npt.NDArray[np.uint64], places: npt.NDArray[np.int64], n: int) -> npt.NDArray[np.uint64]:
    """Return a hash of the n ids from each place on."""
    code = np.zeros(len(places), np.uint64)
    for offset in range(n):
        code = (code ^ ids[places + offset]) * FACTOR
        code ^= code >> np.uint64(29)
    return code


def measure(report: Report, language: str, records: Sequence[dict[str, Any]], paths: Sequence[Path]) -> None:
    """Print the copied parts of one language's results."""
    outputs = [[token.lower() for token in record["tokens"]] for record in records]
    number = {token: i for i, token in enumerate(sorted({token for one in outputs for token in one}), 1)}
    whole = {" ".join(one) for one in outputs}
    copied: set[str] = set()
    stream: list[int] = []
    for sentence in training_sentences(paths, language):
        if sentence in whole:
            copied.add(sentence)
        stream.extend([number.get(token, 0) for token in sentence.split(" ")])
        stream.append(0)
    runs = longest_runs([[number[token] for token in one] for one in outputs], np.array(stream, np.uint64))
    lengths = np.array([len(one) for one in outputs])
    shares = np.array(runs) / lengths
    top = int(np.argmax(runs))
    report.row(f"{language}: {len(outputs)} texts, tokens a text", f"{lengths.mean():.1f}")
    report.row("  longest run found in training, mean", f"{np.mean(runs):.1f} ({shares.mean():.0%})")
    report.row("  longest of all", f"{runs[top]} of {lengths[top]}")
    report.row("  texts that are a training sentence", str(len(copied)), "0", not copied)
    print(f"  longest: {records[top]['text']}")
    for sentence in sorted(copied):
        print(f"  training sentence: {sentence}")
    report.numbers[language] = {"mean_run": float(np.mean(runs)), "longest": runs[top], "sentences": len(copied)}


def main() -> None:
    """Measure, and print the table."""
    with options("copying") as (flags, report):
        corpora = shared("corpora")
        for language, model in MODELS.items():
            file = RESULTS / f"constrain-{language}.jsonl"
            if not file.exists():
                print(f"skipped: no {file.name}; python -m benchmarks.tasks --save writes it")
            if not file.exists() or corpora is None:
                continue
            found = [path for register in model.values() for path in files(corpora, language, register)]
            if flags.quick:
                found = found[:1]
            records = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
            measure(report, language, [record for record in records if record["text"]], found)


if __name__ == "__main__":
    main()
