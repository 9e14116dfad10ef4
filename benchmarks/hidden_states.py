"""Sentence vectors of the embedded transformers' hidden states: by layer, raw, centred and whitened, beside the shipped vectors.

    python -m benchmarks.hidden_states en CORPORA [--pairs FILE] [--lines 8000]

The pairs are those of `benchmarks.meaning`. The graph in the file of a model gives log p only: here it also gives the sum after each block.
The states of a text's pieces are weighted by 0.001 / (0.001 + p), with p the frequency of the piece in lines of the corpora, and added up.
Mean and covariance are those of the same lines. Numbers are Spearman's rank correlations.
"""

import argparse
import itertools
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import onnx
import onnxruntime

from benchmarks.common import machine
from benchmarks.meaning import Array, Pairs, overlaps, sets, spearman, unit
from benchmarks.word_counts import lines_of
from searchgen.lm.bpe import BEGIN, BytePairs
from searchgen.lm.embedded import data_file
from searchgen.lm.onnx.graph_file import read_graph_file
from searchgen.meaning.vectors import RARE, vectors_of

__all__ = ["States"]

#: Texts that go through the network together, and numbers that whitening leaves.
TOGETHER, SIZES = 64, (32, 64, 128, 256)


@dataclass(eq=False)
class States:
    """Sums of the hidden states of texts.

    Attributes:
        path: a file of `lm export`.
    """

    path: Path

    def __post_init__(self) -> None:
        self.file = read_graph_file(self.path)
        self.pairs = BytePairs.of(self.file.tokenizer)
        self.weight = np.ones(self.file.shape.vocabulary)

    @cached_property
    def session(self) -> onnxruntime.InferenceSession:
        """The network, with the sum after each block as a further result."""
        made = onnx.load_from_string(self.file.content)
        sums = [node.output[0] for node in made.graph.node if node.op_type == "Add"]
        self.blocks = sums[1::2]
        for name in self.blocks:
            made.graph.output.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None))
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        return onnxruntime.InferenceSession(made.SerializeToString(), options, providers=["CPUExecutionProvider"])

    def pieces(self, texts: list[str]) -> list[list[int]]:
        """Return the pieces of texts, as many as the network takes."""
        most = self.file.shape.context - 1
        return [ids[:most] for ids in self.pairs.encode(texts)]

    def weigh(self, lines: list[str]) -> None:
        """Weigh pieces by their frequency in lines."""
        ids = np.fromiter(itertools.chain.from_iterable(self.pieces(lines)), np.int64)
        count = np.bincount(ids, minlength=len(self.weight))
        self.weight = RARE / (RARE + count / count.sum())

    def pooled(self, texts: list[str]) -> Array:
        """Return the weighted mean of each block, (blocks, n, H)."""
        session, begin = self.session, self.pairs.vocabulary[BEGIN]
        out = np.zeros((len(self.blocks), len(texts), self.file.shape.width))
        rows = self.pieces(texts)
        order = sorted(range(len(texts)), key=lambda i: len(rows[i]))
        for first in range(0, len(order), TOGETHER):
            part = order[first : first + TOGETHER]
            length = 1 + max(1, *(len(rows[i]) for i in part))
            padded, weight = np.full((len(part), length), begin, np.int64), np.zeros((len(part), length))
            for row, i in enumerate(part):
                padded[row, 1 : 1 + len(rows[i])] = rows[i]
                weight[row, 1 : 1 + len(rows[i])] = self.weight[rows[i]]
            given = {"pieces": padded, "at": np.array([0]), "target": np.array([0]), "most": np.array([1])}
            for block, states in enumerate(session.run(self.blocks, given)):
                shaped = states.reshape(*padded.shape, -1).astype(np.float64)
                sums = (shaped * weight[:, :, None]).sum(axis=1)
                out[block, part] = sums / np.maximum(weight.sum(axis=1), 1e-12)[:, None]
        return out


def _similarities(first: Array, second: Array, fitted: Array) -> dict[str, Array]:
    """The cosines of pairs of vectors (n, H), each way, by the mean and the covariance of others."""
    mean = fitted.mean(axis=0)
    spread, turned = np.linalg.eigh(np.cov((fitted - mean).T))
    ways = {"raw": (first, second), "centred": (first - mean, second - mean)}
    for size in SIZES:
        whitening = turned[:, -size:] / np.sqrt(spread[-size:] + 1e-12)
        ways[f"whitened {size}"] = ((first - mean) @ whitening, (second - mean) @ whitening)
    return {way: (unit(a) * unit(b)).sum(axis=1) for way, (a, b) in ways.items()}


def compared(states: States, language: str, lines: list[str], pairs: dict[str, Pairs]) -> None:
    """Print the correlations of each block, and of the whitened states together with the shipped vectors."""
    begun = time.process_time()
    fitted = states.pooled(lines)
    print(
        f"{(time.process_time() - begun) / len(lines) * 1e3:.1f} ms of one core a line, {states.file.shape.width} numbers"
    )
    shipped = vectors_of(language)
    for name, (first, second, score) in pairs.items():
        own = (shipped.sentences(first) * shipped.sentences(second)).sum(axis=1)
        shared = overlaps(language, Pairs(first, second, score))
        print(f"{name:<16} shipped {spearman(own, score):.3f}, word overlap {spearman(shared, score):.3f}")
        a, b = states.pooled(first), states.pooled(second)
        for block in range(len(a)):
            ways = _similarities(a[block], b[block], fitted[block])
            ways["whitened 256 and shipped"] = ways["whitened 256"] + own
            shown = ", ".join(f"{way} {spearman(values, score):.3f}" for way, values in ways.items())
            print(f"{name:<16} block {block + 1:>2}: {shown}", flush=True)


def main() -> None:
    """Print the tables of one language."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hidden_states", description=__doc__)
    parser.add_argument("language", choices=("en", "zh"))
    parser.add_argument("corpora", type=Path)
    parser.add_argument("--pairs", type=Path, metavar="FILE")
    parser.add_argument("--lines", type=int, default=8_000)
    flags = parser.parse_args()
    print(", ".join(map(str, machine().values())))
    whole = [line for group in lines_of(flags.corpora, flags.language) for line in group if len(line) < 300]
    lines = whole[:: max(1, len(whole) // flags.lines)][: flags.lines]
    states = States(data_file(flags.language, ".onnx"))
    states.weigh(lines)
    compared(states, flags.language, lines, sets(flags.language, flags.pairs))


if __name__ == "__main__":
    main()
