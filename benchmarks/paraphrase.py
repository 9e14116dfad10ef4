"""`paraphrase` on held-out sentences, beside plain replacement of words, as blind sheets for readers.

    python -m benchmarks.paraphrase en SHEET.tsv [--lm en] [--count 100]

Sentences are seeded lines of corpora/, which no model and no vector has seen. Of each the sheet has two texts in random order: one of
`paraphrase`, and one in which the same number of words are replaced by their nearest neighbours, whatever the model says. The
columns are number, source and text; SHEET.tsv.key names the maker of each.
"""

import argparse
import random
import statistics
import time
from pathlib import Path

from searchgen.errors import NotFound
from searchgen.request.model_ref import ModelRef
from searchgen.rewriting.paraphraser import Paraphraser
from searchgen.sources.source import open_source

__all__ = ["main", "plainly"]

CORPORA = Path(__file__).parent.parent / "corpora"


def plainly(paraphraser: Paraphraser, text: str, changes: int, draw: random.Random) -> str:
    """Return a text with some words replaced by their nearest neighbours."""
    form = paraphraser.source.lexicon.vocabulary.form
    pieces = paraphraser.pieces(tuple(form.tokenise(text)))
    options = paraphraser.options(pieces, ())
    free = [place for place, one in enumerate(options) if len(one) > 1]
    chosen = set(draw.sample(free, min(changes, len(free))))
    tokens = [token for place, one in enumerate(options) for token in one[place in chosen]]
    return form.detokenise(tokens)


def main() -> None:
    """Write the sheet and its key, and print the counts."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.paraphrase", description=__doc__)
    parser.add_argument("language", choices=("en", "zh"))
    parser.add_argument("sheet", type=Path)
    parser.add_argument("--lm")
    parser.add_argument("--count", type=int, default=100)
    flags = parser.parse_args()
    draw = random.Random(23)
    lines = (CORPORA / f"everyday-{flags.language}.txt").read_text(encoding="utf-8").splitlines()
    paraphraser = Paraphraser(open_source(ModelRef.parse(flags.lm or flags.language), threads=2))
    rows, seconds, overlaps = [], [], []
    for line in draw.sample(lines, flags.count):
        begun = time.process_time()
        try:
            (best,) = paraphraser.revise(line)
        except NotFound as error:
            print(f"{line}: {error}")
            continue
        seconds.append(time.process_time() - begun)
        overlaps.append(best.overlap)
        pair = [("paraphrase", best.text), ("plain", plainly(paraphraser, line, len(best.changes), draw))]
        draw.shuffle(pair)
        rows += [(line, text, maker) for maker, text in pair]
    numbered = list(enumerate(rows, 1))
    flags.sheet.write_text("".join(f"{i}\t{source}\t{text}\n" for i, (source, text, _) in numbered), encoding="utf-8")
    key = flags.sheet.with_name(f"{flags.sheet.name}.key")
    key.write_text("".join(f"{i}\t{maker}\n" for i, (_, _, maker) in numbered), encoding="utf-8")
    print(f"{len(seconds)} of {flags.count} answered, mean overlap {statistics.mean(overlaps):.2f}, ", end="")
    print(f"seconds of one core a sentence: median {statistics.median(seconds):.2f}, largest {max(seconds):.2f}")


if __name__ == "__main__":
    main()
