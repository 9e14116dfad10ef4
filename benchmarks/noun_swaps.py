"""Whether a model prefers a sentence to the same one with two of its nouns swapped: 150 sentences of corpora/everyday-en.txt.

    python -m benchmarks.noun_swaps [--lm en,smollm2,FILE.onnx]

No embedded model has read these sentences. Both nouns have the same number, and are no other part of speech. Large models read ten example
lines first, as for `constrain`. The margin is the mean difference of log p, nats.
"""

import random
import re
from typing import Any

import numpy as np

from benchmarks.common import ROOT, options
from searchgen.lm.catalogue.model import CATALOGUE
from searchgen.lm.neural.settings import NeuralSettings
from searchgen.lm.open import open_text_model

__all__ = ["swaps"]

#: Sentences, and the words that they have.
CASES, LENGTHS = 150, (5, 14)

#: Words that the dictionary has as nouns, and that are none here; and words after which a noun that may be a verb is none.
PRONOUNS = """me you him her it us them my your his its our their mine yours hers ours theirs this that
    something nothing anything everything none"""
DETERMINERS = """a an the my your his her its our their this that these those"""


def main() -> None:
    """Score the pairs, and print the table."""
    with options("noun_swaps", lambda parser: parser.add_argument("--lm", default="en")) as (flags, report):
        pairs = swaps(CASES // 10 if flags.quick else CASES)
        for name in flags.lm.split(","):
            examples = "default-en" if CATALOGUE.matches(name) else ""
            model: Any = open_text_model(name, NeuralSettings(examples=examples), 1)
            right, wrong = np.reshape(model.log_probs([text for pair in pairs for text in pair]), (-1, 2)).T
            margin = right - wrong
            report.row(f"{name}: right of {len(pairs)}", str(int((margin > 0).sum())))
            report.row("  margin, mean and median", f"{margin.mean():.2f}, {np.median(margin):.2f} nats")
            report.numbers[name] = {"right": int((margin > 0).sum()), "margin": float(margin.mean())}


def swaps(count: int, seed: int = 1) -> list[tuple[str, str]]:
    """Return sentences, each with two of its nouns in the wrong places.

    Args:
        count: of sentences.
        seed: of the choice.
    """
    lines = sorted(set((ROOT / "corpora" / "everyday-en.txt").read_text(encoding="utf-8").splitlines()))
    chooser = random.Random(f"noun swaps {seed}")
    chooser.shuffle(lines)
    pairs = []
    for line in lines:
        words = re.findall(r"[A-Za-z']+|[^A-Za-z']+", line)
        before = ["", "", *(word.lower() for word in words)]
        nouns = [
            i for i, word in enumerate(words) if word.islower() and _number(word, before[i] in DETERMINERS.split())
        ]
        two = [
            (i, j)
            for i in nouns
            for j in nouns
            if i < j and words[i] != words[j] and _number(words[i], True) == _number(words[j], True)
        ]
        if two and LENGTHS[0] <= len(line.split()) <= LENGTHS[1] and len(pairs) < count:
            i, j = chooser.choice(two)
            swapped = list(words)
            swapped[i], swapped[j] = words[j], words[i]
            pairs.append((line, "".join(swapped)))
    return pairs


def _number(word: str, determined: bool) -> str:
    """Return NN or NNS of a noun, empty of other words; without a determiner it must be a noun and nothing else."""
    from lemminflect import getAllLemmas

    lemmas = getAllLemmas(word) if word.isalpha() and len(word) > 2 and word not in PRONOUNS.split() else {}
    if "NOUN" not in lemmas or (set(lemmas) != {"NOUN"} and (not determined or set(lemmas) - {"NOUN", "VERB"})):
        return ""
    return "NN" if word in lemmas["NOUN"] else "NNS"


if __name__ == "__main__":
    main()
