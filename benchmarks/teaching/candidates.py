"""The best different texts that the search finds for each request: the mistakes that the student is to unlearn are among them.

    python -m benchmarks.teaching.candidates FOLDER [--lm en] [--part 1/1]

`--part I/N` does every N-th request only, so that N processes can share them.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path

from benchmarks.teaching.labels import spread
from benchmarks.teaching.records import Records
from searchgen.errors import SearchgenError
from searchgen.ranking.diversity import diverse
from searchgen.request.model_ref import ModelRef
from searchgen.request.request import Request
from searchgen.search.searcher import Searcher
from searchgen.sources.source import open_source

__all__ = ["candidates"]

#: Texts of a request, half of them the best; and the share of their word pairs that two of these may have in common.
TEXTS, SHARED = 24, 0.8


def main() -> None:
    """Search, going on where the file ends."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.teaching.candidates", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--lm", default="en")
    parser.add_argument("--part", default="1/1")
    flags = parser.parse_args()
    lines = (flags.folder / "requests.jsonl").read_text(encoding="utf-8").splitlines()
    source = open_source(ModelRef.parse(flags.lm), Request(lm=flags.lm).reading, threads=1)
    searcher = Searcher.of(source)
    first, step = map(int, flags.part.split("/"))
    header = {"lm": source.hash, "texts": TEXTS, "part": flags.part}
    path = flags.folder / (f"candidates-{first}.jsonl" if step > 1 else "candidates.jsonl")
    records = Records(path, header, "remove it to begin again")
    for line in lines[first - 1 :: step][records.done :]:
        words = json.loads(line)
        records.add({"words": words, "texts": candidates(searcher, words, flags.lm)})


def candidates(searcher: Searcher, words: list[list[str]], lm: str) -> list[str]:
    """Return texts of a request: its best different ones, and others evenly from the rest; none where the search finds none."""
    request = Request(keywords=tuple(map(tuple, words)))
    try:
        outcome = searcher.search(replace(request, lm=lm, seed=1))
    except SearchgenError:
        return []
    vocabulary = searcher.source.target(outcome.request).vocabulary
    tokens = [vocabulary.decode(text) for text in outcome.annealed.texts]
    chosen = diverse([[token for token in one if token[:1].isalnum()] for one in tokens], TEXTS // 2, SHARED)
    chosen += spread([i for i in range(len(tokens)) if i not in set(chosen)], TEXTS - len(chosen))
    return [searcher.source.model.text_form.detokenise(tokens[i]) for i in chosen]


if __name__ == "__main__":
    main()
