"""How far models order the texts of held-out requests as the teacher does, and bits a byte of held-out everyday text.

python -m benchmarks.teaching.evaluate FOLDER [--language en] [--lm en,FILE.onnx]
"""

import argparse
from math import log
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import ROOT
from benchmarks.teaching.lists import Labelled, agreement, labelled, split
from searchgen.lm.neural.settings import NeuralSettings
from searchgen.lm.open import open_text_model


def main() -> None:
    """Print a line for each model."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.teaching.evaluate", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--language", choices=("en", "zh"), default="en", help="of the held-out text")
    parser.add_argument("--lm", default="en")
    flags = parser.parse_args()
    learnt, held_out = split(labelled([flags.folder]))
    everyday = f"corpora/everyday-{flags.language}.txt"
    own = [line for line in (ROOT / everyday).read_text(encoding="utf-8").splitlines() if line]
    print(f"{len(learnt)} requests learnt from, {len(held_out)} held out")
    for name in flags.lm.split(","):
        model: Any = open_text_model(name, NeuralSettings(), 1)
        found = agreement([one.log_p for one in held_out], _scores(model, held_out))
        bits = -model.log_probs(own).sum() / log(2) / sum(len(line.encode()) for line in own)
        shown = ", ".join(f"{what} {value:.3f}" for what, value in found.items())
        print(f"{name}: {shown}; {bits:.4f} bits a byte of {everyday}", flush=True)


def _scores(model: Any, requests: list[Labelled]) -> list[Any]:
    scores = model.log_probs([text for one in requests for text in one.texts])
    return np.split(scores, np.cumsum([len(one.texts) for one in requests])[:-1])


if __name__ == "__main__":
    main()
