"""Scoring running text: searchgen against KenLM's probing model through its Python module, same model, text and run.

KenLM is optional: `pip install kenlm`. It reads the same model from an ARPA file that searchgen writes. The text is
everyday sentences and a book of the training text if they are available, else the project's small corpus.
Both sides are timed in turns by CPU time, on one thread; the best of each counts.
"""

import tempfile
import time
from itertools import islice
from pathlib import Path
from types import ModuleType

import numpy as np

from benchmarks.common import ROOT, Report, options, shared
from searchgen.lm.ngram.load import load
from searchgen.lm.ngram.model import NGram
from searchgen.lm.ngram.scoring import score_sequences
from searchgen.lm.ngram.storage.arpa_writing import write_arpa
from searchgen.text.sentences import sentences

BOOK = "books/jerome-k-jerome_three-men-in-a-boat.txt"


def text(model: NGram, most: int) -> list[str]:
    """Return sentences, their tokens joined by spaces."""
    folder = shared("corpora", "en")
    files = [ROOT / "corpora" / "everyday-en.txt"] if folder is None else [folder / "tatoeba.txt", folder / BOOK]
    form = model.text_form
    found: list[str] = []
    for file in files:
        lines = file.read_text(encoding="utf-8").splitlines()
        read = (" ".join(form.tokenise(one)) for line in lines for one in sentences(line, form))
        found += islice(read, most // 2)
    return found


def model_for(quick: bool) -> NGram:
    """Return the shipped model; for a quick run a small one, whose ARPA file is soon written."""
    model = load("en")
    if not quick:
        return model
    lines = (ROOT / "corpora" / "everyday-en.txt").read_text(encoding="utf-8").splitlines()
    return NGram.from_sentences([model.text_form.tokenise(line) for line in lines], order=5, form="en")


class Kenlm:
    """The same model, read by KenLM."""

    def __init__(self, module: ModuleType, model: NGram) -> None:
        config = module.Config()
        config.show_progress = False
        config.arpa_complain = module.ARPALoadComplain.NONE
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "model.arpa"
            write_arpa(model, file)
            self.model = module.Model(str(file), config)

    def scores(self, lines: list[str]) -> list[float]:
        """Return log10 p of each line."""
        score = self.model.score
        return [score(line) for line in lines]


def compare(report: Report, quick: bool) -> None:
    """Time both sides in turns."""
    model = model_for(quick)
    lines = text(load("en"), 4_000 if quick else 40_000)
    offsets = np.append(0, np.cumsum([line.count(" ") + 1 for line in lines])).astype(np.int64)
    ids = model.ids(token for line in lines for token in line.split(" "))
    count = len(ids) + len(lines)
    score_sequences(model.tables, ids, offsets)
    try:
        import kenlm  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        kenlm = None
    other = Kenlm(kenlm, model) if kenlm else None
    least = {"ids": 1e9, "strings": 1e9, "kenlm": 1e9}
    ours, theirs = np.zeros(0), np.zeros(0)
    for _ in range(3 if quick else 7):
        for name in least:
            begun = time.process_time()
            if name == "kenlm":
                theirs = np.array(other.scores(lines)) if other else theirs
            else:
                found = ids if name == "ids" else model.ids(" ".join(lines).split(" "))
                ours = score_sequences(model.tables, found, offsets)
            least[name] = min(least[name], time.process_time() - begun)
    rate = {name: count / max(1e-9, took) / 1e6 for name, took in least.items()}
    report.row("text", f"{count:,} n-grams")
    report.row("searchgen, ids at hand", f"{rate['ids']:.2f} M n-grams/s")
    report.row("searchgen, from strings", f"{rate['strings']:.2f} M n-grams/s")
    if other is None:
        report.row("KenLM", "not installed: pip install kenlm", ">= 1.4 x")
        return
    ratio = rate["ids"] / rate["kenlm"]
    report.row("KenLM, probing, kenlm.Model.score", f"{rate['kenlm']:.2f} M n-grams/s")
    report.row("searchgen / KenLM", f"{ratio:.2f} x", ">= 1.4 x", ratio >= 1.4)
    report.row("  from strings", f"{rate['strings'] / rate['kenlm']:.2f} x")
    report.row("largest difference of a sentence's log10 p", f"{np.abs(ours / np.log(10) - theirs).max():.1e}")
    report.numbers |= {"rates": rate, "ratio": ratio}


def main() -> None:
    """Measure, and print the table."""
    with options("scoring") as (flags, report):
        compare(report, flags.quick)


if __name__ == "__main__":
    main()
