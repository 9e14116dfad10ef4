"""How often `constrain` cuts or glues a demanded Chinese word, as an independent segmenter reads its texts.

    python -m benchmarks.cut_words [--lm zh] [--quick]

200 different requests of two nouns, verbs or adjectives of one sentence of corpora/everyday-zh.txt, which no embedded model has read.
The segmenter is jieba with its own dictionary (pip install jieba).
"""

import random
import subprocess
import sys
from pathlib import Path

from benchmarks.common import ROOT, options

__all__ = ["occurrence", "requests"]

#: Requests, and with --quick; the seed of their choice.
REQUESTS, QUICK, SEED = 200, 20, 7

#: Parts of speech of words that are demanded, by their first letter.
PARTS = "nva"


def main() -> None:
    """Search, segment, and print the shares."""
    with options("cut_words", lambda parser: parser.add_argument("--lm", default="zh")) as (flags, report):
        asked = requests(QUICK if flags.quick else REQUESTS)
        command = [sys.executable, "-m", "searchgen", "constrain", "--keywords", "-", "--seed", "1", "--lm", flags.lm]
        given = "".join(",".join(words) + "\n" for words in asked)
        texts = subprocess.run(command, input=given, stdout=subprocess.PIPE, encoding="utf-8", check=True).stdout
        found = [_worst(text, words) for text, words in zip(texts.splitlines(), asked, strict=True)]
        report.row("requests", f"{len(asked)}")
        report.row("a border of the segmenter inside a keyword", f"{found.count('cut') / len(asked):.1%}", "2 %")
        report.row("a keyword inside a longer token", f"{found.count('inside') / len(asked):.1%}")


def requests(count: int) -> list[list[str]]:
    """Return two words of each of so many sentences."""
    from jieba import posseg

    path: Path = ROOT / "corpora" / "everyday-zh.txt"
    chooser = random.Random(SEED)
    lines = path.read_text(encoding="utf-8").splitlines()
    asked: dict[frozenset[str], list[str]] = {}
    while len(asked) < count:
        pairs = posseg.cut(chooser.choice(lines), HMM=False)
        words = sorted({pair.word for pair in pairs if len(pair.word) > 1 and pair.flag[:1] in PARTS})
        if len(words) > 1:
            chosen = chooser.sample(words, 2)
            asked.setdefault(frozenset(chosen), chosen)
    return list(asked.values())


def occurrence(word: str, tokens: list[str]) -> str:
    """Return how a word stands among tokens where it stands best: "whole" as one or several tokens, "inside" one, or "cut".

    Example:
        >>> occurrence("下班", ["他", "下班", "了"]), occurrence("下班", ["一下", "班"]), occurrence("比赛", ["足球比赛"])
        ('whole', 'cut', 'inside')
    """
    text, ends, at = "".join(tokens), {0}, 0
    for token in tokens:
        at += len(token)
        ends.add(at)
    found, start = "cut", text.find(word)
    while start >= 0:
        end = start + len(word)
        if start in ends and end in ends:
            return "whole"
        if not any(start < border < end for border in ends):
            found = "inside"
        start = text.find(word, start + 1)
    return found


def _worst(text: str, words: list[str]) -> str:
    import jieba

    tokens = list(jieba.cut(text, HMM=False))
    return min((occurrence(word, tokens) for word in words), key=["cut", "inside", "whole"].index)


if __name__ == "__main__":
    main()
