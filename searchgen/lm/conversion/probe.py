"""Whether a text makes sense to readers, read off the hidden states of a network that has read it.

    sense(x) = a . mean of the states of x's pieces  +  b . state of its last piece  +  c

in natural log odds of a strict reader's verdict: fine is 1, odd 0.35, broken 0. A linear probe (Alain and Bengio, "Understanding
intermediate layers using linear classifier probes", 2016): logistic regression on verdicts of readers (`benchmarks/sense.py`), for the
file of one model, in one language, behind the example lines that come with searchgen. It leads and ranks searches; no law has it.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from searchgen.lm.conversion.prefix_tree import PrefixTree
from searchgen.lm.examples import DEFAULT
from searchgen.lm.neural.settings import NeuralSettings

__all__ = ["Probe", "pooled", "probe_of", "probe_path"]

DATA = Path(__file__).parents[1] / "data"

#: Digits of a file's hash in the name of its probe.
DIGITS = 12


@dataclass(frozen=True, eq=False)
class Probe:
    """A linear probe.

    Attributes:
        mean: (H,) float64, the weights a of the mean.
        last: (H,) float64, the weights b of the last piece.
        constant: c.
    """

    mean: npt.NDArray[np.float64]
    last: npt.NDArray[np.float64]
    constant: float

    def sense(self, tree: PrefixTree, states: npt.NDArray[np.float32]) -> list[float]:
        """Return the sense of each text of a tree, from the hidden states of its nodes, (N, H)."""
        weights = np.append(self.mean, self.last)
        # Row by row: a product of matrices would depend on how many rows it has, in its last bits.
        return [float((weights * row).sum() + self.constant) for row in pooled(tree, states)]


def pooled(tree: PrefixTree, states: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Return of each text the mean of its states and the last, (B, 2 H).

    Args:
        tree: of rows that begin with a piece of what stands before all texts, which does not count.
        states: (N, H) of the nodes.
    """
    lengths = np.maximum(tree.lengths, 1).tolist()  # of no text at all there is that piece only
    own = [nodes[min(1, length - 1) : length] for nodes, length in zip(tree.node, lengths, strict=True)]
    return np.array([np.append(states[nodes].mean(axis=0), states[nodes[-1]]) for nodes in own], np.float64)


def probe_path(content: str, language: str) -> Path:
    """Return where the probe of a model is, by the SHA-256 of its file and the language of the texts."""
    return DATA / f"sense-{language}-{content[:DIGITS]}.npy"


def probe_of(content: str, settings: NeuralSettings) -> Probe | None:
    """Return the probe of a model that reads texts as it did when the probe was taught; None: there is none.

    Args:
        content: the SHA-256 of its file.
        settings: how texts are read.

    Example:
        >>> probe_of("0" * 64, NeuralSettings(examples="default-en")) is None
        True
    """
    kind, _, language = settings.examples.partition("-")
    path = probe_path(content, language)
    if kind != DEFAULT or not path.is_file():
        return None
    numbers = np.load(path).astype(np.float64)
    half = len(numbers) // 2
    return Probe(numbers[:half], numbers[half : 2 * half], float(numbers[-1]))
