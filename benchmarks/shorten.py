"""`shorten` on held-out sentences of 15 to 30 words, beside the first words and the most probable subsequence: a sheet for blind readers.

    python -m benchmarks.shorten --sheet sheet.tsv [--lm en] [--count 100] [--max-words 10]

The sentences come from texts that no model has read (CC BY-SA, `en/by-sa` under SEARCHGEN_SHARED). The sheet has a number, the source and a
short text; what made it stands in `sheet.key.tsv`. Readers say of each whether it is fluent, and whether it says something else.
"""

import argparse
import os
import random
import time
from pathlib import Path

from searchgen.request.model_ref import ModelRef
from searchgen.rewriting.shortener import Shortener
from searchgen.sources.source import open_source

__all__ = ["held_out", "main"]

FILES = {"en": ("en/by-sa/enwiki.txt", "en/by-sa/comve.txt"), "zh": ("zh/by-sa/hsk.txt", "zh/by-sa/ud-gsdsimp.txt")}


def held_out(language: str, count: int) -> list[str]:
    """Return sentences of 15 to 30 words, in Chinese characters, as many of each file."""
    shared = Path(os.environ.get("SEARCHGEN_SHARED", "../shared")) / "corpora"
    chosen: list[str] = []
    for name in FILES[language]:
        lines = (shared / name).read_text(encoding="utf-8").splitlines()
        long = [line for line in lines if 15 <= (len(line.split()) if language == "en" else len(line)) <= 30]
        chosen += random.Random(23).sample(long, count // len(FILES[language]))
    return chosen


def main() -> None:
    """Shorten all sentences three ways, and write the sheet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lm", default="en")
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--max-words", type=int, default=10)
    parser.add_argument("--sheet", type=Path, required=True)
    asked = parser.parse_args()
    source = open_source(ModelRef.parse(asked.lm), threads=1)
    ways = {
        "shorten": Shortener(source, asked.max_words),
        "deletion": Shortener(source, asked.max_words, coverage=0.0, cut=0.0),
    }
    rows = []
    begun = time.process_time()
    for text in held_out(asked.lm[:2], asked.count):
        rows += [(text, way, shortener.revise(text)[0].text) for way, shortener in ways.items()]
        rows.append((text, "lead", _lead(text, asked.max_words, asked.lm[:2])))
    random.Random(5).shuffle(rows)
    numbered = list(enumerate(rows, 1))
    head = "number\tsource\tshort\n"
    asked.sheet.write_text(head + "".join(f"{number}\t{text}\t{short}\n" for number, (text, _, short) in numbered))
    key = "".join(f"{number}\t{way}\n" for number, (_, way, _) in numbered)
    asked.sheet.with_suffix(".key.tsv").write_text("number\tway\n" + key)
    print(f"{(time.process_time() - begun) / len(rows):.2f} seconds of CPU a text")


def _lead(text: str, most: int, language: str) -> str:
    """The first words."""
    return " ".join(text.split()[:most]) if language == "en" else text[:most]


if __name__ == "__main__":
    main()
