"""The n-gram model, the transformer and both mixed word by word, on held-out lines of each source.

Neither model has seen the lines, because `lm build --held-out 5` and `lm train` leave out the same ones. Perplexity is per word (a
token of the n-gram model, ends included), with unknown words spelled letter by letter.

    searchgen lm build ../shared/corpora/en -o held-out.sgm --held-out 5 ; searchgen lm train ../shared/corpora/en -o en-lm
    python -m benchmarks.mixture en-lm held-out.sgm
"""

import argparse
from collections.abc import Mapping, Sequence
from math import exp, log
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.common import options, shared
from searchgen.lm.boundaries import PrefixLogProbs
from searchgen.lm.mixture import NGramPart, mixed
from searchgen.lm.neural.settings import NeuralSettings
from searchgen.lm.ngram.load import load
from searchgen.lm.ngram.model import NGram
from searchgen.lm.onnx.export import export
from searchgen.lm.onnx.model import open_graph
from searchgen.lm.training.corpus import read_sentences

#: Percentage of the sentences that neither model has seen.
HELD_OUT = 5.0

#: What no model here has learnt.
VERSE = "tang"

#: Held-out lines of each source that are scored, and weights of the transformer that are tried.
LINES, QUICK_LINES = 600, 60
WEIGHTS = np.round(np.arange(0.0, 1.01, 0.05), 2)

Floats = npt.NDArray[np.float64]


def flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags of this benchmark."""
    parser.add_argument("folder", type=Path, help="that searchgen lm train wrote")
    parser.add_argument("ngram", type=Path, help="an n-gram model built with --held-out 5")
    parser.add_argument("--lang", default="en", choices=("en", "zh"))


def main() -> None:
    """Measure, and print the table."""
    with options("mixture", flags) as (given, report):
        corpora = shared("corpora", given.lang)
        if corpora is None:
            return
        ngram = load(given.ngram)
        lines = held_out(corpora, given.lang, QUICK_LINES if given.quick else LINES)
        parts = scored(ngram, transformers(given.folder), [line for group in lines.values() for line in group])
        words = np.array([len(ngram.text_form.tokenise(line)) + 1 for group in lines.values() for line in group])
        sizes = np.array([len(line.encode()) for group in lines.values() for line in group])
        table(report, lines, parts, words, sizes)


def held_out(corpora: Path, form: str, most: int) -> dict[str, list[str]]:
    """Return held-out lines by source: those with the first hashes."""
    sources = [
        path for path in sorted(corpora.iterdir()) if path.stem != VERSE and (path.is_dir() or path.suffix == ".txt")
    ]
    return {path.stem: read_sentences([path], form, HELD_OUT, None).held_out[:most] for path in sources}


def transformers(folder: Path) -> dict[str, Path]:
    """Return the network with 32 and with 8 bits a weight."""
    made = {f"transformer, {bits} bits": folder / f"model-{bits}.onnx" for bits in (32, 8)}
    for bits, path in zip((32, 8), made.values(), strict=True):
        export(folder, path, bits)
    return made


def scored(ngram: NGram, graphs: Mapping[str, Path], lines: Sequence[str]) -> dict[str, list[PrefixLogProbs]]:
    """Return prefix scores of all lines under each model, the n-gram model first."""
    found = {"n-grams": NGramPart(ngram).prefix_log_probs(lines)}
    for name, path in graphs.items():
        found[name] = open_graph(name, path, NeuralSettings()).prefix_log_probs(lines)
    return found


def whole(begun: PrefixLogProbs) -> float:
    """Return natural log p of a line, its end included."""
    return float(begun.log_p[-1] + begun.log_end)


def log_p(parts: Sequence[Sequence[PrefixLogProbs]], weight: float) -> Floats:
    """Return natural log p of each line under a mixture of two models, the second with a weight."""
    if weight in (0.0, 1.0):
        return np.array([whole(one) for one in parts[int(weight)]])
    weights = np.log([1 - weight, weight])
    return np.array([whole(mixed(both, weights)) for both in zip(*parts, strict=True)])


def table(
    report: Any, lines: Mapping[str, Sequence[str]], parts: Mapping[str, Any], words: Floats, sizes: Floats
) -> None:
    """Print bits a byte by source, the best weight, and perplexities."""
    names = list(parts)
    pair = [parts[names[0]], parts[names[2]]]  # with what is shipped
    curve = {weight: log_p(pair, weight) for weight in WEIGHTS.tolist()}
    best = max(curve, key=lambda weight: float(curve[weight].sum()))
    rows = {names[0]: curve[0.0], names[1]: log_p([parts[names[0]], parts[names[1]]], 1.0), names[2]: curve[1.0]}
    rows |= {"half and half": curve[0.5], f"{1 - best:g} n-grams, {best:g} transformer": curve[best]}
    ends = np.cumsum([len(group) for group in lines.values()])
    places = {"all lines": slice(None)} | {
        name: slice(end - len(lines[name]), end) for name, end in zip(lines, ends.tolist(), strict=True)
    }
    for place, where in places.items():
        for name, values in rows.items():
            report.row(f"{place}: {name}, bits a byte", f"{-values[where].sum() / log(2) / sizes[where].sum():.3f}")
        perplexity = {name: exp(-values[where].sum() / words[where].sum()) for name, values in rows.items()}
        alone = min(perplexity[names[0]], perplexity[names[2]])
        gain = 1 - list(perplexity.values())[-1] / alone
        shown = ", ".join(f"{value:.1f}" for value in perplexity.values())
        report.row("  perplexities in the same order", shown)
        report.row("  mixture below the better of its parts", f"{gain:.1%}", ">= 15 %", gain >= 0.15)
    report.numbers["curve"] = {
        str(weight): float(-values.sum() / log(2) / sizes.sum()) for weight, values in curve.items()
    }
    print("bits a byte by weight of the transformer:", {w: round(v, 3) for w, v in report.numbers["curve"].items()})


if __name__ == "__main__":
    main()
