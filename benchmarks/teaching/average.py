"""The mean of the weights of several trainings that began with the same weights.

    python -m benchmarks.teaching.average OUTPUT MODEL:0.4 MODEL:0.6 ...

MODEL is what `lm train --start-from` takes. The mean of weights between a model and its further training often has a lower loss than both
(Wortsman et al., "Robust fine-tuning of zero-shot models", CVPR 2022).
"""

import argparse
import sys
from pathlib import Path

import torch

from benchmarks.teaching.train import write
from searchgen.lm.neural.architectures.llama import Llama
from searchgen.lm.training.warm_start import read_warm_start

__all__ = ["average"]


def main() -> None:
    """Write the folder of the mean."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.teaching.average", description=__doc__)
    parser.add_argument("output", type=Path)
    parser.add_argument("parts", nargs="+")
    flags = parser.parse_args()
    parts = [(name, float(weight)) for name, _, weight in (part.rpartition(":") for part in flags.parts)]
    network, tokenizer = average(parts)
    flags.output.mkdir(parents=True, exist_ok=True)
    write(flags.output, network, tokenizer)


def average(parts: list[tuple[str, float]]) -> tuple[Llama, str]:
    """Return the network of the weighted mean, and the tokenizer that all parts share."""
    starts = [read_warm_start(name) for name, _ in parts]
    first = starts[0]
    if abs(sum(weight for _, weight in parts) - 1) > 1e-9:
        sys.exit(
            f"the weights of {len(parts)} models sum to {sum(weight for _, weight in parts):g}; they must sum to 1"
        )
    for (name, _), start in zip(parts, starts, strict=True):
        if (start.shape, start.tokenizer) != (first.shape, first.tokenizer):
            sys.exit(
                f"{name} has another shape or tokenizer than {parts[0][0]}; name trainings that began with the same weights"
            )
    shares = torch.tensor([weight for _, weight in parts], dtype=torch.float64)
    mean = {
        key: torch.tensordot(
            shares, torch.stack([torch.from_numpy(start.weights[key]).double() for start in starts]), 1
        )
        for key in first.weights
    }
    return Llama(first.shape).take({key: value.float() for key, value in mean.items()}), first.tokenizer


if __name__ == "__main__":
    main()
