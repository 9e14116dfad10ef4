"""`rewrite --keywords` on seeded requests: whether all hold, the edits beside the fewest possible, and seconds a sentence.

    python -m benchmarks.rewriting [--requests 200] [--lm en-ngram] [--show 20]

Texts are lines of the corpora; keywords are one or two words of other lines that the line lacks. The fewest edits are those of the
exact search over (place in the text, state of the automaton).
"""

import argparse
import random
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

from searchgen.demands.demands import Demands
from searchgen.errors import SearchgenError
from searchgen.request.model_ref import ModelRef
from searchgen.request.request import Annealing, Request
from searchgen.rewriting.revision import STEPS
from searchgen.rewriting.rewriter import CLOSENESS, Rewriter
from searchgen.search.searcher import Searcher
from searchgen.sources.source import open_source

__all__ = ["main", "requests_of"]

CORPORA = Path(__file__).parent.parent / "corpora"


def requests_of(language: str, count: int) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield texts, each with the keywords that it must hold and lacks.

    Args:
        language: en or zh.
        count: of requests.
    """
    lines = (CORPORA / f"everyday-{language}.txt").read_text(encoding="utf-8").splitlines()
    draw = random.Random(23)
    for _ in range(count):
        text, words = draw.choice(lines), []
        while len(words) < draw.randint(1, 2):
            other = draw.choice(lines).rstrip(".?!。？！")
            word = _word(other, draw) if language == "en" else _pair(other, draw)
            if word and word.lower() not in text.lower() and word not in words:
                words.append(word)
        yield text, tuple(words)


def _word(line: str, draw: random.Random) -> str:
    """A word of five letters or more."""
    return draw.choice([word for word in line.lower().split() if word.isalpha() and len(word) > 4] or [""])


def _pair(line: str, draw: random.Random) -> str:
    """The two characters that begin a line."""
    del draw
    return line[:2] if line[:2].isalpha() and len(line) > 4 else ""


def main() -> None:
    """Run all requests and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--lm", default="en-ngram")
    parser.add_argument("--closeness", type=float, default=CLOSENESS)
    parser.add_argument("--show", type=int, default=0)
    asked = parser.parse_args()
    searcher = Searcher.of(open_source(ModelRef.parse(asked.lm), threads=2))
    edits, fewest, seconds, failed = [], [], [], 0
    for number, (text, words) in enumerate(requests_of(asked.lm[:2], asked.requests)):
        demands = Demands.nothing(keywords=tuple((word,) for word in words))
        request = Request(demands, lm=asked.lm, seed=number, annealing=Annealing(steps=STEPS))
        rewriter, begun = Rewriter(searcher, request, closeness=asked.closeness), time.perf_counter()
        try:
            (result,) = rewriter.revise(text)
        except SearchgenError as error:
            failed += 1
            print(f"{text} | {', '.join(words)} | {error}")
            continue
        seconds.append(time.perf_counter() - begun)
        edits.append(result.edits)
        fewest.append(rewriter.fewest(text))
        failed += not all(rewriter.judge.judged(result.text).values())
        if number < asked.show:
            print(f"{text} | {', '.join(words)} | {result.text} | {result.edits}")
    print(f"{len(edits)} of {asked.requests} answered, {failed} failed")
    print(f"median edits {statistics.median(edits)}, fewest {statistics.median(fewest)}")
    ratios = [mine / least for mine, least in zip(edits, fewest, strict=True)]
    print(f"edits / fewest: median {statistics.median(ratios):.2f}, mean {statistics.mean(ratios):.2f}")
    print(f"mean edits {statistics.mean(edits):.2f}, fewest {statistics.mean(fewest):.2f}")
    print(f"seconds a sentence: median {statistics.median(seconds):.2f}, largest {max(seconds):.2f}")


if __name__ == "__main__":
    main()
